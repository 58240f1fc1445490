"""What there is to tell: the record of a run, the status of a target, an entry of its log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vectornator.adoption import Adoption
from vectornator.drift import Finding
from vectornator.model import (
    Change,
    Delete,
    Done,
    Failed,
    Outcome,
    Plan,
    Relabel,
    Rename,
    Update,
    Upload,
)

RunStatus: TypeAlias = Literal[
    "synced",
    "repaired",
    "no-changes",
    "planned",
    "partial",
    "superseded",
    "interrupted",
    "failed",
    "blocked",
]
"""How a run ended; a stable word for machines."""

Command: TypeAlias = Literal["sync", "plan", "repair"]
"""The commands that run the engine."""

_EXIT_CODES: Mapping[RunStatus, int] = {
    "synced": 0,
    "repaired": 0,
    "no-changes": 0,
    "planned": 0,
    "superseded": 0,
    "partial": 1,
    "failed": 1,
    "blocked": 3,
    "interrupted": 130,
}

_COUNT_NAMES: Mapping[type[Change], str] = {
    Upload: "added",
    Update: "updated",
    Rename: "renamed",
    Relabel: "relabelled",
    Delete: "deleted",
}


@dataclass(frozen=True, slots=True)
class Record:
    """Everything worth telling about one run; every report is made from it alone."""

    command: Command
    status: RunStatus
    provider: str
    store_id: str
    """Empty as long as there is no store."""

    target: str
    commit: str
    """The commit that was synced; empty for a source without commits."""

    base: str = ""
    """The commit that the store was in line with before."""

    is_dry: bool = False
    """Whether the run ended before its first change because it was told to."""

    findings: tuple[Finding, ...] = ()
    """What a repair found in disarray, the worst first."""

    plan: Plan = field(default_factory=Plan)
    outcomes: tuple[Outcome, ...] = ()
    documents: int = 0
    """How many documents of this target the store holds after the run."""

    started: float = 0.0
    """In seconds since the epoch."""

    seconds: float = 0.0
    bytes_uploaded: int = 0
    requests: int = 0
    """What the store was sent; calls of the contract where the provider can't tell."""

    retries: int = 0
    saved_to: str = ""
    """The ref or file that keeps the state; empty when nothing was saved."""

    state_commit: str = ""
    """The commit of the notes ref that holds the state, if one does."""

    remarks: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many documents were added, updated, and so on; for a plan, how many would be."""
        counts = dict.fromkeys(_COUNT_NAMES.values(), 0)
        done = [outcome.change for outcome in self.outcomes if isinstance(outcome, Done)]
        for change in self.plan if self.is_plan else done:
            counts[_COUNT_NAMES[type(change)]] += 1
        counts["unchanged"] = self.plan.unchanged
        counts["skipped"] = len(self.plan.skipped)
        counts["failed"] = len(self.failures)
        return counts

    @property
    def failures(self) -> tuple[Failed, ...]:
        """The changes that did not happen."""
        return tuple(outcome for outcome in self.outcomes if isinstance(outcome, Failed))

    @property
    def is_plan(self) -> bool:
        """Whether the run only said what it would do."""
        return self.is_dry or self.command == "plan"

    @property
    def changed(self) -> bool:
        """Whether the store was changed; for a plan, whether it would be."""
        counts = self.counts
        return any(counts[name] for name in _COUNT_NAMES.values())

    @property
    def exit_code(self) -> int:
        """The exit code of the command; a run that raised has the error's instead."""
        return _EXIT_CODES[self.status]


@dataclass(frozen=True, slots=True)
class Status:
    """How a target stands: what its ledger says beside what the repository says."""

    provider: str
    store_id: str
    target: str
    commit: str
    """The commit that `HEAD`, or the revision asked for, stands for."""

    base: str
    """The commit that the store is completely in line with; empty before the first sync."""

    last_sync: str
    """In UTC as ISO 8601; empty before the first sync."""

    documents: int
    ahead: int = 0
    """Paths settled since the base by runs that did not complete."""

    leftovers: int = 0
    """Replaced copies that still must go."""

    in_sync: bool | None = None
    """None when it can't be told without walking the repository."""

    storage: str = ""
    """The ref or file that keeps the state."""


@dataclass(frozen=True, slots=True)
class Verification:
    """How a ledger, its store and the commit it is of agree."""

    provider: str
    store_id: str
    target: str
    base: str
    """The commit that the store should be in line with; empty when there is none."""

    documents: int
    """How many the ledger has."""

    copies: int
    """How many copies in the store are ours."""

    foreign: int
    """How many are not; they are nobody's business here."""

    findings: tuple[Finding, ...] = ()
    """Every disagreement, the worst first."""

    is_compared: bool = False
    """Whether the ledger could be compared with the commit as well."""

    storage: str = ""
    """The ref or file that keeps the state."""

    remarks: tuple[str, ...] = ()

    @property
    def is_in_line(self) -> bool:
        """Whether nothing disagrees."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was taken over of another source, or would be."""

    provider: str
    store_id: str
    source: str
    """What the copies are called after."""

    target: str
    former: str
    """Whose the copies were, as it was asked for."""

    adoption: Adoption
    is_dry: bool = False
    is_interrupted: bool = False
    failed: Mapping[str, str] = field(default_factory=dict)
    """Why copies could not be adopted, by path."""

    documents: int = 0
    """How many documents the ledger has after it."""

    saved_to: str = ""
    """The ref or file that keeps the state; empty when nothing was saved."""

    remarks: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether there was nothing that could not be done."""
        return not self.failed and not self.is_interrupted


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One sync of the past, as its note tells it."""

    commit: str
    base: str
    time: str
    """In UTC as ISO 8601."""

    status: str
    provider: str
    store_id: str
    counts: Mapping[str, int]
    subject: str
    """The first line of the commit's message."""
