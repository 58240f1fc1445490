"""The campaign of programs: sequences of anything that may happen, on every kind of store."""

import random
from collections.abc import Iterator

from tests.machine.programs import run_programs
from tests.torture.campaign import Campaign, Trial

BLOCK = 20
"""How many programs are drawn at once: each search begins with the simplest there is."""

KINDS = ("memory", "memory", "memory", "openai", "openai", "local")
LENGTHS = (20, 50)


def try_programs(size: int, seed: int) -> Iterator[Trial]:
    """Try `size` programs in blocks, each of one kind and length and with a seed of its own."""
    chance = random.Random(seed)
    for begun in range(0, size, BLOCK):
        kind, steps, draw = chance.choice(KINDS), chance.choice(LENGTHS), chance.randrange(10**6)
        ran = run_programs(kind, min(BLOCK, size - begun), steps=steps, draw=draw)
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
