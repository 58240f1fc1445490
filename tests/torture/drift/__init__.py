"""The campaign of drifts: what others do to store, ledger and history is mended or refused."""

import random
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from tests.torture.campaign import Campaign, Trial
from tests.torture.drift.histories import HISTORIES
from tests.torture.drift.ledgers import LEDGERS
from tests.torture.drift.place import Place
from tests.torture.drift.sorts import Drift
from tests.torture.drift.tampering import TAMPERING
from tests.torture.drift.trials import MENDS, Attempt

DRIFTS: tuple[Drift, ...] = (*TAMPERING, *LEDGERS, *HISTORIES)


def try_drifts(size: int, seed: int) -> Iterator[Trial]:
    """Let each drift meet each command, in an order drawn by `seed`; each third is a mix."""
    chance = random.Random(seed)
    pairs = [(drift, route) for drift, route in product(DRIFTS, MENDS) if _fits(drift, route)]
    singles = [((drift,), route) for drift, route in pairs]
    chance.shuffle(singles)
    with tempfile.TemporaryDirectory(prefix="drift-") as folder, Place(Path(folder)) as place:
        for number in range(size):
            if number % 3 == 2 or not singles:
                drifts, route = _mix(chance), chance.choice(tuple(MENDS))
            else:
                drifts, route = singles.pop()
            yield _try(place, drifts, route, chance.randrange(1 << 32))


def _fits(drift: Drift, route: str) -> bool:
    return not (drift.needs_ledger and "--rebuild" in route)


def _mix(chance: random.Random) -> tuple[Drift, ...]:
    """Two or three drifts of different kinds: another one of a kind would often undo the first."""
    kinds = chance.sample((TAMPERING, LEDGERS, HISTORIES), chance.choice((2, 2, 3)))
    return tuple(chance.choice([drift for drift in kind if not drift.is_single]) for kind in kinds)


def _try(place: Place, drifts: tuple[Drift, ...], route: str, seed: int) -> Trial:
    chance = random.Random(seed)
    random.seed(seed)  # the retries draw their waits from the one generator there is
    with_commit = chance.random() < 0.5
    outcome, faults = Attempt(place, drifts, chance).carry_out(route, with_commit=with_commit)
    names = ", ".join(drift.name for drift in drifts)
    ending = ", after another commit" if with_commit else ""
    return Trial(f"{names}: {route}{ending} ({seed})", outcome, faults)


DRIFT = Campaign(
    name="drift",
    claim=(
        "Whatever others do to the store, to the ledger or to history, a run puts it right or is "
        "refused with a reason, `verify` never calls it in line, and nothing is removed wrongly."
    ),
    short=9,
    long=300,
    trials=try_drifts,
    not_covered=(
        "A copy whose File is gone and that the store still calls completed is not noticed.",
        "Attributes beside Vectornator's own that somebody edits are neither noticed nor put back.",
        "Two copies that exchange all their marks can be told only by a ledger, not by a rebuild.",
        "A copy whose path and key contradict each other is removed by the repair after a rebuild.",
        "Drift while a run is under way is the matter of other campaigns.",
    ),
)
