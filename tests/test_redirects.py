"""An answer that says "go elsewhere" takes neither key nor token nor documents along."""

from itertools import product
from pathlib import Path

import pytest

from tests.openai_server import Clock, Fault, OpenAIServer
from tests.openai_server.catalogue import redirect
from tests.support.git_server import Fault as GitFault
from tests.support.git_server import GitServer, git_environ, to_basic
from tests.torture.configs import Thief
from vectornator.cli import main
from vectornator.errors import ProviderError
from vectornator.git.config import load_config
from vectornator.git.remote import AccessDenied, Patience, Remote, Terms
from vectornator.model import Document
from vectornator.providers.base import ProviderConfig
from vectornator.providers.openai import OpenAIProvider

STATUSES = (301, 302, 303, 307, 308)
DETOURS = ("http://127.0.0.1:{port}/", "http://localhost:{port}/x", "http://a:b@127.0.0.1:{port}/")
NO_PATIENCE = Terms(patience=Patience(tries=1))


def list_detours(thief: Thief) -> list[tuple[int, str]]:
    """Every status with every way to name the thief."""
    port = thief.url.rpartition(":")[2]
    return [(status, detour.format(port=port)) for status, detour in product(STATUSES, DETOURS)]


def open_provider(server: OpenAIServer, **environ: str) -> OpenAIProvider:
    """A provider on the server's store."""
    provider = OpenAIProvider()
    [store_id] = server.state.stores
    options = {"base-url": server.url}
    provider.initialize(ProviderConfig(store_id, server.key, options=options, environ=environ))
    return provider


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_key_is_not_redirected(method: str) -> None:
    """Whatever the status and wherever it leads, OpenAI's key and a document stay."""
    with Thief() as thief, OpenAIServer(clock=Clock(scale=0)) as server:
        server.state.add_store("docs")
        provider = open_provider(server)
        for status, there in list_detours(thief):
            server.add_fault(Fault(redirect(status, there), method=method))
            with pytest.raises(ProviderError):
                ask(provider, method)
        provider.cleanup()
        assert [] == thief.heard


def ask(provider: OpenAIProvider, method: str) -> None:
    """Make one request of a kind."""
    if method == "GET":
        provider.verify_store()
    else:
        provider.upload_file(Document("a.md", "1" * 40), b"secret", {"path": "a.md"})


def test_a_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `.netrc` has for the address takes nothing of the key's place."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with OpenAIServer(clock=Clock(scale=0)) as server:
        server.state.add_store("docs")
        provider = open_provider(server)
        assert provider.verify_store()
        provider.cleanup()
        sent = {one.headers["authorization"] for one in server.ledger.requests}
    assert {f"Bearer {server.key}"} == sent


def test_a_token_is_not_redirected(tmp_path: Path) -> None:
    """Whatever the status and wherever it leads, the remote's token and headers stay."""
    with Thief() as thief, GitServer(tmp_path) as server:
        server.create()
        for status, there in list_detours(thief):
            server.meet(GitFault(status, (("Location", there),)))
            with (
                Remote.open(
                    server.url("origin.git"),
                    load_config(None, git_environ()),
                    git_environ(),
                    token="planted",
                    terms=NO_PATIENCE,
                ) as remote,
                pytest.raises(AccessDenied),
            ):
                remote.list_refs("refs/")
        assert len(list_detours(thief)) == len(thief.heard)
        secret = to_basic("x-access-token", "planted").removeprefix("Basic ")
        assert [it for it in thief.heard if secret in it] == []


def test_a_redirect_never_leaves_tls(tmp_path: Path) -> None:
    """From https a redirect to http is refused before anything is sent there."""
    environ = {**git_environ(), "GIT_SSL_CAINFO": str(tmp_path / "server.pem")}
    with Thief() as thief, GitServer(tmp_path, tls=True) as server:
        server.create()
        server.meet(GitFault(302, (("Location", f"{thief.url}/x"),)))
        url, config = server.url("origin.git"), load_config(None, environ)
        with (
            Remote.open(url, config, environ, token="planted", terms=NO_PATIENCE) as remote,
            pytest.raises(AccessDenied, match="not safe to go"),
        ):
            remote.list_refs("refs/")
        assert [] == thief.heard


def test_a_base_url_of_the_repository_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever can commit a file can't say where the key goes."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "vectornator.toml").write_text('base-url = "http://127.0.0.1:9/"\n', "utf-8")
    environ = {**git_environ(), "OPENAI_API_KEY": "sk-planted"}
    assert 2 == main(["plan", "-C", str(tmp_path), "--provider", "openai"], environ)
    assert "base-url has no meaning in vectornator.toml" in capsys.readouterr().err
