"""What is put around every provider."""

import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from inspect import getattr_static
from threading import Barrier, Event
from typing import Protocol

import pytest

from tests.support.clock import Time
from vectornator.errors import (
    Fatal,
    Interrupted,
    ProviderError,
    Rejected,
    Throttled,
    Transient,
    Withheld,
)
from vectornator.model import Document
from vectornator.providers import base
from vectornator.providers.base import VectorStoreProvider
from vectornator.providers.example import ExampleProvider
from vectornator.providers.layers import Halt, Log, Retry, RetryPolicy, Traffic, dress
from vectornator.providers.memory import MemoryProvider, MemoryStore
from vectornator.testing import ProviderSuite
from vectornator.testing.faults import CutsListings, Failing, Flaky
from vectornator.testing.steps import listing, make_document, store

ABILITIES = (
    base.Searches,
    base.SearchesMetadata,
    base.DescribesFiles,
    base.ChangesAttributes,
    base.MarksStore,
    base.DeletesStore,
    base.FindsStore,
    base.LimitsRates,
    base.StagesFiles,
    base.FindsStrays,
    base.CountsFiles,
    base.CountsRequests,
)


def retried(provider: VectorStoreProvider, time: Time, **policy: float) -> Retry:
    """Put nothing but the retry layer around a provider."""
    return Retry(provider, RetryPolicy(**policy), time.wait, Traffic())  # type: ignore[arg-type]


class TestDressed(ProviderSuite):
    """A dressed provider keeps the contract as the naked one does, under failures too."""

    sizes = (1, 1_000)

    @pytest.fixture
    def make_provider(self) -> Callable[[], VectorStoreProvider]:
        """Return what makes a provider that fails now and then, in all its layers."""
        server, time = MemoryStore(), Time()
        lines: list[str] = []

        def make() -> VectorStoreProvider:
            flaky = Flaky(MemoryProvider(server), 0.3, retry_after=1.0)
            policy = RetryPolicy(attempts=20, budget=10_000)
            return dress(flaky, retry=policy, log=lines.append, wait=time.wait)

        return make


@pytest.mark.parametrize("ability", ABILITIES)
@pytest.mark.parametrize("naked", [MemoryProvider(), ExampleProvider()])
def test_abilities_shine_through(ability: type, naked: VectorStoreProvider) -> None:
    """A dressed provider has exactly the abilities of the naked one."""
    dressed = dress(naked, retry=RetryPolicy(), log=print)
    assert isinstance(naked, ability) == isinstance(dressed, ability)
    assert isinstance(dressed, VectorStoreProvider)


def test_abilities_are_found_statically(provider: MemoryProvider) -> None:
    """They are real methods: what `isinstance` looks for since Python 3.12."""
    dressed = dress(provider, retry=RetryPolicy())
    members = ["name", "is_shared", "store_id", "search", "change_mark", "delete_store"]
    assert [m for m in members if getattr_static(dressed, m, None) is None] == []


def test_every_ability_is_passed_on() -> None:
    """No ability of the contract is forgotten by the layers."""
    protocols = {it for it in vars(base).values() if getattr(it, "_is_protocol", False)}
    assert {*ABILITIES, VectorStoreProvider, Protocol} == protocols


def test_transient_is_retried(provider: MemoryProvider, time: Time) -> None:
    """A call that met `Transient` is made again until it works."""
    flaky = Failing(provider, Transient("busy"), Transient("busy"))
    file_id = store(retried(flaky, time), "a.md")
    assert [file_id] == list(listing(provider))
    assert len(time.waits) == 2


@pytest.mark.parametrize("error", [Rejected("never"), Fatal("gone"), Interrupted(15)])
def test_other_errors_are_not_retried(
    provider: MemoryProvider, time: Time, error: Exception
) -> None:
    """Any other error passes at once."""
    with pytest.raises(type(error)):
        store(retried(Failing(provider, error), time), "a.md")
    assert (time.waits, provider.store.calls) == ([], [])


def test_waits_are_drawn_from_a_doubling_window(provider: MemoryProvider, time: Time) -> None:
    """Each wait is at most twice as long as the one before may be."""
    flaky = Failing(provider, *[Transient("busy")] * 5)
    store(retried(flaky, time, first=1.0), "a.md")
    windows = [1, 2, 4, 8, 16]
    assert all(0 <= wait <= most for wait, most in zip(time.waits, windows, strict=True))


def test_waits_have_a_limit(provider: MemoryProvider, time: Time) -> None:
    """However far the window has grown, no wait of ours is longer than the policy says."""
    flaky = Failing(provider, *[Transient("busy")] * 5)
    store(retried(flaky, time, first=1_000_000.0, longest=4.0), "a.md")
    assert max(time.waits) <= 4.0


