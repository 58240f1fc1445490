"""The repository that tests of the read side start from."""

from pathlib import Path

import pytest

from tests.support.repositories import GitRepo


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """A repository of three commits on `main`, the second of which has a tag of each kind."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"docs/a.md": "one"})
    repo.commit({"docs/a.md": "two"})
    repo.run("tag", "light")
    repo.run("tag", "-a", "-m", "annotated", "v1")
    repo.run("tag", "-a", "-m", "a tag of a tag", "v1-again", "v1")
    repo.commit({"docs/a.md": "three"})
    return repo
