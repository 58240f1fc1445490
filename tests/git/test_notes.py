"""Notes trees are edited without touching what is not ours, and git agrees with every edit."""

from collections.abc import Callable
from hashlib import sha1
from pathlib import Path

import pytest

from tests.support.git_server import run_git
from vectornator.git.notes import (
    Change,
    edit_tree,
    find_note,
    list_notes,
    make_commit,
    note_path,
    place_note,
)
from vectornator.git.objects import (
    MODE_DIRECTORY,
    MODE_FILE,
    Kind,
    MissingObject,
    Stored,
    TreeItem,
    parse_tree,
    serialize_tree,
)
from vectornator.git.wire import PackedObject, make_object


class Objects(dict[bytes, Stored]):
    """Objects in memory, and the ids of those that were read."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bytes] = []

    def read(self, oid: bytes) -> Stored:
        """One object; the read is remembered."""
        self.seen.append(oid)
        if oid not in self:
            raise MissingObject(oid)
        return self[oid]

    def keep(self, *items: PackedObject) -> bytes:
        """Keep objects; returns the id of the last."""
        self.update({item.oid: (item.kind, item.content) for item in items})
        return items[-1].oid

    def build(self, paths: dict[str, str]) -> bytes:
        """A tree with a blob of each text at its path."""
        changes: dict[bytes, Change] = {
            path.encode(): (MODE_FILE, self.keep(make_object(Kind.BLOB, text.encode())))
            for path, text in paths.items()
        }
        return self.edit(None, changes)

    def edit(self, tree: bytes | None, changes: dict[bytes, Change]) -> bytes:
        """The tree after an edit that leaves something."""
        edited, new = edit_tree(self.read, tree, changes)
        assert edited is not None
        self.update({item.oid: (item.kind, item.content) for item in new})
        return edited

    def show(self, tree: bytes, prefix: str = "") -> dict[str, str]:
        """Every path of a tree and its text."""
        found: dict[str, str] = {}
        for item in parse_tree(self[tree][1]):
            path = prefix + item.name.decode()
            if item.is_directory:
                found |= self.show(item.oid, f"{path}/")
            else:
                found[path] = self[item.oid][1].decode()
        return found


@pytest.fixture
def objects() -> Objects:
    """An empty store."""
    return Objects()


def commit_id(number: int) -> str:
    """Some commit's id."""
    return sha1(b"%d" % number, usedforsecurity=False).hexdigest()


def split(commit: str, levels: int) -> str:
    """The path of a note at a fan-out of so many levels."""
    parts = [commit[2 * level : 2 * level + 2] for level in range(levels)]
    return "/".join([*parts, commit[2 * levels :]])


C = commit_id(1)


@pytest.mark.parametrize("levels", [0, 1, 2, 5])
def test_a_note_is_found_at_any_fan_out(objects: Objects, levels: int) -> None:
    """A note is listed and found wherever it lies."""
    tree = objects.build({split(C, levels): "hello", "readme.txt": "foreign"})
    blob = make_object(Kind.BLOB, b"hello").oid.hex()
    assert list_notes(objects.read, tree) == {C: blob}
    assert find_note(objects.read, tree, C) == (split(C, levels).encode(), blob)


def test_no_tree_has_no_notes(objects: Objects) -> None:
    """A ref that does not exist yet is a tree of None."""
    assert list_notes(objects.read, None) == {}
    assert find_note(objects.read, None, C) is None
    assert note_path(objects.read, None, C) == C.encode()


@pytest.mark.parametrize(
    "path",
    [
        ".vectornator/entries/ab.json",
        "ab.json",
        "ab/meta.json",
        "deadbeef/x",
        C.upper(),
        C[:39],
        f"{C}0",
        f"{C[:2]}/{C}",
        f"{C[:4]}/{C[4:]}",
        f"{C[:2]}/x/{C[2:]}",
    ],
)
def test_what_is_not_a_note_is_passed_over(objects: Objects, path: str) -> None:
    """Only 40 lower-case digits, split in twos, name a note."""
    assert list_notes(objects.read, objects.build({path: "foreign"})) == {}


@pytest.mark.parametrize("mode", [MODE_DIRECTORY, 0o120000, 0o160000])
def test_only_files_are_notes(objects: Objects, mode: int) -> None:
    """A directory, a link or a submodule with a commit's name is foreign."""
    inner = objects.build({"x": "foreign"})
    content = serialize_tree([TreeItem(C.encode(), mode, inner)])
    tree = objects.keep(make_object(Kind.TREE, content))
    assert list_notes(objects.read, tree) == {}
    assert find_note(objects.read, tree, C) is None


def test_a_new_note_follows_the_fan_out_that_is_there(objects: Objects) -> None:
    """Among fanned-out notes a new one is fanned out, whether or not its directory exists."""
    tree = objects.build({split(commit_id(number), 1): "x" for number in range(2, 40)})
    taken = commit_id(2)[:2] + "f" * 38
    assert note_path(objects.read, tree, C) == split(C, 1).encode()
    assert note_path(objects.read, tree, taken) == split(taken, 1).encode()


def test_a_new_note_among_flat_ones_is_flat(objects: Objects) -> None:
    """Two-digit directories that are not a fan-out do not make one."""
    paths = {commit_id(number): "x" for number in range(2, 40)} | {"ab/meta.json": "foreign"}
    assert note_path(objects.read, objects.build(paths), C) == C.encode()


