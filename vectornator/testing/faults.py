"""Layers that make a provider fail in a chosen way: what the engine is tested under."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from vectornator.errors import Fatal, Rejected, Transient
from vectornator.providers.around import Call, Layer, Listed
from vectornator.providers.base import VectorStoreProvider

STORING = frozenset({"upload_file", "update_file"})
"""The calls that store a copy."""


class Failing(Layer):
    """Raises the given errors, one a call, and makes calls after that."""

    def __init__(self, inner: VectorStoreProvider, *errors: BaseException) -> None:
        super().__init__(inner)
        self._errors = iter(errors)

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Fail while there are errors left."""
        del call
        for error in self._errors:
            raise error
        yield


class Flaky(Layer):
    """Raises `Transient` instead of making a call, with the given probability.

    Which tries fail depends on the seed, the call and how often it was tried, and not on
    the order of threads: the same run fails in the same places.
    """

    def __init__(
        self,
        inner: VectorStoreProvider,
        probability: float,
        *,
        seed: int = 0,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(inner)
        self._probability = probability
        self._seed = seed
        self._retry_after = retry_after
        self._tries = _Tally()

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Fail before the store is asked, or not at all."""
        dice = random.Random(f"{self._seed} {call} {self._tries.count(call)}")  # noqa: S311  (no secret)
        if dice.random() < self._probability:
            raise Transient("The store is busy, by chance.", retry_after=self._retry_after)
        yield


class Rejecting(Layer):
    """Raises `Rejected` for documents with the given paths."""

    def __init__(self, inner: VectorStoreProvider, paths: Collection[str]) -> None:
        super().__init__(inner)
        self._paths = frozenset(paths)

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Refuse before anything is stored."""
        if call.method in STORING and call.subject in self._paths:
            raise Rejected(f"The store does not take {call.subject}.")
        yield


class DiesAfter(Layer):
    """Makes `calls` calls; every one after them raises `error`.

    `Fatal` is a store that went away. Any other exception is a process that was killed:
    nothing that comes after it runs.
    """

    def __init__(
        self, inner: VectorStoreProvider, calls: int, error: BaseException | None = None
    ) -> None:
        super().__init__(inner)
        self._calls = calls
        self._error = error or Fatal("The store went away.")
        self._made = _Tally()

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Fail before the store is asked."""
        del call
        if self._made.count() > self._calls:
            raise self._error
        yield


class StoresThenRaises(Layer):
    """Does what it is asked, then raises `Transient`: the answer that got lost.

    This happens to the first `times` calls about every document.
    """

    def __init__(
        self,
        inner: VectorStoreProvider,
        *,
        times: int = 1,
        methods: Collection[str] = STORING,
    ) -> None:
        super().__init__(inner)
        self._times = times
        self._methods = frozenset(methods)
        self._made = _Tally()

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Fail after the store has done its work."""
        yield
        if call.method in self._methods and self._made.count(call) <= self._times:
            raise Transient("The connection was lost before the answer came.")


class CutsListings(Layer):
    """Breaks the first `times` listings off after `files` copies, with `Transient`."""

    def __init__(self, inner: VectorStoreProvider, files: int, *, times: int = 1) -> None:
        super().__init__(inner)
        self._files = files
        self._times = times
        self._made = _Tally()

    def around_listing(self, call: Call, start: Callable[[], Iterator[Listed]]) -> Iterator[Listed]:
        """List as far as it goes."""
        is_cut = self._made.count(call) <= self._times
        for number, file in enumerate(start()):
            if is_cut and number == self._files:
                raise Transient("The connection was lost in the middle of a listing.")
            yield file


class Slow(Layer):
    """Waits before every call; `wait` may be anything, such as the wait for a test's event."""

    def __init__(
        self,
        inner: VectorStoreProvider,
        seconds: float,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(inner)
        self._seconds = seconds
        self._wait = wait

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Wait, then let the call pass."""
        del call
        self._wait(self._seconds)
        yield


class _Tally:
    """Counts occurrences from several threads."""

    def __init__(self) -> None:
        self._counts: Counter[Call | None] = Counter()
        self._lock = threading.Lock()

    def count(self, call: Call | None = None) -> int:
        """Count one more, and return how many there were with it."""
        with self._lock:
            self._counts[call] += 1
            return self._counts[call]
