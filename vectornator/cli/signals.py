"""Signals that ask a command to stop: the first politely, the second at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from vectornator.errors import Interrupted, OutOfTime, Withheld

PATIENCE = 5.5
"""Seconds after which a run that was asked to stop is ended wherever it hangs: GitHub's runner
sends a second signal after 7.5, and kills after 10."""

_ASKING = (signal.SIGINT, signal.SIGTERM)
_LONGEST = 1e8
"""Seconds; a timer takes no more than some centuries."""


@dataclass(slots=True)
class Caught:
    """What was caught so far."""

    patience: float
    """Seconds that the first signal leaves; with none it ends the command at once."""

    stop: threading.Event = field(default_factory=threading.Event)
    """Set by the first signal."""

    number: int = 0
    """The first signal; 0 when there was none."""

    def take(self, number: int, _frame: FrameType | None) -> None:
        """Ask the command to stop. Raises `KeyboardInterrupt` where no time is left for that."""
        is_first = not self.number
        self.number = self.number or number
        self.stop.set()
        if not (is_first and self.patience):
            raise KeyboardInterrupt
        _start_timer(self.patience)

    def end(self, _number: int, _frame: FrameType | None) -> None:
        """End the command wherever it is. Raises `KeyboardInterrupt`."""
        raise KeyboardInterrupt


@contextmanager
def catch_signals(*, patience: float = 0.0, minutes: float | None = None) -> Iterator[Caught]:
    """Catch SIGINT and SIGTERM while the block runs; only the main thread can.

    The block has `patience` seconds after the first, and after `minutes`, to end by itself.
    Raises `Interrupted` or `OutOfTime` where it had to be ended, or gave up.
    """
    caught = Caught(patience)
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    handlers = {**dict.fromkeys(_ASKING, caught.take), signal.SIGALRM: caught.end}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    _start_timer(min(60 * minutes + patience, _LONGEST) if minutes else 0.0)
    try:
        yield caught
    except Withheld as error:
        if not caught.number:
            raise
        raise Interrupted(caught.number) from error
    except KeyboardInterrupt as error:
        if not caught.number and minutes:
            raise OutOfTime(is_saved=False) from error
        raise Interrupted(caught.number or signal.SIGINT, is_saved=False) from error
    finally:
        _start_timer(0.0)
        for number, previous in before.items():
            signal.signal(number, previous)


def _start_timer(seconds: float) -> None:
    """Let SIGALRM come after so many seconds, and again: a destructor may eat one. Never for 0."""
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0 if seconds else 0.0)
