"""The whole run in the order it happens: load, plan, brake, apply, record, report."""

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event

from vectornator.apply import Workshop, apply_changes, remove_leftovers, withhold
from vectornator.deadline import Deadline
from vectornator.errors import (
    Fatal,
    OutOfTime,
    Refused,
    Rejected,
    StateConflict,
    StateError,
    Transient,
    VectornatorError,
    Withheld,
)
from vectornator.git.objects import MissingObject
from vectornator.journal import Journal
from vectornator.model import Change, Done, Failed, Outcome, Plan, Update, Upload
from vectornator.plan import Candidates, Limits, check_plan, make_plan, screen_plan
from vectornator.providers.base import ChangesAttributes, SweepsStrays
from vectornator.report.observer import Observer
from vectornator.report.record import Record, RunStatus
from vectornator.session import Session
from vectornator.settings import Settings
from vectornator.source import CommitSource, Source, inspect_content
from vectornator.state.ledger import Ledger

MAX_INSPECTED = 2000
"""How many documents a plan reads to judge their content; a sync reads all it sends."""

MAX_ROUNDS = 10
"""How often a run merges with others that save before it does."""


def sync(
    settings: Settings,
    observer: Observer,
    environ: Mapping[str, str],
    stop: Event | None = None,
) -> Record:
    """Bring the store in line with the source, and record it.

    `stop` asks the run to end early, as the end of its time does: what is in flight settles, and
    what was done is saved. Raises `VectornatorError`; once there is a plan, the observer has its
    record first.
    """
    deadline = Deadline(stop or Event(), settings.timeout_minutes)
    session = Session(settings, environ, time.time, deadline)
    try:
        return Run(session, observer).carry_out()
    except Withheld as error:
        if deadline.has_passed:
            raise OutOfTime from error
        raise
    finally:
        session.close()


def plan(
    settings: Settings,
    observer: Observer,
    environ: Mapping[str, str],
    stop: Event | None = None,
) -> Record:
    """Do what `sync` does up to the first change; nothing is changed anywhere."""
    return sync(settings.model_copy(update={"dry_run": True}), observer, environ, stop)


