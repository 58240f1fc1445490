"""Reads objects wherever the repository keeps them, and keeps fetched ones in memory."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Protocol

from dulwich.file import FileLocked
from dulwich.objects import ShaFile
from dulwich.repo import Repo

from vectornator.errors import SourceError
from vectornator.git.loose import LooseDirectory
from vectornator.git.objects import Kind, MissingObject, Stored, hash_object
from vectornator.git.packs import PackDirectory

_MAX_ALTERNATES = 5
"""How many object directories may borrow from each other in a row: git's own limit."""

_EMPTY_TREE = bytes.fromhex(hash_object(Kind.TREE, b""))
_HEADS = {int(kind): kind.name.lower().encode() + b" %d\0" for kind in Kind}
"""What an object starts with where its id is computed."""


class _Shelf(Protocol):
    """A place where objects are kept."""

    def read(self, oid: bytes) -> Stored | None:
        """The object, or None. Raises `Damaged`."""

    def measure(self, oid: bytes) -> int | None:
        """The size of an object in bytes, or None. Raises `Damaged`."""

    def has(self, oid: bytes) -> bool:
        """Tell whether the object is here."""

    def list_ids(self, prefix: str) -> Iterable[bytes]:
        """The ids that start with `prefix`, two hexadecimal digits or more."""


class ObjectStore:
    """Objects by their 20-byte id; may be read from several threads at once.

    Objects that were fetched stay in memory: a filtered pack written into a repository would
    break it. What git knows without storing it, the empty tree, is always there.
    """

    def __init__(self, repo: Repo) -> None:
        self._dulwich = repo.object_store
        folders = _list_directories(Path(repo.object_store.path))
        self._packs = [PackDirectory(folder / "pack") for folder in folders]
        self._fetched = _Memory()
        loose = [LooseDirectory(folder) for folder in folders]
        self._shelves: list[_Shelf] = [self._fetched, *self._packs, *loose]

    def read(self, oid: bytes) -> Stored:
        """The kind and content of an object, which are what its id says.

        Raises `MissingObject`, `SourceError`.
        """
        for shelf in self._list_shelves():
            if found := shelf.read(oid):
                _check(oid, found)
                return found
        raise self._explain_absence(oid)

    def size(self, oid: bytes) -> int:
        """The size of an object in bytes, told without reading it whole.

        Raises `MissingObject`, `SourceError`.
        """
        for shelf in self._list_shelves():
            size = shelf.measure(oid)
            if size is not None:
                return size
        raise self._explain_absence(oid)

    def has(self, oid: bytes) -> bool:
        """Tell whether an object can be read here."""
        return any(shelf.has(oid) for shelf in self._list_shelves())

    def list_ids(self, prefix: str) -> set[bytes]:
        """The ids that start with `prefix`, two hexadecimal digits or more."""
        return {oid for shelf in self._list_shelves() for oid in shelf.list_ids(prefix)}

    def add(self, objects: Mapping[bytes, Stored]) -> None:
        """Keep objects in memory for as long as the repository is open."""
        self._fetched.update(objects)

    def write(self, objects: Mapping[bytes, Stored]) -> None:
        """Write objects into the repository for good. Raises `SourceError`."""
        try:
            for kind, content in objects.values():
                self._write(ShaFile.from_raw_string(kind, content))
        except OSError as error:
            raise SourceError(
                f"The repository can't be written to: {error.strerror}. Make it writable, or "
                "keep the state elsewhere with --metadata-storage file."
            ) from error

    def _write(self, item: ShaFile) -> None:
        try:
            self._dulwich.add_object(item)
        except FileLocked:  # another process is writing it, or was killed while it did
            self._dulwich.add_objects([(item, None)])

    def close(self) -> None:
        """Close the packs."""
        for packs in self._packs:
            packs.close()

    def _list_shelves(self) -> Iterator[_Shelf]:
        """Every place to look at, and those again where packs appeared meanwhile.

        `git gc` writes its pack first and then removes what the pack replaces, so one more
        look finds what the first one missed.
        """
        return chain(self._shelves, (packs for packs in self._packs if packs.rescan()))

    def _explain_absence(self, oid: bytes) -> SourceError:
        """Why an object is not here: it may lie in a pack that can't be used."""
        for packs in self._packs:
            if packs.damage:
                return packs.damage
        return MissingObject(oid)


class _Memory(dict[bytes, Stored]):
    """Objects that were fetched."""

    def __init__(self) -> None:
        super().__init__({_EMPTY_TREE: (Kind.TREE, b"")})

    def read(self, oid: bytes) -> Stored | None:
        """The object, or None."""
        return self.get(oid)

    def measure(self, oid: bytes) -> int | None:
        """The size of an object in bytes, or None."""
        return len(self[oid][1]) if oid in self else None

    def has(self, oid: bytes) -> bool:
        """Tell whether the object is here."""
        return oid in self

    def list_ids(self, prefix: str) -> list[bytes]:
        """The ids that start with `prefix`."""
        return [oid for oid in self if oid.hex().startswith(prefix)]


def _check(oid: bytes, stored: Stored) -> None:
    """Compute the id of an object again. Raises `SourceError` when it is another one."""
    kind, content = stored
    digest = hashlib.sha1(_HEADS[kind] % len(content), usedforsecurity=False)
    digest.update(content)
    if digest.digest() != oid:
        raise SourceError(
            f"Object {oid.hex()} is damaged. Check the repository with `git fsck`, or clone it "
            "again."
        )


def _list_directories(folder: Path) -> list[Path]:
    """An object directory and those it borrows from; one that is gone is left out, as in git."""
    found = level = [folder]
    for _ in range(_MAX_ALTERNATES):
        others = (other for path in level for other in _read_alternates(path))
        # Each is read once: they may name each other in circles.
        level = [path for path in dict.fromkeys(others) if path not in found and path.is_dir()]
        found = [*found, *level]
    return found


def _read_alternates(folder: Path) -> Iterator[Path]:
    try:
        lines = (folder / "info" / "alternates").read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        if line and not line.startswith(b"#"):
            yield Path(os.path.normpath(folder / os.fsdecode(line)))
