"""Two commits stand to each other as git says, and cut history is no answer."""

import random
from pathlib import Path

import pytest

from tests.support import clones
from tests.support.repositories import GitRepo
from vectornator.git import Relation, Repository


def _make_graph(repo: GitRepo, rng: random.Random, size: int) -> list[str]:
    """Commits with random parents among the earlier ones, and with clocks that are not true."""
    tree = repo.run("mktree")
    commits: list[str] = []
    for number in range(size):
        parents = rng.sample(commits, k=min(len(commits), rng.choice((0, 1, 1, 1, 2, 3))))
        moment = 1_700_000_000 + rng.randint(-500, 500) + number * 60
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"{role} A <a@b.c> {moment} +0000" for role in ("author", "committer")]
        content = "\n".join([*lines, "", f"{number}\n"]).encode()
        commits.append(repo.run("hash-object", "-w", "-t", "commit", "--stdin", stdin=content))
    return commits


def _relate_with_git(repo: GitRepo, one: str, other: str) -> Relation:
    if one == other:
        return Relation.SAME
    base = repo.run("merge-base", "--all", one, other, check=False).split()
    if base == [one]:
        return Relation.ANCESTOR
    return Relation.DESCENDANT if base == [other] else Relation.DIVERGED


@pytest.mark.parametrize("seed", range(2))
def test_relations_are_gits(tmp_path: Path, seed: int) -> None:
    """On random graphs with skewed clocks, every two commits stand as git says."""
    repo = GitRepo.init(tmp_path / "graph")
    commits = _make_graph(repo, random.Random(seed), 14)
    pairs = [(one, other) for one in commits for other in commits]
    with Repository.open(repo.root) as repository:
        found = {pair: repository.relate(*pair) for pair in pairs}
    assert found == {pair: _relate_with_git(repo, *pair) for pair in pairs}


def test_cut_history_is_no_answer(repo: GitRepo, tmp_path: Path) -> None:
    """Where a shallow clone's history ends before it tells, the relation is unknown."""
    first = repo.run("rev-parse", "HEAD~2")
    with Repository.open(clones.shallow(repo, tmp_path / "shallow")) as repository:
        assert repository.relate(first, repo.head) is Relation.UNKNOWN
        assert repository.relate(repo.head, first) is Relation.UNKNOWN


def test_fetched_commits_are_history(repo: GitRepo, tmp_path: Path) -> None:
    """Commits that were fetched into memory tell where the clone's own end."""
    first, second = repo.run("rev-list", "HEAD~1").split()[::-1]
    with Repository.open(repo.root) as full:
        fetched = {
            bytes.fromhex(oid): full.store.read(bytes.fromhex(oid)) for oid in (first, second)
        }
    with Repository.open(clones.shallow(repo, tmp_path / "shallow")) as repository:
        repository.store.add(fetched)
        assert repository.relate(first, repo.head) is Relation.ANCESTOR
