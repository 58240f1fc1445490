"""A revision names the commit that it names to git, and what names none is refused."""

from pathlib import Path

import pytest

from tests.support import clones
from tests.support.repositories import GitRepo
from vectornator.errors import SourceError
from vectornator.git import Repository
from vectornator.git.objects import Kind, hash_object


def _resolve(root: Path, revision: str = "HEAD") -> str:
    with Repository.open(root) as repository:
        return repository.resolve(revision)


@pytest.mark.parametrize(
    "revision",
    [
        *("HEAD", "main", "light", "v1", "v1-again", "refs/heads/main", "tags/v1", "heads/main"),
        *("HEAD^", "HEAD~1", "HEAD~2", "HEAD^^", "main~1^", "v1~1", "v1^{commit}", "HEAD^0"),
    ],
)
def test_revisions_are_gits(repo: GitRepo, revision: str) -> None:
    """A revision names the commit that it names to git."""
    expected = repo.run("rev-parse", f"{revision}^{{commit}}")
    assert _resolve(repo.root, revision) == expected


@pytest.mark.parametrize("length", [7, 12, 39, 40])
@pytest.mark.parametrize("is_packed", [True, False])
def test_abbreviated_ids(repo: GitRepo, *, is_packed: bool, length: int) -> None:
    """An id may be cut short, in upper case too, wherever the commit lies."""
    head = repo.head
    if is_packed:
        repo.run("repack", "-adq")
    assert _resolve(repo.root, head[:length]) == head
    assert _resolve(repo.root, head[:length].upper()) == head


def _make_commit(tree: str, moment: int) -> bytes:
    roles = [f"{role} A <a@b.c> {moment} +0000" for role in ("author", "committer")]
    return "\n".join([f"tree {tree}", *roles, "", "x\n"]).encode()


def _find_twins(tree: str) -> tuple[bytes, bytes]:
    """Two commits whose ids start with the same four digits: a birthday among 65,536 days."""
    seen: dict[str, bytes] = {}
    for moment in range(5000):
        commit = _make_commit(tree, moment)
        twin = seen.setdefault(hash_object(Kind.COMMIT, commit)[:4], commit)
        if twin is not commit:
            return twin, commit
    raise AssertionError("no two ids alike among 5000")


def test_an_ambiguous_id_is_refused(repo: GitRepo) -> None:
    """A beginning that several commits share is refused, and the message lists them."""
    twins = _find_twins(repo.run("rev-parse", "HEAD^{tree}"))
    one, other = sorted(
        repo.run("hash-object", "-w", "-t", "commit", "--stdin", stdin=twin) for twin in twins
    )
    with pytest.raises(SourceError, match=rf"several commits.*{one}.*{other}"):
        _resolve(repo.root, one[:4])


@pytest.mark.parametrize(
    "revision",
    [
        *(
            "nothing",
            "",
            " ",
            "HEAD~99",
            "HEAD^2",
            "HEAD:docs",
            "--all",
            "..",
            "main..HEAD",
            "HEAD~x",
        ),
        *(":/x", "@{u}", "0" * 40, "refs/heads/", "../../config", "a\nb", "é", "\udce9", "\0"),
        *("HEAD~" + "9" * 30, "^" * 50, "HEAD^{tree}", "config", "description"),
    ],
)
def test_what_names_no_commit_is_refused(repo: GitRepo, revision: str) -> None:
    """Whatever is no commit's name is refused as a setting, whatever it looks like."""
    with pytest.raises(SourceError):
        _resolve(repo.root, revision)


def test_a_tag_of_a_tree_is_no_commit(repo: GitRepo) -> None:
    """A tag that is on something else than a commit is refused."""
    repo.run("tag", "-a", "-m", "a tree", "tree", "HEAD^{tree}")
    with pytest.raises(SourceError):
        _resolve(repo.root, "tree")


def test_an_unborn_head(tmp_path: Path) -> None:
    """A repository without a commit is told to commit first."""
    repo = GitRepo.init(tmp_path / "new")
    with pytest.raises(SourceError, match="no commit yet"):
        _resolve(repo.root)


def test_history_that_a_shallow_clone_lacks(repo: GitRepo, tmp_path: Path) -> None:
    """An unknown revision of a shallow clone is refused with the remedy."""
    clone = clones.shallow(repo, tmp_path / "shallow")
    with pytest.raises(SourceError, match="shallow"):
        _resolve(clone, "HEAD~1")
    with Repository.open(clone) as repository:
        assert repository.shallow == {repo.head}
