"""Carries out a plan on one bounded pool of threads, yielding outcomes as they settle."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import assert_never

from vectornator.apply.batches import send_in_batches
from vectornator.apply.workshop import ByteBudget, Owns, Workshop, open_workshop, run_pool
from vectornator.errors import Fatal, Foreign, ProviderError, Rejected, SourceError, Withheld
from vectornator.model import (
    Change,
    Delete,
    Document,
    Done,
    Entry,
    Failed,
    Outcome,
    Relabel,
    Rename,
    Update,
    Upload,
)
from vectornator.providers.base import ChangesAttributes, StagesFiles

__all__ = [
    "ByteBudget",
    "Owns",
    "Workshop",
    "apply_changes",
    "open_workshop",
    "remove_leftovers",
    "withhold",
]


def apply_changes(changes: Iterable[Change], shop: Workshop) -> Iterator[Outcome]:
    """Carry out changes that don't depend on each other, one outcome for each that was tried.

    At most `shop.jobs` are in flight, each on its own thread; the caller's loop runs on the
    calling thread. After a `Fatal` error the rest comes back as `Failed` untried. After a stop
    nothing new starts, and what does not settle in time yields no outcome.
    """
    every = tuple(changes)
    if isinstance(shop.provider, StagesFiles):
        sends = [change for change in every if isinstance(change, Upload | Update)]
        others = [change for change in every if not isinstance(change, Upload | Update)]
        for outcome in send_in_batches(sends, shop.provider, shop):
            yield outcome
            if _is_fatal(outcome):
                others, rest = [], others
                yield from withhold(rest, "the run ended before it")
        every = tuple(others)
    yield from _apply_singly(iter(every), shop)


def _apply_singly(queue: Iterator[Change], shop: Workshop) -> Iterator[Outcome]:
    def work(change: Change) -> Outcome:
        return _carry_out(change, shop)

    settling: Iterator[tuple[Change, Outcome]] = run_pool(work, lambda: next(queue, None), shop)
    for _, outcome in settling:
        yield outcome
        if _is_fatal(outcome):
            yield from withhold(queue, "the run ended before it")


def _is_fatal(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and isinstance(outcome.error, Fatal)


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

    queue = iter(leftovers.items())
    for (file_id, _), is_gone in run_pool(remove, lambda: next(queue, None), shop):
        if is_gone:
            yield file_id


def _carry_out(change: Change, shop: Workshop) -> Outcome:
    """Do one change on a worker thread; whatever goes wrong with it becomes its outcome."""
    try:
        return Done(change, _make_true(change, shop))
    except ProviderError as error:
        return Failed(change, error)
    except SourceError as error:
        return Failed(change, Rejected(str(error)))


def _make_true(change: Change, shop: Workshop) -> Entry | None:
    """Do one change, and return the entry that is then true. Raises what went wrong."""
    match change:
        case Upload(document):
            return _upload(document, 1, shop)
        case Update():
            return _update(change, shop)
        case Rename(document, entry, old_path):
            return _relabel(document, entry, old_path, shop)
        case Relabel(document, entry):
            return _relabel(document, entry, document.path, shop)
        case Delete():
            _delete(change, shop)
            return None
        case _:
            assert_never(change)


def _upload(document: Document, version: int, shop: Workshop) -> Entry:
    with shop.memory.hold(document.size or 0):
        content = shop.read(document)
        file_id = shop.provider.upload_file(document, content, shop.describe(document, content))
    return shop.to_entry(document, file_id, version)


def _update(change: Update, shop: Workshop) -> Entry:
    """Store the new copy; the old one is the journal's to remove once this is recorded."""
    document, entry = change.document, change.entry
    with shop.memory.hold(document.size or 0):
        content = shop.read(document)
        metadata = shop.describe(document, content)
        file_id = shop.provider.update_file(entry, document, content, metadata)
    return shop.to_entry(document, file_id, entry.version + 1)


def _relabel(document: Document, entry: Entry, old_path: str, shop: Workshop) -> Entry:
    """Change the attributes of the copy there is, if it is ours; else store the bytes anew.

    A run that is killed after this repeats it, or reads from the attributes that it is done.
    """
    assert isinstance(shop.provider, ChangesAttributes)
    if shop.owns(entry.file_id, old_path):
        metadata = shop.describe(document, shop.read(document))
        with suppress(Rejected):  # the copy has gone meanwhile, or keeps the attributes it had
            shop.provider.change_attributes(entry.file_id, dict(metadata))
            return replace(entry, config=shop.config)
    return _upload(document, entry.version + 1, shop)


def _delete(change: Delete, shop: Workshop) -> None:
    """Remove a copy that is ours. Raises `Foreign` for any other; one that is gone is done."""
    file_id = change.entry.file_id
    is_ours = shop.owns(file_id, change.path)
    if is_ours is False:
        raise Foreign(f"{file_id} is not marked as ours in the store; it was left alone")
    if is_ours:
        shop.provider.delete_file(file_id)
