"""Locks that others hold, or left behind when they were killed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dulwich.file import FileLocked, GitFile

from tests.support.repositories import GitRepo
from vectornator.git import Repository
from vectornator.git.locks import outwait_locks
from vectornator.git.objects import Kind, hash_object

REF = "refs/notes/vectornator"


class Time:
    """A clock that only sleeping moves, with something done at each moment."""

    def __init__(self, act: Callable[[], object] = lambda: None) -> None:
        self.seconds = 0.0
        self._act = act

    def sleep(self, seconds: float) -> None:
        """Let seconds pass."""
        self.seconds += seconds
        self._act()

    def now(self) -> float:
        """The seconds that have passed."""
        return self.seconds


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """A repository with one commit."""
    repo = GitRepo.init(tmp_path)
    repo.commit({"a.md": "# A\n"})
    return repo


@pytest.fixture
def opened(repo: GitRepo) -> Iterator[Repository]:
    """The same repository, opened."""
    opened = Repository.open(repo.root)
    yield opened
    opened.close()


def lock_ref(repo: GitRepo) -> Path:
    """The lock of a ref, as a killed process leaves it."""
    lock = repo.root / ".git" / f"{REF}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    return lock


@pytest.mark.parametrize("is_new", [True, False])
def test_lock_that_was_left_behind(repo: GitRepo, opened: Repository, *, is_new: bool) -> None:
    """A ref whose lock nobody touches any more is moved, and the lock is gone."""
    old = None if is_new else repo.head
    if old:
        repo.run("update-ref", REF, old)
    lock = lock_ref(repo)
    new = repo.commit({"b.md": "# B\n"})
    assert opened.set_ref(REF, new, old)
    assert repo.run("rev-parse", REF) == new
    assert not lock.exists()


def test_lock_that_is_held_is_waited_for(repo: GitRepo) -> None:
    """Whoever moves the ref gets the time for it, and what it did is seen."""
    lock = lock_ref(repo)
    time = Time(lambda: lock.unlink() if time.seconds > 3 else None)
    tried: list[float] = []

    def move() -> bool:
        tried.append(time.seconds)
        with GitFile(str(lock.with_suffix("")), "wb"):
            return False

    assert not outwait_locks(move, time.sleep, time.now)
    assert (tried[0], round(tried[-1])) == (0, 3)


def test_lock_that_changes_hands(repo: GitRepo) -> None:
    """A lock that is another one each time is nobody's to remove."""
    lock = lock_ref(repo)

    def take_over() -> None:
        assert lock.exists()
        other = lock.with_suffix(".other")
        other.touch()
        other.replace(lock)

    time = Time(take_over)

    def move() -> bool:
        raise FileLocked(str(lock.with_suffix("")), str(lock))

    assert not outwait_locks(move, time.sleep, time.now)
    assert 20 <= time.seconds < 21


def test_object_that_is_locked_is_written(repo: GitRepo, opened: Repository) -> None:
    """An object that a killed process had begun to write is written all the same."""
    oid = hash_object(Kind.BLOB, b"# B\n")
    lock = repo.root / ".git" / "objects" / oid[:2] / f"{oid[2:]}.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    for _ in range(2):
        opened.store.write({bytes.fromhex(oid): (Kind.BLOB, b"# B\n")})
    assert repo.run("cat-file", "blob", oid) == "# B"
    assert repo.fsck() == ""
