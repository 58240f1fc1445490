"""Commits are told to be ancestors exactly where git says so."""

import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.support.repositories import GitRepo
from vectornator.git import Relation, Repository
from vectornator.git.ancestry import find_relation
from vectornator.git.objects import Commit, MissingObject, Oid


class Dag:
    """A random history whose clocks are wrong and of which some commits are missing."""

    def __init__(self, seed: int, *, size: int = 24, gaps: int = 0) -> None:
        rng = random.Random(seed)
        self.missing = {f"{number:040x}" for number in rng.sample(range(size), gaps)}
        self.commits: dict[Oid, Commit] = {}
        self.ancestors: dict[Oid, set[Oid]] = {}
        for number in range(size):
            oid = f"{number:040x}"
            count = rng.choice([0, 1, 1, 1, 2, 3]) if number else 0
            parents = tuple(rng.sample(sorted(self.commits), min(count, number)))
            time = number * 10 + rng.choice([0, 0, -10_000, 10_000, rng.randint(-50, 50)])
            self.commits[oid] = Commit(oid, "", parents, time, "")
            visible = () if oid in self.missing else parents
            self.ancestors[oid] = {oid}.union(*(self.ancestors[one] for one in visible))

    def read(self, oid: Oid) -> Commit:
        """A commit that is not missing."""
        if oid in self.missing:
            raise MissingObject(oid)
        return self.commits[oid]

    def relate(self, one: Oid, other: Oid) -> Relation:
        """What can be told of the relation from the edges that are there."""
        if one == other:
            return Relation.SAME
        if one in self.ancestors[other]:
            return Relation.ANCESTOR
        if other in self.ancestors[one]:
            return Relation.DESCENDANT
        is_open = self.missing & (self.ancestors[one] ^ self.ancestors[other])
        return Relation.UNKNOWN if is_open else Relation.DIVERGED


@pytest.mark.parametrize("gaps", [0, 4])
@pytest.mark.parametrize("seed", range(30))
def test_relations_are_told_whatever_the_clocks_say(seed: int, gaps: int) -> None:
    """Each pair stands as the edges say; unknown only where one history alone is cut."""
    dag = Dag(seed, gaps=gaps)
    for one, other in product(dag.commits, repeat=2):
        assert find_relation(dag.read, one, other) == dag.relate(one, other)


def test_the_cost_grows_with_the_distance() -> None:
    """Of a long history, only the part between the commits is read."""
    commits = {f"{0:040x}": Commit(f"{0:040x}", "", (), 0, "")}
    for number in range(1, 10_000):
        oid = f"{number:040x}"
        commits[oid] = Commit(oid, "", (f"{number - 1:040x}",), number, "")
    read: list[Oid] = []

    def look_up(oid: Oid) -> Commit:
        read.append(oid)
        return commits[oid]

    assert find_relation(look_up, f"{9990:040x}", f"{9999:040x}") is Relation.ANCESTOR
    assert len(read) < 25


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """A repository with a random history of real commits."""
    repo = GitRepo.init(tmp_path / "repo")
    rng = random.Random(5)
    tree = repo.run("write-tree")
    commits: list[str] = []
    for number in range(16):
        chosen = rng.sample(commits, min(number, rng.choice([0, 1, 1, 2])))
        moment = f"{1_700_000_000 + rng.randint(-5, 5) * 1000} +0000"
        commit = f"tree {tree}\n" + "".join(f"parent {one}\n" for one in chosen)
        commit += f"author A <a> {moment}\ncommitter A <a> {moment}\n\n{number}\n"
        commits.append(
            repo.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=commit.encode())
        )
        repo.run("branch", f"b{number}", commits[-1])
    return repo


@pytest.fixture
def opened(repo: GitRepo) -> Iterator[Repository]:
    """The same repository, opened."""
    with Repository.open(repo.root) as repository:
        yield repository


def test_git_agrees_on_ancestors(repo: GitRepo, opened: Repository) -> None:
    """Every pair of commits stands to each other as `git merge-base` says."""
    commits = repo.run("for-each-ref", "--format=%(objectname)", "refs/heads").splitlines()
    ancestors = {one: set(repo.run("rev-list", one).splitlines()) for one in commits}
    for one, other in product(commits, repeat=2):
        is_ancestor = opened.relate(one, other) in {Relation.ANCESTOR, Relation.SAME}
        assert is_ancestor == (one in ancestors[other])


def test_a_shallow_clone_knows_only_what_it_has(tmp_path: Path) -> None:
    """Inside its border a shallow clone answers; beyond it, it does not know."""
    repo = GitRepo.init(tmp_path / "repo")
    commits = [repo.commit({"a": f"{number}"}) for number in range(5)]
    clone = GitRepo.clone(f"file://{repo.root}", tmp_path / "clone", "--depth=3")
    with Repository.open(clone.root) as repository:
        assert repository.relate(commits[2], commits[4]) is Relation.ANCESTOR
        assert repository.relate(commits[4], commits[3]) is Relation.DESCENDANT
        assert repository.relate(commits[1], commits[4]) is Relation.ANCESTOR
        assert repository.relate(commits[0], commits[4]) is Relation.UNKNOWN
