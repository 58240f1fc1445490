"""Retry, counting and the log: what is put, with pace, around every provider alike."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar, cast

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from vectornator.errors import Fatal, ProviderError, Rejected, Transient, Withheld
from vectornator.model import Document
from vectornator.providers.around import Call, Layer, Listed
from vectornator.providers.base import LimitsRates, VectorStoreProvider
from vectornator.providers.pace import Pace

T = TypeVar("T")

_LOOK_SECONDS = 1.0
"""How long a wait may go on after the run has ended."""

_MOST_GIVEN_UP = 8
"""How many calls in a row, of whatever kind, are given up before the service counts as down."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and how patiently, a call that met `Transient` is made again."""

    attempts: int = 6
    """Tries in all; 1 for never again."""

    budget: float = 900.0
    """Seconds that one call may spend waiting between its tries, all together."""

    first: float = 1.0
    """The longest first wait, in seconds; it doubles with every try (full jitter)."""

    longest: float = 60.0
    """The longest of those waits, in seconds; a server that asks for more gets more."""


@dataclass(slots=True)
class Traffic:
    """What a run asked of its provider; may be read while calls are under way."""

    requests: Counter[str] = field(default_factory=Counter)
    """Calls by method, every try counted."""

    repeated: Counter[str] = field(default_factory=Counter)
    """How many of them were made again, by method."""

    _lock: threading.Lock = field(
        default_factory=threading.Lock, init=False, repr=False, compare=False
    )

    def count_request(self, method: str) -> None:
        """Count one call."""
        with self._lock:
            self.requests[method] += 1

    def count_retry(self, method: str) -> None:
        """Count one call that is made again."""
        with self._lock:
            self.repeated[method] += 1

    @property
    def retries(self) -> int:
        """How many calls were made again."""
        return self.repeated.total()


def dress(
    provider: VectorStoreProvider,
    *,
    retry: RetryPolicy,
    requests_per_minute: float | None = None,
    log: Callable[[str], None] | None = None,
    wait: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
    traffic: Traffic | None = None,
) -> VectorStoreProvider:
    """Put every layer around an initialised `provider`; its abilities stay what they are.

    Read from the inside out: each try that reaches the store is logged and counted, waits
    for its turn first, and is made again when it met `Transient`; once any met `Fatal`, all
    waiting ends. `wait` does the waiting, from any thread, and may raise to end the run; `now`
    tells the seconds that pass meanwhile. Without `log` nothing is logged.
    """
    traffic = traffic or Traffic()
    provider = halt = Halt(provider, wait)
    if log:
        provider = Log(provider, log)
    provider = Count(provider, traffic)
    buckets = provider.buckets if isinstance(provider, LimitsRates) else ()
    provider = Pace(provider, buckets, requests_per_minute, wait=halt.wait, now=now)
    return Retry(provider, retry, halt.wait, traffic)


