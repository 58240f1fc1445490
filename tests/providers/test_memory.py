"""The provider in memory."""

from collections.abc import Callable

import pytest

from vectornator.providers.base import ProviderConfig, VectorStoreProvider
from vectornator.providers.memory import MemoryProvider, MemoryStore
from vectornator.testing import ProviderSuite
from vectornator.testing.steps import TEXT, make_document, store


class TestMemoryProvider(ProviderSuite):
    """The memory provider keeps the contract."""

    sizes = (0, 1, 1_000, 1_000_000)

    @pytest.fixture
    def server(self) -> MemoryStore:
        """Return what the providers of one test share."""
        return MemoryStore()

    @pytest.fixture
    def make_provider(self, server: MemoryStore) -> Callable[[], VectorStoreProvider]:
        """Return what makes a provider on the one server."""
        return lambda: MemoryProvider(server)

    def read_content(self, provider: VectorStoreProvider, file_id: str) -> bytes:
        """Look behind the counter."""
        assert isinstance(provider, MemoryProvider)
        return provider.store.shelves[provider.store_id].copies[file_id].content


def test_calls_are_recorded() -> None:
    """Every call is recorded with what it was about."""
    provider = MemoryProvider()
    provider.initialize(ProviderConfig())
    provider.create_store("docs")
    provider.delete_file(store(provider, "a.md"))
    assert provider.store.calls == [
        ("create_store", "docs"),
        ("upload_file", "a.md"),
        ("delete_file", "file-2"),
    ]


def test_two_runs_share_a_store() -> None:
    """A second provider on the same far side sees what the first one stored."""
    server = MemoryStore()
    first, second = MemoryProvider(server), MemoryProvider(server, is_shared=False)
    first.initialize(ProviderConfig())
    second.initialize(ProviderConfig(store_id=first.create_store("docs")))
    second.upload_file(make_document("a.md", TEXT), TEXT, {"path": "a.md"})
    assert server.contents(first.store_id) == {"a.md": TEXT}
    assert (first.is_shared, second.is_shared) == (True, False)
