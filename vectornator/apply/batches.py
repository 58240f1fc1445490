"""Sends documents to a store that takes them in steps: staged one by one, attached together."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeAlias

from vectornator.apply.workshop import Workshop, do_last, run_pool
from vectornator.errors import (
    Fatal,
    ProviderError,
    Rejected,
    SourceError,
    Transient,
    Withheld,
)
from vectornator.model import Done, Failed, Outcome, Update, Upload
from vectornator.providers.base import StagesFiles
from vectornator.providers.patience import await_files

Send: TypeAlias = Upload | Update

TRIES = 3
"""How often a document is staged when the store takes it and then can't index it."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A document that is to be staged."""

    change: Send
    number: int = 1
    """Which try this is."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A document whose content is at the store, and that no search finds yet."""

    stage: Stage
    file_id: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Batch:
    """Staged documents that are attached together."""

    staged: tuple[Staged, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a batch."""

    outcomes: tuple[Outcome, ...] = ()
    again: tuple[Stage, ...] = ()
    """Documents that the store could not index this time; their copies are gone again."""


Task: TypeAlias = Stage | Batch
Result: TypeAlias = Staged | Failed | Settled


def send_in_batches(
    changes: Iterable[Send], provider: StagesFiles, shop: Workshop
) -> Iterator[Outcome]:
    """Stage each document, attach as many at once as the store takes, yield what became of each.

    After a `Fatal` error what is staged is still attached, and the rest comes back as `Failed`
    untried. After a stop what is staged is attached too, but what is not found at once is not
    waited for: it describes itself, and the next run adopts it.
    """
    belt = _Belt(changes, provider, shop)

    def work(task: Task) -> Result:
        return _do(task, provider, shop)

    settling: Iterator[tuple[Task, Result]] = run_pool(work, belt.take, shop)
    for _, result in settling:
        yield from belt.put(result)
    if belt.staged:
        rest = Batch(tuple(belt.staged))
        yield from belt.put(do_last(lambda: _attach(rest, provider, shop), shop) or Settled())
    do_last(lambda: _sweep(provider), shop)


def _sweep(provider: StagesFiles) -> None:
    with suppress(ProviderError):  # what stays behind is found by its name
        provider.sweep_files()


class _Belt:
    """What is to be staged, what is staged, and how much is on its way from one to the other."""

    def __init__(self, changes: Iterable[Send], provider: StagesFiles, shop: Workshop) -> None:
        self.staged: list[Staged] = []
        self._queue = deque(Stage(change) for change in changes)
        self._provider = provider
        self._shop = shop
        self._staging = 0

    def take(self) -> Task | None:
        """The next task: a batch when it is full or nothing more will join it."""
        is_last = not self._queue and not self._staging
        limit = self._provider.attach_limit
        if len(self.staged) >= limit or (self.staged and is_last):
            batch, self.staged = self.staged[:limit], self.staged[limit:]
            return Batch(tuple(batch))
        if not self._queue:
            return None
        stage = self._queue.popleft()
        if stage.number == 1:
            self._shop.started(stage.change)
        self._staging += 1
        return stage

    def put(self, result: Result) -> Iterator[Outcome]:
        """Take in what became of a task; yield the outcomes that are final."""
        match result:
            case Staged():
                self._staging -= 1
                self.staged.append(result)
            case Failed(error=error):
                self._staging -= 1
                yield result
                yield from self._end(error)
            case Settled(outcomes, again):
                self._queue.extend(again)
                yield from outcomes
                for outcome in outcomes:
                    if isinstance(outcome, Failed):
                        yield from self._end(outcome.error)

    def _end(self, error: ProviderError) -> Iterator[Outcome]:
        """Give up what was not begun when nothing more can work."""
        if isinstance(error, Fatal):
            rest, self._queue = self._queue, deque()
            withheld = Withheld("not tried: the run ended before it")
            yield from (Failed(stage.change, withheld) for stage in rest)


def _do(task: Task, provider: StagesFiles, shop: Workshop) -> Result:
    """Do one task on a worker thread; whatever goes wrong becomes part of its result."""
    if isinstance(task, Batch):
        return _attach(task, provider, shop)
    try:
        return _stage(task, provider, shop)
    except ProviderError as error:
        return Failed(task.change, error)
    except SourceError as error:
        return Failed(task.change, Rejected(str(error)))


def _stage(stage: Stage, provider: StagesFiles, shop: Workshop) -> Staged:
    document = stage.change.document
    with shop.memory.hold(document.size or 0):
        content = shop.read(document)
        metadata = shop.describe(document, content)
        return Staged(stage, provider.stage_file(document, content, metadata), metadata)


def _attach(batch: Batch, provider: StagesFiles, shop: Workshop) -> Settled:
    """Attach a batch, wait until it has settled, and remove what did not make it."""
    copies = _to_copies(batch.staged)
    found: Mapping[str, ProviderError | None]
    try:
        found = _await(provider.attach_files(copies), copies, provider, shop)
    except Withheld:
        return Settled()
    except ProviderError as error:
        found = dict.fromkeys(copies, error)
        batch = replace(batch, staged=tuple(map(_as_last_try, batch.staged)))
    return _sort(batch, found, shop)


def _await(
    ticket: str, file_ids: Collection[str], provider: StagesFiles, shop: Workshop
) -> Mapping[str, ProviderError | None]:
    """Wait until a batch has settled; when the run is to stop, take what has by then."""

    def settle() -> Mapping[str, ProviderError | None]:
        return provider.settle_files(ticket)

    try:
        return await_files(settle, file_ids, patience=shop.patience, wait=shop.wait)
    except Withheld:
        return settle()


def _as_last_try(staged: Staged) -> Staged:
    """What a call fails for that was repeated already is not tried anew."""
    return replace(staged, stage=replace(staged.stage, number=TRIES))


def _sort(batch: Batch, found: Mapping[str, ProviderError | None], shop: Workshop) -> Settled:
    outcomes: list[Outcome] = []
    again: list[Stage] = []
    lost: list[str] = []
    for staged in batch.staged:
        if staged.file_id not in found:
            continue  # the run is to stop: what is attached is left to the next one
        stage, error = staged.stage, found[staged.file_id]
        if error is None:
            outcomes.append(_to_done(staged, shop))
            continue
        lost.append(staged.file_id)
        if isinstance(error, Transient) and stage.number < TRIES:
            again.append(replace(stage, number=stage.number + 1))
        else:
            outcomes.append(Failed(stage.change, error))
    _discard(lost, shop)
    return Settled(tuple(outcomes), tuple(again))


def _discard(file_ids: Iterable[str], shop: Workshop) -> None:
    """Remove copies that this run stored in vain; one that stays is found by a later listing."""
    for file_id in file_ids:
        try:
            shop.provider.delete_file(file_id)
        except (Fatal, Withheld):
            return
        except ProviderError:
            continue


def _to_done(staged: Staged, shop: Workshop) -> Done:
    change = staged.stage.change
    version = change.entry.version + 1 if isinstance(change, Update) else 1
    return Done(change, shop.to_entry(change.document, staged.file_id, version))


def _to_copies(staged: Iterable[Staged]) -> dict[str, Mapping[str, str]]:
    return {one.file_id: one.metadata for one in staged}
