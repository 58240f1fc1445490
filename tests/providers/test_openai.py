"""The provider `openai` keeps the contract, against the imitation server."""

import hashlib
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.openai_server import UNLIMITED, Behaviour, Clock, Fault, OpenAIServer, Reply, make_fault
from tests.openai_server.catalogue import redirect
from vectornator.errors import Fatal, Rejected, Transient
from vectornator.providers.base import ProviderConfig, VectorStoreProvider
from vectornator.providers.openai import OpenAIProvider
from vectornator.testing import ProviderSuite
from vectornator.testing.steps import make_document, store


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

    @pytest.fixture(autouse=True)
    def _remember(self, server: OpenAIServer) -> None:
        self._server = server

    def read_content(self, provider: VectorStoreProvider, file_id: str) -> bytes:
        """Look behind the counter; the service itself gives no contents back."""
        del provider
        return self._server.state.files[file_id].content


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


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """Run a server on a clock that only waiting moves."""
    with OpenAIServer(clock=Clock(scale=0), limits=UNLIMITED) as server:
        yield server


@pytest.fixture
def provider(server: OpenAIServer) -> Iterator[OpenAIProvider]:
    """A provider with an empty store."""
    provider = OpenAIProvider()
    options = {"base-url": server.url}
    provider.initialize(
        ProviderConfig(api_key=server.key, options=options, wait=server.clock.advance)
    )
    provider.create_store("docs")
    yield provider
    provider.cleanup()


LARGE = b"The wombat digs.\n" * 4_000_000


def test_large_files_go_in_parts(server: OpenAIServer, provider: OpenAIProvider) -> None:
    """A large file is sent in parts of 16 MB, and arrives as it was."""
    server.change_rules(file_tokens=len(LARGE))
    file_id = store(provider, "large.md", LARGE)
    assert server.ledger.count("uploads.parts.create") == 5
    file = server.state.files[file_id]
    assert (file.size, file.sha256) == (len(LARGE), hashlib.sha256(LARGE).hexdigest())


def test_lost_parts_are_sent_again(server: OpenAIServer, provider: OpenAIProvider) -> None:
    """A repeated call sends the parts that are missing, and no others."""
    server.add_fault(make_fault("500-json", route="uploads.parts.create"))
    document = make_document("large.md", LARGE)
    with pytest.raises(Transient):
        provider.stage_file(document, LARGE, {})
    provider.stage_file(document, LARGE, {})
    assert server.ledger.count("uploads.create") == 1
    assert server.ledger.count("uploads.parts.create") == 6
    assert len(server.state.files) == 1


def test_upload_that_expired_begins_anew(server: OpenAIServer, provider: OpenAIProvider) -> None:
    """Where the service has forgotten the parts, all are sent once more."""
    server.add_fault(make_fault("404", route="uploads.complete"))
    document = make_document("large.md", LARGE)
    with pytest.raises(Transient):
        provider.stage_file(document, LARGE, {})
    provider.stage_file(document, LARGE, {})
    assert (2, 10) == (
        server.ledger.count("uploads.create"),
        server.ledger.count("uploads.parts.create"),
    )


def test_upload_that_fails_leaves_nothing(server: OpenAIServer, provider: OpenAIProvider) -> None:
    """An upload that can't be indexed is undone."""
    server.change_rules(outcome="failed", failure="invalid_file")
    with pytest.raises(Rejected, match="could not index it"):
        store(provider, "a.md")
    assert list(provider.list_files()) == []
    assert server.state.files == {}


def test_requests_say_who_asks(server: OpenAIServer) -> None:
    """Organization and project go out with every request, and the key nowhere else."""
    provider = OpenAIProvider()
    options = {"base-url": server.url, "organization": "org-1", "project": "proj_1"}
    provider.initialize(ProviderConfig(api_key=server.key, options=options))
    provider.create_store("docs")
    provider.cleanup()
    [request] = server.ledger.requests
    sent = (request.headers["openai-organization"], request.headers["openai-project"])
    assert sent == ("org-1", "proj_1")
    assert server.key not in repr(provider.config)


def test_keys_are_masked(server: OpenAIServer, provider: OpenAIProvider) -> None:
    """A server that repeats the key in what it complains about does not get it printed."""
    body = f'{{"error": {{"message": "Wrong key {server.key}."}}}}'.encode()
    server.add_fault(Fault(Reply(401, body)))
    with pytest.raises(Fatal, match=r"Wrong key \*\*\*\.") as caught:
        provider.verify_store()
    assert server.key not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(
    server: OpenAIServer, provider: OpenAIProvider, status: int
) -> None:
    """Neither key nor documents go anywhere but to the address that was given."""
    with OpenAIServer() as other:
        server.add_fault(Fault(redirect(status, f"{other.url}/files"), method="GET"))
        with pytest.raises(Fatal, match="Check --base-url"):
            provider.verify_store()
        assert other.ledger.requests == []


def test_chunking_and_expiry_are_asked_for(server: OpenAIServer) -> None:
    """Chunk sizes and the life of a store reach the service."""
    provider = OpenAIProvider()
    options = {"base-url": server.url, "chunk-size": "400", "expires-after": "7"}
    provider.initialize(
        ProviderConfig(api_key=server.key, options=options, wait=server.clock.advance)
    )
    provider.create_store("docs")
    store(provider, "a.md")
    provider.cleanup()
    [kept] = server.state.stores.values()
    [copy] = kept.attachments.values()
    sizes = {"max_chunk_size_tokens": 400, "chunk_overlap_tokens": 200}
    assert copy.chunking == {"type": "static", "static": sizes}
    assert kept.expires_days == 7


def test_several_stores_of_a_name(server: OpenAIServer, provider: OpenAIProvider) -> None:
    """A name that several stores have which are in use is not enough to choose one."""
    first = provider.store_id
    provider.create_store("docs")
    assert provider.use_store("docs") == first
    for kept in server.state.stores.values():
        kept.metadata["team"] = "blue"
    with pytest.raises(Fatal, match="2 stores are called 'docs'"):
        provider.use_store("docs")
    assert provider.use_store("other") == ""
    assert len(server.state.stores) == 2


def test_mark_leaves_other_metadata_alone(server: OpenAIServer, provider: OpenAIProvider) -> None:
    """What others keep in the store's metadata stays."""
    [kept] = server.state.stores.values()
    kept.metadata["team"] = "blue"
    provider.change_mark("run-1", lambda _: "dirty 1")
    provider.change_mark("run-1", lambda _: "clean 2")
    assert provider.read_mark() == {"run-1": "clean 2"}
    assert kept.metadata["team"] == "blue"


def test_sdk_is_imported_by_the_first_request(tmp_path: Path) -> None:
    """Opening a provider does not load the SDK, which takes half a second."""
    code = (
        "import sys\n"
        "from vectornator.providers import provider_registry\n"
        "from vectornator.providers.base import ProviderConfig\n"
        "provider_registry.get('openai', ProviderConfig(store_id='vs_1')).fingerprint\n"
        "print('openai' in sys.modules, 'yaml' in sys.modules)\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, check=True
    )
    assert answer.stdout == b"False False\n"
