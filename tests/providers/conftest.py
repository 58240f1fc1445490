"""What tests of layers and faults start from."""

import pytest

from tests.support.clock import Time
from vectornator.providers.base import ProviderConfig
from vectornator.providers.memory import MemoryProvider


@pytest.fixture
def provider() -> MemoryProvider:
    """Return a provider with an empty store, and nothing in its list of calls."""
    provider = MemoryProvider()
    provider.initialize(ProviderConfig())
    provider.create_store("docs")
    provider.store.calls.clear()
    return provider


@pytest.fixture
def time() -> Time:
    """Return a clock that only waiting moves."""
    return Time()
