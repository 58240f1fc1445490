"""Changed files are listed as git would list them, and never at the price of a failure."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.clones import make_bare, make_patterned, make_shallow, make_sparse
from tests.support.repositories import GitRepo
from vectornator.git import Repository


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """A repository with three commits."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"docs/a.md": "a\n", "top.md": "top\n"})
    repo.commit({"docs/b.md": "b\n"})
    repo.commit({"docs/b.md": "changed\n"})
    return repo


def list_dirty(repo: GitRepo, limit: int = 5) -> list[str]:
    """The Markdown files that are said to be changed."""
    with Repository.open(repo.root) as repository:
        return repository.list_dirty(lambda path: path.endswith(".md"), limit)


def test_changed_files_are_listed(repo: GitRepo) -> None:
    """Changed, deleted and replaced files are; untracked, touched and others are not."""
    repo.write({f"{name}.md": f"{name}\n" for name in "cdefg"})
    repo.commit({"other.txt": "x"})
    repo.write({"c.md": "C\n", "other.txt": "y", "untracked.md": "u", "f.md": "f\n"})
    (repo.root / "d.md").unlink()
    (repo.root / "e.md").unlink()
    (repo.root / "e.md").symlink_to("c.md")
    os.utime(repo.root / "g.md", (1, 1))
    assert list_dirty(repo) == ["c.md", "d.md", "e.md"]
    assert list_dirty(repo, limit=2) == ["c.md", "d.md"]


def test_a_folder_in_the_place_of_files_and_the_reverse_are_changes(repo: GitRepo) -> None:
    """Whatever else takes the place of a tracked file, it is not as it was."""
    (repo.root / "top.md").unlink()
    (repo.root / "top.md").mkdir()
    for name in ("a.md", "b.md"):
        (repo.root / "docs" / name).unlink()
    (repo.root / "docs").rmdir()
    (repo.root / "docs").touch()
    assert list_dirty(repo) == ["docs/a.md", "docs/b.md", "top.md"]


def test_line_endings_and_filters_are_no_changes(repo: GitRepo) -> None:
    """Files that git itself changed while checking them out are as they should be."""
    repo.run("config", "core.autocrlf", "true")
    repo.run("config", "filter.shout.clean", "tr A-Z a-z")
    repo.run("config", "filter.shout.smudge", "tr a-z A-Z")
    repo.commit({".gitattributes": "docs/* filter=shout\n"})
    for path in ("docs/a.md", "docs/b.md", "top.md"):
        (repo.root / path).unlink()
    repo.run("checkout", "--", ".")
    assert (repo.root / "docs/a.md").read_bytes() == b"A\r\n"
    assert list_dirty(repo) == []
    os.utime(repo.root / "top.md", (1, 1))
    assert list_dirty(repo) == []


def test_what_git_leaves_alone_is_left_alone(repo: GitRepo) -> None:
    """skip-worktree, assume-unchanged and what a sparse checkout left out are no changes."""
    repo.run("update-index", "--skip-worktree", "docs/a.md")
    repo.run("update-index", "--assume-unchanged", "docs/b.md")
    repo.write({"docs/a.md": "changed!", "docs/b.md": "changed!!"})
    assert list_dirty(repo) == []


@pytest.mark.parametrize("make", [make_bare, make_sparse, make_patterned, make_shallow])
def test_clones_without_some_files_are_clean(
    repo: GitRepo, tmp_path: Path, make: Callable[[GitRepo, Path], Path]
) -> None:
    """A bare or sparse clone misses files on purpose."""
    assert list_dirty(GitRepo(make(repo, tmp_path))) == []


def test_conflicts_are_passed_over(repo: GitRepo) -> None:
    """A merge that stopped in the middle breaks nothing."""
    repo.run("checkout", "-q", "-b", "side", "HEAD~1")
    repo.commit({"docs/b.md": "side\n"})
    repo.run("merge", "-q", "main", check=False)
    assert "UU docs/b.md" in repo.run("status", "--short")
    assert list_dirty(repo) == []


@pytest.mark.parametrize(
    "content", [b"", b"DIRC", b"DIRC\0\0\0\2\xff\xff\xff\xff", b"x" * 5_000_000]
)
def test_an_index_that_is_damaged_or_huge_lists_nothing(repo: GitRepo, content: bytes) -> None:
    """A remark is not worth a failure or a wait."""
    repo.write({"top.md": "changed!"})
    assert list_dirty(repo) == ["top.md"]
    (repo.root / ".git" / "index").write_bytes(content)
    assert list_dirty(repo) == []
    (repo.root / ".git" / "index").unlink()
    assert list_dirty(repo) == []
