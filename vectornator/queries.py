"""The commands that ask and change no document: verify, list, search, status and the rest."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from typing import Any

from vectornator.drift import Drift, Finding, compare_plan, sort_findings
from vectornator.errors import SettingsError, SourceError
from vectornator.git.objects import MissingObject, Oid
from vectornator.journal import Journal
from vectornator.model import Hit, RemoteFile
from vectornator.planning import Planner
from vectornator.providers.base import CountsFiles, Searches, Stray
from vectornator.report.record import LogEntry, Status, Verification
from vectornator.session import Session
from vectornator.settings import Settings
from vectornator.source import CommitSource, Source
from vectornator.state.forms import VERSION
from vectornator.state.ledger import Ledger, to_entry_form
from vectornator.stores import find_store, is_there, need_store
from vectornator.strays import find_orphans, find_strays, to_findings


@contextmanager
def _open(settings: Settings, environ: Mapping[str, str]) -> Iterator[Session]:
    session = Session(settings, environ, time.time, Event())
    try:
        yield session
    finally:
        session.close()


def list_files(settings: Settings, environ: Mapping[str, str]) -> Iterator[RemoteFile]:
    """Yield every copy in the store, foreign ones too. Raises `Fatal` without a store."""
    with _open(settings, environ) as session:
        need_store(session)
        yield from session.provider.list_files()


def search(settings: Settings, environ: Mapping[str, str], query: str) -> list[Hit]:
    """Passages that answer `query`, best first. Raises `SettingsError` where none can."""
    with _open(settings, environ) as session:
        need_store(session)
        if not isinstance(session.provider, Searches):
            raise SettingsError(
                f"The provider {session.provider.name} can't search. Ask its store itself."
            )
        return session.provider.search(query, settings.limit, settings.where)


def verify(
    settings: Settings, environ: Mapping[str, str], tell: Callable[[str], None]
) -> Verification:
    """Hold the ledger against the store, and against the commit it is of; changes nothing.

    `tell` hears what it is at. Raises `Fatal` without a store, `StateUnreadable` for a ledger
    that can't be read, `Refused` for that of another source.
    """
    with _open(settings, environ) as session:
        remarks: list[str] = []
        if not (is_there(session, remarks.append) or find_store(session, tell)):
            need_store(session)
        journal = Journal(session, remarks.append)
        journal.load(has_store=True)
        remarks += _remark_unfinished(session, journal)
        tell("Listing the store")
        drift = journal.survey()
        if journal.miscount:
            count = journal.documents + journal.miscount
            remarks.append(
                f"The ledger counts {count} documents and names {journal.documents}: run "
                "`vectornator repair`."
            )
        remarks += _remark_counts(session, drift)
        planner = Planner(session, journal, tell, remarks.append)
        against_commit = _compare_base(planner)
        seen = {finding.path for finding in drift.findings}
        fresh = (finding for finding in against_commit or () if finding.path not in seen)
        strays = to_findings(find_strays(session))
        return Verification(
            provider=session.provider.name,
            store_id=session.provider.store_id,
            target=settings.target,
            base=journal.base,
            documents=journal.documents,
            copies=drift.copies,
            foreign=drift.foreign,
            findings=sort_findings([*drift.findings, *fresh, *strays]),
            is_compared=against_commit is not None,
            storage=session.state.location,
            remarks=tuple(remarks),
        )


def _remark_unfinished(session: Session, journal: Journal) -> Iterator[str]:
    if journal.ledger is None:
        if session.ledger is None:
            yield f"Nothing is recorded yet in {session.state.location}."
        return
    if journal.must_list("auto"):
        yield (
            "The store remembers a run that did not finish, or another ledger: the next sync lists "
            "it first."
        )
    if ahead := len(journal.ledger.ahead):
        yield f"{ahead} documents are settled ahead of the commit: run `vectornator sync`."


def _remark_counts(session: Session, drift: Drift) -> Iterator[str]:
    """The store's own count where it is another; it may lag, so that it is no finding."""
    provider, listed = session.provider, drift.copies + drift.foreign
    if isinstance(provider, CountsFiles) and (counted := provider.count_files()) != listed:
        yield f"The store counts {counted} files and lists {listed}; the listing is what holds."


