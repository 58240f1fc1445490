"""Walks trees and compares two of them, opening no directory that need not be opened."""

import re
import stat
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from vectornator.errors import SourceError
from vectornator.git.objects import (
    MODE_DIRECTORY,
    MODE_EXECUTABLE,
    MODE_FILE,
    MODE_SUBMODULE,
    MODE_SYMLINK,
    Kind,
    Read,
    TreeItem,
)

MAX_DEPTH = 500
"""How deep directories may be nested; git's own limit for trees is 2048 (`core.maxTreeDepth`)."""

MAX_ITEMS = 5_000_000
"""How many files and directories a walk may meet: a few small trees can stand for billions."""

_HIDDEN = frozenset({b"", b".", b"..", b".git"})
"""Names that git never checks out; a tree that has one was not made by git."""

_LINES = re.compile(rb"(100644|40000|[0-7]{5,6}) ([^\0/]++)\0(.{20})|.+", re.DOTALL)
"""Mode, name and id of each line; what is no line makes one of empty fields, up to the end."""

Enter: TypeAlias = Callable[[bytes], bool]
"""Says whether the directory at a path (without a slash at its end) may be opened."""

Side: TypeAlias = tuple[int, bytes]
"""What a path holds on one side of a comparison: its mode and its 20-byte id."""

_Line: TypeAlias = tuple[bytes, bytes, bytes]
"""Mode in octal digits, name and id."""


class _Modes(dict[bytes, int]):
    """Modes by their octal digits, as git understands them: old trees have a few it wrote once."""

    def __missing__(self, digits: bytes) -> int:
        mode = int(digits, 8)
        if stat.S_ISREG(mode):
            return MODE_EXECUTABLE if mode & stat.S_IXUSR else MODE_FILE
        kinds = {stat.S_IFDIR: MODE_DIRECTORY, stat.S_IFLNK: MODE_SYMLINK}
        return kinds.get(stat.S_IFMT(mode), MODE_SUBMODULE)


_MODES = _Modes(
    (b"%o" % mode, mode)
    for mode in (MODE_FILE, MODE_DIRECTORY, MODE_EXECUTABLE, MODE_SYMLINK, MODE_SUBMODULE)
)


class TreeChange(NamedTuple):
    """A path that two trees disagree on; None on the side that does not have it."""

    path: bytes
    old: Side | None
    new: Side | None


def walk_tree(
    read: Read, tree: bytes, enter: Enter | None = None, prefix: bytes = b""
) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield path, mode and id of everything below `tree` that is no directory.

    The order is git's own for one directory, directories after the files beside them. Modes
    are those git writes today, also where an old tree has another.
    Raises `SourceError` for a damaged or hostile tree, `MissingObject` for a missing one.
    """
    modes, directory = _MODES, MODE_DIRECTORY
    stack = [(prefix + b"/" * bool(prefix), tree)]
    left = MAX_ITEMS
    while stack:
        base, oid = stack.pop()
        below = []
        lines = _read_lines(read, oid, base)
        left = _count_down(left, len(lines))
        for digits, name, item in lines:
            mode = modes[digits]
            if mode != directory:
                yield base + name, mode, item
            elif enter is None or enter(base + name):
                below.append((base + name + b"/", item))
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
    left = MAX_ITEMS
    while stack:
        base, before, after = stack.pop()
        olds, news = _list_differing(read, before, after, base)
        left = _count_down(left, len(olds) + len(news))
        for name in sorted(olds.keys() | news.keys()):
            one, other = olds.get(name), news.get(name)
            path = base + name
            trees = _tree_of(one), _tree_of(other)
            if trees[0] != trees[1] and (enter is None or enter(path)):
                stack.append((path + b"/", *trees))
            files = _file_of(one), _file_of(other)
            if files[0] != files[1]:
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
    content = _read_tree(read, tree)
    if b" " + name + b"\0" not in content:  # spares most trees the parsing
        return None
    found = (line for line in _LINES.findall(content) if line[1] == name != b"")
    return next((TreeItem(name, _MODES[digits], oid) for digits, _, oid in found), None)


def _read_tree(read: Read, oid: bytes) -> bytes:
    kind, content = read(oid)
    if kind != Kind.TREE:
        raise SourceError(f"{oid.hex()} is used as a tree but is none. Check with `git fsck`.")
    return content


def _read_lines(read: Read, tree: bytes, base: bytes) -> list[_Line]:
    """The lines of a tree; a name that could lead out of it, or too deep, is refused.

    Raises `SourceError`. This is the hot spot of every walk, so one expression does it all.
    """
    lines: list[_Line] = _LINES.findall(_read_tree(read, tree))
    names = {name for _, name, _ in lines}
    if len(names) != len(lines) or not _HIDDEN.isdisjoint(names):
        raise _explain_refusal(lines, base)
    if base.count(b"/") > MAX_DEPTH:
        raise SourceError(f"Directories are nested more than {MAX_DEPTH} deep. Nothing was read.")
    return lines


def _explain_refusal(lines: list[_Line], base: bytes) -> SourceError:
    place = repr(base.decode("utf-8", "backslashreplace")) if base else "the root"
    names = [name for _, name, _ in lines]
    if b"" in names:
        return SourceError(f"The tree of {place} is damaged. Check with `git fsck`.")
    name = next(name for name in names if name in _HIDDEN or names.count(name) > 1)
    return SourceError(
        f"The tree of {place} has an entry named {name!r} that git never writes, or writes once. "
        "Check with `git fsck`."
    )


def _list_differing(
    read: Read, old: bytes | None, new: bytes | None, base: bytes
) -> tuple[dict[bytes, Side], dict[bytes, Side]]:
    """The lines that only one of two trees has, by name."""
    if old == new:
        return {}, {}
    olds = _read_lines(read, old, base) if old else []
    news = _read_lines(read, new, base) if new else []
    shared = set(olds).intersection(news)
    return _index(olds, shared), _index(news, shared)


def _index(lines: list[_Line], shared: set[_Line]) -> dict[bytes, Side]:
    return {line[1]: (_MODES[line[0]], line[2]) for line in lines if line not in shared}


def _count_down(left: int, number: int) -> int:
    """How many items a walk may still meet. Raises `SourceError` when it will not end."""
    if number > left:
        raise SourceError(
            f"The commit has more than {MAX_ITEMS:,} files. Choose a folder with --directory."
        )
    return left - number


def _tree_of(side: Side | None) -> bytes | None:
    return side[1] if side and side[0] == MODE_DIRECTORY else None


def _file_of(side: Side | None) -> Side | None:
    return side if side and side[0] != MODE_DIRECTORY else None
