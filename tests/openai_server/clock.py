"""Simulated time: real time at a chosen scale, plus what tests and requests add to it."""

import threading
import time


class Clock:
    """Tells simulated seconds since 1970, starting at the present.

    With `scale` 0 nothing but `advance` and `tick` moves it, so that no test has to sleep.
    """

    def __init__(self, *, scale: float = 1.0, tick: float = 0.0) -> None:
        self.scale = scale
        """Simulated seconds in a real one."""

        self.tick = tick
        """Simulated seconds that every request takes."""

        self._start = time.time()
        self._origin = time.monotonic()
        self._added = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Tell the simulated time."""
        return self._start + (time.monotonic() - self._origin) * self.scale + self._added

    def advance(self, seconds: float) -> None:
        """Let simulated seconds pass at once; fits wherever code takes a way to sleep."""
        with self._lock:
            self._added += seconds
