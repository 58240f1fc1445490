"""Kills a sync at every moment there is, lets another one run, and tells what is wrong then."""

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from tests.openai_server.call import Request
from tests.openai_server.faults import Act, Fault, Reset
from tests.openai_server.state import State
from tests.torture.campaign import Campaign, Trial
from tests.torture.oracle import Presence, find_faults
from tests.torture.scene import Point, Scene

Kind: TypeAlias = Literal["store", "git", "disk"]
KILLED = -9


@dataclass(frozen=True, slots=True)
class Kill:
    """One moment of a run."""

    kind: Kind
    """A request to the store, one to the git server, or a step on disk."""

    number: int
    when: Literal["before", "after"]
    """Before the request has any effect, or after it and before its answer is sent."""

    def __str__(self) -> str:
        return f"{self.when} {self.kind} {self.number}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one kill, and of the runs after it."""

    kills: tuple[Kill, ...]
    was_killed: bool
    """False when the run ended before its moment came."""

    faults: tuple[str, ...]


def list_kills(scene: Scene) -> list[Kill]:
    """Every moment of the run that is to come, found by a run that nobody kills."""
    point = Point(0, "")
    scene.git.on_request.append(point)
    steps = scene.count_steps()
    requests = len(scene.openai.ledger.of())
    scene.restore()
    moments: list[Kill] = []
    counts: tuple[tuple[Kind, int], ...] = (("store", requests), ("git", point.seen["after"]))
    for kind, count in counts:
        for number in range(1, count + 1):
            moments += [Kill(kind, number, "before"), Kill(kind, number, "after")]
    return moments + [Kill("disk", number, "before") for number in range(1, steps + 1)]


def try_kills(scene: Scene, *kills: Kill) -> Verdict:
    """Kill one run after the other, each at its moment, then let two run to their ends."""
    scene.restore()
    foreign = scene.list_foreign()
    before = {str((one.attributes or {}).get("path")) for one in scene.ours}
    presence = Presence(scene, before & scene.read_tree().keys())
    scene.openai.watch(presence.look)
    codes = [_run_killed(scene, kill) for kill in kills]
    last = scene.run("sync")
    faults = [] if last.code == 0 else [f"the clean run ended with {last.code}: {last.err}"]
    faults += [*presence.absences, *find_faults(scene, foreign)]
    return Verdict(kills, KILLED in codes, tuple(faults))


def _run_killed(scene: Scene, kill: Kill) -> int:
    if kill.kind == "disk":
        return scene.run("sync", last=kill.number).code
    point = Point(kill.number, kill.when)
    running = scene.start("sync")
    point.process = running.process
    if kill.kind == "git":
        scene.git.on_request.append(point)
    elif kill.when == "after":
        scene.openai.watch(lambda _state, _record: point.pass_by("after"))
    else:
        scene.openai.add_fault(_kill_before(point))
    code = running.wait().code
    scene.git.on_request.clear()
    scene.openai.clear_faults()
    return code


def _kill_before(point: Point) -> Fault:
    """A fault that ends the run as its Nth request arrives, and the request with it."""

    def act(_state: State, _request: Request) -> None:
        point.strike()

    return Fault(Act(act), (Reset("before"),), name="killed", nth=point.number)


def choose(kills: list[Kill], number: int, seed: int) -> Iterator[tuple[Kill, ...]]:
    """Draw moments: most alone, each fifth one followed by another kill of the next run."""
    chance = random.Random(seed)
    for index, kill in enumerate(chance.sample(kills, min(number, len(kills))), 1):
        yield (kill, chance.choice(kills)) if index % 5 == 0 else (kill,)


def try_moments(size: int, seed: int) -> Iterator[Trial]:
    """Kill a sync at `size` moments drawn by `seed`, or at each there is."""
    with tempfile.TemporaryDirectory(prefix="kills-") as folder, Scene(Path(folder)) as scene:
        scene.advance()
        scene.save()
        scene.restore()
        for kills in choose(list_kills(scene), size, seed):
            verdict = try_kills(scene, *kills)
            outcome = "repaired" if verdict.was_killed else "over before it was killed"
            yield Trial(", then ".join(map(str, kills)), outcome, verdict.faults)


KILLS = Campaign(
    name="kills",
    claim=(
        "A run that is killed before or after any request to the store or to git, or before any "
        "step on disk, is put right by the next run."
    ),
    short=4,
    long=1000,
    trials=try_moments,
)
