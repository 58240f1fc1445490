"""One line of the results: what was measured, what stood beside it, and what was aimed at."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Unit: TypeAlias = Literal["s", "B", "MB", "requests", "blobs", "chunks", "chunks/s"]


@dataclass(frozen=True, slots=True)
class Aim:
    """The most that a row may show."""

    limit: float
    is_ratio: bool = False
    """Whether the ratio is limited, and not the value in its unit."""


@dataclass(frozen=True, slots=True)
class Peer:
    """What stood beside us in the same run, measured in the same unit."""

    name: str
    samples: tuple[float, ...]

    @property
    def value(self) -> float:
        """The median."""
        return statistics.median(self.samples)


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement; the samples of ours and of the peer alternate."""

    name: str
    files: int
    """How many documents the repository has."""

    unit: Unit
    samples: tuple[float, ...]
    peer: Peer | None = None
    aim: Aim | None = None

    @property
    def value(self) -> float:
        """The median."""
        return statistics.median(self.samples)

    @property
    def ratio(self) -> float | None:
        """How many times the peer's; None where nothing stands beside us."""
        return self.value / self.peer.value if self.peer and self.peer.value else None

    @property
    def is_met(self) -> bool | None:
        """Whether the aim is met; None where there is none."""
        if self.aim is None:
            return None
        measured = self.ratio if self.aim.is_ratio else self.value
        return measured is not None and measured <= self.aim.limit


def sort_rows(rows: Sequence[Row]) -> list[Row]:
    """Bring rows of one name together, in the order in which the names came first."""
    order = {name: number for number, name in enumerate(dict.fromkeys(row.name for row in rows))}
    return sorted(rows, key=lambda row: order[row.name])


def find_missed(rows: Sequence[Row]) -> list[Row]:
    """The rows whose aim is not met."""
    return [row for row in rows if row.is_met is False]
