"""The layers that make a provider fail in a chosen way."""

import pytest

from tests.support.clock import Time
from vectornator.errors import Fatal, Rejected, Transient
from vectornator.providers.base import DescribesFiles, MarksStore, VectorStoreProvider
from vectornator.providers.layers import Retry, RetryPolicy, Traffic
from vectornator.providers.memory import MemoryProvider
from vectornator.testing.faults import (
    CutsListings,
    DiesAfter,
    Failing,
    Flaky,
    Rejecting,
    Slow,
    StoresThenRaises,
)
from vectornator.testing.steps import needs, store


def test_failing_raises_in_order(provider: MemoryProvider) -> None:
    """The fault `Failing` raises each error once, and then gets out of the way."""
    faulty = Failing(provider, Transient("busy"), Fatal("gone"))
    with pytest.raises(Transient):
        faulty.verify_store()
    with pytest.raises(Fatal):
        list(faulty.list_files())
    assert faulty.verify_store()
    assert provider.store.calls == [("verify_store", "store-1")]


def test_cuts_listings(provider: MemoryProvider) -> None:
    """The fault `CutsListings` breaks listings off in the middle, as often as told."""
    stored = [store(provider, f"{number}.md") for number in range(3)]
    faulty = CutsListings(provider, 2)
    files = faulty.list_files()
    assert stored[:2] == [next(files).file_id, next(files).file_id]
    with pytest.raises(Transient):
        next(files)
    assert stored == [file.file_id for file in faulty.list_files()]


def test_rejecting_rejects_only_what_it_is_told(provider: MemoryProvider) -> None:
    """The fault `Rejecting` refuses the given paths before they are stored."""
    faulty = Rejecting(provider, {"a.md"})
    with pytest.raises(Rejected):
        store(faulty, "a.md")
    store(faulty, "b.md")
    assert provider.store.calls == [("upload_file", "b.md")]


def test_dies_after_some_calls(provider: MemoryProvider) -> None:
    """The fault `DiesAfter` makes some calls and none after them, abilities included."""
    faulty = DiesAfter(provider, 2, KeyboardInterrupt())
    store(faulty, "a.md")
    needs(faulty, MarksStore).change_mark("run", lambda _: "dirty")
    with pytest.raises(KeyboardInterrupt):
        needs(faulty, DescribesFiles).describe_file("file-2")
    assert provider.store.calls == [("upload_file", "a.md"), ("read_mark", ""), ("write_mark", "")]


def test_stores_then_raises(provider: MemoryProvider, time: Time) -> None:
    """Under the fault `StoresThenRaises` a retry stores a second copy: the ambiguous success."""
    retrying = Retry(StoresThenRaises(provider), RetryPolicy(), time.wait, Traffic())
    store(retrying, "a.md")
    assert [file.path for file in provider.list_files()] == ["a.md", "a.md"]


def test_flaky_is_the_same_every_time() -> None:
    """The fault `Flaky` fails in the same places for the same seed."""

    def run(seed: int) -> list[bool]:
        faulty = Flaky(MemoryProvider(), 0.5, seed=seed)
        return [fails(faulty) for _ in range(50)]

    assert run(1) == run(1) != run(2)
    assert 10 < sum(run(1)) < 40


def fails(provider: VectorStoreProvider) -> bool:
    """Make one call and tell whether it met `Transient`."""
    try:
        provider.verify_store()
    except Transient:
        return True
    return False


def test_slow_waits_before_each_call(provider: MemoryProvider, time: Time) -> None:
    """The fault `Slow` waits before every call."""
    store(Slow(provider, 3.0, time.wait), "a.md")
    assert time.waits == [3.0]
