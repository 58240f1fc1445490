"""The command as a process of its own: signals, kills and exit codes."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.openai_server import OpenAIServer
from tests.openai_server.faults import Fault, Hang
from tests.support.repositories import ENVIRON, GitRepo

DOCUMENTS = 400
SYNC = ("sync", "--provider", "example", "--concurrency", "2")


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """Make a repository with many documents."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({f"docs/{number}.md": f"# {number}\n" for number in range(DOCUMENTS)})
    return repo


def start(repo: GitRepo, *arguments: str, environ: Mapping[str, str] = {}) -> subprocess.Popen[str]:
    """Start the command in the repository."""
    return subprocess.Popen(
        [sys.executable, "-m", "vectornator", *arguments],
        cwd=repo.root,
        env={**ENVIRON, "PYTHONPATH": str(Path(__file__).parents[1]), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(repo: GitRepo, *arguments: str) -> tuple[int, str, str]:
    """Run the command to its end."""
    process = start(repo, *arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def wait_for_copies(repo: GitRepo, process: subprocess.Popen[str], copies: int) -> None:
    """Wait until the store holds some copies and the run is in the middle of its work."""
    folder = repo.root / ".vectornator" / "example"
    deadline = time.monotonic() + 60
    while process.poll() is None and len(list(folder.glob("*/copies/*"))) < copies:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def list_paths(repo: GitRepo) -> list[str]:
    """The paths in the store, duplicates included."""
    code, out, _ = run(repo, "list", "--provider", "example", "--json")
    assert code == 0
    return sorted(file["path"] for file in json.loads(out)["files"])


def check_repaired(repo: GitRepo) -> None:
    """After one more run the store is the tree, each copy once, and another run does nothing."""
    assert run(repo, *SYNC)[0] == 0
    assert sorted(f"docs/{number}.md" for number in range(DOCUMENTS)) == list_paths(repo)
    code, out, _ = run(repo, *SYNC, "--json")
    assert (0, "no-changes") == (code, json.loads(out)["status"])
    assert repo.fsck() == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_saves_what_was_done(repo: GitRepo, number: int, code: int) -> None:
    """A signal ends the run with its exit code; what was done is recorded and not done again."""
    process = start(repo, *SYNC)
    wait_for_copies(repo, process, 20)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (code, "") == (process.returncode, err if "Traceback" in err else "")
    note = json.loads(repo.run("notes", "--ref=vectornator", "show", "HEAD"))
    assert ("interrupted", "") == (note["status"], note["base"])
    before = set(list_paths(repo))
    assert 0 < len(before) < DOCUMENTS
    check_repaired(repo)


def test_signal_ends_a_question(repo: GitRepo) -> None:
    """A command that only asks ends at once, also while it waits for an answer."""
    arrived = threading.Event()
    with OpenAIServer() as server:
        store = server.state.add_store("docs")
        server.add_fault(Fault(Hang(), route="vector_stores.files.list", count=None))
        server.watch(lambda _, record: arrived.set() if record.route.endswith("list") else None)
        words = ("list", "--provider", "openai", "--store-id", store.id)
        keys = {"OPENAI_API_KEY": server.key, "OPENAI_BASE_URL": server.url}
        process = start(repo, *words, environ=keys)
        assert arrived.wait(60)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert (143, True) == (process.returncode, err.endswith("Stopped by a signal.\n"))


def test_time_limit_has_its_own_exit_code(repo: GitRepo) -> None:
    """A run whose time is over says so; the next one does the rest."""
    code, out, err = run(repo, *SYNC, "--timeout-minutes", "0.00001", "--json")
    assert (code, "--timeout-minutes is over" in err) == (124, True)
    document = json.loads(out)
    assert ("interrupted", "timeout") == (document["status"], document["error"]["reason"])
    assert "(--timeout-minutes)" in document["remarks"][0]
    check_repaired(repo)


@pytest.mark.parametrize("copies", [1, 30, 200])
def test_killed_run_is_repaired(repo: GitRepo, copies: int) -> None:
    """A run that was killed leaves nothing that the next run does not put right."""
    process = start(repo, *SYNC)
    wait_for_copies(repo, process, copies)
    process.kill()
    process.communicate(timeout=30)
    check_repaired(repo)


def test_hopeless_output_ends_quietly(repo: GitRepo) -> None:
    """A reader that goes away early is no error of ours."""
    process = start(repo, "plan")
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    err = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert "Traceback" not in err
