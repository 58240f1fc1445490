"""Runs programs: each is a sequence of anything that may happen, drawn by a seed."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machines import LocalMachine, MemoryMachine, OpenAIMachine
from tests.machine.world import World

MACHINES: Mapping[str, type[World]] = {
    "memory": MemoryMachine,
    "openai": OpenAIMachine,
    "local": LocalMachine,
}
"""By what keeps the store."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of some programs."""

    lengths: tuple[int, ...]
    """How many steps each program had."""

    fault: str = ""
    """What one of them found wrong, with the shortest program that shows it."""


def run_programs(kind: str, number: int, *, steps: int, draw: int, is_shrunk: bool = True) -> Ran:
    """Run `number` programs of at most `steps` steps, drawn by `draw`; the first fault ends it."""
    machine: type[World] = type(kind, (MACHINES[kind],), {"lengths": [], "seen": []})
    found = ""
    try:
        run_state_machine_as_test(
            seed(draw)(machine),
            settings=settings(
                max_examples=number,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                phases=(Phase.generate, Phase.shrink) if is_shrunk else (Phase.generate,),
                suppress_health_check=list(HealthCheck),
            ),
        )
    except Exception as error:  # noqa: BLE001  (whatever a program ends with is what it found)
        places = traceback.extract_tb(error.__traceback__)
        where = next((it for it in reversed(places) if "/machine/" in it.filename), places[-1])
        program = "\n".join(getattr(error, "__notes__", ())).replace("state.count_step()\n", "")
        found = f"{type(error).__name__} in {where.name}: {error}\n{program}"
        found += "".join(f"\nfirst seen: {it}" for it in machine.seen[:1])
    return Ran(tuple(machine.lengths[:number]), found)
