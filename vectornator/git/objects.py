"""Git's object formats: ids, trees and commits, as bytes in and plain values out."""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from vectornator.errors import SourceError


class Kind(IntEnum):
    """The type of an object, numbered as in packs."""

    COMMIT = 1
    TREE = 2
    BLOB = 3
    TAG = 4


Oid: TypeAlias = str
"""An object id: 40 hexadecimal digits."""

Stored: TypeAlias = tuple[int, bytes]
"""An object as it is kept: its `Kind` and its content."""

Read: TypeAlias = Callable[[bytes], Stored]
"""Looks an object up by its 20-byte id. Raises `MissingObject`."""

MODE_DIRECTORY = 0o040000
MODE_FILE = 0o100644
MODE_EXECUTABLE = 0o100755
MODE_SYMLINK = 0o120000
MODE_SUBMODULE = 0o160000

ZERO_OID: Oid = "0" * 40
"""Stands for "no object" in a push."""

EMPTY_BLOB: Oid = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
"""The id of the blob with no bytes."""


class MissingObject(SourceError):
    """An object that the repository names is not in it: a partial or damaged clone."""

    def __init__(self, oid: bytes | Oid) -> None:
        self.oid: Oid = oid.hex() if isinstance(oid, bytes) else oid
        super().__init__(
            f"Object {self.oid} is missing from the repository. Fetch it (`git fetch` in a "
            "partial or shallow clone) or check the repository with `git fsck`."
        )


class TreeItem(NamedTuple):
    """One line of a tree."""

    name: bytes
    mode: int
    oid: bytes
    """20 bytes."""

    @property
    def is_directory(self) -> bool:
        """Whether the line names a subtree."""
        return self.mode == MODE_DIRECTORY


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit object says."""

    oid: Oid
    tree: Oid
    parents: tuple[Oid, ...]
    time: int
    """The committer's time, in seconds since the epoch."""

    message: str


_TREE_LINE = re.compile(rb"([0-7]{5,6}) ([^\0/]+)\0(.{20})", re.DOTALL)
_HEX_ID = re.compile(rb"[0-9a-f]{40}")


def hash_object(kind: int, content: bytes) -> Oid:
    """The id of an object."""
    header = b"%s %d\0" % (Kind(kind).name.lower().encode(), len(content))
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def parse_tree(content: bytes) -> list[TreeItem]:
    """The lines of a tree object. Raises `SourceError` when it is damaged."""
    items = []
    end = 0
    while end < len(content):
        line = _TREE_LINE.match(content, end)
        if line is None:
            raise SourceError("A tree object is damaged. Check with `git fsck`.")
        items.append(TreeItem(line[2], int(line[1], 8), line[3]))
        end = line.end()
    return items


def serialize_tree(items: Iterable[TreeItem]) -> bytes:
    """A tree object of `items`, in the order git wants: as if directories ended in a slash."""
    ordered = sorted(items, key=lambda item: item.name + b"/" * item.is_directory)
    return b"".join(b"%o %s\0%s" % (item.mode, item.name, item.oid) for item in ordered)


def parse_commit(oid: Oid, content: bytes) -> Commit:
    """What a commit object says. Raises `SourceError` when it is damaged."""
    header, _, message = content.partition(b"\n\n")
    fields: dict[bytes, list[bytes]] = {}
    for line in header.split(b"\n"):
        name, _, value = line.partition(b" ")
        fields.setdefault(name, []).append(value)
    try:
        return Commit(
            oid=oid,
            tree=_read_id(fields[b"tree"][0]),
            parents=tuple(map(_read_id, fields.get(b"parent", ()))),
            time=int(fields[b"committer"][0].rsplit(b" ", 2)[1]),
            message=message.decode("utf-8", "replace"),
        )
    except (KeyError, ValueError, IndexError) as error:
        raise SourceError(f"Commit {oid} is damaged. Check with `git fsck`.") from error


def _read_id(value: bytes) -> Oid:
    if not _HEX_ID.fullmatch(value):
        raise ValueError("not an id")
    return value.decode("ascii")
