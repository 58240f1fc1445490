"""What every test of the engine works with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openai_server import Clock, OpenAIServer
from tests.support.lab import Lab
from tests.support.repositories import GitRepo


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A repository with three documents and a script; sound when the test is over."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"a.md": "# A\n", "docs/b.md": "# B\n", "docs/c.md": "# C\n", "x.py": "1\n"})
    yield Lab(repo)
    assert repo.fsck() == ""


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """Run a server on a clock that only waiting moves."""
    with OpenAIServer(clock=Clock(scale=0)) as server:
        yield server