def _compare_base(planner: Planner) -> list[Finding] | None:
    """What the commit that the ledger is of says of it; None where that can't be told."""
    session, ledger = planner.session, planner.journal.ledger
    if ledger is None:
        return None
    if not ledger.base:
        planner.remark("No sync has completed yet, so the ledger was not compared with a commit.")
        return None
    if not session.commits.try_fetch(ledger.base):
        planner.remark(f"Commit {ledger.base[:10]}, which the ledger is of, is not at hand.")
        return None
    source = session.open_source(ledger.base)
    if not isinstance(source, CommitSource):
        return None
    if source.selection.fingerprint != ledger.selection:
        planner.remark(
            "Other documents are chosen now than at the last sync, so the ledger was not compared "
            "with its commit. See `vectornator plan`."
        )
        return None
    candidates = planner.list_candidates(source)
    settled = {path: it for path, it in candidates.items() if path not in ledger.ahead}
    return list(compare_plan(planner.compare(source, settled, ledger.config)))


def list_orphans(settings: Settings, environ: Mapping[str, str]) -> list[Stray]:
    """The files that no store holds and nothing proves to be ours. Raises `Fatal` without a store.

    A service that keeps files nowhere but in stores has none.
    """
    with _open(settings, environ) as session:
        if not (session.provider.verify_store() or find_store(session, lambda _: None)):
            need_store(session)
        for _ in session.proof.keep(session.provider.list_files()):
            pass
        return find_orphans(session)


def create_store(settings: Settings, environ: Mapping[str, str], name: str) -> str:
    """Create a store and return its id. Raises `SettingsError` when one is in use already."""
    with _open(settings, environ) as session:
        provider = session.dressed
        if not provider.is_shared and provider.verify_store():
            raise SettingsError(
                f"There is a {provider.name} store here already: {provider.store_id}."
            )
        return provider.create_store(name)


def read_status(settings: Settings, environ: Mapping[str, str]) -> Status:
    """How the target stands: its ledger beside the commit that is asked for."""
    with _open(settings, environ) as session:
        ledger = session.ledger
        source = session.open_source()
        return Status(
            provider=ledger.provider if ledger else settings.provider,
            store_id=ledger.store_id if ledger else "",
            target=settings.target,
            commit=source.commit,
            base=ledger.base if ledger else "",
            last_sync=ledger.last_sync if ledger else "",
            documents=ledger.documents if ledger else 0,
            ahead=len(ledger.ahead) if ledger else 0,
            leftovers=len(ledger.leftovers) if ledger else 0,
            in_sync=_is_in_sync(source, ledger),
            storage=session.state.location,
        )


def _is_in_sync(source: Source, ledger: Ledger | None) -> bool | None:
    """Whether a sync would find nothing to do; None where only a full comparison could tell."""
    if ledger is None:
        return False
    if not isinstance(source, CommitSource) or not ledger.tree:
        return None
    if ledger.ahead or ledger.selection != source.selection.fingerprint:
        return False
    try:
        return not source.find_changes(ledger.tree)
    except MissingObject:
        return None


def read_log(settings: Settings, environ: Mapping[str, str]) -> list[LogEntry]:
    """The syncs that the notes remember, newest first, `settings.limit` at most."""
    with _open(settings, environ) as session:
        _need_ledger(session)
        return [
            LogEntry(
                commit=note.commit,
                base=note.base,
                time=note.last_sync,
                status=note.status,
                provider=note.provider,
                store_id=note.store_id,
                counts=note.counts,
                subject=_read_subject(session, note.commit),
            )
            for note in session.state.list_notes(settings.limit)
        ]


def show_metadata(
    settings: Settings, environ: Mapping[str, str], commit: str | None
) -> dict[str, Any]:
    """The ledger with all its files as one JSON document, now or as of the sync of a commit.

    Raises `SourceError` for a commit whose sync is not remembered.
    """
    with _open(settings, environ) as session:
        ledger = _need_ledger(session)
        entries = session.state.read_entries() if commit is None else {}
        if commit is not None:
            oid = session.git.resolve(commit)
            found = session.state.load_at(oid)
            if found is None:
                raise SourceError(
                    f"No sync of {oid[:10]} is remembered in {session.state.location}. "
                    "See `vectornator log`."
                )
            ledger, entries = found
        return {
            "version": VERSION,
            "lastSync": ledger.last_sync,
            "provider": ledger.provider,
            "storeId": ledger.store_id,
            "target": ledger.target,
            "source": ledger.source,
            "commit": ledger.commit,
            "base": ledger.base,
            "files": {path: to_entry_form(entries[path]) for path in sorted(entries)},
        }


def _need_ledger(session: Session) -> Ledger:
    ledger = session.ledger
    if ledger is None:
        raise SourceError(
            f"Nothing is recorded yet in {session.state.location}. Run `vectornator sync` first."
        )
    return ledger


def _read_subject(session: Session, commit: Oid) -> str:
    """The first line of a commit's message; empty where the clone does not have the commit."""
    if session.repository is None or not commit:
        return ""
    try:
        return session.repository.read_commit(commit).message.partition("\n")[0]
    except SourceError:
        return ""
