"""Reads objects wherever the repository keeps them, and keeps fetched ones in memory."""

import threading
from collections.abc import Mapping

from dulwich.objects import ShaFile
from dulwich.repo import Repo

from vectornator.errors import SourceError
from vectornator.git.objects import MissingObject, Stored
from vectornator.git.packs import PackDirectory


class ObjectStore:
    """Objects by their 20-byte id; may be read from several threads at once.

    Packs are read by our own reader, an order faster than dulwich's on many small reads
    (`packs`); loose objects, alternates and anything unusual are left to dulwich. Objects that
    were fetched stay in memory: a filtered pack written into a repository would break it.
    """

    def __init__(self, repo: Repo) -> None:
        self._dulwich = repo.object_store
        self._packs = PackDirectory(repo.object_store.pack_dir)
        self._fetched: dict[bytes, Stored] = {}
        self._lock = threading.Lock()

    def read(self, oid: bytes) -> Stored:
        """The kind and content of an object. Raises `MissingObject`, `SourceError`."""
        found = self._fetched.get(oid) or self._packs.read(oid, self.read)
        return found or self._read_slowly(oid)

    def has(self, oid: bytes) -> bool:
        """Tell whether an object can be read here."""
        return oid in self._fetched or self._packs.has(oid) or oid.hex().encode() in self._dulwich

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
        self._packs.close()

    def _read_slowly(self, oid: bytes) -> Stored:
        """Ask dulwich, which also looks again for packs that appeared meanwhile."""
        try:
            with self._lock:
                return self._dulwich.get_raw(oid.hex().encode())
        except KeyError as error:
            raise MissingObject(oid) from error
