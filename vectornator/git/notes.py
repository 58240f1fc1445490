"""Pure edits of notes trees: what is not ours stays as it is, whatever fan-out it has."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from vectornator.git.objects import (
    MODE_DIRECTORY,
    MODE_FILE,
    Kind,
    Oid,
    Read,
    TreeItem,
    parse_tree,
    serialize_tree,
)
from vectornator.git.wire import PackedObject, make_object

_HEX = frozenset(b"0123456789abcdef")
_OID_LENGTH = 40
_FAN = 2
"""Notes are spread over directories named by two digits of the commit's id at a time."""

Change: TypeAlias = tuple[int, bytes] | None
"""What becomes of a path: a mode and a 20-byte id, or None to remove it."""


def list_notes(read: Read, tree: bytes | None) -> dict[Oid, Oid]:
    """The blob of every note by the commit it is on, at any fan-out; other paths are passed over.

    Where a commit has two notes, the one nearer the root counts, as in `find_note`.
    """
    notes: dict[Oid, Oid] = {}
    level = [(b"", tree)] if tree else []
    while level:
        below: list[tuple[bytes, bytes]] = []
        for prefix, subtree in level:
            for item in _read_tree(read, subtree):
                name = prefix + item.name
                if _is_note(item, len(prefix)):
                    notes.setdefault(name.decode("ascii"), item.oid.hex())
                elif _is_fan(item, len(prefix)):
                    below.append((name, item.oid))
        level = below
    return notes


def find_note(read: Read, tree: bytes | None, commit: Oid) -> tuple[bytes, Oid] | None:
    """The path and the blob of the note on `commit`, at any fan-out; None when there is none."""
    return next(iter(_find_copies(read, tree, commit)), None)


def note_path(read: Read, tree: bytes | None, commit: Oid) -> bytes:
    """Where the note on `commit` is, or where one belongs beside the notes that are there."""
    path, rest = b"", commit.encode("ascii")
    while tree and len(rest) > _FAN:
        items = {item.name: item for item in _read_tree(read, tree)}
        depth = _OID_LENGTH - len(rest)
        inner = items.get(rest[:_FAN])
        if rest in items and _is_note(items[rest], depth):
            return path + rest
        if inner is None or not inner.is_directory:
            fans = sum(_is_fan(item, depth) for item in items.values())
            notes = sum(_is_note(item, depth) for item in items.values())
            split = inner is None and fans > notes
            return path + (rest[:_FAN] + b"/" + rest[_FAN:] if split else rest)
        path, rest, tree = path + rest[:_FAN] + b"/", rest[_FAN:], inner.oid
    return path + rest


def place_note(
    read: Read, tree: bytes | None, commit: Oid, blob: bytes | None
) -> dict[bytes, Change]:
    """The changes that leave exactly one note on `commit`, or none when `blob` is None.

    Two copies at different fan-outs would be one: git joins their texts when it reads them.
    """
    changes: dict[bytes, Change] = {path: None for path, _ in _find_copies(read, tree, commit)}
    if blob is not None:
        changes[next(iter(changes), None) or note_path(read, tree, commit)] = (MODE_FILE, blob)
    return changes


def edit_tree(
    read: Read, tree: bytes | None, changes: Mapping[bytes, Change]
) -> tuple[bytes | None, list[PackedObject]]:
    """The tree after `changes` (paths with slashes), and the tree objects that are new.

    Only the directories on the way to a change are read. Every other entry stays as it is,
    directories left empty disappear, and None is a tree with nothing in it. A file in the way
    of a directory gives way. New trees name the tree they replace as the base of a delta.
    """
    old = read(tree)[1] if tree else b""
    items = {item.name: item for item in parse_tree(old)}
    created: list[PackedObject] = []
    inner: dict[bytes, dict[bytes, Change]] = {}
    for path, change in changes.items():
        name, slash, rest = path.partition(b"/")
        if slash:
            inner.setdefault(name, {})[rest] = change
        elif change is None:
            items.pop(name, None)
        else:
            items[name] = TreeItem(name, *change)
    for name, below in inner.items():
        _edit_directory(read, items, (name, below), created)
    if not items:
        return None, []
    content = serialize_tree(items.values())
    if tree and content == old:
        return tree, []
    root = make_object(Kind.TREE, content, tree, old)
    return root.oid, [*created, root]


def make_commit(
    tree: bytes, parents: Sequence[Oid], message: str, author: str, time: int
) -> PackedObject:
    """A commit by `author` (`Name <address>`) at `time`, in seconds since the epoch, in UTC."""
    person = " ".join(author.split())
    lines = [
        f"tree {tree.hex()}",
        *(f"parent {parent}" for parent in parents),
        f"author {person} {time} +0000",
        f"committer {person} {time} +0000",
        "",
        message if message.endswith("\n") else message + "\n",
    ]
    return make_object(Kind.COMMIT, "\n".join(lines).encode())


def _read_tree(read: Read, tree: bytes) -> list[TreeItem]:
    return parse_tree(read(tree)[1])


def _is_note(item: TreeItem, depth: int) -> bool:
    """Whether `item`, `depth` digits below the root, is a note and not somebody's file."""
    is_file = item.mode & 0o170000 == 0o100000  # noqa: PLR2004  (git's "regular file")
    return is_file and len(item.name) == _OID_LENGTH - depth and _HEX.issuperset(item.name)


def _is_fan(item: TreeItem, depth: int) -> bool:
    """Whether `item` is a directory that may hold notes."""
    fits = len(item.name) == _FAN and depth + _FAN < _OID_LENGTH
    return fits and item.is_directory and _HEX.issuperset(item.name)


def _find_copies(read: Read, tree: bytes | None, commit: Oid) -> list[tuple[bytes, Oid]]:
    """Every note on `commit`, nearest the root first."""
    found: list[tuple[bytes, Oid]] = []
    path, rest = b"", commit.encode("ascii")
    while tree and rest:
        items = {item.name: item for item in _read_tree(read, tree)}
        note, inner = items.get(rest), items.get(rest[:_FAN])
        depth = _OID_LENGTH - len(rest)
        if note and _is_note(note, depth):
            found.append((path + rest, note.oid.hex()))
        path, rest = path + rest[:_FAN] + b"/", rest[_FAN:]
        tree = inner.oid if inner and _is_fan(inner, depth) else None
    return found


def _edit_directory(
    read: Read,
    items: dict[bytes, TreeItem],
    edit: tuple[bytes, Mapping[bytes, Change]],
    created: list[PackedObject],
) -> None:
    """Put the edited directory into `items`, and its new trees into `created`."""
    name, below = edit
    old = items.get(name)
    is_directory = old is not None and old.is_directory
    if not is_directory and all(change is None for change in below.values()):
        return
    tree, trees = edit_tree(read, old.oid if old and is_directory else None, below)
    created += trees
    if tree is None:
        items.pop(name, None)
    else:
        items[name] = TreeItem(name, MODE_DIRECTORY, tree)
