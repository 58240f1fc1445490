"""The commands that ask and change no document: list, search, status, log and the rest."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from typing import Any

from vectornator.errors import SettingsError, SourceError
from vectornator.git.objects import MissingObject, Oid
from vectornator.model import Hit, RemoteFile
from vectornator.providers.base import Searches
from vectornator.report.record import LogEntry, Status
from vectornator.session import Session
from vectornator.settings import Settings
from vectornator.source import CommitSource, Source
from vectornator.state.ledger import VERSION, Ledger, to_entry_form


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
        session.need_store()
        yield from session.provider.list_files()


def search(settings: Settings, environ: Mapping[str, str], query: str) -> list[Hit]:
    """Passages that answer `query`, best first. Raises `SettingsError` where none can."""
    with _open(settings, environ) as session:
        session.need_store()
        if not isinstance(session.provider, Searches):
            raise SettingsError(
                f"The provider {session.provider.name} can't search. Ask its store itself."
            )
        return session.provider.search(query, settings.limit, settings.where)


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
