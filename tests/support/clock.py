"""Time for tests that must not wait."""

import threading


class Time:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.waits: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        """Tell the time."""
        return self.seconds

    def wait(self, seconds: float) -> None:
        """Move the clock instead of waiting."""
        with self._lock:
            self.waits.append(seconds)
            self.seconds += seconds
