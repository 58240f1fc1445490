"""The provider `openai` keeps the contract, against the imitation server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.openai_server import UNLIMITED, Behaviour, OpenAIServer
from vectornator.providers.base import ProviderConfig, VectorStoreProvider
from vectornator.providers.openai import OpenAIProvider
from vectornator.testing import ProviderSuite


class TestOpenAIProvider(ProviderSuite):
    """The provider keeps the contract."""

    missing_store = "vs_0000000000000000000000000000"
    sizes = (1, 1_000, 1_000_000)
    wrong_config = ProviderConfig(options={"attach-mode": "both"})

    @pytest.fixture
    def server(self) -> Iterator[OpenAIServer]:
        """Run a server that indexes at once and has no limits of rate."""
        with OpenAIServer(limits=UNLIMITED, behaviour=Behaviour(indexing_seconds=0)) as server:
            yield server

    @pytest.fixture
    def config(self, tmp_path: Path, server: OpenAIServer) -> ProviderConfig:
        """Return a config for the server, and never wait for real."""
        return ProviderConfig(
            root=tmp_path,
            api_key=server.key,
            options={"base-url": server.url},
            wait=lambda _: None,
        )

    @pytest.fixture
    def make_provider(self) -> Callable[[], VectorStoreProvider]:
        """Return the provider's class."""
        return OpenAIProvider


class TestSingle(TestOpenAIProvider):
    """It keeps the contract where every file is attached by itself, too."""

    @pytest.fixture
    def config(self, tmp_path: Path, server: OpenAIServer) -> ProviderConfig:
        """Attach files one by one."""
        return ProviderConfig(
            root=tmp_path,
            api_key=server.key,
            options={"base-url": server.url, "attach-mode": "single"},
            wait=lambda _: None,
        )
