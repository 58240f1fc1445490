"""Trees are walked and compared as git does it, and hostile ones are refused."""

import random
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repositories import GitRepo
from vectornator.errors import SourceError
from vectornator.git import Repository, diff_trees, find_item, walk_tree
from vectornator.git.objects import (
    MODE_EXECUTABLE,
    MODE_FILE,
    Kind,
    MissingObject,
    Stored,
    hash_object,
)

BLOB = bytes.fromhex("ab" * 20)


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """An empty repository."""
    return GitRepo.init(tmp_path / "repo")


@pytest.fixture
def opened(repo: GitRepo) -> Iterator[Repository]:
    """The same repository, opened."""
    with Repository.open(repo.root) as repository:
        yield repository


def write_tree(repo: GitRepo, *lines: bytes) -> bytes:
    """Store a tree of exactly these lines; returns its id."""
    arguments = ("hash-object", "-t", "tree", "-w", "--literally", "--stdin")
    return bytes.fromhex(repo.run(*arguments, stdin=b"".join(lines)))


def line(name: bytes, mode: bytes = b"100644", oid: bytes = BLOB) -> bytes:
    """One line of a tree."""
    return mode + b" " + name + b"\0" + oid


def walk(repository: Repository, tree: bytes) -> list[tuple[bytes, int, str]]:
    """Everything below a tree, in the order of paths."""
    return sorted(
        (path, mode, oid.hex()) for path, mode, oid in walk_tree(repository.store.read, tree)
    )


def list_with_git(repo: GitRepo, tree: str) -> list[tuple[bytes, int, str]]:
    """The same, as git tells it."""
    output = repo.run("ls-tree", "-r", "-z", tree).encode(errors="surrogateescape")
    found = []
    for entry in output.split(b"\0")[:-1]:
        head, _, path = entry.partition(b"\t")
        mode, _, oid = head.split(b" ")
        found.append((path, int(mode, 8), oid.decode()))
    return sorted(found)


def diff(repository: Repository, old: str, new: str) -> list[tuple[bytes, str, str]]:
    """Path, old mode and id, new mode and id of every change."""
    changes = diff_trees(repository.store.read, bytes.fromhex(old), bytes.fromhex(new))
    return sorted((path, describe(one), describe(other)) for path, one, other in changes)


def describe(side: tuple[int, bytes] | None) -> str:
    """One side of a change in git's words."""
    return f"{side[0]:06o} {side[1].hex()}" if side else "000000 " + "0" * 40


def diff_with_git(repo: GitRepo, old: str, new: str) -> list[tuple[bytes, str, str]]:
    """The same, as git tells it; what changes its type counts as one change."""
    output = repo.run("diff-tree", "-r", "-z", "--no-renames", "--no-abbrev", old, new)
    fields = output.encode(errors="surrogateescape").split(b"\0")[:-1]
    found = []
    for head, path in zip(fields[::2], fields[1::2], strict=True):
        modes = head[1:].decode().split(" ")
        found.append((path, f"{modes[0]} {modes[2]}", f"{modes[1]} {modes[3]}"))
    return sorted(found)


NAMES = [b"a", b"a.md", b"a-b", b"b", "ä ö".encode(), b"\xff\xfe", b"a\nb", b'q"uote', b"z" * 200]


class History:
    """Trees that change at random, so that files, directories and links take turns."""

    def __init__(self, repo: GitRepo, seed: int) -> None:
        self._repo = repo
        self._random = random.Random(seed)
        self._files: dict[bytes, bytes] = {}

    def step(self) -> str:
        """Change some paths; returns the id of the tree."""
        for _ in range(self._random.randint(1, 12)):
            self._change(b"/".join(self._random.choices(NAMES, k=self._random.randint(1, 4))))
        self._repo.run("read-tree", "--empty")
        lines = b"".join(entry + b"\t" + path + b"\0" for path, entry in self._files.items())
        self._repo.run("update-index", "-z", "--index-info", stdin=lines)
        return self._repo.run("write-tree", "--missing-ok")

    def _change(self, path: bytes) -> None:
        rng = self._random
        inside = [other for other in self._files if other.startswith(path + b"/")]
        above = [other for other in self._files if path.startswith(other + b"/")]
        for other in {*inside, *above}:
            del self._files[other]
        if path in self._files and rng.random() < 0.3:
            del self._files[path]
        else:
            mode = rng.choice([b"100644", b"100644", b"100755", b"120000", b"160000"])
            self._files[path] = mode + b" " + rng.randbytes(20).hex().encode()