def test_attempts_run_out(provider: MemoryProvider, time: Time) -> None:
    """After the last try the `Transient` is raised, and says how many tries there were."""
    errors = [Transient(f"busy {number}", retry_after=7.0) for number in range(9)]
    errors[2].reason = "rate-limited"
    with pytest.raises(Transient, match=r"^busy 2 \(given up after 3 tries\)$") as caught:
        store(retried(Failing(provider, *errors), time, attempts=3), "a.md")
    assert (caught.value.retry_after, caught.value.reason) == (7.0, "rate-limited")
    assert caught.value.__cause__ is errors[2]
    assert len(time.waits) == 2


def test_service_that_is_down_ends_the_run(provider: MemoryProvider, time: Time) -> None:
    """The eighth call in a row that is given up is `Fatal`, and none after it is repeated."""
    dead = retried(Failing(provider, *[Transient("busy")] * 25), time, attempts=3)
    document = make_document("a.md", b"")
    for _ in range(7):
        dead.enrich_metadata(document, b"", {})  # which asks nobody
        with pytest.raises(Transient):
            store(dead, "a.md")
    with pytest.raises(Fatal, match="8 calls in a row were in vain"):
        store(dead, "a.md")
    with pytest.raises(Fatal, match="after 1 try"):
        store(dead, "a.md")
    assert len(time.waits) == 8 * 2


def test_any_answer_shows_that_a_service_is_up(provider: MemoryProvider, time: Time) -> None:
    """Calls that are given up end no run as long as others are answered in between."""
    errors = [*[Transient("busy")] * 7, Rejected("never")] * 2
    sick = retried(Failing(provider, *errors), time, attempts=1)
    kinds = []
    for _ in errors:
        with pytest.raises(ProviderError) as caught:
            store(sick, "a.md")
        kinds.append(caught.type)
    assert kinds == ([Transient] * 7 + [Rejected]) * 2


def test_budget_runs_out(provider: MemoryProvider, time: Time) -> None:
    """No wait is begun that would exceed the budget."""
    flaky = Failing(provider, *[Transient("busy", retry_after=40.0)] * 9)
    with pytest.raises(Transient, match="after 3 tries"):
        store(retried(flaky, time, budget=100.0, first=1.0), "a.md")
    assert 80 <= sum(time.waits) <= 100


def test_retry_after_is_a_minimum(provider: MemoryProvider, time: Time) -> None:
    """What the server asks for is waited in full, and a little more."""
    store(retried(Failing(provider, Transient("busy", retry_after=90.0)), time), "a.md")
    assert 90.0 <= time.waits[0] <= 91.0


def test_listing_is_restarted(provider: MemoryProvider, time: Time) -> None:
    """A listing that broke off goes on, with every copy exactly once."""
    stored = [store(provider, f"{number}.md") for number in range(10)]
    broken = CutsListings(provider, 7, times=2)
    assert stored == [file.file_id for file in retried(broken, time).list_files()]
    assert len(time.waits) == 2


def test_listing_never_just_ends(provider: MemoryProvider, time: Time) -> None:
    """A listing that can't be completed raises, after what it had was yielded."""
    stored = [store(provider, f"{number}.md") for number in range(10)]
    files = retried(CutsListings(provider, 7, times=9), time).list_files()
    seen = list(itertools.islice(files, 7))
    with pytest.raises(Transient, match="6 tries"):
        next(files)
    assert stored[:7] == [file.file_id for file in seen]


def test_listing_left_early_is_not_retried(provider: MemoryProvider, time: Time) -> None:
    """A caller that stops listing stops it for good."""
    store(provider, "a.md")
    store(provider, "b.md")
    files = retried(provider, time).list_files()
    next(files)
    del files
    assert (time.waits, provider.store.calls.count(("list_files", ""))) == ([], 1)


def test_enriching_is_retried(time: Time) -> None:
    """A provider may ask a service for what it adds to a document."""

    class Asking(MemoryProvider):
        answers = iter([Transient("busy"), None])

        def enrich_metadata(
            self, document: Document, content: bytes, metadata: Mapping[str, str]
        ) -> Mapping[str, str]:
            if error := next(self.answers):
                raise error
            return {**metadata, "title": document.path, "size": str(len(content))}

    document = make_document("a.md", b"")
    assert retried(Asking(), time).enrich_metadata(document, b"", {}) == {
        "title": "a.md",
        "size": "0",
    }


def test_waiting_can_be_interrupted(provider: MemoryProvider) -> None:
    """What `wait` raises ends the call, and nothing is tried after it."""

    def stop(_: float) -> None:
        raise Interrupted(15)

    flaky = Failing(provider, Transient("busy"))
    dressed = dress(flaky, retry=RetryPolicy(), wait=stop)
    with pytest.raises(Interrupted):
        store(dressed, "a.md")
    assert provider.store.calls == []


