"""The campaign of programs: sequences of anything that may happen, on every kind of store."""

import random
from collections.abc import Iterator
from itertools import cycle

from tests.machine.programs import run_programs
from tests.torture.campaign import Campaign, Trial

BLOCKS = {"memory": 20, "openai": 10, "local": 10}
"""How many programs of each kind are drawn at once: a search begins with the simplest there is."""

LENGTHS = (20, 50)


def try_programs(size: int, seed: int) -> Iterator[Trial]:
    """Try `size` programs in blocks of each kind in turn, each with a seed of its own."""
    chance = random.Random(seed)
    left, kinds = size, cycle(BLOCKS)
    while left:
        kind, steps, draw = next(kinds), chance.choice(LENGTHS), chance.randrange(10**6)
        block = min(BLOCKS[kind], left)
        left -= block
        ran = run_programs(kind, block, steps=steps, draw=draw)
        name = f"{kind}, seed {draw}, at most {steps} steps"
        for number, length in enumerate(ran.lengths, 1):
            yield Trial(f"{name}, program {number} of {length}", f"{kind}: repaired")
        if ran.fault:
            yield Trial(name, f"{kind}: fell", (ran.fault,))


PROGRAMS = Campaign(
    name="programs",
    claim=(
        "Whatever people do to the repository, its clones, the notes and the store, and whatever "
        "ends a run early, in any order: one clean run of each target later the store is the tree."
    ),
    short=6,
    long=300,
    trials=try_programs,
    not_covered=(
        "A program has one run under way at a time, or two of one target that take turns.",
        "What a killed process leaves on disk, such as locks, is seen to by the campaign `kills`.",
    ),
)
