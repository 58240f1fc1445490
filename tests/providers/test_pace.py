"""When calls may start."""

import heapq
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import Time
from vectornator.errors import Throttled, Transient
from vectornator.model import RemoteFile
from vectornator.providers.around import Call
from vectornator.providers.base import Bucket, VectorStoreProvider
from vectornator.providers.memory import MemoryProvider
from vectornator.providers.pace import Gate, Pace
from vectornator.testing.faults import Failing
from vectornator.testing.steps import store

UPLOADS = Bucket(frozenset({"upload_file"}), calls=3)

ARRIVALS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.01, 0.5, 3.0, 20.0, 59.0, 61.0]),  # after the one before
        st.integers(1, 12),  # copies
        st.sampled_from([None, None, None, 0.0, 1.5, 130.0]),  # throttled, for how long
    ),
    max_size=60,
)


def paced(provider: VectorStoreProvider, time: Time, *buckets: Bucket) -> Pace:
    """Put nothing but the pace around a provider."""
    return Pace(provider, buckets, wait=time.wait, now=time.now)


def slowed(time: Time, calls: int = 60) -> Gate:
    """A bucket that was throttled once, a moment ago."""
    gate = Gate(time.now, calls)
    gate.slow_down(gate.take_turn(), 0.0)
    return gate


def take_turns(
    arrivals: list[tuple[float, int, float | None]], calls: int, copies: int
) -> list[tuple[float, int]]:
    """When each call starts, and its copies, where every call ends as soon as it started."""
    time = Time()
    gate = Gate(time.now, calls, copies)
    started: list[tuple[float, int]] = []
    queue: list[tuple[float, int, float]] = []
    arrival = time.seconds
    for number, (pause, _, _) in enumerate(arrivals):
        arrival += pause
        heapq.heappush(queue, (arrival, number, math.inf))  # no turn yet
    while queue:
        time.seconds, number, turn = heapq.heappop(queue)
        _, copies_now, wish = arrivals[number]
        if not gate.closed_until <= turn <= time.seconds:
            turn = gate.take_turn(copies_now)
            heapq.heappush(queue, (max(turn, time.seconds), number, turn))
            continue
        started.append((time.seconds, copies_now))
        if wish is not None:
            gate.slow_down(turn, wish)
    return started


@given(ARRIVALS, st.integers(1, 9), st.sampled_from([0, 12, 20]))
def test_no_minute_has_too_many(
    arrivals: list[tuple[float, int, float | None]], calls: int, copies: int
) -> None:
    """However calls arrive, no minute sees more of them, or of their copies, than allowed."""
    started = take_turns(arrivals, calls, copies)
    assert len(started) == len(arrivals)
    for first, _ in started:
        minute = [count for at, count in started if first <= at < first + 60.0]
        assert len(minute) <= calls
        assert not copies or sum(minute) <= copies


def test_calls_of_a_bucket(provider: MemoryProvider, time: Time) -> None:
    """They start at once as long as the minute has room; others are not held up."""
    pace = paced(provider, time, UPLOADS)
    for number in range(3):
        store(pace, f"{number}.md")
    pace.verify_store()
    assert time.waits == []
    for number in range(3, 6):
        store(pace, f"{number}.md")
    assert time.waits == [60.0]


def test_copies_of_a_bucket(time: Time) -> None:
    """A call about many copies waits until the minute has room for all of them."""
    gate = Gate(time.now, calls=100, copies=1800)
    assert [gate.take_turn(500) - 1000.0 for _ in range(4)] == [0.0, 0.0, 0.0, 60.0]


def test_more_copies_than_a_minute_allows(time: Time) -> None:
    """A call that never fits has a minute for itself."""
    gate = Gate(time.now, calls=100, copies=10)
    assert [gate.take_turn(copies) - 1000.0 for copies in (1, 500, 1)] == [0.0, 60.0, 120.0]


@pytest.mark.parametrize("error", [Throttled, Transient])
def test_back_off_is_shared(
    provider: MemoryProvider, time: Time, error: Callable[..., Transient]
) -> None:
    """A wish to be left alone holds for all calls of its bucket, however long, and no other."""
    pace = paced(Failing(provider, error("busy", retry_after=600.0)), time, UPLOADS)
    with pytest.raises(Transient):
        store(pace, "a.md")
    pace.verify_store()
    assert time.waits == []
    store(pace, "b.md")
    assert time.waits == [600.0]


