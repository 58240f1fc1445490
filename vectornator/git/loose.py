"""Reads objects that lie in files of their own, as git leaves them until it packs them."""

import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from vectornator.git.objects import Kind, Stored
from vectornator.git.packs import Damaged

_HEAD = 64
"""More bytes than the line has that an object starts with: its type and its size."""

_KINDS = {kind.name.lower().encode(): kind for kind in Kind}


class LooseDirectory:
    """The loose objects of one object directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, oid: bytes) -> Stored | None:
        """The object, or None. Raises `Damaged`."""
        place = self._locate(oid)
        try:
            packed = Path(place).read_bytes()
        except OSError:
            return None
        try:
            inflater = zlib.decompressobj()
            kind, size, start = _read_head(inflater.decompress(packed, _HEAD))
            content = start + inflater.decompress(inflater.unconsumed_tail, size + 1)
        except (ValueError, KeyError, OverflowError, MemoryError, zlib.error) as error:
            raise Damaged(Path(place)) from error
        if len(content) != size:
            raise Damaged(Path(place))
        return kind, content

    def measure(self, oid: bytes) -> int | None:
        """The size of an object in bytes, told from its first bytes. Raises `Damaged`."""
        place = self._locate(oid)
        try:
            with Path(place).open("rb") as file:
                packed = file.read(2 * _HEAD)
        except OSError:
            return None
        try:
            return _read_head(zlib.decompressobj().decompress(packed, _HEAD))[1]
        except (ValueError, KeyError, zlib.error) as error:
            raise Damaged(Path(place)) from error

    def has(self, oid: bytes) -> bool:
        """Tell whether the object lies here."""
        return os.path.exists(self._locate(oid))  # noqa: PTH110  (asked thousands of times)

    def list_ids(self, prefix: str) -> Iterator[bytes]:
        """The ids that start with `prefix`, two hexadecimal digits or more."""
        folder = self._folder / prefix[:2]
        for place in folder.glob(f"{prefix[2:]}*") if folder.is_dir() else ():
            name = prefix[:2] + place.name
            if len(name) == 40 and not set(name) - set("0123456789abcdef"):  # noqa: PLR2004
                yield bytes.fromhex(name)

    def _locate(self, oid: bytes) -> str:
        digits = oid.hex()
        return f"{self._folder}/{digits[:2]}/{digits[2:]}"


def _read_head(head: bytes) -> tuple[Kind, int, bytes]:
    """Kind and size of an object, and the bytes of it that came along."""
    line, nul, start = head.partition(b"\0")
    kind, _, size = line.partition(b" ")
    if not nul or not size.isdigit():
        raise ValueError("no header")
    return _KINDS[kind], int(size), start
