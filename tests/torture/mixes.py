"""The campaign of faults in any mix, in simulated time."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.mixes import Mix
from tests.torture.campaign import Campaign, Trial


def try_mixes(size: int, seed: int) -> Iterator[Trial]:
    """Try the mixes of the seeds from `seed` on; each fiftieth has a document of 64 MB."""
    for number in range(seed, seed + size):
        with tempfile.TemporaryDirectory(prefix="mixes-") as folder:
            verdict = Mix(Path(folder), number).run(with_large=number % 50 == 49)
        last = verdict.endings[-1].partition(":")[0]
        faults = verdict.problems and (*verdict.problems, *verdict.endings)
        yield Trial(f"seed {number}", last, faults)


MIXES = Campaign(
    name="mixes",
    claim=(
        "Whatever mix of refusals, lost answers, wrong answers and broken connections a run meets, "
        "one clean run later the store is the tree, and no updated document was ever missing."
    ),
    short=25,
    long=1000,
    trials=try_mixes,
    not_covered=("Time-outs are simulated: no trial waits minutes for a silent server.",),
)
