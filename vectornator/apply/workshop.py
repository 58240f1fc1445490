"""What carrying out a plan needs, and the one pool of threads it is done on."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event
from typing import Protocol, TypeVar

from vectornator.model import Binding, Change, Document, Entry
from vectornator.providers.base import VectorStoreProvider
from vectornator.providers.patience import Patience
from vectornator.session import Session
from vectornator.source import Source

SETTLE_SECONDS = 3.5
"""How long calls in flight may take to settle once the run was asked to stop."""

LAST_SECONDS = 4.5
"""How long after it what they leave behind may take to be put in order."""

MOST_BYTES = 256_000_000
"""How much content all workers together hold in memory."""

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


class Owns(Protocol):
    """Tells whether the store itself says that a copy is ours and of a path."""

    def __call__(self, file_id: str, path: str, /) -> bool | None:
        """None when there is no such copy. Raises `ProviderError`."""


class ByteBudget:
    """Lets workers hold content as long as all of it together fits."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Wait until `size` bytes fit, and hold them; more than the limit is held alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._held + size <= self._limit)
            self._held += size
        try:
            yield
        finally:
            with self._changed:
                self._held -= size
                self._changed.notify_all()


class Grace:
    """Tells how long it is since a stop was noticed."""

    def __init__(self, stop: Event) -> None:
        self._stop = stop
        self._noticed = math.inf

    def is_over(self, seconds: float) -> bool:
        """Tell whether so many seconds have passed since; never without a stop."""
        now = time.monotonic()
        if self._stop.is_set():
            self._noticed = min(self._noticed, now)
        return now - self._noticed >= seconds


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

    wait: Callable[[float], None] = time.sleep
    """Waits, and raises `Withheld` when the run is asked to stop."""

    patience: Patience = field(default_factory=Patience)
    memory: ByteBudget = field(default_factory=lambda: ByteBudget(MOST_BYTES))
    grace: Grace = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "grace", Grace(self.stop))

    def describe(self, document: Document, content: bytes) -> Mapping[str, str]:
        """The attributes that a copy of `document` carries."""
        metadata = self.binding.attributes(document, self.config)
        return self.provider.enrich_metadata(document, content, metadata)

    def to_entry(self, document: Document, file_id: str, version: int) -> Entry:
        """The entry of a copy that was just stored."""
        return Entry(
            file_id=file_id,
            hash=document.hash or "",
            blob=document.blob,
            size=document.size or 0,
            version=version,
            config=self.config,
        )


def open_workshop(session: Session, source: Source, started: Callable[[Change], None]) -> Workshop:
    """What a command needs to change the store by the documents of `source`."""
    return Workshop(
        provider=session.provider,
        read=source.read,
        binding=session.binding,
        config=session.config,
        owns=session.proof.owns,
        jobs=session.settings.concurrency,
        stop=session.stop,
        started=started,
        wait=session.wait,
        patience=session.patience,
    )


def run_pool(
    work: Callable[[_Task], _Result], take: Callable[[], _Task | None], shop: Workshop
) -> Iterator[tuple[_Task, _Result]]:
    """Yield each task with its result as it settles; start new ones only while not stopped.

    `take` is asked for the next task on the calling thread; it may have none now, and one
    later, as long as something is in flight.
    """
    pool = ThreadPoolExecutor(shop.jobs, thread_name_prefix="apply")
    flying: dict[Future[_Result], _Task] = {}
    settled: SimpleQueue[Future[_Result]] = SimpleQueue()
    try:
        while True:
            while len(flying) < shop.jobs and not shop.stop.is_set():
                task = take()
                if task is None:
                    break
                _announce(task, shop)
                future = pool.submit(work, task)
                flying[future] = task
                future.add_done_callback(settled.put)
            if not flying or shop.grace.is_over(SETTLE_SECONDS):
                return
            if done := _await(settled):
                yield flying.pop(done), done.result()
    finally:
        pool.shutdown(wait=not flying, cancel_futures=True)


def do_last(work: Callable[[], _Result], shop: Workshop) -> _Result | None:
    """Do one thing after all others; None where it has not ended in time after a stop."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="apply")
    future = pool.submit(work)
    pool.shutdown(wait=False)
    while not future.done() and not shop.grace.is_over(LAST_SECONDS):
        wait([future], timeout=0.1)
    return future.result() if future.done() else None


def _await(settled: SimpleQueue[Future[_Result]]) -> Future[_Result] | None:
    """The next future that has settled; None now and then, to look after a stop."""
    try:
        return settled.get(timeout=0.1)
    except Empty:
        return None


def _announce(task: object, shop: Workshop) -> None:
    if isinstance(task, Change):
        shop.started(task)
