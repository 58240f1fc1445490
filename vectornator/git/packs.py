"""Reads objects from pack files: one look-up and one inflation each, deltas cached.

The formats are those of gitformat-pack(5): version 2 and 3 packs, version 1 and 2 indexes.
"""

import mmap
import os
import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from dulwich.errors import ApplyDeltaError
from dulwich.pack import apply_delta

from vectornator.errors import SourceError
from vectornator.git.objects import Kind, Stored

_INDEX_MAGIC = b"\377tOc\0\0\0\2"
_FAN = 256 * 4
"""Bytes of the table that counts the ids by their first byte."""

_TRAILER = 40
"""Bytes of an index after its tables: the pack's checksum and its own."""

_OFS_DELTA, _REF_DELTA = 6, 7
_LONG = 0x8000_0000
"""Marks an offset that is kept in the table of long offsets."""

_SCAN = 16
"""Ids that are searched as bytes, where halving the range would be slower."""

_MAX_CHAIN = 10_000
"""Deltas on one object; git itself writes 4095 at most (`pack.depth`)."""

_MAX_SIZE = 1 << 40
"""In bytes; more is a header that was damaged."""

_CACHE_BYTES = 16 << 20
_CACHED_OBJECT = 1 << 18
"""A larger object is not kept: it would push many trees out."""

_FAULTS = (
    ApplyDeltaError,
    AssertionError,
    IndexError,
    MemoryError,
    OverflowError,
    StopIteration,
    ValueError,
    struct.error,
    zlib.error,
)
"""What bytes that are not what they should be can lead to."""


class Damaged(SourceError):
    """A file of the repository does not hold what it should."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is damaged. Check the repository with `git fsck`, or clone it again."
        )


class PackDirectory:
    """All packs of one object directory, the one that served last asked first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cache = _Cache()
        self._lock = threading.Lock()
        self._packs: list[Pack] = []
        self._known: set[str] = set()
        self.damage: Damaged | None = None
        """Says which index could not be used."""

        self.rescan()

    def rescan(self) -> bool:
        """Open the packs that appeared since; tells whether there are any.

        A pack that was removed meanwhile stays open, and readable.
        """
        with self._lock:
            packs = [pack for name in self._list_indexes() if (pack := self._open(name))]
            self._packs = sorted([*self._packs, *packs], key=lambda pack: -pack.count)
        return bool(packs)

    def read(self, oid: bytes) -> Stored | None:
        """The object, or None. Raises `Damaged`."""
        packs = self._packs
        for pack in packs:
            offset = pack.find(oid)
            if offset is not None:
                if pack is not packs[0]:  # replaced whole, so that readers never see a gap
                    self._packs = [pack, *(other for other in packs if other is not pack)]
                return pack.read(offset)
        return None

    def measure(self, oid: bytes) -> int | None:
        """The size of an object in bytes, told without reading it whole. Raises `Damaged`."""
        for pack in self._packs:
            offset = pack.find(oid)
            if offset is not None:
                return pack.measure(offset)
        return None

    def has(self, oid: bytes) -> bool:
        """Tell whether a pack holds the object."""
        return any(pack.find(oid) is not None for pack in self._packs)

    def list_ids(self, prefix: str) -> Iterator[bytes]:
        """The ids that start with `prefix`, two hexadecimal digits or more."""
        for pack in self._packs:
            yield from pack.list_ids(prefix)

    def close(self) -> None:
        """Close every pack."""
        packs, self._packs = self._packs, []
        for pack in packs:
            pack.close()

    def _list_indexes(self) -> list[str]:
        try:
            names = os.listdir(self._folder)  # noqa: PTH208  (asked for every object not found)
        except OSError:
            return []
        return sorted(name for name in names if name.endswith(".idx") and name not in self._known)

    def _open(self, name: str) -> "Pack | None":
        """A pack; None where it is gone meanwhile, or damaged."""
        try:
            pack = Pack(self._folder / name, self._cache)
        except OSError:
            return None
        except Damaged as error:
            self.damage = error
            return None
        self._known.add(name)
        return pack