def test_a_file_in_the_place_of_a_fan_out_directory_stays(objects: Objects) -> None:
    """A foreign file named like a directory of notes is not given up for one."""
    paths = {split(commit_id(number), 1): "x" for number in range(2, 9)} | {C[:2]: "foreign"}
    tree = objects.build(paths)
    edited = objects.edit(tree, place_note(objects.read, tree, C, make_blob(objects, "mine")))
    assert objects.show(edited) == paths | {C: "mine"}


def make_blob(objects: Objects, text: str) -> bytes:
    """A blob that is kept."""
    return objects.keep(make_object(Kind.BLOB, text.encode()))


def test_two_notes_on_one_commit_become_one(objects: Objects) -> None:
    """Git would join the texts of two copies: a write leaves one, where the first was."""
    tree = objects.build({C: "flat", split(C, 1): "fanned", split(C, 2): "deep", "x": "foreign"})
    edited = objects.edit(tree, place_note(objects.read, tree, C, make_blob(objects, "new")))
    assert objects.show(edited) == {C: "new", "x": "foreign"}


def test_two_notes_on_one_commit_are_both_removed(objects: Objects) -> None:
    """Removing a note removes every copy of it."""
    tree = objects.build({C: "flat", split(C, 1): "fanned", "x": "foreign"})
    edited = objects.edit(tree, place_note(objects.read, tree, C, None))
    assert objects.show(edited) == {"x": "foreign"}


def test_of_two_notes_listing_and_finding_name_the_same(objects: Objects) -> None:
    """The copy nearer the root counts, for both."""
    tree = objects.build({C: "flat", split(C, 1): "fanned"})
    found = find_note(objects.read, tree, C)
    assert found is not None
    assert list_notes(objects.read, tree)[C] == found[1]


def test_an_edit_reads_only_the_way_to_its_change(objects: Objects) -> None:
    """Directories beside the change are not opened, so they need not be here."""
    tree = objects.build({"a/b/x": "1", "a/c/x": "2", "d/x": "3"})
    objects.seen.clear()
    edit_tree(objects.read, tree, {b"a/b/y": (MODE_FILE, make_blob(objects, "new"))})
    assert len(objects.seen) == 3


def test_an_edit_keeps_foreign_entries_byte_for_byte(objects: Objects) -> None:
    """Modes, names that are no text, links and submodules come through unchanged."""
    foreign = [
        TreeItem(b"link", 0o120000, b"b" * 20),
        TreeItem(b"module", 0o160000, b"c" * 20),
        TreeItem(b"old", 0o100664, b"d" * 20),
        TreeItem(b"\xff\xfe", 0o100755, b"a" * 20),
    ]
    tree = objects.keep(make_object(Kind.TREE, serialize_tree(foreign)))
    edited = objects.edit(tree, {b"mine/x": (MODE_FILE, make_blob(objects, "x"))})
    kept = [item for item in parse_tree(objects[edited][1]) if item.name != b"mine"]
    assert kept == foreign


def test_an_edit_that_changes_nothing_makes_nothing(objects: Objects) -> None:
    """The same tree comes back, and no object."""
    tree = objects.build({"a/x": "1"})
    change = (MODE_FILE, make_blob(objects, "1"))
    assert edit_tree(objects.read, tree, {b"a/x": change, b"b/y": None}) == (tree, [])


def test_emptied_directories_disappear(objects: Objects) -> None:
    """Removing the last path of a directory removes the directory, up to the root."""
    tree = objects.build({"a/b/c/x": "1", "z": "2"})
    assert objects.show(objects.edit(tree, {b"a/b/c/x": None})) == {"z": "2"}
    assert edit_tree(objects.read, tree, {b"a/b/c/x": None, b"z": None}) == (None, [])


def test_removing_below_a_file_keeps_the_file(objects: Objects) -> None:
    """A path below a foreign file does not exist, so removing it does nothing."""
    tree = objects.build({"a": "foreign"})
    assert edit_tree(objects.read, tree, {b"a/x": None}) == (tree, [])


def test_new_trees_name_what_they_replace(objects: Objects) -> None:
    """Each new tree carries the old one as the base of its delta; a fresh one has none."""
    tree = objects.build({"a/x": "1"})
    _, new = edit_tree(objects.read, tree, {b"a/y": (MODE_FILE, b"1" * 20)})
    assert [item.base for item in new] == [parse_tree(objects[tree][1])[0].oid, tree]
    _, fresh = edit_tree(objects.read, None, {b"a/y": (MODE_FILE, b"1" * 20)})
    assert [item.base for item in fresh] == [None, None]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[PackedObject], str]:
    """Writes an object into a real repository, which checks it; returns its id."""
    run_git(tmp_path, "init", "-q", "--bare", ".")

    def write_one(item: PackedObject) -> str:
        kind = Kind(item.kind).name.lower()
        return run_git(tmp_path, "hash-object", "-w", "-t", kind, "--stdin", stdin=item.content)

    return write_one


def test_git_accepts_our_trees_and_commits(
    objects: Objects, write: Callable[[PackedObject], str], tmp_path: Path
) -> None:
    """Git gives our objects the ids we gave them, and finds nothing wrong."""
    blob = make_object(Kind.BLOB, b"hello")
    _, trees = edit_tree(objects.read, None, {b"a/x": (MODE_FILE, blob.oid)})
    commit = make_commit(trees[-1].oid, [], "Sync", "Ada\n<ada@example.com>", 1_700_000_000)
    for item in (blob, *trees, commit):
        assert write(item) == item.oid.hex()
    run_git(tmp_path, "update-ref", "refs/heads/main", commit.oid.hex())
    assert run_git(tmp_path, "fsck", "--strict") == ""
    told = run_git(tmp_path, "log", "--format=%an %ae %ct %s", "main")
    assert told == "Ada ada@example.com 1700000000 Sync"