class Run:
    """One run under way; a dry one ends before the first change."""

    def __init__(self, session: Session, observer: Observer) -> None:
        self._session = session
        self._settings = session.settings
        self._observer = observer
        self._remarks: list[str] = []
        self._journal = Journal(session, self._remark)
        self._started = session.clock()
        self._commit = session.commit
        self._base = ""
        self._has_store = False
        self._goal: Ledger | None = None
        self._plan: Plan | None = None

    def carry_out(self) -> Record:
        """Run to the end and return the record of it."""
        try:
            self._load()
            status = self._go_rounds()
        except VectornatorError as error:
            self._keep_outcomes(error)
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
        has_store = session.verify_store(self._remark)
        if has_store is False:
            has_store = session.find_store(self._observer.phase)
        self._has_store = bool(has_store)
        self._journal.load(has_store=has_store is not False)
        self._base = self._journal.base
        if self._has_store and self._journal.must_list(self._settings.refresh):
            self._observer.phase("Listing the store")
            self._journal.refresh()

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
            self._goal = self._set_goal(source)
            if number == 0:
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
        todo = self._make_plan(source, goal)
        if self._plan is None:
            self._plan = todo
        self._observer.planned(todo)
        check_plan(todo, self._limits)
        if self._settings.dry_run:
            return "planned" if len(todo) else "no-changes"
        if not self._has_store:
            self._session.create_store(self._observer.phase)
            self._has_store = True
            goal = self._goal = self._set_goal(source)
        is_whole = self._apply(todo, source)
        status = self._find_status(is_whole=is_whole)
        if not self._save(goal, is_complete=is_whole, status=status):
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
        if self._settings.allow_rollback or not self._session.is_older(self._commit, base):
            return False
        self._plan = Plan(unchanged=self._journal.documents)
        self._remark(
            f"Commit {self._commit[:10]} is older than {base[:10]}, which is synced already. "
            "Nothing was changed; to go back all the same, pass --allow-rollback."
        )
        return True

    def _set_goal(self, source: Source) -> Ledger:
        """The ledger that is true when everything settled."""
        provider, binding = self._session.provider, self._session.binding
        moment = datetime.fromtimestamp(self._session.clock(), UTC)
        return Ledger(
            provider=provider.name,
            store_id=provider.store_id,
            target=binding.target,
            source=binding.source,
            commit=source.commit,
            base=source.commit if source.tree else "",
            tree=source.tree,
            selection=source.selection.fingerprint,
            config=self._session.config,
            last_sync=moment.isoformat(timespec="seconds").replace("+00:00", "Z"),
        )

    # Plan.

    def _make_plan(self, source: Source, goal: Ledger) -> Plan:
        known, provider = self._journal.documents, self._session.provider
        force = self._settings.force and self._plan is None
        if self._journal.is_settled(goal) and not force:
            return Plan(unchanged=known)
        candidates = self._find_changes(source, goal, force=force)
        if candidates is None:
            self._observer.phase("Reading the whole tree" if source.tree else "Reading the folder")
            found = {document.path: document for document in source.list_documents()}
            candidates = {**dict.fromkeys(self._journal.read_manifest()), **found}
        todo = make_plan(
            candidates,
            self._journal.read_manifest(candidates),
            known=known,
            config=goal.config,
            force=force,
            max_size=int(self._settings.max_file_size),
            form_of=provider.form_of if isinstance(provider, ChangesAttributes) else None,
        )
        return self._inspect(todo, source)

    def _find_changes(self, source: Source, goal: Ledger, *, force: bool) -> Candidates | None:
        """The paths that the diff from the base leaves in question; None when it can't tell."""
        ledger = self._journal.ledger
        if not isinstance(source, CommitSource) or ledger is None or not ledger.tree or force:
            return None
        is_comparable = (ledger.selection, ledger.config) == (goal.selection, goal.config)
        if not is_comparable or self._journal.is_refreshed:
            return None
        try:
            changes = source.find_changes(ledger.tree)
        except MissingObject:
            if not self._session.fetch_base(ledger.base, source.commit):
                return None
            changes = source.find_changes(ledger.tree)
        unsettled = (ledger.ahead | self._journal.edits.after.keys()) - changes.keys()
        return {**changes, **source.look_up(sorted(unsettled))}

    def _inspect(self, todo: Plan, source: Source) -> Plan:
        """Read what would be sent, and let its content have a say."""
        sends = [change.document for change in todo.sends]
        is_long = len(sends) > MAX_INSPECTED and self._settings.max_bytes is None
        if self._settings.dry_run and is_long:
            self._remark(
                f"{len(sends)} documents were judged by path alone. A sync reads them too, and "
                "skips what turns out to be binary, too large or a pointer to LFS."
            )
            return todo
        described = () if self._settings.dry_run else todo.attribute_changes
        self._session.fetch_blobs([*sends, *(change.document for change in described)])
        limit = int(self._settings.max_file_size)
        inspected = {item.path: inspect_content(item, source.read(item), limit) for item in sends}
        return screen_plan(todo, inspected, self._session.config)

    @property
    def _limits(self) -> Limits:
        settings = self._settings
        return Limits(
            allows_deletes=settings.max_deletes.allows,
            max_deletes=str(settings.max_deletes),
            max_files=settings.max_files,
            max_bytes=settings.max_bytes,
            allow_empty=settings.allow_empty,
        )

    # Apply.

    def _apply(self, todo: Plan, source: Source) -> bool:
        """Carry the plan out: sends first, deletes only when nothing was lost, old copies last.

        Returns whether every change was done.
        """
        journal = self._journal
        journal.adopt(todo.known)
        if journal.is_refreshed and todo is self._plan:  # later, another run is at work too
            self._sweep_strays()
        if not len(todo) and not journal.edits.leftovers:
            return True
        journal.mark_store("dirty")
        questions = len(todo.updates) + len(todo.attribute_changes) + len(todo.deletes)
        self._session.proof.expect(questions + len(journal.edits.leftovers), journal.documents)
        shop = self._open_workshop(source)
        sends: tuple[Change, ...] = (*todo.sends, *todo.attribute_changes)
        outcomes = self._settle(apply_changes(sends, shop), len(todo))
        if any(_is_lost(outcome) for outcome in outcomes):
            deletes = withhold(todo.deletes, "something was lost before, so nothing is deleted")
        else:
            deletes = apply_changes(todo.deletes, shop)
        outcomes += self._settle(deletes, len(todo))
        if not self._find_fatal():
            for file_id in remove_leftovers(dict(journal.edits.leftovers), shop):
                journal.edits.forget(file_id)
        self._pass_on_remarks()
        return len(outcomes) == len(todo) and all(isinstance(one, Done) for one in outcomes)

    def _sweep_strays(self) -> None:
        """After a run that was cut short, remove what it had sent and not yet stored."""
        session = self._session
        if isinstance(session.provider, SweepsStrays):
            mark = session.binding.ownership
            with suppress(Transient):  # the next run that lists the store tries again
                session.provider.sweep_strays(mark, session.proof.listed)

    def _open_workshop(self, source: Source) -> Workshop:
        session = self._session
        return Workshop(
            provider=session.provider,
            read=source.read,
            binding=session.binding,
            config=session.config,
            owns=session.proof.owns,
            jobs=self._settings.concurrency,
            stop=session.stop,
            started=self._observer.started,
            wait=session.wait,
            patience=session.patience,
        )

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

    def _save(self, goal: Ledger, *, is_complete: bool, status: RunStatus) -> bool:
        """Save the ledger and the note; False when another run saved since it was loaded."""
        journal = self._journal
        if journal.has_news(goal) or not is_complete:
            self._observer.phase(f"Saving the ledger to {self._session.state.location}")
            counts = self._to_record(status).counts
            try:
                journal.save(goal, is_complete=is_complete, status=status, counts=counts)
            except StateConflict:
                self._observer.phase("Another run saved first; merging with it")
                self._commit = journal.rejoin(self._commit)
                return False
        journal.mark_clean()
        return True

    # Report.

    def _find_status(self, *, is_whole: bool) -> RunStatus:
        if self._session.stop.is_set():
            return "interrupted"
        is_any = any(isinstance(outcome, Done) for outcome in self._journal.edits.outcomes)
        if not is_whole:
            return "partial" if is_any else "failed"
        return "synced" if is_any else "no-changes"

    def _find_fatal(self) -> Fatal | None:
        """The error that ended the run early, if one did."""
        errors = (failure.error for failure in self._journal.edits.failed)
        return next((error for error in errors if isinstance(error, Fatal)), None)

    def _to_record(self, status: RunStatus) -> Record:
        session, journal = self._session, self._journal
        return Record(
            command="plan" if self._settings.dry_run else "sync",
            status=status,
            provider=session.provider.name,
            store_id=session.provider.store_id,
            target=self._settings.target,
            commit=self._commit,
            base=self._base,
            plan=Plan() if self._plan is None else self._plan,
            outcomes=tuple(journal.edits.outcomes),
            documents=journal.documents,
            started=self._started,
            seconds=session.clock() - self._started,
            bytes_uploaded=sum(_count_bytes(outcome) for outcome in journal.edits.outcomes),
            requests=session.traffic.requests.total(),
            retries=session.traffic.retries,
            saved_to=session.state.location if journal.state_commit else "",
            state_commit=journal.state_commit,
            remarks=tuple(self._remarks),
        )


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
