"""Walks trees and compares two of them, opening no directory that need not be opened."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from vectornator.errors import SourceError
from vectornator.git.objects import MODE_DIRECTORY, Kind, Read, TreeItem, parse_tree

MAX_DEPTH = 500
"""How deep directories may be nested; git's own limit for trees is 2048 (`core.maxTreeDepth`)."""

_HIDDEN = frozenset({b"", b".", b"..", b".git"})
"""Names that git never checks out; a tree that has one was not made by git."""

Enter: TypeAlias = Callable[[bytes], bool]
"""Says whether the directory at a path (without a slash at its end) may be opened."""

Side: TypeAlias = tuple[int, bytes]
"""What a path holds on one side of a comparison: its mode and its 20-byte id."""


class TreeChange(NamedTuple):
    """A path that two trees disagree on; None on the side that does not have it."""

    path: bytes
    old: Side | None
    new: Side | None


def walk_tree(
    read: Read, tree: bytes, enter: Enter | None = None, prefix: bytes = b""
) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield path, mode and id of everything below `tree` that is no directory.

    The order is git's own for one directory, directories after the files beside them.
    Raises `SourceError` for a damaged or hostile tree, `MissingObject` for a missing one.
    """
    stack = [(prefix + b"/" * bool(prefix), tree)]
    while stack:
        base, oid = stack.pop()
        below = []
        for name, mode, item in _parse_safely(_read_tree(read, oid), base):
            path = base + name
            if mode != MODE_DIRECTORY:
                yield path, mode, item
            elif enter is None or enter(path):
                below.append((path + b"/", item))
        stack.extend(reversed(below))


def diff_trees(
    read: Read,
    old: bytes | None,
    new: bytes | None,
    enter: Enter | None = None,
    prefix: bytes = b"",
) -> Iterator[TreeChange]:
    """Yield every path below that differs in mode or id; equal subtrees stay closed.

    A directory in the place of a file is the file gone and the directory's files new.
    Raises `SourceError` for a damaged or hostile tree, `MissingObject` for a missing one.
    """
    stack = [(prefix + b"/" * bool(prefix), old, new)]
    while stack:
        base, before, after = stack.pop()
        if before == after:
            continue
        olds, news = _index(read, before, base), _index(read, after, base)
        for name in olds.keys() | news.keys():
            one, other = olds.get(name), news.get(name)
            if one == other:
                continue
            path = base + name
            trees = _tree_of(one), _tree_of(other)
            if any(trees) and (enter is None or enter(path)):
                stack.append((path + b"/", *trees))
            files = _file_of(one), _file_of(other)
            if any(files):
                yield TreeChange(path, *files)


def find_item(read: Read, tree: bytes, path: bytes) -> TreeItem | None:
    """What `path` (names joined by slashes) leads to below `tree`; None when nothing does."""
    *folders, last = path.split(b"/")
    for folder in folders:
        item = _find_name(read, tree, folder)
        if item is None or not item.is_directory:
            return None
        tree = item.oid
    return _find_name(read, tree, last)


def _find_name(read: Read, tree: bytes, name: bytes) -> TreeItem | None:
    return next((item for item in parse_tree(_read_tree(read, tree)) if item.name == name), None)


def _read_tree(read: Read, oid: bytes) -> bytes:
    kind, content = read(oid)
    if kind != Kind.TREE:
        raise SourceError(f"{oid.hex()} is used as a tree but is none. Check with `git fsck`.")
    return content


def _index(read: Read, tree: bytes | None, base: bytes) -> dict[bytes, Side]:
    if tree is None:
        return {}
    return {name: (mode, oid) for name, mode, oid in _parse_safely(_read_tree(read, tree), base)}


def _parse_safely(content: bytes, base: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """The lines of a tree; a name that could lead out of it, or too deep, is refused.

    Raises `SourceError`. The loop is the hot spot of every walk, so it makes no objects.
    """
    if base.count(b"/") > MAX_DEPTH:
        raise SourceError(f"Directories are nested more than {MAX_DEPTH} deep. Nothing was read.")
    start, end, index = 0, len(content), content.index
    try:
        while start < end:
            space = index(b" ", start)
            nul = index(b"\0", space)
            name = content[space + 1 : nul]
            if name in _HIDDEN or b"/" in name:
                raise SourceError(
                    f"A tree below {base.decode('utf-8', 'backslashreplace') or 'the root'!r} has "
                    f"an entry named {name!r}, which git never writes. Check with `git fsck`."
                )
            yield name, int(content[start:space], 8), content[nul + 1 : nul + 21]
            start = nul + 21
    except ValueError as error:
        raise SourceError("A tree object is damaged. Check with `git fsck`.") from error


def _tree_of(side: Side | None) -> bytes | None:
    return side[1] if side and side[0] == MODE_DIRECTORY else None


def _file_of(side: Side | None) -> Side | None:
    return side if side and side[0] != MODE_DIRECTORY else None
