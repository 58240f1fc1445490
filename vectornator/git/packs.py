"""Reads objects from pack files: one look-up and one inflation each, deltas cached.

The formats are those of gitformat-pack(5): version 2 packs and version 2 indexes. Whatever else
a repository may hold is not found here, and left to others.
"""

import mmap
import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from dulwich.pack import apply_delta

from vectornator.errors import SourceError
from vectornator.git.objects import Stored

_INDEX_MAGIC = b"\377tOc\0\0\0\2"
_HEADER = 8 + 256 * 4
"""Bytes of an index before its ids: magic, version and fan-out table."""

_OFS_DELTA, _REF_DELTA = 6, 7
_LONG = 0x8000_0000
"""Marks an offset that is kept in the table of long offsets."""

_MAX_CHAIN = 10_000
"""Deltas on one object; git itself writes 4095 at most (`pack.depth`)."""

_CACHE_BYTES = 16 << 20
_CACHED_OBJECT = 1 << 18
"""A larger object is not kept: it would push many trees out."""

Resolve = Callable[[bytes], Stored]


class Damaged(SourceError):
    """A pack does not hold what its index promises."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The pack {path.name} is damaged. Check the repository with `git fsck`, or clone it "
            "again."
        )


class PackDirectory:
    """All packs of one object directory, the one that served last asked first."""

    def __init__(self, folder: str | Path) -> None:
        self._cache = _Cache()
        self._packs = _open_packs(Path(folder), self._cache)

    def read(self, oid: bytes, resolve: Resolve) -> Stored | None:
        """The object, or None; `resolve` finds bases that lie in no pack of ours."""
        for pack in self._packs:
            offset = pack.find(oid)
            if offset is not None:
                self._bring_forward(pack)
                return pack.read(offset, resolve)
        return None

    def has(self, oid: bytes) -> bool:
        """Tell whether a pack holds the object."""
        return any(pack.find(oid) is not None for pack in self._packs)

    def close(self) -> None:
        """Close every pack."""
        for pack in self._packs:
            pack.close()
        self._packs = []

    def _bring_forward(self, pack: "Pack") -> None:
        """Ask `pack` first next time; the list is replaced whole, so readers never see a gap."""
        packs = self._packs
        if packs[0] is not pack:
            self._packs = [pack, *(other for other in packs if other is not pack)]


def _open_packs(folder: Path, cache: "_Cache") -> list["Pack"]:
    packs = []
    for index in sorted(folder.glob("*.idx")) if folder.is_dir() else ():
        try:
            packs.append(Pack(index, cache))
        except (OSError, ValueError):
            continue  # gone meanwhile, empty, or of another version: left to others
    return sorted(packs, key=lambda pack: -pack.count)


class Pack:
    """One pack and its index, mapped into memory."""

    def __init__(self, index: Path, cache: "_Cache") -> None:
        self._path = index.with_suffix(".pack")
        self._cache = cache
        self._index = _map(index)
        if self._index[:8] != _INDEX_MAGIC or len(self._index) < _HEADER:
            self._index.close()
            raise ValueError("not a version 2 index")
        self._fan = (0, *struct.unpack_from(">256I", self._index, 8))
        self.count = self._fan[256]
        """How many objects the pack holds."""

        try:
            self._pack = _map(self._path)
        except (OSError, ValueError):
            self._index.close()
            raise

    def close(self) -> None:
        """Unmap both files."""
        self._index.close()
        self._pack.close()

    def find(self, oid: bytes) -> int | None:
        """Where an object begins in the pack; None when the pack does not hold it."""
        first = oid[0]
        low, high = _HEADER + self._fan[first] * 20, _HEADER + self._fan[first + 1] * 20
        place = self._index.find(oid, low, high)
        while place >= 0 and (place - _HEADER) % 20:
            place = self._index.find(oid, place + 1, high)
        return None if place < 0 else self._read_offset((place - _HEADER) // 20)

    def _read_offset(self, number: int) -> int:
        table = _HEADER + self.count * 24
        (offset,) = struct.unpack_from(">I", self._index, table + number * 4)
        if offset & _LONG:
            place = table + self.count * 4 + (offset ^ _LONG) * 8
            (offset,) = struct.unpack_from(">Q", self._index, place)
        return int(offset)

    def read(self, offset: int, resolve: Resolve) -> Stored:
        """The object at `offset`. Raises `Damaged`, or `MissingObject` for a base not found."""
        deltas: list[tuple[int, bytes]] = []
        try:
            kind, content = self._find_base(offset, resolve, deltas)
            for place, delta in reversed(deltas):
                content = _join(apply_delta(content, delta))
                self._cache.put((self._path, place), (kind, content))
        except (IndexError, ValueError, zlib.error, struct.error, AssertionError) as error:
            raise Damaged(self._path) from error
        return kind, content

    def _find_base(self, offset: int, resolve: Resolve, deltas: list[tuple[int, bytes]]) -> Stored:
        """Follow a chain of deltas down to a whole object, collecting the deltas."""
        while len(deltas) < _MAX_CHAIN:
            if cached := self._cache.find((self._path, offset)):
                return cached
            kind, size, start = self._read_header(offset)
            if kind == _OFS_DELTA:
                back, start = self._read_distance(start)
                deltas.append((offset, self._inflate(start, size)))
                if not 0 < back <= offset:
                    raise Damaged(self._path)
                offset -= back
            elif kind == _REF_DELTA:
                base = self._pack[start : start + 20]
                deltas.append((offset, self._inflate(start + 20, size)))
                place = self.find(base)
                if place is None:
                    return resolve(base)
                offset = place
            else:
                stored = kind, self._inflate(start, size)
                self._cache.put((self._path, offset), stored)
                return stored
        raise Damaged(self._path)

    def _read_header(self, offset: int) -> tuple[int, int, int]:
        """Type, inflated size and start of the data of the entry at `offset`."""
        pack = self._pack
        byte = pack[offset]
        kind, size, shift = (byte >> 4) & 7, byte & 15, 4
        while byte & 128:
            offset += 1
            byte = pack[offset]
            size |= (byte & 127) << shift
            shift += 7
        return kind, size, offset + 1

    def _read_distance(self, start: int) -> tuple[int, int]:
        """How far before its delta a base lies, and where the delta's data starts."""
        pack = self._pack
        byte = pack[start]
        distance = byte & 127
        while byte & 128:
            start += 1
            byte = pack[start]
            distance = ((distance + 1) << 7) | (byte & 127)
        return distance, start + 1

    def _inflate(self, start: int, size: int) -> bytes:
        """Inflate exactly `size` bytes; a guess at their packed length saves copying the rest."""
        guess = size + (size >> 8) + 128
        for length in (guess, len(self._pack) - start):
            content = zlib.decompressobj().decompress(self._pack[start : start + length], size + 1)
            if len(content) == size:
                return content
        raise Damaged(self._path)


def _map(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)


def _join(content: bytes | list[bytes]) -> bytes:
    return content if isinstance(content, bytes) else b"".join(content)


class _Cache:
    """Objects that deltas were built on, the ones used last kept, up to a number of bytes."""

    def __init__(self) -> None:
        self._objects: OrderedDict[tuple[Path, int], Stored] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def find(self, key: tuple[Path, int]) -> Stored | None:
        """The object, if it is still here."""
        return self._objects.get(key)

    def put(self, key: tuple[Path, int], stored: Stored) -> None:
        """Keep an object, and let the oldest go where room is needed."""
        size = len(stored[1])
        if size > _CACHED_OBJECT:
            return
        with self._lock:
            if key not in self._objects:
                self._objects[key] = stored
                self._bytes += size
            while self._bytes > _CACHE_BYTES:
                _, (_, content) = self._objects.popitem(last=False)
                self._bytes -= len(content)
