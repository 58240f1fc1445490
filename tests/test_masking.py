"""The key is nowhere: neither on a screen, nor in JSON, nor in a note, whatever servers answer."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openai_server import UNLIMITED, Behaviour, Fault, OpenAIServer, Reply
from tests.openai_server.call import Request
from tests.openai_server.catalogue import HTML
from tests.support.issuer import Issuer
from tests.support.repositories import ENVIRON, GitRepo

KEY = "sk-planted-0123456789abcdefghijklmnop"
HEAD = KEY[:12]
"""A beginning of the key gives it away as well."""


class PlantedServer(OpenAIServer):
    """A server that lets the planted key in."""

    key = KEY


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """Run a server that indexes at once."""
    behaviour = Behaviour(indexing_seconds=0, failure_message=f"{'x' * 280} {KEY} is wrong.")
    with PlantedServer(limits=UNLIMITED, behaviour=behaviour) as server:
        yield server


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """Make a repository with two documents."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"a.md": "# A\n", "b.md": "# B\n"})
    return repo


def run(repo: GitRepo, server: OpenAIServer, *arguments: str, **environ: str) -> tuple[int, str]:
    """Run a command that shows all it can; its exit code, and all that it wrote anywhere."""
    done = subprocess.run(
        [sys.executable, "-m", "vectornator", *arguments, "--verbose", "--json"],
        cwd=repo.root,
        env={
            **ENVIRON,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "VECTORNATOR_PROVIDER": "openai",
            "VECTORNATOR_STORE_NAME": "docs",
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": KEY,
            "OPENAI_LOG": "debug",
            **environ,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert isinstance(json.loads(done.stdout), dict)
    return done.returncode, f"{done.stdout}\n{done.stderr}\n{read_notes(repo)}"


def read_notes(repo: GitRepo) -> str:
    """Everything that is kept in notes, commit messages included."""
    if not repo.run("for-each-ref", "refs/notes"):
        return ""
    return repo.run("log", "-p", "--format=%B", "refs/notes/vectornator")


def echo(request: Request) -> bytes:
    """Repeat the key: cut short, whole, and where a message of ours would be cut."""
    bearer = request.headers["authorization"]
    said = f"{bearer[:40]}… {bearer} {'x' * 200} {bearer}"
    return json.dumps({"error": {"message": said, "code": said, "type": said}}).encode()


def echo_page(request: Request) -> bytes:
    """Repeat the key in a page."""
    return HTML.replace(b"Please", request.headers["authorization"].encode())


HTML_HEADERS = (("content-type", "text/html"),)
FAILURES = [
    pytest.param(Fault(Reply(401, echo), count=None), 4, id="401"),
    pytest.param(Fault(Reply(500, echo), route="files.create"), 0, id="500"),
    pytest.param(Fault(Reply(200, echo_page, HTML_HEADERS), route="files.create"), 0, id="page"),
    pytest.param(Fault(Reply(422, echo), route="files.create", count=None), 1, id="422"),
]


@pytest.mark.parametrize(("fault", "code"), FAILURES)
def test_sync_masks(repo: GitRepo, server: OpenAIServer, fault: Fault, code: int) -> None:
    """A sync keeps the key to itself, whether it ends well or not."""
    server.add_fault(fault)
    assert (code, False) == contains_key(run(repo, server, "sync"))


def contains_key(done: tuple[int, str]) -> tuple[int, bool]:
    """The exit code, and whether the key or its head shows."""
    code, text = done
    assert len(text) > 100
    return code, HEAD in text


def test_failed_documents_mask(repo: GitRepo, server: OpenAIServer) -> None:
    """What the service says of a document goes into the note without the key."""
    server.change_rules(outcome="failed", failure="invalid_file")
    code, text = run(repo, server, "sync")
    assert (code, HEAD in text, "could not index it: xxx" in text) == (1, False, True)


@pytest.mark.parametrize(
    "command", [["plan"], ["list"], ["search", "words"], ["create-store", "x"]]
)
def test_other_commands_mask(repo: GitRepo, server: OpenAIServer, command: list[str]) -> None:
    """So does every other command that talks to the store."""
    server.add_fault(Fault(Reply(401, echo), count=None))
    assert (4, False) == contains_key(
        run(repo, server, *command, VECTORNATOR_STORE_ID=server.state.add_store("docs").id)
    )


def test_keyless_runs_mask(repo: GitRepo, server: OpenAIServer) -> None:
    """Neither an identity nor what it was exchanged for shows, when both are repeated."""
    server.add_fault(Fault(Reply(401, echo), route="files.create", count=None))
    ids = {"VECTORNATOR_IDENTITY_PROVIDER_ID": "i", "VECTORNATOR_SERVICE_ACCOUNT_ID": "s"}
    with Issuer(server) as issuer:
        code, text = run(repo, server, "sync", OPENAI_API_KEY="", **ids, **issuer.environ)
        secrets = [*issuer.tokens, *server.state.tokens, issuer.bearer]
    assert (code, len(secrets) > 2) == (4, True)
    assert [secret for secret in secrets if secret[:24] in text] == []
