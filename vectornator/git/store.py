"""Reads objects wherever the repository keeps them, and keeps fetched ones in memory."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from dulwich.objects import ShaFile
from dulwich.repo import Repo

from vectornator.errors import SourceError
from vectornator.git.loose import LooseDirectory
from vectornator.git.objects import Kind, MissingObject, Stored, hash_object
from vectornator.git.packs import Damaged, PackDirectory

_MAX_ALTERNATES = 5
"""How many object directories may borrow from each other in a row: git's own limit."""

_EMPTY_TREE = bytes.fromhex(hash_object(Kind.TREE, b""))


class _Directory(NamedTuple):
    """One object directory."""

    packs: PackDirectory
    loose: LooseDirectory


class ObjectStore:
    """Objects by their 20-byte id; may be read from several threads at once.

    Objects that were fetched stay in memory: a filtered pack written into a repository would
    break it. What git knows without storing it, the empty tree, is always there.
    """

    def __init__(self, repo: Repo) -> None:
        self._dulwich = repo.object_store
        folders = _list_directories(Path(repo.object_store.path))
        self._directories = [
            _Directory(PackDirectory(folder / "pack"), LooseDirectory(folder)) for folder in folders
        ]
        self._fetched: dict[bytes, Stored] = {_EMPTY_TREE: (Kind.TREE, b"")}

    def read(self, oid: bytes) -> Stored:
        """The kind and content of an object. Raises `MissingObject`, `SourceError`."""
        found = self._fetched.get(oid)
        for packs, loose in () if found else self._look():
            found = packs.read(oid) or loose.read(oid)
            if found:
                break
        if not found:
            raise self._explain_absence(oid)
        return found

    def size(self, oid: bytes) -> int:
        """The size of an object in bytes, without reading it whole.

        Raises `MissingObject`, `SourceError`.
        """
        if fetched := self._fetched.get(oid):
            return len(fetched[1])
        for packs, loose in self._look():
            size = packs.measure(oid)
            size = loose.measure(oid) if size is None else size
            if size is not None:
                return size
        raise self._explain_absence(oid)

    def has(self, oid: bytes) -> bool:
        """Tell whether an object can be read here."""
        return oid in self._fetched or any(
            packs.has(oid) or loose.has(oid) for packs, loose in self._look()
        )

    def list_ids(self, prefix: str) -> set[bytes]:
        """The ids that start with `prefix`, two hexadecimal digits or more."""
        found = {oid for oid in self._fetched if oid.hex().startswith(prefix)}
        for packs, loose in self._directories:
            found.update(packs.list_ids(prefix), loose.list_ids(prefix))
        return found

    def add(self, objects: Mapping[bytes, Stored]) -> None:
        """Keep objects in memory for as long as the repository is open."""
        self._fetched.update(objects)

    def write(self, objects: Mapping[bytes, Stored]) -> None:
        """Write objects into the repository for good. Raises `SourceError`."""
        try:
            for kind, content in objects.values():
                self._dulwich.add_object(ShaFile.from_raw_string(kind, content))
        except OSError as error:
            raise SourceError(
                f"The repository can't be written to: {error.strerror}. Make it writable, or "
                "keep the state elsewhere with --metadata-storage file."
            ) from error

    def close(self) -> None:
        """Close the packs."""
        for packs, _ in self._directories:
            packs.close()

    def _look(self) -> Iterator[_Directory]:
        """Every object directory, and then those again where packs appeared meanwhile.

        `git gc` writes its pack first and then removes what the pack replaces, so one more
        look finds what the first one missed.
        """
        yield from self._directories
        for directory in self._directories:
            if directory.packs.rescan():
                yield directory

    def _explain_absence(self, oid: bytes) -> SourceError:
        """Why an object is not here: it may lie in a pack that can't be used."""
        damages = (directory.packs.damage for directory in self._directories)
        damage: Damaged | None = next(filter(None, damages), None)
        return damage or MissingObject(oid)


def _list_directories(folder: Path, depth: int = 0) -> list[Path]:
    """An object directory and those it borrows from; one that is gone is left out, as in git."""
    found = [folder]
    try:
        lines = (folder / "info" / "alternates").read_bytes().splitlines()
    except OSError:
        return found
    for line in lines if depth < _MAX_ALTERNATES else ():
        other = Path(os.path.normpath(folder / os.fsdecode(line)))
        if line and not line.startswith(b"#") and other.is_dir():
            found += [path for path in _list_directories(other, depth + 1) if path not in found]
    return found
