"""Repositories of every kind are opened, and what can't be read is refused in one clear line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.clones import MAKERS, make_partial, make_shallow
from tests.support.repositories import GitRepo, run_git
from vectornator.errors import SourceError
from vectornator.git import NotARepository, Repository, walk_tree
from vectornator.git.objects import MissingObject


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """A repository with three commits."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"docs/a.md": "a\n", "top.md": "top\n"})
    repo.commit({"docs/b.md": "b\n"})
    repo.commit({"docs/b.md": "changed\n"})
    return repo


def list_paths(folder: Path) -> list[str]:
    """The paths of the commit that is checked out in a folder."""
    with Repository.open(folder) as repository:
        tree = repository.read_commit(repository.resolve("HEAD")).tree
        found = walk_tree(repository.store.read, bytes.fromhex(tree))
        return sorted(path.decode() for path, _, _ in found)


PATHS = ["docs/a.md", "docs/b.md", "top.md"]


@pytest.mark.parametrize("make", MAKERS)
def test_every_kind_of_clone_is_read(
    repo: GitRepo, tmp_path: Path, make: Callable[[GitRepo, Path], Path]
) -> None:
    """HEAD and its tree are found in whatever git calls a repository."""
    folder = make(repo, tmp_path)
    assert list_paths(folder) == PATHS


@pytest.mark.parametrize("make", MAKERS)
def test_git_agrees_on_where_things_are(
    repo: GitRepo, tmp_path: Path, make: Callable[[GitRepo, Path], Path]
) -> None:
    """The root and both git directories are those that git names."""
    folder = make(repo, tmp_path)
    is_bare = run_git(folder, "rev-parse", "--is-bare-repository") == "true"
    names = ("--absolute-git-dir", "--git-common-dir", *(() if is_bare else ("--show-toplevel",)))
    places = [(folder / run_git(folder, "rev-parse", name)).resolve() for name in names]
    with Repository.open(folder) as repository:
        found = [repository.git_dir, repository.common_dir, repository.root]
        assert [path.resolve() for path in found if path] == places


def test_a_partial_clone_has_no_blobs(repo: GitRepo, tmp_path: Path) -> None:
    """A blob that was left out is missing, and not fetched behind the user's back."""
    blob = repo.run("rev-parse", "HEAD:top.md")
    with Repository.open(make_partial(repo, tmp_path)) as repository:
        for look in (repository.read_blob, repository.blob_size):
            with pytest.raises(MissingObject):
                look(blob)


def test_a_shallow_clone_knows_where_it_ends(repo: GitRepo, tmp_path: Path) -> None:
    """The commits at the border are listed; a full clone has none."""
    with Repository.open(make_shallow(repo, tmp_path)) as repository:
        assert repository.shallow == {repo.head}
    with Repository.open(repo.root) as repository:
        assert repository.shallow == frozenset()


def test_a_sha256_repository_is_refused(tmp_path: Path) -> None:
    """Another object format is named in one line."""
    repo = GitRepo.init(tmp_path / "repo", "--object-format=sha256")
    repo.commit({"a": "a"})
    with pytest.raises(SourceError, match="SHA-256") as caught:
        Repository.open(repo.root)
    assert "\n" not in str(caught.value)


def test_an_unborn_head_is_explained(tmp_path: Path) -> None:
    """Without a commit there is nothing to sync, and the message says so."""
    repo = GitRepo.init(tmp_path / "repo")
    with Repository.open(repo.root) as repository:
        for revision in ("HEAD", "@"):
            with pytest.raises(SourceError, match="no commit yet"):
                repository.resolve(revision)
        assert repository.read_ref("HEAD") is None


def test_a_plain_folder_is_no_repository(tmp_path: Path) -> None:
    """Neither is a folder with an empty `.git`, nor one that does not exist."""
    (tmp_path / "empty" / ".git").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "empty", tmp_path / "missing"):
        with pytest.raises(NotARepository, match="not in a git repository"):
            Repository.open(folder)


def break_config(folder: Path) -> None:
    """Leave a line of the configuration open."""
    (folder / ".git" / "config").write_text("[core\nbroken")


def make_version_9(folder: Path) -> None:
    """Ask for a format that does not exist yet."""
    run_git(folder, "config", "core.repositoryFormatVersion", "9")


def make_unknown_extension(folder: Path) -> None:
    """Ask for an extension that does not exist yet."""
    run_git(folder, "config", "core.repositoryFormatVersion", "1")
    run_git(folder, "config", "extensions.fromTheFuture", "true")


def lose_git_dir(folder: Path) -> None:
    """Let the `.git` file name a folder that is gone."""
    (folder / ".git").rename(folder / "gone")
    (folder / ".git").write_text("gitdir: nowhere\n")