class Halt(Layer):
    """Ends the waiting of all threads as soon as one call met `Fatal`.

    The method that met it is not called again; others are, to put in order what was begun.
    """

    def __init__(self, inner: VectorStoreProvider, wait: Callable[[float], None]) -> None:
        super().__init__(inner)
        self._wait = wait
        self._ended: set[str] = set()

    def wait(self, seconds: float) -> None:
        """Let seconds pass, a few at a time. Raises `Withheld` once no call can work."""
        while seconds > 0 and not self._ended:
            piece = min(seconds, _LOOK_SECONDS)
            self._wait(piece)
            seconds -= piece
        if self._ended:
            raise _untried()

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Watch how the call ends. Raises `Withheld` where no call can work."""
        if call.method in self._ended:
            raise _untried()
        try:
            yield
        except Fatal:
            self._ended.add(call.method)
            raise

    def around_listing(self, call: Call, start: Callable[[], Iterator[Listed]]) -> Iterator[Listed]:
        """Carry out a listing, which may be long: between its items it heeds the wish to end."""
        with self.during(call):
            for file in start():
                self._wait(0.0)
                yield file


def _untried() -> Withheld:
    return Withheld("not tried: the run ended before it")


class Retry(Layer):
    """Makes a call again that met `Transient`, and nothing else.

    Waits are drawn from a window that doubles, on top of what the server asked for. The
    last `Transient` is raised when the tries or the budget are used up; its message says
    how many tries there were. When that has befallen several calls in a row, it is `Fatal`:
    the service is down, and no call is made twice until one is answered.
    """

    def __init__(
        self,
        inner: VectorStoreProvider,
        policy: RetryPolicy,
        wait: Callable[[float], None],
        traffic: Traffic,
    ) -> None:
        super().__init__(inner)
        self._policy = policy
        self._traffic = traffic
        self._jitter = wait_random_exponential(multiplier=policy.first, max=policy.longest)
        self._retrying = Retrying(
            retry=retry_if_exception_type(Transient),
            wait=lambda state: _asked_for(state) + self._jitter(state),
            stop=self._is_used_up,
            sleep=wait,
            before_sleep=lambda state: traffic.count_retry(state.args[0].method),
            retry_error_callback=self._give_up,
        )
        self._lock = threading.Lock()
        self._given_up = 0

    def around(self, call: Call, run: Callable[[], T]) -> T:
        """Carry out one call, again if need be."""
        with self._hearing():
            return cast("T", self._retrying(_run, call, run))

    def around_listing(self, call: Call, start: Callable[[], Iterator[Listed]]) -> Iterator[Listed]:
        """List from the beginning again if need be, leaving out what was yielded before.

        A listing can't be resumed, since the contract knows no cursor; ids are never used
        twice, so that those seen tell exactly what the caller has.
        """
        seen: set[str] = set()
        count = self._traffic.count_retry
        with self._hearing():
            for attempt in self._retrying.copy(before_sleep=lambda _: count(call.method)):
                with attempt:
                    for file in start():
                        if file.file_id not in seen:
                            seen.add(file.file_id)
                            yield file

    def enrich_metadata(
        self, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Enrich, again if need be: a provider may ask a service for what it adds.

        Most ask nothing, so that nothing is learned of the service from one that worked.
        """
        call = Call("enrich_metadata", document.path)

        def run() -> Mapping[str, str]:
            return self.inner.enrich_metadata(document, content, metadata)

        return cast("Mapping[str, str]", self._retrying(_run, call, run))

    def _is_used_up(self, state: RetryCallState) -> bool:
        waited = state.idle_for + state.upcoming_sleep
        is_too_often = state.attempt_number >= self._policy.attempts or self._is_down
        return is_too_often or waited > self._policy.budget

    @property
    def _is_down(self) -> bool:
        return self._given_up >= _MOST_GIVEN_UP

    @contextmanager
    def _hearing(self) -> Iterator[None]:
        """Note that the service answers, where a call is not given up; a refusal is an answer."""
        try:
            yield
        except Rejected:
            self._given_up = 0
            raise
        self._given_up = 0

    def _give_up(self, state: RetryCallState) -> NoReturn:
        error = _transient_of(state)
        tries = "1 try" if state.attempt_number == 1 else f"{state.attempt_number} tries"
        words = f"{error} (given up after {tries})"
        with self._lock:
            self._given_up += 1
            is_down, number = self._is_down, self._given_up
        if is_down:
            down = f"{words}. {number} calls in a row were in vain: is the service down?"
            raise Fatal(down, reason=error.reason) from error
        last = Transient(words, retry_after=error.retry_after)
        last.reason = error.reason
        raise last from error


def _run(call: Call, run: Callable[[], T]) -> T:
    del call  # it is there for the count of retries
    return run()


def _asked_for(state: RetryCallState) -> float:
    """The seconds that the server wants to be left alone after a failed try."""
    return _transient_of(state).retry_after or 0.0


def _transient_of(state: RetryCallState) -> Transient:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, Transient)
    return error


class Count(Layer):
    """Counts every call that reaches the provider."""

    def __init__(self, inner: VectorStoreProvider, traffic: Traffic) -> None:
        super().__init__(inner)
        self._traffic = traffic

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Count the call as it starts."""
        self._traffic.count_request(call.method)
        yield


class Log(Layer):
    """Writes one line per call: method, path or id, milliseconds, outcome.

    Neither content nor metadata nor a search's words appear in it. What comes from outside
    is printed with its control characters escaped, so that a line stays a line.
    """

    def __init__(
        self,
        inner: VectorStoreProvider,
        write: Callable[[str], None],
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(inner)
        self._write = write
        self._now = now

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Write the line when the call ends, however it ends."""
        start = self._now()
        outcome = "ok"
        try:
            yield
        except GeneratorExit:
            outcome = "left early"
            raise
        except BaseException as error:
            outcome = _describe(error)
            raise
        finally:
            words = [call.method, call.subject, f"{1000 * (self._now() - start):.0f} ms", outcome]
            self._write(_escape(" ".join(word for word in words if word)))


def _describe(error: BaseException) -> str:
    """Name an error; only ours are spelled out, since they are known to hold no secrets."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, ProviderError) else name


def _escape(text: str) -> str:
    """Replace whatever is not printable, lone surrogates too, by its backslash escape."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
