"""What a store remembers of a target's runs: whether the ledger tells all, and who is at work."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

LIFETIME = 3600.0
"""How long a run counts as being at work, in seconds, unless it says so again."""

MOST = 28
"""How many runs are remembered; OpenAI takes 512 characters."""

_RUN = re.compile(r"[0-9a-f]{1,9}-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Mark:
    """One target's mark; as text `clean 7`, or `dirty 7` and the runs that may be at work.

    A run is the second, in hexadecimal, from which on it counts as over, and a name: what it
    stored is in no ledger for certain until it is gone from the mark, or over when the store is
    listed. A run that is killed never leaves by itself.
    """

    state: str = ""
    """`clean`, `dirty`, or nothing in a store that remembers nothing."""

    sequence: str = ""
    """That of the ledger it was made with."""

    runs: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, words: str) -> Self:
        """Read a mark; what is no run is passed over."""
        state, _, rest = words.partition(" ")
        sequence, *runs = rest.split() or [""]
        return cls(state, sequence, frozenset(filter(_RUN.fullmatch, runs)))

    def __str__(self) -> str:
        """The mark as it is kept; where there are too many runs, those over first are left out."""
        runs = sorted(self.runs, key=lambda run: (_read_end(run), run))[-MOST:]
        return " ".join([self.state, self.sequence, *runs])

    def find_over(self, now: float) -> frozenset[str]:
        """The runs that are over at `now`, in seconds since the epoch."""
        return frozenset(run for run in self.runs if _read_end(run) <= now)

    def join(self, sequence: int, *, run: str, was: str = "") -> Self:
        """The mark while a run is at work that called itself `was` before."""
        return type(self)("dirty", str(sequence), self.runs - {was} | {run})

    def leave(self, sequence: int, over: Iterable[str]) -> Self:
        """The mark once runs are over whose doings the ledger tells all of."""
        others = self.runs.difference(over)
        return type(self)("dirty" if others else "clean", str(sequence), others)


def make_run(name: str, end: float) -> str:
    """A run by its name of six hexadecimal digits that is over at `end`."""
    return f"{int(end):x}-{name}"


def needs_listing(refresh: str, mark: Mark | None, sequence: int | None) -> bool:
    """Tell whether the store must be listed before the manifest is believed.

    `mark` is what the store remembers of the last run, None where it can't remember anything;
    `sequence` is the ledger's, None where there is no ledger. Whatever the two don't agree on
    is a reason, and so is a store that remembers nothing; one that can't remember is listed when
    there is no ledger. It may hold what a lost ledger described.
    """
    if refresh != "auto":
        return refresh == "always"
    if mark is None:
        return sequence is None
    return mark.state != "clean" or mark.sequence != str(sequence or 0)


def _read_end(run: str) -> int:
    return int(run.partition("-")[0], 16)
