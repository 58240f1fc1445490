"""Objects as they travel: packs read in memory within limits, objects packed as thin deltas."""

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from dulwich.errors import ApplyDeltaError
from dulwich.pack import UnpackedObject, apply_delta

from vectornator.git.delta import make_delta
from vectornator.git.failures import BadAnswer
from vectornator.git.objects import Kind, Read, Stored, hash_object

OFS_DELTA = 6
REF_DELTA = 7
_KINDS = frozenset(Kind)
_HEADER, _TRAILER = 12, 20
_CHUNK = 1 << 16
_WIDEST = 56
"""Bits of a number before its last seven; git has none of more than 64."""

_FREE = 32 << 20
"""Bytes that the smallest pack may inflate to."""


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """How much a remote may make us hold, in bytes."""

    pack: int = 512 << 20
    """One answer, as it was sent."""

    item: int = 64 << 20
    """One object, inflated."""

    total: int = 1 << 30
    """All objects of one answer, inflated."""

    growth: int = 0
    """How many times its own size a pack may inflate to, beyond the first 32 MiB; 0 for any."""

    def limit_total(self, packed: int) -> int:
        """How much a pack of `packed` bytes may inflate to."""
        return min(self.total, _FREE + self.growth * packed) if self.growth else self.total


@dataclass(frozen=True, slots=True)
class PackedObject:
    """An object to send, and the object on the other side that it resembles, if any."""

    kind: int
    oid: bytes
    """20 bytes."""

    content: bytes
    base: bytes | None = None
    """The id of an object of the same kind that the receiver already has; 20 bytes."""

    base_content: bytes = b""


def make_object(
    kind: int, content: bytes, base: bytes | None = None, base_content: bytes = b""
) -> PackedObject:
    """An object to send, with its id computed."""
    oid = bytes.fromhex(hash_object(kind, content))
    return PackedObject(kind, oid, content, base, base_content)


def to_record(item: PackedObject) -> UnpackedObject:
    """What dulwich's pack writer takes: a delta where that halves the size, else the whole."""
    if item.base is not None and item.base != item.oid:
        delta = make_delta(item.base_content, item.content, is_text=item.kind == Kind.BLOB)
        if 2 * len(delta) < len(item.content):
            return UnpackedObject(
                item.kind, sha=item.oid, delta_base=item.base, decomp_chunks=[delta]
            )
    return UnpackedObject(item.kind, sha=item.oid, decomp_chunks=[item.content])


def unpack(pack: bytes, base: Read, limits: SizeLimits) -> dict[bytes, Stored]:
    """All objects of a pack, by their 20-byte id.

    `base` finds the objects that a thin pack leaves out. Raises `BadAnswer` when the pack
    is damaged or goes beyond `limits`, and what `base` raises when it can't find a base.
    """
    return _Unpacking(pack, base, limits).run()