class Pack:
    """One pack and its index, mapped into memory."""

    def __init__(self, index: Path, cache: "_Cache") -> None:
        self._path = index.with_suffix(".pack")
        self._cache = cache
        self._index = _map(index)
        try:
            self._read_tables(index)
            self._pack = _map(self._path)
        except (OSError, Damaged):
            self._index.close()
            raise
        if self._pack[-20:] != self._index[-_TRAILER:-20] or self._pack[:4] != b"PACK":
            self.close()
            raise Damaged(self._path)

    def _read_tables(self, index: Path) -> None:
        """Find out where the tables of the index lie. Raises `Damaged`."""
        size = len(self._index)
        is_new = self._index[:8] == _INDEX_MAGIC
        start = 8 * is_new
        if size < start + _FAN + _TRAILER:
            raise Damaged(index)
        self._fan = (0, *struct.unpack_from(">256I", self._index, start))
        self.count = self._fan[256]
        """How many objects the pack holds."""

        self._ids = start + _FAN + (0 if is_new else 4)
        self._step = 20 if is_new else 24
        self._offsets = self._ids + self.count * 24 if is_new else 0
        """Where the table of offsets starts; 0 where each lies before its id, as in version 1."""

        least = start + _FAN + self.count * (28 if is_new else 24) + _TRAILER
        if size < least or list(self._fan) != sorted(self._fan):
            raise Damaged(index)

    def close(self) -> None:
        """Unmap both files."""
        self._index.close()
        self._pack.close()

    def find(self, oid: bytes) -> int | None:
        """Where an object begins in the pack; None when the pack does not hold it."""
        index, start, step, fan, first = self._index, self._ids, self._step, self._fan, oid[0]
        low, high = fan[first], fan[first + 1]
        while high - low > _SCAN:
            middle = (low + high) // 2
            place = start + middle * step
            if index[place : place + 20] <= oid:
                low = middle
            else:
                high = middle
        end = start + high * step
        place = index.find(oid, start + low * step, end)
        while place >= 0 and (place - start) % step:
            place = index.find(oid, place + 1, end)
        return None if place < 0 else self._read_offset(place)

    def list_ids(self, prefix: str) -> Iterator[bytes]:
        """The ids that start with `prefix`, two hexadecimal digits or more."""
        first = int(prefix[:2], 16)
        for number in range(self._fan[first], self._fan[first + 1]):
            place = self._ids + number * self._step
            oid = self._index[place : place + 20]
            if oid.hex().startswith(prefix):
                yield oid

    def _read_offset(self, place: int) -> int:
        """The offset of the object whose id lies at `place` in the index. Raises `Damaged`."""
        table, count = self._offsets, self.count
        if not table:
            return int.from_bytes(self._index[place - 4 : place], "big")
        place = table + (place - self._ids) // 20 * 4
        offset = int.from_bytes(self._index[place : place + 4], "big")
        if offset & _LONG:
            place = table + count * 4 + (offset ^ _LONG) * 8
            offset = int.from_bytes(self._index[place : place + 8], "big")
        return offset

    def read(self, offset: int) -> Stored:
        """The object at `offset`. Raises `Damaged`."""
        deltas: list[tuple[int, bytes]] = []
        try:
            kind, content = self._find_base(offset, deltas)
            for place, delta in reversed(deltas):
                content = b"".join(apply_delta(content, delta))
                self._cache.put((self, place), (kind, content))
        except _FAULTS as error:
            raise Damaged(self._path) from error
        return kind, content

    def measure(self, offset: int) -> int:
        """The size of the object at `offset`, in bytes. Raises `Damaged`."""
        try:
            kind, size, start = self._read_header(offset)
            if kind not in {_OFS_DELTA, _REF_DELTA}:
                return size
            start = self._read_distance(start)[1] if kind == _OFS_DELTA else start + 20
            head = zlib.decompressobj().decompress(self._pack[start : start + 128], 20)
            return _read_result_size(head)
        except _FAULTS as error:
            raise Damaged(self._path) from error

    def _find_base(self, offset: int, deltas: list[tuple[int, bytes]]) -> Stored:
        """Follow a chain of deltas down to a whole object, collecting the deltas.

        A base always lies in the same pack: git completes what it fetches.
        """
        while len(deltas) < _MAX_CHAIN:
            if cached := self._cache.find((self, offset)):
                return cached
            kind, size, start = self._read_header(offset)
            if kind == _OFS_DELTA:
                back, start = self._read_distance(start)
                deltas.append((offset, self._inflate(start, size)))
                if not 0 < back <= offset:
                    raise ValueError("a base outside the pack")
                offset -= back
            elif kind == _REF_DELTA:
                base = self.find(self._pack[start : start + 20])
                deltas.append((offset, self._inflate(start + 20, size)))
                if base is None:
                    raise ValueError("a base that is not in the pack")
                offset = base
            else:
                stored = _check_kind(kind), self._inflate(start, size)
                if deltas or kind != Kind.BLOB:
                    self._cache.put((self, offset), stored)
                return stored
        raise ValueError("a chain of deltas without an end")

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
            if size > _MAX_SIZE:
                raise ValueError("a size beyond reason")
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
            if distance > len(pack):
                raise ValueError("a base outside the pack")
        return distance, start + 1

    def _inflate(self, start: int, size: int) -> bytes:
        """Inflate exactly `size` bytes; a guess at their packed length saves copying the rest."""
        guess = size + (size >> 8) + 128
        for length in (guess, len(self._pack) - start):
            content = zlib.decompressobj().decompress(self._pack[start : start + length], size + 1)
            if len(content) == size:
                return content
        raise ValueError("not as long as promised")


def _check_kind(kind: int) -> int:
    if not Kind.COMMIT <= kind <= Kind.TAG:
        raise ValueError("a type of object that git does not have")
    return kind


def _map(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        try:
            return mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        except ValueError as error:  # an empty file
            raise Damaged(path) from error


def _read_result_size(delta: bytes) -> int:
    """The size of what a delta makes: the second of the numbers it starts with."""
    place = next(number for number, byte in enumerate(delta) if not byte & 128) + 1
    size = shift = 0
    while delta[place] & 128:
        size |= (delta[place] & 127) << shift
        place, shift = place + 1, shift + 7
    return size | delta[place] << shift


class _Cache:
    """Objects that deltas were built on, the ones used last kept, up to a number of bytes."""

    def __init__(self) -> None:
        self._objects: OrderedDict[tuple[Pack, int], Stored] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def find(self, key: tuple[Pack, int]) -> Stored | None:
        """The object, if it is still here; it is the last to go then."""
        with self._lock:
            stored = self._objects.get(key)
            if stored is not None:
                self._objects.move_to_end(key)
        return stored

    def put(self, key: tuple[Pack, int], stored: Stored) -> None:
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
