"""Revisions are understood as git understands them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repositories import GitRepo
from vectornator.errors import SourceError
from vectornator.git import Repository


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """Two branches that were merged, with tags of everything."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"a": "1"})
    repo.commit({"a": "2"})
    repo.run("checkout", "-q", "-b", "side/branch", "HEAD~1")
    repo.commit({"b": "1"})
    repo.run("checkout", "-q", "main")
    repo.run("merge", "-q", "-m", "merge", "side/branch")
    repo.run("tag", "light")
    repo.run("tag", "-a", "-m", "x", "v1.0", "HEAD~1")
    repo.run("tag", "-a", "-m", "x", "of-a-tag", "v1.0")
    repo.run("tag", "a-tree", "HEAD^{tree}")
    repo.run("tag", "-a", "-m", "x", "a-blob", "HEAD:a")
    repo.run("branch", "ümläut")
    repo.run("branch", "v1.0", "HEAD~2")
    repo.run("update-ref", "refs/remotes/origin/main", "HEAD~1")
    repo.run("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    repo.run("update-ref", "refs/pull/1/head", "HEAD^2")
    return repo


@pytest.fixture
def opened(repo: GitRepo) -> Iterator[Repository]:
    """The same repository, opened."""
    with Repository.open(repo.root) as repository:
        yield repository


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize(
    "revision",
    [
        *("HEAD", "@", "main", "side/branch", "ümläut", "light", "v1.0", "of-a-tag", "v1.0^{}"),
        *("HEAD~", "HEAD~1", "HEAD~2", "HEAD^", "HEAD^1", "HEAD^2", "HEAD^0", "HEAD~0", "@~1"),
        *("HEAD^2~1", "HEAD~1^1", "HEAD^^", "HEAD^{commit}", "v1.0^{commit}~1", "HEAD^2^{}^"),
        *("refs/heads/main", "heads/main", "tags/v1.0", "refs/tags/v1.0", "origin", "origin/main"),
        *("remotes/origin/main", "refs/pull/1/head", "pull/1/head", "heads/v1.0"),
    ],
)
def test_revisions_name_the_commit_that_git_says(
    repo: GitRepo, opened: Repository, revision: str, *, is_packed: bool
) -> None:
    """Names, steps and their combinations lead where `git rev-parse` leads."""
    if is_packed:
        repo.run("pack-refs", "--all")
        repo.run("gc", "-q")
    assert opened.resolve(revision) == repo.run("rev-parse", "-q", revision + "^{commit}")


@pytest.mark.parametrize("digits", [4, 7, 12, 39, 40])
@pytest.mark.parametrize("is_packed", [False, True])
def test_ids_may_be_abbreviated(
    repo: GitRepo, opened: Repository, digits: int, *, is_packed: bool
) -> None:
    """Any four digits or more that only one commit has, in either case."""
    if is_packed:
        repo.run("gc", "-q")
    for revision in ("HEAD", "HEAD~1", "v1.0"):
        oid = repo.run("rev-parse", revision)
        commit = repo.run("rev-parse", f"{revision}^{{commit}}")
        assert opened.resolve(oid[:digits]) == opened.resolve(oid[:digits].upper()) == commit
    assert opened.resolve("v1.0-1-g" + repo.head[:digits]) == repo.head


def test_an_abbreviation_that_fits_several_commits_is_refused(
    repo: GitRepo, opened: Repository
) -> None:
    """The message lists the commits, of which the user can choose."""
    tree = repo.run("rev-parse", "HEAD^{tree}")
    commits: dict[str, str] = {}
    commit = twin = ""
    while commit == twin:
        commit = repo.run("commit-tree", "-m", f"{len(commits)}", tree)
        twin = commits.setdefault(commit[:4], commit)
    with pytest.raises(SourceError, match="fits several commits") as caught:
        opened.resolve(commit[:4])
    assert all(oid in str(caught.value) for oid in (commit, twin))


@pytest.mark.parametrize(
    "revision",
    [
        *(
            "unknown",
            "refs/heads/unknown",
            "HEAD~99",
            "HEAD^3",
            "HEAD~1^2",
            "0" * 40,
            "dead",
            "f" * 39,
        ),
        *(
            "a-tree",
            "a-blob",
            "HEAD^{tree}",
            "HEAD:a",
            ":a",
            "HEAD@{1}",
            "@{u}",
            "main@{yesterday}",
        ),
        *(
            "",
            " ",
            "-1",
            "--all",
            "--output=x",
            "-h",
            "HEAD..main",
            "^HEAD",
            "HEAD^{/x}",
            ":/merge",
        ),
        *(
            "..",
            "../../etc/passwd",
            "config",
            "refs",
            "a\nb",
            "a\0b",
            "~1",
            "^",
            "\udcff",
            "HEAD~" + "9" * 400,
        ),
    ],
)
def test_what_names_no_commit_is_refused(opened: Repository, revision: str) -> None:
    """Whatever is asked for, the answer is one line that repeats it."""
    with pytest.raises(SourceError) as caught:
        opened.resolve(revision)
    assert repr(revision) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_trees_and_blobs_are_told_from_commits(repo: GitRepo, opened: Repository) -> None:
    """An id of something else says what it is."""
    for name, kind in (("HEAD^{tree}", "tree"), ("HEAD:a", "blob")):
        with pytest.raises(SourceError, match=f"is a {kind}, not a commit"):
            opened.resolve(repo.run("rev-parse", name))


def test_a_shallow_clone_is_named_as_the_reason(repo: GitRepo, tmp_path: Path) -> None:
    """What lies beyond the border of a shallow clone may exist elsewhere."""
    clone = GitRepo.clone(f"file://{repo.root}", tmp_path / "clone", "--depth=1")
    with Repository.open(clone.root) as repository:
        assert repository.resolve("HEAD") == repo.head
        for revision in ("HEAD~1", "v1.0", repo.run("rev-parse", "HEAD~1")):
            with pytest.raises(SourceError, match="shallow: fetch more"):
                repository.resolve(revision)