class _Unpacking:
    """One pack on its way to becoming objects."""

    def __init__(self, pack: bytes, base: Read, limits: SizeLimits) -> None:
        self._pack = memoryview(pack)
        self._end = len(pack) - _TRAILER
        self._base = base
        self._limits = limits
        self._total = limits.limit_total(len(pack))
        self._size = 0
        self._objects: dict[bytes, Stored] = {}
        self._places: dict[int, bytes] = {}
        """The ids of objects by the offset of their record."""

        self._waiting: defaultdict[int | bytes, list[tuple[int, bytes]]] = defaultdict(list)
        """Deltas by what they wait for (an offset or an id): their own offset and content."""

    def run(self) -> dict[bytes, Stored]:
        """Read every record, then find the bases of what is still waiting."""
        try:
            position = _HEADER
            for _ in range(self._read_count()):
                position = self._read_record(position)
            if position != self._end:
                raise BadAnswer("The remote sent a pack with bytes after its last object.")
            self._resolve_rest()
        except (ApplyDeltaError, IndexError, zlib.error) as error:
            raise BadAnswer(f"The remote sent a damaged pack ({error}). Try again.") from error
        return self._objects

    def _read_count(self) -> int:
        if self._end < _HEADER or bytes(self._pack[:8]) not in {
            b"PACK\0\0\0\2",
            b"PACK\0\0\0\3",
        }:
            raise BadAnswer("The remote sent no pack, or one of an unknown version.")
        checksum = hashlib.sha1(self._pack[: self._end], usedforsecurity=False).digest()
        if checksum != self._pack[self._end :]:
            raise BadAnswer("The remote sent a pack whose checksum is wrong. Try again.")
        return int.from_bytes(self._pack[8:_HEADER], "big")

    def _read_record(self, start: int) -> int:
        """Take in the record at `start`; returns where the next one starts."""
        if start >= self._end:
            raise BadAnswer("The remote sent a pack that ends too early. Try again.")
        kind, size, position = self._read_header(start)
        waits_for: int | bytes | None = None
        if kind == OFS_DELTA:
            distance, position = self._read_distance(position)
            waits_for = start - distance
        elif kind == REF_DELTA:
            waits_for = bytes(self._pack[position : position + 20])
            position += 20
        elif kind not in _KINDS:
            raise BadAnswer(f"The remote sent an object of unknown kind {kind}.")
        content, position = self._inflate(position, size)
        if waits_for is None:
            self._settle(start, (kind, content))
        else:
            self._waiting[waits_for].append((start, content))
        return position

    def _read_header(self, position: int) -> tuple[int, int, int]:
        """The kind and size of a record, and where its header ends."""
        byte = self._pack[position]
        kind, size, shift = (byte >> 4) & 7, byte & 15, 4
        while byte & 0x80:
            position += 1
            byte = self._pack[position]
            size |= (byte & 0x7F) << shift
            shift = _widen(shift)
        self._allow(size)
        return kind, size, position + 1

    def _read_distance(self, position: int) -> tuple[int, int]:
        """How far before its delta a base starts, and where that number ends."""
        byte, shift = self._pack[position], 0
        distance = byte & 0x7F
        while byte & 0x80:
            position += 1
            byte, shift = self._pack[position], _widen(shift)
            distance = ((distance + 1) << 7) | (byte & 0x7F)
        return distance, position + 1

    def _allow(self, size: int) -> None:
        self._size += size
        if size > self._limits.item or self._size > self._total:
            raise BadAnswer(
                f"The remote sent more than we accept: an object of {size} bytes, {self._size} "
                f"in all (limits {self._limits.item} and {self._total})."
            )

    def _inflate(self, position: int, size: int) -> tuple[bytes, int]:
        """`size` bytes of content, and where their compressed form ends."""
        inflater = zlib.decompressobj()
        # One byte of room beyond `size`, so that zlib sees the end and an excess shows.
        parts, room, step = [], size + 1, min(size + 64, _CHUNK)
        while not inflater.eof and room > 0:
            chunk: bytes | memoryview = inflater.unconsumed_tail
            if not chunk:
                chunk = self._pack[position : position + step]
                position, step = position + len(chunk), _CHUNK
            if not chunk:
                raise BadAnswer("The remote sent a pack that ends within an object. Try again.")
            parts.append(inflater.decompress(chunk, room))
            room -= len(parts[-1])
        content = b"".join(parts)
        if not inflater.eof or len(content) != size:
            raise BadAnswer("The remote sent an object whose size is not what it says.")
        return content, position - len(inflater.unused_data)

    def _settle(self, offset: int, stored: Stored) -> None:
        """Keep an object, and every delta that waited for it, directly or not."""
        ready = [(offset, stored)]
        while ready:
            at, (kind, content) = ready.pop()
            oid = bytes.fromhex(hash_object(kind, content))
            self._objects[oid] = kind, content
            self._places[at] = oid
            ready += self._apply_waiting(at, (kind, content))
            ready += self._apply_waiting(oid, (kind, content))

    def _apply_waiting(self, key: int | bytes, base: Stored) -> Iterator[tuple[int, Stored]]:
        kind, content = base
        for offset, delta in self._waiting.pop(key, ()):
            self._check_delta(delta)
            yield offset, (kind, b"".join(apply_delta(content, delta)))

    def _check_delta(self, delta: bytes) -> None:
        """Weigh what a delta says it becomes before memory is taken for it."""
        position = 0
        while delta[position] & 0x80:
            position += 1
        size = shift = 0
        for byte in delta[position + 1 :]:
            size |= (byte & 0x7F) << shift
            shift = _widen(shift)
            if not byte & 0x80:
                break
        self._allow(size)

    def _resolve_rest(self) -> None:
        """Find bases that came before their deltas, and those that a thin pack leaves out.

        Whatever waits after that waits in a circle.
        """
        for key in list(self._waiting):
            known = self._find_base(key) if key in self._waiting else None
            for offset, stored in list(self._apply_waiting(key, known) if known else ()):
                self._settle(offset, stored)
        if self._waiting:
            raise BadAnswer("The remote sent a pack with deltas whose base does not exist.")

    def _find_base(self, key: int | bytes) -> Stored | None:
        """The base at an offset, if it is settled by now; one that has an id wherever it is."""
        if isinstance(key, int):
            return self._objects.get(self._places.get(key, b""))
        return self._objects.get(key) or self._base(key)


def _widen(shift: int) -> int:
    """Where the next seven bits of a number go. Raises `BadAnswer` for one that never ends."""
    if shift > _WIDEST:
        raise BadAnswer("The remote sent a pack with a number beyond reason. Try again.")
    return shift + 7
