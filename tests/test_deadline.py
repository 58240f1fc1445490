"""When a run is to end."""

from threading import Event

from tests.support.clock import Time
from vectornator.deadline import Deadline


def test_time_passes() -> None:
    """The deadline is set when its minutes are over, and then says so."""
    time = Time()
    deadline = Deadline(Event(), 1.5, time.now)
    time.seconds += 89.0
    assert (deadline.is_set(), deadline.remarks) == (False, ())
    time.seconds += 1.0
    assert (deadline.is_set(), deadline.has_passed) == (True, True)
    assert deadline.remarks == ("Ended after 1.5 min (--timeout-minutes); the next run goes on.",)


def test_nobody_waits_longer() -> None:
    """A wait that would last longer ends with the time."""
    time = Time()
    deadline = Deadline(Event(), 1, time.now)
    time.seconds += 59.999
    assert not deadline.wait(3600.0)
    time.seconds += 1
    assert deadline.wait(3600.0)


def test_asked_to_end() -> None:
    """Who asks the run to end needs no time to pass; nothing is said of time then."""
    time = Time()
    asked = Event()
    deadline = Deadline(asked, 1, time.now)
    asked.set()
    assert (deadline.wait(), deadline.has_passed, deadline.remarks) == (True, False, ())


def test_without_minutes() -> None:
    """Without minutes it waits as its event does, and ends with it alone."""
    time = Time()
    deadline = Deadline(Event(), None, time.now)
    time.seconds += 1e9
    assert not deadline.wait(0.0)
    deadline.set()
    assert deadline.wait()
    deadline.clear()
    assert not deadline.is_set()
