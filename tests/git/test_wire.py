"""Packs as servers send them: every kind of delta is applied, and a bomb is refused unopened."""

import hashlib
import zlib

import pytest

from vectornator.git.failures import BadAnswer
from vectornator.git.objects import Kind, MissingObject, Stored, hash_object
from vectornator.git.wire import SizeLimits, unpack

_COPY = b"\x0b\x0b\x90\x0b"
"""A delta: eleven bytes become eleven, and all of them are copied."""


def find_nothing(oid: bytes) -> Stored:
    """No object is at hand."""
    raise MissingObject(oid)


def make_pack(*records: bytes) -> bytes:
    """A pack of records, each an entry of a pack as it is."""
    body = b"PACK\0\0\0\2" + len(records).to_bytes(4, "big") + b"".join(records)
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def test_deltas_on_an_earlier_offset() -> None:
    """A delta names its base by how far it lies before it, and a delta on that one too."""
    base = b"\x3b" + zlib.compress(b"hello world")
    first = b"\x64" + bytes([len(base)]) + zlib.compress(_COPY)
    second = b"\x66" + bytes([len(first)]) + zlib.compress(b"\x0b\x03\x03bye")
    objects = unpack(make_pack(base, first, second), find_nothing, SizeLimits())
    expected = [(Kind.BLOB, b"hello world"), (Kind.BLOB, b"bye")]
    assert {bytes.fromhex(hash_object(*it)): it for it in expected} == objects


def test_deltas_in_a_circle() -> None:
    """Deltas whose bases are each other are refused."""
    ids = [b"\x11" * 20, b"\x22" * 20]
    records = [b"\x74" + oid + zlib.compress(_COPY) for oid in ids]
    with pytest.raises(MissingObject):
        unpack(make_pack(*records), find_nothing, SizeLimits())


def test_growth_is_limited() -> None:
    """A small pack that says it becomes much is refused before it is inflated."""
    size = (40 << 20) >> 4
    head = bytes([0xB0]) + bytes([0x80 | size & 127, 0x80 | size >> 7 & 127, size >> 14])
    pack = make_pack(head + zlib.compress(b"x"))
    with pytest.raises(BadAnswer, match="more than we accept"):
        unpack(pack, find_nothing, SizeLimits(growth=32))


@pytest.mark.parametrize("head", [b"\xb0", b"\xe0"])
def test_numbers_without_an_end(head: bytes) -> None:
    """A number of a million digits is refused before it is computed, wherever it stands."""
    pack = make_pack(head + b"\x01" * (head == b"\xe0") + b"\xff" * 1_000_000)
    with pytest.raises(BadAnswer, match="beyond reason"):
        unpack(pack, find_nothing, SizeLimits())
