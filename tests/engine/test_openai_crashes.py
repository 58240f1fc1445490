"""Runs that are killed in the middle, and the run after them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.openai_server import Behaviour, OpenAIServer
from tests.openai_server.clock import Clock
from tests.openai_server.faults import Fault, Hang
from tests.openai_server.ledger import Record
from tests.openai_server.state import State
from tests.support.guard import OURS, Guard, add_foreigners
from tests.support.openai import OpenAILab
from tests.support.repositories import ENVIRON, GitRepo

KILLED = -9
_ATTACH = "vector_stores.file_batches.create"
ROOT = Path(__file__).parents[2]


FIRST = {"a.md": "# A\n", "b.md": "# B\n", "c.md": "# C\n", "d.md": "# D\n"}
CHANGES = {"a.md": "# A2\n", "b.md": None, "d.md": None, "new/d.md": "# D\n", "e.md": "# E\n"}
AFTER = {
    "a.md": [b"# A2\n"],
    "c.md": [b"# C\n"],
    "new/d.md": [b"# D\n"],
    "e.md": [b"# E\n"],
}


@pytest.mark.parametrize("number", [2, 4, 5, 7, 9, 11, 14])
def test_killed_after_a_request(tmp_path: Path, number: int) -> None:
    """Wherever a process is killed, the next run ends with store = tree and no File too many.

    Adds, updates, deletes and renames were under way. What others keep in the store is untouched,
    and no stored document was without a version for a moment.
    """
    assert kill_and_heal(tmp_path, number) == KILLED


@pytest.mark.skipif("EVERY_KILL" not in os.environ, reason="takes minutes; EVERY_KILL=1 runs it")
def test_killed_after_every_request(tmp_path: Path) -> None:
    """The same after each request of the run, from the first to the last."""
    number = 1
    while kill_and_heal(tmp_path / str(number), number) == KILLED:
        number += 1
    assert number > 15


def test_killed_beside_another_target(tmp_path: Path) -> None:
    """What a target is sending is no stray of another one, alive or killed; its next run sweeps it.

    Both store the same documents. One has sent its Files and waits for the answer to attaching
    them when the other, which lists everything, runs from its beginning to its end.
    """
    with OpenAIServer(behaviour=Behaviour(indexing_seconds=0.0)) as server:
        repo = GitRepo.init(tmp_path / "repo")
        repo.commit(dict(FIRST))
        lab = OpenAILab(repo, server)
        settings = lab.settings.model_copy(update={"source_id": OURS.source})
        lab.settings = settings.model_copy(update={"store_id": server.state.add_store("docs").id})
        server.add_fault(Fault(Hang(), route="vector_stores.file_batches.create"))
        with start_sync(lab, "--target", "one") as running:
            wait_for_files(server, len(FIRST))
            sent = set(server.state.files)
            lab.sync(target="two", refresh="always")
            assert sent <= server.state.files.keys()
            running.kill()
        lab.sync(target="two", refresh="always")
        assert sent <= server.state.files.keys()
        lab.sync(target="one")
        assert (2 * len(FIRST), []) == (len(lab.attachments), lab.strays)
        assert not sent & server.state.files.keys()


def test_signal_records_what_is_found(tmp_path: Path) -> None:
    """A run that is asked to stop attaches what it has sent, and records what can be found."""
    with OpenAIServer(behaviour=Behaviour(indexing_seconds=0.0)) as server:
        repo = GitRepo.init(tmp_path / "repo")
        repo.commit(dict(FIRST))
        lab = OpenAILab(repo, server)

        def stop(_: State, record: Record) -> None:
            if record.route == "files.create":
                lab.stop.set()

        server.watch(stop)
        record = lab.sync()
        assert record.status == "interrupted"
        assert 0 < len(record.outcomes) == len(lab.attachments)


def test_signal_looks_once_more(tmp_path: Path) -> None:
    """A run that is asked to stop while the store is indexing records what is found by then."""
    with OpenAIServer(clock=Clock(scale=0), behaviour=Behaviour(indexing_seconds=60.0)) as server:
        repo = GitRepo.init(tmp_path / "repo")
        repo.commit(dict(FIRST))
        lab = OpenAILab(repo, server)

        def stop(_: State, record: Record) -> None:
            if record.route == "vector_stores.file_batches.retrieve":
                server.clock.advance(60)
                lab.stop.set()

        server.watch(stop)
        assert len(FIRST) == len(lab.sync().outcomes)


def wait_for_files(server: OpenAIServer, number: int) -> None:
    """Wait until so many Files were sent, and attaching them was asked for."""
    end = time.monotonic() + 60
    while len(server.state.files) < number or not server.ledger.counts().get(_ATTACH):
        assert time.monotonic() < end
        time.sleep(0.01)


def kill_and_heal(folder: Path, number: int) -> int:
    """Kill a run, check what the next one makes of it, and return how the first ended."""
    with OpenAIServer(behaviour=Behaviour(indexing_seconds=0.2)) as server:
        store = add_foreigners(server)
        repo = GitRepo.init(folder / "repo")
        repo.commit(dict(FIRST))
        lab = OpenAILab(repo, server)
        lab.settings = lab.settings.model_copy(
            update={"store_id": store.id, "source_id": OURS.source}
        )
        lab.sync()
        guard = Guard(server, store)
        guard.expect(AFTER)
        repo.commit(dict(CHANGES))
        ended = kill_sync(lab, number)
        time.sleep(0.3)  # what it had attached is indexed
        lab.sync()
        assert (guard.contents, guard.strays, guard.breaches) == (AFTER, [], [])
        assert lab.sync(refresh="always").status == "no-changes"
    return ended


def kill_sync(lab: OpenAILab, number: int) -> int:
    """Sync in a process of its own, killed when the server has served so many requests."""
    process: list[subprocess.Popen[bytes]] = []
    served: list[Record] = []

    def kill(_: State, record: Record) -> None:
        served.append(record)
        if len(served) == number:
            process[0].kill()

    lab.server.watch(kill)
    with start_sync(lab) as running:
        process.append(running)
        return running.wait(60)


def start_sync(lab: OpenAILab, *more: str) -> subprocess.Popen[bytes]:
    """Start a sync in a process of its own."""
    settings = lab.settings
    arguments = ["--provider", "openai", "--store-id", settings.store_id, *more]
    arguments += ["--base-url", lab.server.url, "--source-id", settings.source_id]
    environ = {**os.environ, **ENVIRON, "OPENAI_API_KEY": lab.server.key, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "vectornator", "sync", "--quiet", *arguments],
        cwd=lab.repo.root,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
