"""Signals that ask a run to stop: the first politely, the second at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

_ASKING = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class Caught:
    """What was caught so far."""

    stop: threading.Event = field(default_factory=threading.Event)
    """Set by the first signal."""

    number: int = signal.SIGINT

    def take(self, number: int, _frame: FrameType | None) -> None:
        """Ask the run to stop. Raises `KeyboardInterrupt` when it was asked before."""
        if self.stop.is_set():
            raise KeyboardInterrupt
        self.number = number
        self.stop.set()


@contextmanager
def catch_signals() -> Iterator[Caught]:
    """Catch SIGINT and SIGTERM while the block runs; only the main thread can."""
    caught = Caught()
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    before = {number: signal.signal(number, caught.take) for number in _ASKING}
    try:
        yield caught
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
