"""A repository of any kind is opened, its objects and refs are git's, and trouble is named."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support import clones
from tests.support.repositories import GitRepo, run_git
from vectornator.errors import SourceError
from vectornator.git import Repository

_REF = "refs/notes/vectornator"

_KINDS = [
    clones.in_folder,
    clones.bare,
    clones.mirror,
    clones.worktree,
    clones.separate,
    clones.submodule,
    clones.detached,
    clones.shallow,
    clones.sparse,
    clones.partial,
    clones.packed_refs,
    clones.linked,
]


@pytest.mark.parametrize("make", _KINDS)
def test_every_kind_of_clone_opens(
    repo: GitRepo, tmp_path: Path, make: Callable[[GitRepo, Path], Path]
) -> None:
    """The HEAD and the root of every kind of clone are the ones git names."""
    folder = make(repo, tmp_path / "clone")
    bare = run_git(folder, "rev-parse", "--is-bare-repository") == "true"
    root = None if bare else Path(run_git(folder, "rev-parse", "--show-toplevel"))
    with Repository.open(folder) as repository:
        assert repository.resolve("HEAD") == repo.head
        assert (repository.root and repository.root.resolve()) == root


def test_git_directories_of_a_worktree(repo: GitRepo, tmp_path: Path) -> None:
    """A linked work tree has a git directory of its own and shares the common one."""
    folder = clones.worktree(repo, tmp_path / "tree")
    with Repository.open(folder) as repository:
        found = repository.git_dir.resolve(), repository.common_dir.resolve()
    git = repo.root / ".git"
    assert found == (git / "worktrees" / "tree", git)


def test_not_a_repository(tmp_path: Path) -> None:
    """A plain folder is refused with both ways out."""
    with pytest.raises(SourceError, match="--source worktree"):
        Repository.open(tmp_path)


def test_sha256_is_refused(tmp_path: Path) -> None:
    """A repository with SHA-256 objects is refused by name."""
    repo = GitRepo.init(tmp_path / "new", "--object-format=sha256")
    with pytest.raises(SourceError, match="SHA-256"):
        Repository.open(repo.root)


@pytest.mark.parametrize(
    ("place", "content"),
    [
        ("config", b"[core\n\tbroken"),
        ("config", b"[core]\n\trepositoryformatversion = 99\n"),
        ("config", b"[core]\n\trepositoryformatversion = 1\n[extensions]\n\tnovelty = true\n"),
        ("HEAD", b"\xff\xfe\0"),
        ("HEAD", b"ref: refs/heads/../../../outside\n"),
        ("refs/heads/main", b"not an id\n"),
        ("refs/heads/main", b"ref: refs/heads/main\n"),
        ("packed-refs", b"garbage\n"),
        ("objects/info/alternates", b"/nowhere\n\xff\n"),
        ("shallow", b"garbage\n"),
    ],
)
def test_a_damaged_repository_is_no_bug(repo: GitRepo, place: str, content: bytes) -> None:
    """Whatever is wrong with the files of a repository, it works or a `SourceError` is raised."""
    second = repo.run("rev-parse", "HEAD~1")
    (repo.root / ".git" / place).write_bytes(content)
    with suppress(SourceError), Repository.open(repo.root) as repository:
        assert repository.resolve("HEAD~1") == second
        assert repository.describe_source() == "local:repo"


def test_a_blob_is_no_commit(repo: GitRepo) -> None:
    """Each reader refuses an object of another kind."""
    blob = repo.run("rev-parse", "HEAD:docs/a.md")
    with Repository.open(repo.root) as repository:
        assert repository.read_blob(blob) == b"three"
        with pytest.raises(SourceError, match="not a commit"):
            repository.read_commit(blob)
        with pytest.raises(SourceError, match="not a file"):
            repository.read_blob(repo.head)


@pytest.mark.parametrize("is_packed", [True, False])
def test_a_ref_moves_only_from_where_it_was(repo: GitRepo, *, is_packed: bool) -> None:
    """A ref, packed or not, is made once and moved from its old value alone; git agrees."""
    one, two = repo.run("rev-parse", "HEAD~1"), repo.head
    with Repository.open(repo.root) as repository:
        assert repository.set_ref(_REF, one, None)
        if is_packed:
            repo.run("pack-refs", "--all")
        assert not repository.set_ref(_REF, two, None)
        assert not repository.set_ref(_REF, two, two)
        assert repository.read_ref(_REF) == one
        assert repository.set_ref(_REF, two, one)
    assert repo.run("rev-parse", _REF) == two


def test_a_locked_ref_is_a_lost_race(repo: GitRepo) -> None:
    """A ref that another process is moving is left alone."""
    with Repository.open(repo.root) as repository:
        assert repository.set_ref(_REF, repo.head, None)
        (repo.root / ".git" / f"{_REF}.lock").touch()
        assert not repository.set_ref(_REF, repo.run("rev-parse", "HEAD~1"), repo.head)
        assert repository.read_ref(_REF) == repo.head


def test_a_ref_that_is_not_there(repo: GitRepo) -> None:
    """A ref that does not exist is None, and does not move."""
    with Repository.open(repo.root) as repository:
        assert repository.read_ref(_REF) is None
        assert not repository.set_ref(_REF, repo.head, "1" * 40)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://github.com/Org/Repo.git",
            "https://github.com/org/repo/",
            "git@github.com:Org/Repo",
        ),
        *(
            "https://x-access-token:secret@github.com/Org/Repo",
            "ssh://git@github.com:22/Org/Repo.git",
        ),
        *(
            "git@github.com:/Org/Repo.git",
            "https://GitHub.com:443/Org/Repo.git",
            "git://github.com/org/repo",
        ),
    ],
)
def test_one_name_for_every_form_of_a_url(repo: GitRepo, url: str) -> None:
    """Every form of a repository's URL gives the same name, without credentials."""
    repo.run("remote", "add", "origin", url)
    with Repository.open(repo.root) as repository:
        assert repository.describe_source() == "github.com/org/repo"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/srv/git/Docs.git", "local:Docs"),
        ("file:///srv/git/docs.git", "local:docs"),
        ("../docs", "local:docs"),
        ("", "local:repo"),
    ],
)
def test_a_path_is_local(repo: GitRepo, url: str, name: str) -> None:
    """A repository whose remote is a path, or that has none, is named by its folder."""
    if url:
        repo.run("remote", "add", "origin", url)
    with Repository.open(repo.root) as repository:
        assert repository.describe_source() == name