@pytest.mark.parametrize("seed", range(6))
def test_random_histories_are_walked_and_compared_as_git_does(
    repo: GitRepo, opened: Repository, seed: int
) -> None:
    """Walks and comparisons equal git's, whatever takes the place of whatever."""
    history = History(repo, seed)
    steps = [history.step() for _ in range(8)]
    for old, new in zip([*steps, steps[-1]], [*steps[1:], steps[0], steps[3]], strict=True):
        assert walk(opened, bytes.fromhex(new)) == list_with_git(repo, new)
        assert diff(opened, old, new) == diff_with_git(repo, old, new)


def test_equal_subtrees_stay_closed(repo: GitRepo, opened: Repository) -> None:
    """Only the trees on the way to a change are read."""
    one = repo.commit({f"{folder}/{name}/f": "x" for folder in "ab" for name in "cd"})
    other = repo.commit({"a/c/f": "changed"})
    old, new = (bytes.fromhex(opened.read_commit(commit).tree) for commit in (one, other))
    seen: list[bytes] = []

    def read(oid: bytes) -> Stored:
        seen.append(oid)
        return opened.store.read(oid)

    assert [change.path for change in diff_trees(read, old, new)] == [b"a/c/f"]
    assert len(seen) == 6


def test_a_folder_that_may_not_be_entered_is_not_read(repo: GitRepo, opened: Repository) -> None:
    """`enter` is asked for each folder, and a folder it refuses may even be missing."""
    known = write_tree(repo, line(b"f"))
    tree = write_tree(repo, line(b"in", b"40000", known), line(b"out", b"40000"))
    asked: list[bytes] = []

    def enter(path: bytes) -> bool:
        asked.append(path)
        return path == b"in"

    paths = [path for path, _, _ in walk_tree(opened.store.read, tree, enter)]
    changes = [change.path for change in diff_trees(opened.store.read, None, tree, enter)]
    assert (paths, changes) == ([b"in/f"], [b"in/f"])
    assert asked == [b"in", b"out"] * 2


def test_files_come_in_gits_order_before_folders(repo: GitRepo, opened: Repository) -> None:
    """Within a directory files come first, then one folder after the other."""
    commit = repo.commit({"b/x": "1", "a/y": "1", "c": "1", "a/z/q": "1", "A": "1"})
    tree = bytes.fromhex(opened.read_commit(commit).tree)
    paths = [path for path, _, _ in walk_tree(opened.store.read, tree)]
    assert paths == [b"A", b"c", b"a/y", b"a/z/q", b"b/x"]


@pytest.mark.parametrize("name", [b".", b"..", b".git", b"", b"a/b", b"../../etc/passwd", b"/x"])
def test_a_name_that_leads_out_of_the_tree_is_refused(
    repo: GitRepo, opened: Repository, name: bytes
) -> None:
    """Names that git never writes stop the walk and the comparison before anything is yielded."""
    tree = write_tree(repo, line(b"good"), line(name))
    with pytest.raises(SourceError, match="git fsck"):
        next(walk_tree(opened.store.read, tree))
    with pytest.raises(SourceError, match="git fsck"):
        next(diff_trees(opened.store.read, None, tree))


@pytest.mark.parametrize(
    "content",
    [
        b"100644 a\0short",
        b"100644 a",
        b"999999 a\0" + BLOB,
        b" a\0" + BLOB,
        b"100644",
        b"7" * 300_000,
        b"100644 " * 50_000,
        line(b"a") + b"junk",
        line(b"a") + b"\n" + line(b"b"),
        line(b"a") + line(b"a", b"40000"),
    ],
)
def test_a_damaged_tree_is_refused(repo: GitRepo, opened: Repository, content: bytes) -> None:
    """Bytes that are no tree end in one error, and in no time."""
    tree = write_tree(repo, content)
    with pytest.raises(SourceError, match="git fsck"):
        list(walk_tree(opened.store.read, tree))


