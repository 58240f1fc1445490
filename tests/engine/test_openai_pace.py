"""Whole runs against the service's limits, in simulated time."""

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from tests.openai_server import Clock, OpenAIServer, make_fault
from tests.support.openai import OpenAILab, SharedTimeSession
from tests.support.repositories import GitRepo
from vectornator.deadline import Deadline
from vectornator.errors import Fatal
from vectornator.model import Done


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """Run a server that would serve 3,000 requests a minute, if its limits did not say less."""
    with OpenAIServer(clock=Clock(scale=0, tick=0.02)) as server:
        yield server


@pytest.fixture
def lab(tmp_path: Path, server: OpenAIServer) -> OpenAILab:
    """An empty store, and a repository for documents to come."""
    lab = OpenAILab(GitRepo.init(tmp_path / "repo"), server)
    lab.session = SharedTimeSession
    return lab


def write(lab: OpenAILab, number: int) -> None:
    """Commit so many documents."""
    lab.repo.commit({f"{index}.md": f"# Number {index}\n" for index in range(number)})


def count_busiest(lab: OpenAILab, route: str) -> int:
    """The most requests to a route in any minute of the last run."""
    times = sorted(record.time for record in lab.server.ledger.of(route))
    return max(bisect_left(times, time + 60) - at for at, time in enumerate(times))


def count_refused(lab: OpenAILab) -> int:
    """The requests of the last run that were one too many."""
    return sum(record.status == 429 for record in lab.server.ledger.of())


def test_first_sync_keeps_the_limits(lab: OpenAILab) -> None:
    """Under the documented limits 3,000 documents are stored, and not one request refused."""
    write(lab, 3000)
    record = lab.sync(concurrency=8)
    assert ("synced", 3000, ()) == (record.status, len(lab.attachments), record.failures)
    assert (count_refused(lab), lab.requests["files.create"]) == (0, 3000)
    assert 500 < count_busiest(lab, "files.create") <= 1000


def test_unknown_limits_are_found(lab: OpenAILab) -> None:
    """A service that takes far less than documented refuses a few requests and loses nothing."""
    lab.server.change_rules(uploads_per_minute=60)
    write(lab, 300)
    record = lab.sync(concurrency=8)
    assert ("synced", 300, ()) == (record.status, len(lab.attachments), record.failures)
    assert 0 < count_refused(lab) <= 60


def test_no_money_ends_the_run(lab: OpenAILab) -> None:
    """Workers that were told to wait find out that there is no more money, and try no further."""
    write(lab, 300)
    lab.server.add_fault(make_fault("429-long", route="files.create"))
    quota = make_fault("429-insufficient-quota", route="files.create", nth=2, count=None)
    lab.server.add_fault(quota)
    with pytest.raises(Fatal) as caught:
        lab.sync(concurrency=8)
    assert caught.value.reason == "quota"
    assert lab.requests["files.create"] <= 9
    lab.server.clear_faults()
    assert lab.sync().status == "synced"
    assert (len(lab.contents), lab.strays) == (300, [])


def test_time_limit(lab: OpenAILab) -> None:
    """A run whose time is over while it waits saves what it did; the next one does the rest."""
    write(lab, 4)
    lab.sync()
    write(lab, 9)
    lab.server.add_fault(make_fault("429-long", route="files.create", nth=3, count=9))
    lab.stop = Deadline(Event(), 1, lab.server.clock.now)
    started = lab.server.clock.now()
    record = lab.sync(concurrency=1)
    assert "interrupted" == record.status
    assert record.remarks == ("Ended after 1 min (--timeout-minutes); the next run goes on.",)
    assert lab.server.clock.now() - started < 63
    lab.stop = Event()
    lab.server.clear_faults()
    record = lab.sync()
    assert ("synced", 9, []) == (record.status, len(lab.contents), lab.strays)
    assert sum(isinstance(outcome, Done) for outcome in record.outcomes) <= 5
