"""Files that lie changed in the work tree are remarked on; the remark never costs the run."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import clones
from tests.support.repositories import GitRepo
from vectornator.git import Repository


def _list_dirty(repo: GitRepo, limit: int = 5) -> list[str]:
    with Repository.open(repo.root) as repository:
        return repository.list_dirty(lambda path: path.endswith(".md"), limit)


def test_changed_and_deleted_files_are_dirty(repo: GitRepo) -> None:
    """Chosen files that were changed or deleted are dirty; others, and new ones, are not."""
    repo.commit({"b.md": "b", "c.md": "c", "d.txt": "d"})
    (repo.root / "b.md").write_text("changed")
    (repo.root / "c.md").unlink()
    (repo.root / "d.txt").write_text("changed")
    (repo.root / "new.md").write_text("new")
    assert _list_dirty(repo) == ["b.md", "c.md"]
    assert _list_dirty(repo, limit=1) == ["b.md"]


def test_a_touched_file_is_not_dirty(repo: GitRepo) -> None:
    """A file with another time of change and the same content is not dirty."""
    os.utime(repo.root / "docs" / "a.md", (1, 1))
    assert _list_dirty(repo) == []


@pytest.mark.parametrize("make", [clones.bare, clones.sparse, clones.partial])
def test_no_remark_where_there_is_no_plain_work_tree(
    repo: GitRepo, tmp_path: Path, make: Callable[[GitRepo, Path], Path]
) -> None:
    """Files that are not checked out are not dirty."""
    assert _list_dirty(GitRepo(make(repo, tmp_path / "clone"))) == []


def test_files_outside_a_sparse_checkout_are_not_dirty(repo: GitRepo) -> None:
    """Files that git was told not to check out are not missed."""
    repo.commit({"other/b.md": "b"})
    repo.run("sparse-checkout", "set", "--no-cone", "/other/")
    assert not (repo.root / "docs").exists()
    assert _list_dirty(repo) == []


def test_links_are_not_dirty(repo: GitRepo) -> None:
    """A symbolic link is no document, so a change of it is no remark."""
    link = repo.root / "link.md"
    link.symlink_to("docs/a.md")
    repo.commit()
    link.unlink()
    assert _list_dirty(repo) == []


@pytest.mark.parametrize("content", [b"", b"garbage", b"DIRC\0\0\0\x09"])
def test_an_unreadable_index_is_no_trouble(repo: GitRepo, content: bytes) -> None:
    """An index that can't be read leads to no remark."""
    (repo.root / ".git" / "index").write_bytes(content)
    assert _list_dirty(repo) == []
