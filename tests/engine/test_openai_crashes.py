"""Runs that are killed in the middle, and the run after them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.openai_server import Behaviour, OpenAIServer
from tests.openai_server.ledger import Record
from tests.openai_server.state import State
from tests.support.openai import OpenAILab
from tests.support.repositories import ENVIRON, GitRepo

KILLED = -9
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [2, 4, 6, 8, 9, 11, 13])
def test_killed_after_a_request(tmp_path: Path, number: int) -> None:
    """Wherever a process is killed, the next run ends with store = tree and no File too many."""
    with OpenAIServer(behaviour=Behaviour(indexing_seconds=0.2)) as server:
        repo = GitRepo.init(tmp_path / "repo")
        repo.commit({"a.md": "# A\n", "b.md": "# B\n", "c.md": "# C\n"})
        lab = OpenAILab(repo, server)
        lab.sync()
        repo.commit({"a.md": "# A2\n", "b.md": None, "d.md": "# D\n", "e.md": "# E\n"})
        assert kill_sync(lab, number) == KILLED
        time.sleep(0.3)  # what it had attached is indexed
        lab.sync()
        expected = {"a.md": b"# A2\n", "c.md": b"# C\n", "d.md": b"# D\n", "e.md": b"# E\n"}
        assert (lab.contents, lab.strays) == (expected, [])


def kill_sync(lab: OpenAILab, number: int) -> int:
    """Sync in a process of its own, killed when the server has served so many requests."""
    process: list[subprocess.Popen[bytes]] = []
    served: list[Record] = []

    def kill(_: State, record: Record) -> None:
        served.append(record)
        if len(served) == number:
            process[0].kill()

    arguments = ["--provider", "openai", "--store-name", "docs", "--base-url", lab.server.url]
    environ = {**os.environ, **ENVIRON, "OPENAI_API_KEY": lab.server.key, "PYTHONPATH": str(ROOT)}
    lab.server.watch(kill)
    with subprocess.Popen(
        [sys.executable, "-m", "vectornator", "sync", "--quiet", *arguments],
        cwd=lab.repo.root,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        process.append(running)
        return running.wait(60)
