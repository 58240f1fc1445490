"""When a run is to end: as soon as it is asked to, or when its time is over."""

import math
import time
from collections.abc import Callable
from threading import Event


class Deadline(Event):
    """An event that is set with `asked`, or by itself when so many minutes have passed.

    It waits no longer than that either. Without `minutes` it is the same as `asked`.
    """

    def __init__(
        self, asked: Event, minutes: float | None, now: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._asked = asked
        self._minutes = minutes
        self._now = now
        self._end = now() + 60 * minutes if minutes else math.inf

    def is_set(self) -> bool:
        """Tell whether the run is to end."""
        return self._asked.is_set() or self.has_passed

    def set(self) -> None:
        """Ask the run to end."""
        self._asked.set()

    def clear(self) -> None:
        """Take the question back; time that has passed stays so."""
        self._asked.clear()

    def wait(self, timeout: float | None = None) -> bool:
        """Let seconds pass, but none after the end; tell whether the run is to end."""
        left = min(self._end - self._now(), math.inf if timeout is None else timeout)
        self._asked.wait(None if left == math.inf else max(0.0, left))
        return self.is_set()

    @property
    def has_passed(self) -> bool:
        """Whether the time is over."""
        return self._now() >= self._end

    @property
    def remarks(self) -> tuple[str, ...]:
        """Why the run ended early, if it was for its time."""
        if not self.has_passed:
            return ()
        return (f"Ended after {self._minutes:g} min (--timeout-minutes); the next run goes on.",)