def test_origin_before_other_remotes(repo: GitRepo) -> None:
    """The name comes from `origin` where there is one, else from what there is."""
    repo.run("remote", "add", "fork", "https://example.com/fork/docs")
    with Repository.open(repo.root) as repository:
        assert repository.describe_source() == "example.com/fork/docs"
    repo.run("remote", "add", "origin", "https://example.com/org/docs")
    with Repository.open(repo.root) as repository:
        assert repository.describe_source() == "example.com/org/docs"


@pytest.mark.parametrize(
    "url", ["http://[bad", "https://h/" + "x" * 5000, "https://h/a b\tc", "::::"]
)
def test_a_hostile_url_gives_a_plain_name(repo: GitRepo, url: str) -> None:
    """Whatever the configuration says, the name is short and printable, without spaces."""
    repo.run("config", "remote.origin.url", url)
    with Repository.open(repo.root) as repository:
        assert re.fullmatch(r"[\x21-\x7e]{1,200}", repository.describe_source())


def test_names_of_different_repositories_differ(tmp_path: Path) -> None:
    """Two repositories whose names are not English don't share one ownership mark."""
    names = set()
    for folder in ("文档", "数据"):
        repo = GitRepo.init(tmp_path / folder)
        with Repository.open(repo.root) as repository:
            names.add(repository.describe_source())
    assert len(names) == 2


def test_long_names_differ(repo: GitRepo) -> None:
    """Two URLs that are the same for their first two hundred characters keep two names."""
    names = set()
    for tail in ("one", "two"):
        repo.run("config", "remote.origin.url", f"https://example.com/{'x' * 300}/{tail}")
        with Repository.open(repo.root) as repository:
            names.add(repository.describe_source())
    assert len(names) == 2
