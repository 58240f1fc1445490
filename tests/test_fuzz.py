"""What the fuzzer calls, without a fuzzer: good inputs are read, and bent ones refused."""

import random

import pytest

from tests.fuzz.target import READERS, make_seeds, try_bytes

SEEDS = list(make_seeds())


@pytest.mark.parametrize("seed", SEEDS, ids=[read.__name__ for read in READERS])
def test_seeds_and_their_like(seed: bytes) -> None:
    """A seed, and what becomes of it by chance, never ends in an error of another kind."""
    chance = random.Random(0)
    for _ in range(200):
        bent = bytearray(seed)
        for _ in range(chance.randrange(4)):
            bent[chance.randrange(1, len(bent))] = chance.randrange(256)
        try_bytes(bytes(bent))


def test_seeds_are_good() -> None:
    """Each seed is read to its end: the fuzzer starts from where much is possible."""
    for seed in SEEDS:
        READERS[seed[0]](seed[1:])