def write_strange_file(folder: Path) -> None:
    """Put something else in the place of the `.git` file."""
    (folder / ".git").rename(folder / "gone")
    (folder / ".git").write_text("strange\n")


@pytest.mark.parametrize(
    "spoil",
    [break_config, make_version_9, make_unknown_extension, lose_git_dir, write_strange_file],
)
def test_a_repository_that_git_refuses_is_refused(
    repo: GitRepo, spoil: Callable[[Path], None]
) -> None:
    """What can't be opened ends in one line, never in a traceback."""
    spoil(repo.root)
    with pytest.raises(SourceError) as caught:
        Repository.open(repo.root)
    assert "\n" not in str(caught.value)


def test_commits_and_blobs_are_read(repo: GitRepo) -> None:
    """A commit says what git says, and a blob is the file."""
    with Repository.open(repo.root) as repository:
        commit = repository.read_commit(repo.head)
        blob = repo.run("rev-parse", "HEAD:docs/b.md")
        assert commit.tree == repo.run("rev-parse", "HEAD^{tree}")
        assert commit.parents == (repo.run("rev-parse", "HEAD^"),)
        assert (commit.time, commit.message) == (int(repo.run("log", "-1", "--format=%ct")), "x\n")
        assert (repository.read_blob(blob), repository.blob_size(blob)) == (b"changed\n", 8)


def test_objects_of_another_kind_are_refused(repo: GitRepo) -> None:
    """A tree is no commit and no file."""
    tree = repo.run("rev-parse", "HEAD^{tree}")
    with Repository.open(repo.root) as repository:
        with pytest.raises(SourceError, match="is not a commit"):
            repository.read_commit(tree)
        with pytest.raises(SourceError, match="is not a file's content"):
            repository.read_blob(tree)


@pytest.mark.parametrize("content", [b"", b"junk", b"tree x\ncommitter c\n\n", b"tree \n\n", b"\0"])
def test_a_damaged_commit_is_refused(repo: GitRepo, content: bytes) -> None:
    """A commit without what commits have is told by its id."""
    arguments = ("hash-object", "-t", "commit", "-w", "--literally", "--stdin")
    oid = repo.run(*arguments, stdin=content)
    with Repository.open(repo.root) as repository, pytest.raises(SourceError, match=oid):
        repository.read_commit(oid)


def test_refs_are_moved_by_compare_and_swap(repo: GitRepo) -> None:
    """A ref is made when it is new, moved when it is where it should be, and else left alone."""
    one, two = repo.run("rev-parse", "HEAD~1"), repo.head
    with Repository.open(repo.root) as repository:
        moves = [(one, None), (two, None), (two, two), (two, one), (one, one), (one, two)]
        done = [repository.set_ref("refs/notes/x", new, old) for new, old in moves]
        assert done == [True, False, False, True, False, True]
        assert repository.read_ref("refs/notes/x") == one
    assert repo.run("rev-parse", "refs/notes/x") == one


def test_packed_refs_are_moved_too(repo: GitRepo) -> None:
    """It makes no difference where git keeps the ref."""
    one, two = repo.run("rev-parse", "HEAD~1"), repo.head
    repo.run("update-ref", "refs/notes/x", one)
    repo.run("pack-refs", "--all")
    with Repository.open(repo.root) as repository:
        assert repository.read_ref("refs/notes/x") == one
        assert not repository.set_ref("refs/notes/x", two, None)
        assert not repository.set_ref("refs/notes/x", two, two)
        assert repository.set_ref("refs/notes/x", two, one)
    assert repo.run("rev-parse", "refs/notes/x") == two


def test_a_ref_below_another_can_not_be_written(repo: GitRepo) -> None:
    """What the file system refuses is explained."""
    with Repository.open(repo.root) as repository:
        repository.set_ref("refs/notes/x", repo.head, None)
        with pytest.raises(SourceError, match="can't be written"):
            repository.set_ref("refs/notes/x/y", repo.head, None)


@pytest.mark.parametrize("content", ["garbage\n", "ref: refs/heads/loop\n", "0123\n"])
def test_a_damaged_ref_is_named(repo: GitRepo, content: str) -> None:
    """A ref that holds no id is an error of the repository, not a missing ref."""
    (repo.root / ".git" / "refs" / "heads" / "loop").write_text(content)
    with Repository.open(repo.root) as repository, pytest.raises(SourceError, match="heads/loop"):
        repository.read_ref("refs/heads/loop")


