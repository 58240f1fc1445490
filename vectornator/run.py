"""The whole run in the order it happens: load, plan, brake, apply, record, report."""

import random
from collections.abc import Iterable, Iterator
from contextlib import suppress

from vectornator import stores
from vectornator.apply import apply_changes, open_workshop, remove_leftovers, withhold
from vectornator.drift import Finding, sort_findings, summarise_findings
from vectornator.errors import (
    Fatal,
    Foreign,
    Refused,
    Rejected,
    StateConflict,
    StateError,
    Transient,
    VectornatorError,
    Withheld,
)
from vectornator.git.objects import Oid
from vectornator.journal import Journal
from vectornator.model import Change, Done, Entry, Failed, Outcome, Plan, Update, Upload
from vectornator.plan import Limits, check_plan, explain_leaks
from vectornator.planning import Planner
from vectornator.providers.base import FindsStrays, Stray
from vectornator.report.observer import Observer
from vectornator.report.record import Command, Record, RunStatus
from vectornator.session import Session
from vectornator.source import CommitSource, Source
from vectornator.state.ledger import Ledger
from vectornator.strays import find_strays, find_taken, remove_strays, to_findings

MAX_ROUNDS = 40
"""How often a run merges with others that save before it does: each time one of them is through."""


class Run:
    """One run under way; a dry one ends before the first change."""

    def __init__(self, session: Session, observer: Observer, *, is_repair: bool = False) -> None:
        self._session = session
        self._is_repair = is_repair
        self._settings = session.settings
        self._observer = observer
        self._remarks: list[str] = []
        self._journal = Journal(session, self._remark)
        self._planner = Planner(
            session, self._journal, observer.phase, self._remark, is_sending=True
        )
        self._started = session.clock()
        self._commit = session.commit
        self._base = ""
        self._has_store = False
        self._goal: Ledger | None = None
        self._plan: Plan | None = None
        self._strays: tuple[Stray, ...] = ()
        self._findings: tuple[Finding, ...] = ()

    def carry_out(self) -> Record:
        """Run to the end and return the record of it."""
        try:
            self._load()
            status = self._go_rounds()
        except VectornatorError as error:
            self._keep_outcomes(error)
            self._journal.leave()
            if self._plan is not None:
                refused = isinstance(error, Refused)
                status = "blocked" if refused else self._find_status(is_whole=False)
                self._observer.finished(self._to_record(status))
            raise
        record = self._to_record(status)
        self._observer.finished(record)
        if fatal := self._find_fatal():
            raise fatal
        return record

    def _keep_outcomes(self, error: VectornatorError) -> None:
        """Save what was done before an error that is not the state's own ended the run."""
        edits, goal = self._journal.edits, self._goal
        if goal and edits.outcomes and not edits.is_saved and not isinstance(error, StateError):
            counts = self._to_record("failed").counts
            with suppress(StateError):
                self._journal.save(goal, is_complete=False, status="failed", counts=counts)

    def _remark(self, words: str) -> None:
        self._remarks.append(words)
        self._observer.remark(words)

    # Load.

    def _load(self) -> None:
        session = self._session
        self._observer.phase(f"Reading the ledger from {session.state.location}")
        self._pass_on_remarks()
        has_store: bool | None
        if self._is_repair:  # without a store that can be asked, there is nothing to go by
            has_store = stores.is_there(session, self._remark)
        else:
            has_store = stores.verify_store(session, self._remark)
        if has_store is False:
            has_store = stores.find_store(session, self._observer.phase)
        self._has_store = bool(has_store)
        self._journal.load(has_store=has_store is not False)
        self._base = self._journal.base
        self._commit = self._choose_commit()
        refresh = "always" if self._is_repair else self._settings.refresh
        if self._has_store and self._journal.must_list(refresh):
            self._refresh()

    def _choose_commit(self) -> Oid:
        """The commit to bring the store in line with: for a repair, the one it is at already.

        That is the base, or the commit that runs which did not complete have begun with.
        """
        ledger = self._journal.ledger
        if not self._is_repair or ledger is None or self._settings.source == "worktree":
            return self._commit
        commit = ledger.commit if ledger.base and ledger.ahead else ledger.base
        if not commit or self._session.commits.try_fetch(commit):
            return commit or self._commit
        self._remark(
            f"Commit {commit[:10]}, which the ledger is of, can't be had: "
            f"{self._commit[:10]} is taken instead."
        )
        return self._commit

    def _refresh(self) -> None:
        self._observer.phase("Listing the store")
        self._journal.refresh()
        if self._is_repair or not self._settings.dry_run:
            try:
                self._strays = find_strays(self._session)
            except Transient:
                self._journal.is_doubtful = True  # so that the next run looks again
        self._findings = sort_findings([*self._journal.findings, *to_findings(self._strays)])
        if self._findings:
            self._remark(
                "The store was listed and disagreed with the ledger: "
                f"{summarise_findings(self._findings)}."
            )

    def _pass_on_remarks(self) -> None:
        """Tell the user what the provider and the deadline have to say, each thing once."""
        for speaker in (self._session.bare_provider, self._session.stop):
            for words in getattr(speaker, "remarks", ()):
                if words not in self._remarks:
                    self._remark(words)

    # Rounds: plan, apply and save; once more when another run saved in between.

    def _go_rounds(self) -> RunStatus:
        for number in range(MAX_ROUNDS):
            source = self._session.open_source(self._commit)
            self._goal = self._session.set_goal(source)
            if number == 0:
                if not self._is_repair:
                    self._mention_dirty(source)
                if self._is_superseded(source):
                    return "superseded"
            if status := self._go_round(source, self._goal):
                return status
            self._session.stop.wait(random.uniform(0, min(8.0, 0.25 * 2**number)))  # noqa: S311
        raise StateConflict(
            f"{self._session.state.location} was saved by other runs {MAX_ROUNDS} times in a row. "
            "Let syncs of one target run one at a time, for example in a concurrency group."
        )

    def _go_round(self, source: Source, goal: Ledger) -> RunStatus | None:
        """One round and how it ended; None when it must be repeated."""
        force = self._settings.force and self._plan is None
        todo = self._planner.plan_round(source, goal, force=force)
        if self._plan is None:
            self._plan = todo
            if todo.leaks and self._limits.allow_leaks:
                self._remark(explain_leaks(todo.leaks))
        self._observer.planned(todo)
        check_plan(todo, self._limits)
        if self._settings.dry_run:
            return "planned" if len(todo) or self._has_drift else "no-changes"
        if not self._has_store:
            stores.create_store(self._session, self._observer.phase)
            self._has_store = True
            goal = self._goal = self._session.set_goal(source)
        try:
            is_whole = self._apply(todo, source)
            status = self._find_status(is_whole=is_whole)
            self._save(goal, is_complete=is_whole, status=status)
        except StateConflict:
            self._observer.phase("Another run came in between; merging with it")
            self._commit = self._journal.rejoin(self._commit)
            return None
        return status

    def _mention_dirty(self, source: Source) -> None:
        dirty = self._session.list_dirty(source)
        if dirty:
            self._remark(
                f"Not committed, so not synced: {', '.join(dirty[:3])}"
                f"{' and others' if len(dirty) > 3 else ''}."  # noqa: PLR2004  (three are enough)
            )

    def _is_superseded(self, source: Source) -> bool:
        """Tell whether a newer commit is synced already: an old run finishing late."""
        base = self._base
        if not base or base == self._commit or not isinstance(source, CommitSource):
            return False
        if self._settings.allow_rollback or not self._session.commits.is_older(self._commit, base):
            return False
        self._plan = Plan(unchanged=self._journal.documents)
        self._remark(
            f"Commit {self._commit[:10]} is older than {base[:10]}, which is synced already. "
            "Nothing was changed; to go back all the same, pass --allow-rollback."
        )
        return True

    @property
    def _limits(self) -> Limits:
        settings = self._settings
        return Limits(
            allows_deletes=settings.max_deletes.allows,
            max_deletes=str(settings.max_deletes),
            max_files=settings.max_files,
            max_bytes=settings.max_bytes,
            allow_empty=settings.allow_empty,
            allow_leaks=settings.secret_scan == "warn",  # noqa: S105  (a choice, no password)
        )

    # Apply.

    def _apply(self, todo: Plan, source: Source) -> bool:
        """Carry the plan out: sends first, deletes only when nothing was lost, old copies last.

        Returns whether every change was done. Raises `StateConflict` when another run has undone
        one.
        """
        journal = self._journal
        journal.adopt(todo.known)
        self._sweep()
        if not len(todo) and not journal.edits.leftovers:
            return True
        journal.mark_dirty()
        questions = len(todo.updates) + len(todo.attribute_changes) + len(todo.deletes)
        self._session.proof.expect(questions + len(journal.edits.leftovers), journal.documents)
        shop = open_workshop(self._session, source, self._observer.started)
        sends: tuple[Change, ...] = (*todo.sends, *todo.attribute_changes)
        outcomes = self._settle(apply_changes(sends, shop), len(todo))
        self._check_sent(outcomes)
        if any(_is_lost(outcome) for outcome in outcomes):
            deletes = withhold(todo.deletes, "something was lost before, so nothing is deleted")
        else:
            deletes = apply_changes(todo.deletes, shop)
        outcomes += self._settle(deletes, len(todo))
        self._check_deleted(outcomes)
        if journal.edits.leftovers and not self._find_fatal():
            self._observer.phase("Removing replaced copies")
            for file_id in remove_leftovers(journal.list_leftovers(), shop):
                journal.edits.forget(file_id)
        self._pass_on_remarks()
        return len(outcomes) == len(todo) and all(isinstance(one, Done) for one in outcomes)

    def _sweep(self) -> None:
        """Remove strays, before the first round only: later, another run is at work too.

        The store knows before that this run is at work, for the sake of others: see `_check_sent`.
        """
        strays, self._strays = self._strays, ()
        if strays:
            self._journal.mark_dirty()
            remove_strays(self._session, strays)

    def _check_sent(self, outcomes: Iterable[Outcome]) -> None:
        """See to it that what was sent is still there before anything it replaces is removed.

        Raises `StateConflict` when another run has taken some of it for strays.
        """
        session, journal = self._session, self._journal
        sent = dict(filter(None, map(_find_sent, outcomes)))
        if not sent or session.stop.is_set() or not isinstance(session.provider, FindsStrays):
            return
        with suppress(Withheld):  # the run is to stop, and removes nothing
            if journal.find_others() and find_taken(session, sent, journal.documents):
                raise StateConflict("another run has removed what this one stored")

    def _check_deleted(self, outcomes: Iterable[Outcome]) -> None:
        """See to it that no copy that was to be removed was only moved by another run.

        Raises `StateConflict` when there is a run that may have done so.
        """
        errors = (outcome.error for outcome in outcomes if isinstance(outcome, Failed))
        if any(isinstance(error, Foreign) for error in errors):
            with suppress(Withheld):
                if self._journal.find_others():
                    raise StateConflict("another run has moved what this one was to remove")

    def _settle(self, outcomes: Iterator[Outcome], total: int) -> list[Outcome]:
        """Record outcomes as they come, and save now and then."""
        settled = []
        for outcome in outcomes:
            settled.append(outcome)
            self._journal.record(outcome)
            done = len(self._journal.edits.outcomes)
            self._observer.settled(outcome, done, max(done, total))
            assert self._goal is not None
            self._journal.checkpoint(self._goal, lambda: self._to_record("partial").counts)
        return settled

    # Record.

    def _save(self, goal: Ledger, *, is_complete: bool, status: RunStatus) -> None:
        """Save the ledger and the note.

        Raises `StateConflict` when another run saved since the ledger was loaded.
        """
        journal = self._journal
        if journal.has_news(goal) or not is_complete:
            self._observer.phase(f"Saving the ledger to {self._session.state.location}")
            counts = self._to_record(status).counts
            journal.save(goal, is_complete=is_complete, status=status, counts=counts)
        journal.mark_clean()

    # Report.

    def _find_status(self, *, is_whole: bool) -> RunStatus:
        if self._session.stop.is_set():
            return "interrupted"
        is_any = any(isinstance(outcome, Done) for outcome in self._journal.edits.outcomes)
        if not is_whole:
            return "partial" if is_any else "failed"
        if self._has_drift:
            return "repaired"
        return "synced" if is_any else "no-changes"

    @property
    def _has_drift(self) -> bool:
        """Whether there was anything for a repair to do."""
        return self._is_repair and bool(self._findings or self._plan)

    def _find_fatal(self) -> Fatal | None:
        """The error that ended the run early, if one did."""
        errors = (failure.error for failure in self._journal.edits.failed)
        return next((error for error in errors if isinstance(error, Fatal)), None)

    @property
    def _command(self) -> Command:
        if self._is_repair:
            return "repair"
        return "plan" if self._settings.dry_run else "sync"

    def _to_record(self, status: RunStatus) -> Record:
        session, journal = self._session, self._journal
        return Record(
            command=self._command,
            is_dry=self._settings.dry_run,
            status=status,
            provider=session.provider.name,
            store_id=session.provider.store_id,
            target=self._settings.target,
            commit=self._commit,
            base=self._base,
            plan=Plan() if self._plan is None else self._plan,
            findings=self._findings if self._is_repair else (),
            outcomes=tuple(journal.edits.outcomes),
            documents=journal.documents,
            started=self._started,
            seconds=session.clock() - self._started,
            bytes_uploaded=sum(_count_bytes(outcome) for outcome in journal.edits.outcomes),
            requests=session.requests,
            retries=session.traffic.retries,
            saved_to=session.state.location if journal.state_commit else "",
            state_commit=journal.state_commit,
            remarks=tuple(self._remarks),
        )


def _find_sent(outcome: Outcome) -> tuple[str, str] | None:
    """The copy that was stored by sending a document, and its path; None for other outcomes."""
    match outcome:
        case Done(Upload(document) | Update(document), Entry(file_id=file_id)):
            return file_id, document.path
        case _:
            return None


def _is_lost(outcome: Outcome) -> bool:
    """Whether a change failed that another try may still save."""
    return isinstance(outcome, Failed) and not isinstance(outcome.error, Rejected)


def _count_bytes(outcome: Outcome) -> int:
    """The bytes that a change has sent."""
    match outcome:
        case Done(Upload(document) | Update(document)):
            return document.size or 0
        case _:
            return 0