def test_fatal_ends_waiting(provider: MemoryProvider) -> None:
    """When one call met `Fatal`, those that wait for another try are not tried, nor wait on."""
    time = Time()
    broke = Fatal("no money", reason="quota")
    halt = Halt(Failing(provider, Transient("busy", retry_after=300.0), broke), lambda _: spend())

    def spend() -> None:
        time.wait(1.0)
        if len(time.waits) == 3:
            with pytest.raises(Fatal):
                halt.verify_store()

    with pytest.raises(Withheld):
        store(Retry(halt, RetryPolicy(), halt.wait, Traffic()), "a.md")
    assert (time.waits, provider.store.calls) == ([1.0] * 3, [])


def test_fatal_wakes_all_threads(provider: MemoryProvider) -> None:
    """One call that meets `Fatal` wakes the seven that were told to wait for a minute."""
    all_begun, is_over = Barrier(8), Event()
    waits: list[float] = []

    class Poor(MemoryProvider):
        def delete_file(self, file_id: str) -> None:
            all_begun.wait(10)
            if file_id == "0":
                raise Fatal("no money", reason="quota")
            raise Throttled("busy", retry_after=60.0)

    def wait(seconds: float) -> None:
        waits.append(seconds)
        assert is_over.wait(10)

    dressed = dress(Poor(provider.store), retry=RetryPolicy(), wait=wait)

    def delete(number: int) -> str:
        try:
            dressed.delete_file(str(number))
        except ProviderError as error:
            if isinstance(error, Fatal):
                is_over.set()
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(delete, range(8))) == ["Fatal", *["Withheld"] * 7]
    assert len(waits) <= 7
    assert max(waits, default=0.0) <= 1.0


def test_after_fatal_nothing_waits(provider: MemoryProvider, time: Time) -> None:
    """A call whose turn has not come is not made any more."""
    halt = Halt(Failing(provider, Fatal("no money", reason="quota")), time.wait)
    with pytest.raises(Fatal):
        store(halt, "a.md")
    with pytest.raises(Withheld, match="the run ended before it"):
        halt.wait(60.0)
    with pytest.raises(Withheld):
        store(halt, "b.md")
    assert halt.verify_store()
    assert (time.waits, provider.store.calls.count(("upload_file", "b.md"))) == ([], 0)


def test_traffic_counts_every_try(provider: MemoryProvider, time: Time) -> None:
    """Requests are counted by method, tries that failed too, and retries beside them."""
    traffic = Traffic()
    flaky = Failing(provider, Transient("busy"))
    dressed = dress(flaky, retry=RetryPolicy(), wait=time.wait, traffic=traffic)
    store(dressed, "a.md")
    list(dressed.list_files())
    assert traffic.requests == {"upload_file": 2, "list_files": 1}
    assert traffic.retries == 1


def test_log_names_call_and_outcome(provider: MemoryProvider, time: Time) -> None:
    """One line per call: method, path or id, milliseconds, outcome; no content."""
    lines: list[str] = []
    log = Log(Failing(provider, Transient("busy")), lines.append, time.now)
    with pytest.raises(Transient):
        store(log, "a.md", b"secret")
    log.delete_file(store(log, "a.md", b"secret"))
    list(log.list_files())
    assert lines == [
        "upload_file a.md 0 ms Transient: busy",
        "upload_file a.md 0 ms ok",
        "delete_file file-2 0 ms ok",
        "list_files 0 ms ok",
    ]


def test_log_escapes_what_comes_from_outside(provider: MemoryProvider, time: Time) -> None:
    """No path and no message breaks a line, or commands a terminal."""
    lines: list[str] = []
    log = Log(Failing(provider, Rejected("no\r\n::error::\x1b[31m")), lines.append, time.now)
    with pytest.raises(Rejected):
        store(log, "ü\n\u202e.md")
    assert lines == [
        "upload_file ü\\n\\u202e.md 0 ms Rejected: no\\r\\n::error::\\x1b[31m",
    ]


def test_log_of_a_listing_left_early(provider: MemoryProvider, time: Time) -> None:
    """A listing that its caller leaves is no failure, and not complete either."""
    lines: list[str] = []
    store(provider, "a.md")
    files = Log(provider, lines.append, time.now).list_files()
    next(files)
    del files
    assert lines == ["list_files 0 ms left early"]


def test_log_spells_out_no_foreign_error(provider: MemoryProvider, time: Time) -> None:
    """An error that isn't ours may hold anything: only its name is logged."""
    lines: list[str] = []
    log = Log(Failing(provider, RuntimeError("key sk-123")), lines.append, time.now)
    with pytest.raises(RuntimeError):
        log.verify_store()
    assert lines == ["verify_store 0 ms RuntimeError"]