def test_the_names_of_refs_lead_nowhere_else(repo: GitRepo) -> None:
    """A name with dots or none of a ref is no ref, whatever lies there."""
    (repo.root / "secret").write_text(repo.head)
    (repo.root / ".git" / "SECRET").write_text(repo.head)
    with Repository.open(repo.root) as repository:
        for name in ("../secret", "refs/../../secret", "refs/heads/../../../secret", "config", ""):
            assert repository.read_ref(name) is None


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/Owner/Repo.git", "github.com/owner/repo"),
        ("https://github.com/owner/repo", "github.com/owner/repo"),
        ("https://github.com/owner/repo/", "github.com/owner/repo"),
        ("https://github.com//owner/repo.git/", "github.com/owner/repo"),
        ("https://user:to%40ken@github.com/owner/repo.git", "github.com/owner/repo"),
        ("https://x-access-token:secret@github.com:8443/owner/repo", "github.com/owner/repo"),
        ("http://github.com/owner/repo", "github.com/owner/repo"),
        ("git@github.com:owner/repo.git", "github.com/owner/repo"),
        ("github.com:owner/repo.git", "github.com/owner/repo"),
        ("git@github.com:/owner/repo.git", "github.com/owner/repo"),
        ("ssh://git@github.com/owner/repo.git", "github.com/owner/repo"),
        ("ssh://git@github.com:22/owner/repo.git", "github.com/owner/repo"),
        ("git://github.com/owner/repo", "github.com/owner/repo"),
        ("https://gitlab.com/group/sub/repo.git", "gitlab.com/group/sub/repo"),
        ("https://host/with%20space.git", "host/with%20space"),
        ("https://[::1]:80/repo.git", "::1/repo"),
        ("https://[broken/repo.git", "local:repo"),
        ("/srv/git/thing.git", "local:thing"),
        ("file:///srv/git/thing.git", "local:thing"),
        ("../thing", "local:thing"),
    ],
)
def test_a_remote_names_the_source(repo: GitRepo, url: str, name: str) -> None:
    """All forms of one URL give one name, without credentials, user and port."""
    repo.run("config", "remote.origin.url", url)
    with Repository.open(repo.root) as repository:
        assert repository.describe_source() == name


def test_origin_names_the_source_among_several_remotes(repo: GitRepo) -> None:
    """`origin` counts, or else the remote that is configured first."""
    repo.run("remote", "add", "mirror", "https://mirror.example/m")
    repo.run("remote", "add", "other", "https://other.example/o")
    with Repository.open(repo.root) as repository:
        assert repository.describe_source() == "mirror.example/m"
    repo.run("remote", "add", "origin", "https://host.example/x")
    with Repository.open(repo.root) as repository:
        assert repository.describe_source() == "host.example/x"


def test_a_folder_names_a_source_without_remote(repo: GitRepo, tmp_path: Path) -> None:
    """Without a remote, or with one without a URL, the folder's name is taken."""
    with Repository.open(repo.root / "docs") as repository:
        assert repository.describe_source() == "local:repo"
    repo.run("config", "remote.origin.fetch", "+x:x")
    repo.run("config", "remote.pushDefault", "origin")
    with Repository.open(repo.root) as repository:
        assert repository.describe_source() == "local:repo"
    bare = GitRepo.init(tmp_path / "bare.git", "--bare")
    with Repository.open(bare.root) as repository:
        assert repository.describe_source() == "local:bare"


@pytest.mark.parametrize(
    ("commands", "branch"),
    [
        ([], "main"),
        (["branch -m trunk"], "trunk"),
        (["checkout -q -b topic"], "main"),
        (["branch -m master", "checkout -q -b topic"], "master"),
        (["branch -m topic", "checkout -q --detach"], "main"),
        (
            [
                "update-ref refs/remotes/origin/release/1.0 HEAD",
                "symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/release/1.0",
            ],
            "release/1.0",
        ),
    ],
)
def test_the_main_branch_is_the_remotes(repo: GitRepo, commands: list[str], branch: str) -> None:
    """Else it is the usual one that there is, else the one checked out, else `main`."""
    for command in commands:
        repo.run(*command.split())
    with Repository.open(repo.root) as repository:
        assert repository.find_main_branch() == branch


def test_refs_behind_a_link_are_not_written(repo: GitRepo, tmp_path: Path) -> None:
    """A link in the place of a folder of refs leads no write out of the repository."""
    (tmp_path / "outside").mkdir()
    (repo.root / ".git/refs/notes").symlink_to(tmp_path / "outside")
    with (
        Repository.open(repo.root) as repository,
        pytest.raises(SourceError, match="through a symbolic link"),
    ):
        repository.set_ref("refs/notes/x", repo.head, None)
    assert [] == list((tmp_path / "outside").iterdir())
