"""Carries out a plan on one bounded pool of threads, yielding outcomes as they settle."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Protocol, TypeVar, assert_never

from vectornator.errors import Fatal, Foreign, ProviderError, Rejected, SourceError, Withheld
from vectornator.model import (
    Binding,
    Change,
    Delete,
    Document,
    Done,
    Entry,
    Failed,
    Outcome,
    Rename,
    Update,
    Upload,
)
from vectornator.providers.base import ChangesAttributes, VectorStoreProvider

SETTLE_SECONDS = 5.0
"""How long calls in flight may take to settle once the run was asked to stop."""

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


class Owns(Protocol):
    """Tells whether the store itself says that a copy is ours and of a path."""

    def __call__(self, file_id: str, path: str, /) -> bool | None:
        """None when there is no such copy. Raises `ProviderError`."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every change needs to be carried out."""

    provider: VectorStoreProvider
    read: Callable[[Document], bytes]
    binding: Binding
    config: str
    """The config fingerprint that new entries carry."""

    owns: Owns
    jobs: int
    stop: Event
    """Set from outside when no further work may start."""

    started: Callable[[Change], None]
    """Told of each change on the calling thread when its work begins."""


def apply_changes(changes: Iterable[Change], shop: Workshop) -> Iterator[Outcome]:
    """Carry out changes that don't depend on each other, one outcome for each that was tried.

    At most `shop.jobs` are in flight, each on its own thread; the caller's loop runs on the
    calling thread. After a `Fatal` error the rest comes back as `Failed` untried. After a stop
    nothing new starts, and what does not settle in time yields no outcome.
    """
    queue = iter(changes)
    for change, outcome in _run_pool(queue, lambda change: _carry_out(change, shop), shop):
        yield outcome
        if isinstance(outcome, Failed) and isinstance(outcome.error, Fatal):
            error = Withheld("not tried: the run ended before it")
            yield from (Failed(change, error) for change in queue)


def withhold(changes: Iterable[Change], reason: str) -> Iterator[Outcome]:
    """Turn changes into failures without trying them."""
    error = Withheld(f"not tried: {reason}")
    return (Failed(change, error) for change in changes)


def remove_leftovers(leftovers: Mapping[str, str], shop: Workshop) -> Iterator[str]:
    """Remove replaced copies that are ours; yield the id of each that need not be kept in mind.

    A copy that can't be removed now is not yielded: it stays a leftover for the next run.
    """

    def remove(item: tuple[str, str]) -> bool:
        file_id, path = item
        try:
            if shop.owns(file_id, path):
                shop.provider.delete_file(file_id)
        except ProviderError:
            return False
        return True

    for (file_id, _), is_gone in _run_pool(iter(leftovers.items()), remove, shop):
        if is_gone:
            yield file_id


def _run_pool(
    queue: Iterator[_Task], work: Callable[[_Task], _Result], shop: Workshop
) -> Iterator[tuple[_Task, _Result]]:
    """Yield each task with its result as it settles; start new ones only while not stopped."""
    pool = ThreadPoolExecutor(shop.jobs, thread_name_prefix="apply")
    flying: dict[Future[_Result], _Task] = {}
    deadline: float | None = None
    try:
        while True:
            while len(flying) < shop.jobs and not shop.stop.is_set():
                task = next(queue, None)
                if task is None:
                    break
                _announce(task, shop)
                flying[pool.submit(work, task)] = task
            if not flying or (deadline is not None and time.monotonic() > deadline):
                return
            settled, _ = wait(flying, timeout=0.1, return_when=FIRST_COMPLETED)
            for future in settled:
                yield flying.pop(future), future.result()
            if shop.stop.is_set() and deadline is None:
                deadline = time.monotonic() + SETTLE_SECONDS
    finally:
        pool.shutdown(wait=not flying, cancel_futures=True)


def _announce(task: object, shop: Workshop) -> None:
    if isinstance(task, Change):
        shop.started(task)


def _carry_out(change: Change, shop: Workshop) -> Outcome:
    """Do one change on a worker thread; whatever goes wrong with it becomes its outcome."""
    try:
        match change:
            case Upload():
                return _upload(change, shop)
            case Update():
                return _update(change, shop)
            case Rename():
                return _rename(change, shop)
            case Delete():
                return _delete(change, shop)
            case _:
                assert_never(change)
    except ProviderError as error:
        return Failed(change, error)
    except SourceError as error:
        return Failed(change, Rejected(str(error)))


def _upload(change: Upload, shop: Workshop) -> Outcome:
    content, metadata = _prepare(change.document, shop)
    file_id = shop.provider.upload_file(change.document, content, metadata)
    return Done(change, _to_entry(change.document, file_id, 1, shop))


def _update(change: Update, shop: Workshop) -> Outcome:
    """Store the new copy; the old one is the journal's to remove once this is recorded."""
    content, metadata = _prepare(change.document, shop)
    file_id = shop.provider.update_file(change.entry, change.document, content, metadata)
    return Done(change, _to_entry(change.document, file_id, change.entry.version + 1, shop))


def _rename(change: Rename, shop: Workshop) -> Outcome:
    """Change the attributes of the copy there is; store the bytes anew if it is gone."""
    if not shop.owns(change.entry.file_id, change.old_path):
        fresh = _upload(Upload(change.document), shop)
        return Done(change, fresh.entry) if isinstance(fresh, Done) else fresh
    content = shop.read(change.document)
    metadata = shop.binding.attributes(change.document, shop.config)
    metadata = dict(shop.provider.enrich_metadata(change.document, content, metadata))
    assert isinstance(shop.provider, ChangesAttributes)
    shop.provider.change_attributes(change.entry.file_id, metadata)
    return Done(change, change.entry)


def _delete(change: Delete, shop: Workshop) -> Outcome:
    """Remove a copy that is ours. Raises `Foreign` for any other; one that is gone is done."""
    file_id = change.entry.file_id
    is_ours = shop.owns(file_id, change.path)
    if is_ours is False:
        raise Foreign(f"{file_id} is not marked as ours in the store; it was left alone")
    if is_ours:
        shop.provider.delete_file(file_id)
    return Done(change, None)


def _prepare(document: Document, shop: Workshop) -> tuple[bytes, Mapping[str, str]]:
    content = shop.read(document)
    metadata = shop.binding.attributes(document, shop.config)
    return content, shop.provider.enrich_metadata(document, content, metadata)


def _to_entry(document: Document, file_id: str, version: int, shop: Workshop) -> Entry:
    return Entry(
        file_id=file_id,
        hash=document.hash or "",
        blob=document.blob,
        size=document.size or 0,
        version=version,
        config=shop.config,
    )
