"""Deltas for what is pushed: a text by its lines, so that only what changed costs anything.

The format is that of gitformat-pack(5), "Deltified representation". A general delta maker finds
many tiny matches inside ids and hashes, which cost more than they save once the rest is
compressed: by lines, a shard of the manifest in which one entry changed is a third smaller.
"""

from collections.abc import Iterator
from difflib import SequenceMatcher
from os.path import commonprefix

from dulwich.pack import create_delta

_MAX_LINES = 20_000
"""Longer texts are left to the general maker: comparing lines takes time for each pair."""

_MAX_COPY = 0xFFFF
"""Bytes that one copy instruction may cover in version 2 packs as git writes them."""

_MAX_INSERT = 127


def make_delta(base: bytes, content: bytes, *, is_text: bool) -> bytes:
    """What turns `base` into `content`."""
    if is_text and base.count(b"\n") + content.count(b"\n") < _MAX_LINES:
        return b"".join(_encode(base, content))
    return b"".join(create_delta(base, content))


def _encode(base: bytes, content: bytes) -> Iterator[bytes]:
    yield _encode_size(len(base))
    yield _encode_size(len(content))
    old, new = base.splitlines(keepends=True), content.splitlines(keepends=True)
    starts = _sum_up(old)
    for kind, first, last, low, high in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if kind == "equal":
            yield from _copy(starts[first], starts[last])
        elif low < high:
            before = base[starts[first] : starts[last]]
            yield from _replace(before, b"".join(new[low:high]), starts[first])


def _sum_up(lines: list[bytes]) -> list[int]:
    """Where each line starts, and where the last one ends."""
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    return starts


def _replace(before: bytes, after: bytes, start: int) -> Iterator[bytes]:
    """Instructions for lines that changed: the ends they share are copied."""
    head = _count_shared(before, after)
    tail = _count_shared(before[head:][::-1], after[head:][::-1])
    yield from _copy(start, start + head)
    yield from _insert(after[head : len(after) - tail])
    yield from _copy(start + len(before) - tail, start + len(before))


def _count_shared(one: bytes, other: bytes) -> int:
    return len(commonprefix([one, other]))  # noqa: RUF071  (bytes are what is compared)


def _copy(start: int, end: int) -> Iterator[bytes]:
    """Copy instructions for `base[start:end]`: a byte of flags, then the bytes that are not 0."""
    while start < end:
        size = min(end - start, _MAX_COPY)
        numbers = start.to_bytes(4, "little") + size.to_bytes(3, "little")
        flags = sum(1 << place for place, byte in enumerate(numbers) if byte)
        yield bytes([0x80 | flags, *(byte for byte in numbers if byte)])
        start += size


def _insert(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _MAX_INSERT):
        part = data[start : start + _MAX_INSERT]
        yield bytes([len(part)]) + part


def _encode_size(size: int) -> bytes:
    """A size, seven bits a byte, the lowest first."""
    encoded = bytearray()
    while size > 0x7F:  # noqa: PLR2004  (what fits in seven bits)
        encoded.append(0x80 | (size & 0x7F))
        size >>= 7
    encoded.append(size)
    return bytes(encoded)
