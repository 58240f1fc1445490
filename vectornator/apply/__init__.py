"""Carries out a plan on one bounded pool of threads, yielding outcomes as they settle."""

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from vectornator.apply.batches import send_in_batches
from vectornator.apply.workshop import ByteBudget, Owns, Workshop, run_pool
from vectornator.errors import Fatal, Foreign, ProviderError, Rejected, SourceError, Withheld
from vectornator.model import Change, Delete, Done, Failed, Outcome, Rename, Update, Upload
from vectornator.providers.base import ChangesAttributes, StagesFiles

__all__ = [
    "ByteBudget",
    "Owns",
    "Workshop",
    "apply_changes",
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
    document = change.document
    with shop.memory.hold(document.size or 0):
        content = shop.read(document)
        file_id = shop.provider.upload_file(document, content, shop.describe(document, content))
    return Done(change, shop.to_entry(document, file_id, 1))


def _update(change: Update, shop: Workshop) -> Outcome:
    """Store the new copy; the old one is the journal's to remove once this is recorded."""
    document, entry = change.document, change.entry
    with shop.memory.hold(document.size or 0):
        content = shop.read(document)
        metadata = shop.describe(document, content)
        file_id = shop.provider.update_file(entry, document, content, metadata)
    return Done(change, shop.to_entry(document, file_id, entry.version + 1))


def _rename(change: Rename, shop: Workshop) -> Outcome:
    """Change the attributes of the copy there is; store the bytes anew if it is gone."""
    if not shop.owns(change.entry.file_id, change.old_path):
        fresh = _upload(Upload(change.document), shop)
        return Done(change, fresh.entry) if isinstance(fresh, Done) else fresh
    metadata = shop.describe(change.document, shop.read(change.document))
    assert isinstance(shop.provider, ChangesAttributes)
    shop.provider.change_attributes(change.entry.file_id, dict(metadata))
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