def test_back_off_reaches_those_who_wait(provider: MemoryProvider, time: Time) -> None:
    """A call that was waiting for its turn when the service closed the door waits on."""

    def cut() -> Iterator[RemoteFile]:
        yield RemoteFile("file-1", {})
        raise Transient("busy", retry_after=30.0)

    def wait(seconds: float) -> None:
        if not time.waits:  # while the second call waits, the first one fails
            with pytest.raises(Transient):
                next(first)
        time.wait(seconds)

    pace = Pace(provider, (), 60, wait=wait, now=time.now)
    first = pace.around_listing(Call("list_files"), cut)
    next(first)
    pace.verify_store()
    assert time.waits == [1.0, 29.0]


def test_throttled_without_a_wish(provider: MemoryProvider, time: Time) -> None:
    """A bucket that is throttled without being told for how long rests all the same."""
    pace = paced(Failing(provider, Throttled("slow down")), time)
    with pytest.raises(Throttled):
        pace.verify_store()
    pace.verify_store()
    assert time.waits == [15.0]


def test_throttled_bucket_is_halved(time: Time) -> None:
    """After that its calls are evenly spread, half as many in a minute."""
    gate = slowed(time, calls=60)
    assert [gate.take_turn() - 1000.0 for _ in range(4)] == [0.0, 2.0, 4.0, 6.0]


def test_one_storm_halves_once(time: Time) -> None:
    """Calls that were under way when the first was throttled say nothing new."""
    gate = Gate(time.now, 60)
    turns = [gate.take_turn() for _ in range(20)]
    for turn in turns:
        gate.slow_down(turn, 1.0)
    assert gate.take_turn() - gate.take_turn() == -2.0


def test_slowing_has_a_floor(time: Time) -> None:
    """However often it is throttled, a bucket keeps a 32nd of its pace."""
    gate = Gate(time.now, 64)
    for _ in range(20):
        time.seconds += 100.0
        gate.slow_down(gate.take_turn(), 0.0)
    time.seconds += 100.0
    assert gate.take_turn() - gate.take_turn() == -30.0


def test_pace_is_won_back_slowly(time: Time) -> None:
    """A minute of successes wins a tenth back; in the end the bucket is as fast as before."""
    gate = slowed(time, calls=60)
    for _ in range(60):
        gate.speed_up()
    assert gate.take_turn() - gate.take_turn() == pytest.approx(-1 / 0.6)
    for _ in range(240):
        gate.speed_up()
    time.seconds += 300.0
    assert gate.take_turn() == gate.take_turn()


def test_bucket_without_a_limit_is_slowed_too(provider: MemoryProvider, time: Time) -> None:
    """Calls in no bucket share one, without a limit until the service complains."""
    pace = paced(Failing(provider, Throttled("busy", retry_after=1.0)), time)
    with suppress(Throttled):
        pace.verify_store()
    for _ in range(3):
        pace.verify_store()
    assert time.waits == pytest.approx([1.0, 0.2, 0.2], rel=0.01)


def test_ceiling_spreads_calls(provider: MemoryProvider, time: Time) -> None:
    """Calls of all kinds start at least so far apart as the ceiling says, the first at once."""
    pace = Pace(provider, (UPLOADS,), 120, wait=time.wait, now=time.now)
    for number in range(2):
        store(pace, f"{number}.md")
    pace.verify_store()
    assert time.waits == [0.5, 0.5]


def test_ceiling_is_shared_by_threads(provider: MemoryProvider) -> None:
    """Every thread waits for a turn of its own: all turns together keep the ceiling."""
    turns: list[float] = []
    pace = Pace(provider, (), 60, wait=turns.append, now=lambda: 0.0)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store(pace, f"{number}.md"), range(20)))
    assert sorted(turns) == [float(second) for second in range(1, 20)]


def test_idle_time_is_not_saved_up(provider: MemoryProvider, time: Time) -> None:
    """After a pause there is no burst above the ceiling."""
    pace = Pace(provider, (), 60, wait=time.wait, now=time.now)
    pace.verify_store()
    time.seconds += 100
    pace.verify_store()
    pace.verify_store()
    assert time.waits == [1.0]
