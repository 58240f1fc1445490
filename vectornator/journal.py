"""The state of one run: the ledger it succeeds, the edits it owes, and the saving of both."""

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from vectornator.drift import Drift, Finding, reconcile
from vectornator.edits import Edits, close_ledger, write_note
from vectornator.errors import (
    Foreign,
    ProviderError,
    Refused,
    Rejected,
    StateConflict,
    Withheld,
)
from vectornator.git.failures import Unreachable
from vectornator.git.objects import Oid
from vectornator.marks import LIFETIME, Mark, make_run, needs_listing
from vectornator.model import Binding, Delete, Entry, Manifest, Outcome, RemoteFile
from vectornator.providers.base import MarksStore
from vectornator.session import Session
from vectornator.state.ledger import Ledger

_LEAVING = (
    "upload_file",
    "update_file",
    "stage_file",
    "attach_files",
    "delete_file",
    "remove_stray",
)
"""The calls that store something, or take something away."""

_LAST_SECONDS = 0.4
"""How long a run that was asked to stop waits for the store to know that it ended."""


class Journal:
    """What is known of the store, kept up to date as outcomes settle.

    Only the calling thread touches it. `remark` is told what the user should know.
    """

    def __init__(self, session: Session, remark: Callable[[str], None]) -> None:
        self.ledger: Ledger | None = None
        """The ledger this run succeeds; None when there is none for this store."""

        self.edits = Edits()
        self.state_commit = ""
        """The id of the last save; empty as long as nothing was saved."""

        self.drift: Drift | None = None
        """What the first listing of the store showed; None as long as it was not listed."""

        self.is_doubtful = False
        """Whether something may be left behind that this run could not look for."""

        self.miscount = 0
        """By how many documents more than it names the ledger was found to count."""

        self._asked: Ledger | None = None
        self._mark = Mark()  # what the store remembers of this target, as far as this run knows
        self._name = secrets.token_hex(3)
        self._run = ""  # what this run is called in the mark, while it is in there
        self._over: frozenset[str] = frozenset()  # the runs that the last listing tells all of
        self._session = session
        self._remark = remark
        self._last_save = time.monotonic()

    @property
    def is_refreshed(self) -> bool:
        """Whether the store was listed, so that every entry is in question."""
        return self.drift is not None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """In what the store and the ledger were found to disagree."""
        return self.drift.findings if self.drift else ()

    @property
    def documents(self) -> int:
        """How many documents the store holds of this target."""
        return (self.ledger.documents if self.ledger else 0) + self.edits.growth

    @property
    def base(self) -> Oid:
        """The commit that the manifest matches completely; empty when there is none."""
        return self.ledger.base if self.ledger else ""

    def load(self, *, has_store: bool, former: str = "") -> None:
        """Take the ledger over if it is of the store in use; else start from an empty one.

        That of the source `former` becomes this source's.

        A run that makes the ledger anew starts from an empty one, whatever there is. Raises
        `Refused` for a ledger of another source: its copies would not be ours to remove, and
        would be found beside new ones for ever.
        """
        session = self._session
        found = session.find_ledger() if has_store else None
        if found and found.source == former:
            found = replace(found, source=session.binding.source)
        if found:
            check_source(found, session.binding)
        if session.settings.rebuild:
            session.state.start_over()
            return
        self.ledger = found
        if self.ledger:
            self.edits.leftovers.update(self.ledger.leftovers)
        elif session.ledger:
            session.state.discard_entries()
            store_id = session.ledger.store_id
            is_gone = not has_store and store_id == session.provider.store_id
            fate = "is gone" if is_gone else "is not the one in use"
            self._remark(f"The ledger is of the store {store_id}, which {fate}: it is not applied.")

    def must_list(self, refresh: str) -> bool:
        """Tell whether the store must be listed before the ledger is believed."""
        provider = self._session.provider
        mark = None
        if isinstance(provider, MarksStore):
            mark = self._mark = self._read_mark(provider)
        sequence = self.ledger.sequence if self.ledger else None
        self.is_doubtful = refresh == "never" and needs_listing("auto", mark, sequence)
        return needs_listing(refresh, mark, sequence)

    def survey(self, listing: Iterable[RemoteFile] | None = None) -> Drift:
        """Hold a listing of the store against the manifest; nothing is changed by it.

        Without one at hand, the store is listed.
        """
        session = self._session
        manifest = self.read_manifest()
        self._recount(len(manifest))
        if listing is None:
            listing = session.provider.list_files()
        return reconcile(manifest, session.proof.keep(listing), session.binding)

    def _recount(self, number: int) -> None:
        """Go by the number of documents that the ledger names, whatever it says itself."""
        if self.ledger and (excess := self.documents - number):
            self.miscount += excess
            self.ledger = replace(self.ledger, documents=self.ledger.documents - excess)

    def refresh(self, listing: Iterable[RemoteFile] | None = None) -> None:
        """Let the manifest be what a listing of the store proves; see `survey`."""
        self._over = self._mark.find_over(self._session.clock())
        if listing is None:
            listing = self._list_settled()
        manifest, drift = self.read_manifest(), self.survey(listing)
        for path in manifest.keys() | drift.manifest.keys():
            if manifest.get(path) != drift.manifest.get(path):
                self.edits.set_entry(path, drift.manifest.get(path), was=manifest.get(path))
        self.edits.leftovers = dict(drift.leftovers)
        self.drift = self.drift or drift

    def _list_settled(self) -> list[RemoteFile]:
        """List the store once it is at work on no copy of ours, or that takes too long.

        A run that is still there counts on such a copy as soon as it is found. Where none is,
        what was not found in time is a copy that failed.
        """
        session = self._session
        listing = list(session.provider.list_files())
        early = self._find_pending(listing)
        if not early:
            return listing
        if not session.settings.dry_run:
            self._remark(f"The store is at work on {len(early)} copies of ours: waiting for them.")
            for pause in session.patience.pauses(len(early)):
                session.wait(pause)
                listing = list(session.provider.list_files())
                if not self._find_pending(listing):
                    return listing
        if self.find_others():
            return listing
        listing = list(session.provider.list_files())  # whoever is gone by now has settled its own
        return [
            replace(file, is_pending=file.is_pending and file.file_id not in early)
            for file in listing
        ]

    def _find_pending(self, listing: Iterable[RemoteFile]) -> frozenset[str]:
        owns = self._session.binding.owns
        pending = (file for file in listing if file.is_pending and owns(file.attributes))
        return frozenset(file.file_id for file in pending)

    def find_others(self) -> frozenset[str]:
        """The other runs that may be at work, as the store remembers them at this moment."""
        provider = self._session.provider
        if isinstance(provider, MarksStore):
            self._mark = self._read_mark(provider)
        return self._mark.runs - self._mark.find_over(self._session.clock()) - {self._run}

    def read_manifest(self, paths: Iterable[str] | None = None) -> dict[str, Entry]:
        """The entries of `paths`, or all, with this run's own edits on top."""
        wanted = None if paths is None else set(paths)
        saved = self._session.state.read_entries(wanted) if self.ledger else {}
        merged = self.edits.overlay(saved)
        return {path: entry for path, entry in merged.items() if wanted is None or path in wanted}

    def list_leftovers(self) -> dict[str, str]:
        """The copies that must go, path by id: none that an entry names, whatever was recorded."""
        leftovers = self.edits.leftovers
        manifest = self.read_manifest(leftovers.values())
        for file_id, path in list(leftovers.items()):
            if path in manifest and manifest[path].file_id == file_id:
                self.edits.forget(file_id)
        return dict(leftovers)

    def record(self, outcome: Outcome) -> None:
        """Fold one outcome in."""
        self.edits.record(outcome)

    def adopt(self, known: Manifest) -> None:
        """Take over entries that are right as they stand but not yet saved in this form."""
        if known:
            self.edits.adopt(known, self.read_manifest(known))

    def is_settled(self, goal: Ledger) -> bool:
        """Tell whether the ledger already is what a run is after: nothing is in question."""
        ledger = self.ledger
        if ledger is None or not goal.tree or self.is_refreshed:
            return False
        is_same = (ledger.tree, ledger.selection, ledger.config) == (
            goal.tree,
            goal.selection,
            goal.config,
        )
        return is_same and not ledger.ahead and not self.edits.after

    def has_news(self, goal: Ledger) -> bool:
        """Tell whether there is something to save when everything settled."""
        ledger = self.ledger
        if ledger is None or self.edits.after or ledger.ahead or self.miscount:
            return True
        is_same = (ledger.base, ledger.selection, ledger.config) == (
            goal.base,
            goal.selection,
            goal.config,
        )
        return not is_same or dict(ledger.leftovers) != self.edits.leftovers

    def save(
        self, goal: Ledger, *, is_complete: bool, status: str, counts: Mapping[str, int]
    ) -> None:
        """Save the ledger and the note. Raises `StateConflict` when another run saved first."""
        ledger = self.ledger or replace(goal, base="", tree="", selection="", config="")
        saved = close_ledger(ledger, self.edits, goal, is_complete=is_complete)
        self._asked = self._asked or goal
        note = write_note(ledger, self.edits, asked=self._asked, status=status, counts=counts)
        self.state_commit = self._session.state.save(saved, self.edits.after, note)
        self.ledger = saved
        self.miscount = 0
        self.edits.mark_saved()

    def checkpoint(self, goal: Ledger, count: Callable[[], Mapping[str, int]]) -> None:
        """Save what is done so far, now and then; what can't be saved is left to the last save."""
        if time.monotonic() - self._last_save < self._session.checkpoint_seconds:
            return
        self._last_save = time.monotonic()
        if self._run and self._mark.find_over(self._session.clock() + LIFETIME / 2) & {self._run}:
            self._join()
        try:
            self.save(goal, is_complete=False, status="running", counts=count())
        except (StateConflict, Unreachable):
            return

    def rejoin(self, commit: Oid) -> Oid:
        """Take over what another run saved, with this run's edits on top of it.

        The store is listed for what is left of both: the other run may have listed it too, and
        taken this one's copies for strays, or have moved the same copy elsewhere. Returns the
        newer of the two runs' commits: the one to go on at, so that the store ends there
        whichever run is last.
        """
        session = self._session
        theirs = self.ledger = session.reload_ledger()
        is_older = theirs is not None and self._is_overtaken(commit, theirs.base)
        if theirs is None:
            session.state.discard_entries()
        entries = session.state.read_entries(self.edits.after)
        self.edits.rebase(entries, prefers_ours=not is_older)
        self.refresh()
        self.mark_dirty()
        if theirs is None or not is_older:
            return commit
        session.commits.fetch(theirs.base)
        self._remark(f"A newer commit was synced meanwhile; the store is at {theirs.base[:10]}.")
        return theirs.base

    def _is_overtaken(self, commit: Oid, base: Oid) -> bool:
        """Tell whether another run has synced a newer commit, and going back is not meant."""
        settings = self._session.settings
        if not base or settings.allow_rollback or settings.source == "worktree":
            return False
        return self._session.commits.is_older(commit, base)

    def mark_dirty(self) -> None:
        """Let the store remember that this run is at work, where it can remember anything."""
        if not self._run or self._mark.sequence != str(self._sequence):
            self._join()

    def _join(self) -> None:
        run, was = make_run(self._name, self._session.clock() + LIFETIME), self._run
        if isinstance(self._session.provider, MarksStore):
            self._run = run
            sequence = self._sequence
            self._change_mark(lambda mark: mark.join(sequence, run=run, was=was), must_stay=True)

    @property
    def _sequence(self) -> int:
        return self.ledger.sequence if self.ledger else 0

    def _read_mark(self, provider: MarksStore) -> Mark:
        return Mark.parse(provider.read_mark().get(self._session.mark_key, ""))

    def _change_mark(self, change: Callable[[Mark], Mark], *, must_stay: bool = False) -> None:
        """Change the mark of this target, where the store can remember one."""
        provider, key = self._session.provider, self._session.mark_key
        if isinstance(provider, MarksStore):
            words = provider.change_mark(
                key, lambda words: str(change(Mark.parse(words))), must_stay=must_stay
            )
            self._mark = Mark.parse(words)

    def mark_clean(self) -> None:
        """Let the store remember that the ledger tells all it holds, if that is certain.

        A call that was repeated may have been carried out before its answer was lost: one that
        stores something then leaves a copy that nobody knows of, one that removes something perhaps
        only half of it, and so may one that failed. A question that had to be asked twice leaves
        nothing. A store that does not know a copy of ours may only have said so. And a run that was
        told not to list the store has not found out what another one will have to.
        """
        session, repeated = self._session, self._session.traffic.repeated
        is_repeated = any(repeated[method] for method in _LEAVING)
        is_cut = session.stop.is_set() or self.is_doubtful
        is_half_gone = bool(self.edits.leftovers) or any(
            isinstance(failure.change, Delete) and not isinstance(failure.error, Foreign | Withheld)
            for failure in self.edits.failed
        )
        is_lost = is_cut or is_repeated or is_half_gone or session.proof.is_missed
        errors = (failure.error for failure in self.edits.failed)
        if is_lost or not all(isinstance(error, (Rejected, Withheld)) for error in errors):
            if self.is_doubtful and self._mark.state == "clean":
                self.mark_dirty()
            self.leave()
        elif isinstance(session.provider, MarksStore):
            over = self._over | {self._run}
            if self._mark != self._mark.leave(self._sequence, over):
                self._change_mark(lambda mark: mark.leave(self._sequence, over))

    def leave(self) -> None:
        """Let the store remember that this run is over, and that the ledger may not tell all.

        After a stop the store has a moment to take that in; in the mark of others a run that did
        not get through is over by itself, if later.
        """
        if self._run:
            teller = threading.Thread(target=self._tell_end, args=(self._run,), daemon=True)
            teller.start()
            teller.join(_LAST_SECONDS if self._session.stop.is_set() else None)
            self._run = ""

    def _tell_end(self, run: str) -> None:
        over = make_run(self._name, 0)
        with suppress(ProviderError):
            self._change_mark(lambda mark: mark.join(self._sequence, run=over, was=run))


def check_source(ledger: Ledger, binding: Binding) -> None:
    """Raise `Refused` for a ledger of another source: its copies are not ours to delete."""
    if ledger.source != binding.source:
        raise Refused(
            f"The store holds the documents of {ledger.source}, and this repository is "
            f"{binding.source}. If it moved, run `vectornator adopt --from {ledger.source}`, or "
            f"keep its name with --source-id {ledger.source}; if it is another one, give it a "
            "store or a --target of its own.",
            reason="other-source",
        )
