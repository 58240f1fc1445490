"""Pace: when calls may start, so that a service takes them all."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from vectornator.errors import Throttled, Transient
from vectornator.providers.around import Call, Layer
from vectornator.providers.base import Bucket, VectorStoreProvider

_MINUTE = 60.0

_PAUSE = 15.0
"""The seconds that a bucket rests when a service throttles it without saying how long: the usual
tries of a call then outlast the minute that services count in."""

_LEAST = 1 / 32
"""The smallest share of its pace that a bucket is slowed down to."""

_GAIN = 0.1
"""What a slowed bucket wins back with as many calls as it may make in a minute at its best, as a
share of that pace: while all succeed, it gets faster by a tenth a minute."""

_USUAL = 600
"""The calls a minute that a bucket without a limit starts from when it is slowed down."""


class Pace(Layer):
    """Spreads calls over time, for all threads together.

    Of the calls of a bucket no more start in any minute than it allows; a service that throttles
    one, or asks to be left alone, holds back that bucket and no other. No two calls of any kind
    start less than `60 / requests_per_minute` seconds apart. A listing is one call, however many
    pages it has.
    """

    def __init__(
        self,
        inner: VectorStoreProvider,
        buckets: Sequence[Bucket] = (),
        requests_per_minute: float | None = None,
        *,
        wait: Callable[[float], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(inner)
        self._wait = wait
        self._now = now
        self._common = Gate(now)
        self._gates = {
            method: gate
            for bucket, gate in [(it, Gate(now, it.calls, it.copies)) for it in buckets]
            for method in bucket.methods
        }
        self._interval = _MINUTE / requests_per_minute if requests_per_minute else 0.0
        self._lock = threading.Lock()
        self._free_at = -math.inf

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Wait for a turn, and let the bucket know how the call went."""
        gate = self._gates.get(call.method, self._common)
        turn = self._wait_for_turn(gate, call.copies)
        try:
            yield
        except Throttled as error:
            gate.slow_down(turn, error.retry_after)
            raise
        except Transient as error:
            if error.retry_after:
                gate.close(error.retry_after)
            raise
        gate.speed_up(call.copies)

    def _wait_for_turn(self, gate: "Gate", copies: int) -> float:
        """Wait for a turn of the bucket, then for one among all calls; return the bucket's."""
        turn = self._wait_until(gate.take_turn(copies))
        if self._interval:
            self._wait_until(self._take_any_turn())
        while turn < gate.closed_until:  # closed while this call waited
            turn = self._wait_until(gate.take_turn(copies))
        return turn

    def _take_any_turn(self) -> float:
        with self._lock:
            turn = max(self._now(), self._free_at)
            self._free_at = turn + self._interval
            return turn

    def _wait_until(self, turn: float) -> float:
        seconds = turn - self._now()
        if seconds > 0:
            self._wait(seconds)
        return turn


class Gate:
    """Gives the calls of one bucket their turns, first come, first served; never waits itself.

    A bucket of `calls` and `copies` a minute starts as fast as it can be used. One that was
    throttled goes on at half its pace, its calls evenly spread, and wins the rest back while
    they succeed. Without `calls` there is no limit before the service complains.
    """

    def __init__(self, now: Callable[[], float], calls: int = 0, copies: int = 0) -> None:
        self._now = now
        self._is_limited = calls > 0
        self._calls = calls or _USUAL
        self._copies = copies
        self._most = self._calls * (copies or 1)
        self._lock = threading.Lock()
        self._recent = deque[tuple[float, int]]()
        self._used = 0
        self._free_at = -math.inf
        self._share = 1.0
        self._slowed_at = -math.inf
        self.closed_until = -math.inf
        """A turn that was given for an earlier time is void."""

    def take_turn(self, copies: int = 1) -> float:
        """Return the time at which a call about so many copies may start."""
        cost = self._to_cost(copies)
        with self._lock:
            turn = max(self._now(), self._free_at)
            if self._is_limited:
                turn = self._find_room(turn, cost)
            spacing = _MINUTE * cost / self._most / self._share if self._share < 1.0 else 0.0
            self._free_at = turn + spacing  # never earlier than the turns before
            return turn

    def _find_room(self, turn: float, cost: int) -> float:
        """The first time from `turn` on when the minute before has room for `cost`."""
        recent = self._recent
        while recent and (recent[0][0] + _MINUTE <= turn or self._used + cost > self._most):
            time_before, cost_before = recent.popleft()
            turn = max(turn, time_before + _MINUTE)
            self._used -= cost_before
        recent.append((turn, cost))
        self._used += cost
        return turn

    def _to_cost(self, copies: int) -> int:
        """What a call takes of `_most`, whichever of its limits it uses up more of."""
        return max(self._copies, copies * self._calls) if self._copies else 1

    def close(self, seconds: float) -> None:
        """Let no call start before so many seconds have passed."""
        with self._lock:
            self.closed_until = max(self.closed_until, self._now() + seconds)
            self._free_at = max(self._free_at, self.closed_until)

    def slow_down(self, started: float, retry_after: float | None) -> None:
        """Close, and halve the pace; calls that started before the last halving do it no more."""
        self.close(_PAUSE if retry_after is None else retry_after)
        with self._lock:
            if started > self._slowed_at:
                self._slowed_at = self._now()
                self._share = max(_LEAST, self._share / 2)

    def speed_up(self, copies: int = 1) -> None:
        """Win back a little of the pace after a call that succeeded."""
        if self._share < 1.0:
            with self._lock:
                gained = _GAIN * self._to_cost(copies) / self._most
                self._share = min(1.0, self._share + gained)
