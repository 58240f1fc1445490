"""What a run has done so far: outcomes folded into edits of the manifest (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vectornator.errors import Foreign
from vectornator.model import (
    Delete,
    Done,
    Entry,
    Failed,
    Manifest,
    Outcome,
    Relabel,
    Rename,
    Update,
)
from vectornator.state.ledger import MAX_AHEAD, MAX_LISTED, Ledger, Note


@dataclass(slots=True)
class Edits:
    """The edits that a run owes to the manifest, and the copies it still must remove."""

    before: dict[str, Entry | None] = field(default_factory=dict)
    """What each edited path was when this run first changed it."""

    after: dict[str, Entry | None] = field(default_factory=dict)
    """What each edited path is now; None for a path that is gone."""

    leftovers: dict[str, str] = field(default_factory=dict)
    """Copies that must still go: path by file id."""

    outcomes: list[Outcome] = field(default_factory=list)

    def record(self, outcome: Outcome) -> None:
        """Fold one outcome in.

        A failed change leaves the manifest as it is, but for an entry that turned out to
        name a foreign copy: that is struck, so that the next run knows better.
        """
        self.outcomes.append(outcome)
        change = outcome.change
        if isinstance(outcome, Failed):
            if isinstance(change, Delete) and isinstance(outcome.error, Foreign):
                self.set_entry(change.path, None, was=change.entry)
            return
        match change:
            case Delete():
                self.set_entry(change.path, None, was=change.entry)
            case Rename():
                self.set_entry(change.old_path, None, was=change.entry)
                self.set_entry(change.path, outcome.entry, was=None)
                self._leave(change.entry, change.old_path, outcome.entry)
            case Update() | Relabel():
                self.set_entry(change.path, outcome.entry, was=change.entry)
                self._leave(change.entry, change.path, outcome.entry)
            case _:
                self.set_entry(change.path, outcome.entry, was=None)

    def set_entry(self, path: str, entry: Entry | None, *, was: Entry | None) -> None:
        """Note what a path is now, and what it was before this run."""
        self.before.setdefault(path, was)
        self.after[path] = entry

    def _leave(self, old: Entry, path: str, new: Entry | None) -> None:
        """Note that a copy must go if another one took its place."""
        if new and new.file_id != old.file_id:
            self.leftovers[old.file_id] = path

    def adopt(self, known: Manifest, manifest: Manifest) -> None:
        """Note entries that are right as they stand but not yet saved in this form."""
        for path, entry in known.items():
            self.set_entry(path, entry, was=manifest.get(path))

    def mark_saved(self) -> None:
        """Take the edits as saved: what follows is told apart from them."""
        self.before = dict(self.after)

    @property
    def is_saved(self) -> bool:
        """Whether no entry was edited since the last save."""
        return self.before == self.after

    def forget(self, file_id: str) -> None:
        """Strike a leftover that is gone."""
        self.leftovers.pop(file_id, None)

    def overlay(self, manifest: Manifest) -> dict[str, Entry]:
        """The entries of `manifest` with this run's edits on top."""
        merged = {**manifest, **self.after}
        return {path: entry for path, entry in merged.items() if entry is not None}

    @property
    def growth(self) -> int:
        """How many more entries the manifest has than before."""
        now = sum(entry is not None for entry in self.after.values())
        return now - sum(entry is not None for entry in self.before.values())

    @property
    def failed(self) -> list[Failed]:
        """The changes that did not happen."""
        return [outcome for outcome in self.outcomes if isinstance(outcome, Failed)]

    def rebase(self, theirs: Manifest, *, prefers_ours: bool) -> None:
        """Carry the edits over onto the entries that another run has saved meanwhile.

        `theirs` holds their entries of the edited paths. What one run alone has changed stays
        changed; of two copies of the same path, one is preferred. A copy outlives a delete, as
        the next round tells whether it is wanted. Failures are dropped: that round tries again.
        """
        for path, ours in list(self.after.items()):
            other, was = theirs.get(path), self.before[path]
            self.before[path] = other
            if _id_of(other) in {_id_of(was), _id_of(ours)}:
                continue
            is_theirs = ours is None or _id_of(ours) == _id_of(was)
            if is_theirs or (other is not None and not prefers_ours):
                self.after[path] = other
        self.outcomes = [outcome for outcome in self.outcomes if isinstance(outcome, Done)]


def _id_of(entry: Entry | None) -> str:
    return entry.file_id if entry else ""


def close_ledger(ledger: Ledger, edits: Edits, goal: Ledger, *, is_complete: bool) -> Ledger:
    """The ledger to save: `goal` when everything settled, else the old base with more ahead.

    `goal` names the commit, tree and fingerprints that the run was after. The base moves only
    when every document of its commit is settled; until then the paths that are settled go
    into `ahead`, and a base with too much ahead of it is dropped.
    """
    ahead = ledger.ahead | edits.after.keys()
    if is_complete:
        kept = replace(goal, ahead=frozenset())
    elif len(ahead) > MAX_AHEAD or not ledger.base:
        kept = replace(ledger, base="", tree="", ahead=frozenset())
    else:
        kept = replace(ledger, ahead=ahead)
    return replace(
        kept,
        sequence=ledger.sequence + 1,
        documents=max(0, ledger.documents + edits.growth),
        leftovers=dict(edits.leftovers),
        last_sync=goal.last_sync,
        commit=goal.commit,
    )


def write_note(
    ledger: Ledger, edits: Edits, *, asked: Ledger, status: str, counts: Mapping[str, int]
) -> Note:
    """The note on the commit that a run was asked to sync: what it did, in a few kilobytes.

    `asked` is the goal that the run began with, whatever commit it ended at.
    """
    written = {path: entry for path, entry in sorted(edits.after.items()) if entry}
    deleted = sorted(path for path, entry in edits.after.items() if entry is None)
    failed = {failure.change.path: failure.message[:200] for failure in edits.failed}
    return Note(
        commit=asked.commit,
        tree=asked.tree,
        base=ledger.base,
        status=status,
        last_sync=asked.last_sync,
        provider=asked.provider,
        store_id=asked.store_id,
        target=asked.target,
        counts=counts,
        files=dict(list(written.items())[:MAX_LISTED]),
        deleted=tuple(deleted[:MAX_LISTED]),
        failed=dict(list(failed.items())[:MAX_LISTED]),
        truncated=max(len(written), len(deleted), len(failed)) > MAX_LISTED,
    )