def test_modes_of_old_are_understood_as_git_does(repo: GitRepo, opened: Repository) -> None:
    """A group-writable file is a file, and a padded directory is a directory."""
    below = write_tree(repo, line(b"f", b"100664"))
    tree = write_tree(repo, line(b"d", b"040000", below), line(b"x", b"100775"))
    expected = [(b"d/f", MODE_FILE, BLOB.hex()), (b"x", MODE_EXECUTABLE, BLOB.hex())]
    assert walk(opened, tree) == list_with_git(repo, tree.hex()) == expected


def test_a_change_of_an_old_mode_alone_is_none(repo: GitRepo, opened: Repository) -> None:
    """Two trees that mean the same do not differ."""
    old, new = write_tree(repo, line(b"f", b"100664")), write_tree(repo, line(b"f"))
    assert diff(opened, old.hex(), new.hex()) == []


def test_deep_folders_are_walked_up_to_a_limit(repo: GitRepo, opened: Repository) -> None:
    """500 folders in each other are fine; 600 are refused, not a stack overflow."""
    levels = [write_tree(repo, line(b"f"))]
    read = opened.store.read
    for _ in range(600):
        levels.append(nest(opened, levels[-1]))
    assert [path for path, _, _ in walk_tree(read, levels[500])] == [b"d/" * 500 + b"f"]
    with pytest.raises(SourceError, match="more than 500 deep"):
        list(walk_tree(read, levels[600]))
    with pytest.raises(SourceError, match="more than 500 deep"):
        list(diff_trees(read, None, levels[600]))


def nest(repository: Repository, below: bytes) -> bytes:
    """A tree with one folder `d`; kept in memory, which is faster than 600 calls of git."""
    content = line(b"d", b"40000", below)
    oid = bytes.fromhex(hash_object(Kind.TREE, content))
    repository.store.add({oid: (Kind.TREE, content)})
    return oid


def test_a_few_trees_that_stand_for_millions_are_refused(repo: GitRepo, opened: Repository) -> None:
    """A walk ends at a number of items, however small the repository is."""
    tree = write_tree(repo, *(line(b"%04d" % number) for number in range(3000)))
    tree = write_tree(repo, *(line(b"%04d" % number, b"40000", tree) for number in range(3000)))
    with pytest.raises(SourceError, match="more than 5,000,000 files"):
        deque(walk_tree(opened.store.read, tree), maxlen=0)


def test_items_are_found_by_path(repo: GitRepo, opened: Repository) -> None:
    """A file, a folder and nothing, also where a name hides in an id."""
    oid = b"100644 x\0" + b"\1" * 11
    below = write_tree(repo, line(b"f"), line(b"g", oid=oid))
    tree = write_tree(repo, line(b"d", b"40000", below), line(b"e"))
    read = opened.store.read
    found = find_item(read, tree, b"d/g")
    assert found is not None
    assert (found.name, found.mode, found.oid) == (b"g", MODE_FILE, oid)
    folder = find_item(read, tree, b"d")
    assert folder is not None
    assert folder.is_directory
    for path in (b"d/x", b"x", b"e/f", b"d/f/g", b"", b"d/", b"/d", b"."):
        assert find_item(read, tree, path) is None


def test_a_missing_tree_is_named(repo: GitRepo, opened: Repository) -> None:
    """A tree that is not in the repository is told apart from a damaged one."""
    tree = write_tree(repo, line(b"d", b"40000"))
    with pytest.raises(MissingObject) as caught:
        list(walk_tree(opened.store.read, tree))
    assert caught.value.oid == BLOB.hex()


def test_a_blob_in_the_place_of_a_tree_is_refused(repo: GitRepo, opened: Repository) -> None:
    """What is used as a tree must be one."""
    blob = bytes.fromhex(repo.run("hash-object", "-w", "--stdin", stdin=b"text"))
    tree = write_tree(repo, line(b"d", b"40000", blob))
    with pytest.raises(SourceError, match="used as a tree"):
        list(walk_tree(opened.store.read, tree))
