"""A claim, and the trials that could prove it wrong."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Trial:
    """One attempt to prove a claim wrong."""

    name: str
    """What was tried; with the campaign's seed it finds the trial again."""

    outcome: str
    """How it ended, in one or two words that many trials share."""

    faults: tuple[str, ...] = ()
    """What was wrong; nothing where the claim stood."""


Trials: TypeAlias = Callable[[int, int], Iterator[Trial]]
"""Tries so many times, drawn by a seed. May end earlier where there is no more to try."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A claim that users rely on, and how it is tried."""

    name: str
    """One word."""

    claim: str
    """One sentence that is true of every trial."""

    short: int
    """How many trials the tests make."""

    long: int
    """How many trials `make torture` makes."""

    trials: Trials
    not_covered: tuple[str, ...] = ()
    """What the trials leave out, a sentence each."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of a campaign."""

    name: str
    seed: int
    size: int
    """How many trials were asked for."""

    tried: int
    """How many there are, or there was time for."""

    seconds: float
    outcomes: tuple[tuple[str, int], ...]
    """How often each outcome was met, the most frequent first."""

    failed: tuple[Trial, ...]
    """The trials in which something was wrong."""

    @property
    def command(self) -> str:
        """What repeats it, and goes on where there was no time for all."""
        return f"python -m tests.torture {self.name} --size {self.size} --seed {self.seed}"


def hold(
    campaign: Campaign,
    size: int,
    seed: int,
    tell: Callable[[Trial], None] = lambda _: None,
    *,
    limit: float = math.inf,
) -> Tally:
    """Try a claim `size` times, and `tell` of each trial as it ends.

    After `limit` seconds no other trial is begun.
    """
    began, outcomes = time.monotonic(), Counter[str]()
    failed = []
    for trial in campaign.trials(size, seed):
        outcomes[trial.outcome] += 1
        if trial.faults:
            failed.append(trial)
        tell(trial)
        if time.monotonic() - began > limit:
            break
    seconds = time.monotonic() - began
    counts = tuple(outcomes.most_common())
    return Tally(campaign.name, seed, size, outcomes.total(), seconds, counts, tuple(failed))
