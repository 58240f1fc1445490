"""The commands that bring the store in line: sync, plan and repair."""

from collections.abc import Mapping
from threading import Event

from vectornator.commits import IsAncestor, ask_nobody
from vectornator.report.observer import Observer
from vectornator.report.record import Record
from vectornator.run import Run
from vectornator.session import open_session
from vectornator.settings import Settings


def sync(
    settings: Settings,
    observer: Observer,
    environ: Mapping[str, str],
    stop: Event | None = None,
    is_ancestor: IsAncestor = ask_nobody,
) -> Record:
    """Bring the store in line with the source, and record it.

    `stop` asks the run to end early, as the end of its time does: what is in flight settles, and
    what was done is saved. `is_ancestor` knows how commits are related where git can't tell.
    Raises `VectornatorError`; once there is a plan, the observer has its record first.
    """
    return _run(settings, observer, environ, stop, is_ancestor)


def plan(
    settings: Settings,
    observer: Observer,
    environ: Mapping[str, str],
    stop: Event | None = None,
    is_ancestor: IsAncestor = ask_nobody,
) -> Record:
    """Do what `sync` does up to the first change; nothing is changed anywhere."""
    dry = settings.model_copy(update={"dry_run": True})
    return sync(dry, observer, environ, stop, is_ancestor)


def repair(
    settings: Settings,
    observer: Observer,
    environ: Mapping[str, str],
    stop: Event | None = None,
    is_ancestor: IsAncestor = ask_nobody,
) -> Record:
    """Bring ledger and store in line with each other, at the commit that the ledger is of.

    It is a sync that always lists the store and leaves newer commits alone. With
    `settings.rebuild` the ledger is made anew from the listing, at the commit asked for.
    """
    return _run(settings, observer, environ, stop, is_ancestor, is_repair=True)


def _run(
    settings: Settings,
    observer: Observer,
    environ: Mapping[str, str],
    stop: Event | None,
    is_ancestor: IsAncestor,
    *,
    is_repair: bool = False,
) -> Record:
    with open_session(settings, environ, stop, is_ancestor) as session:
        return Run(session, observer, is_repair=is_repair).carry_out()
