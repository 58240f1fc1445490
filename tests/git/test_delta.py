"""Deltas: whatever the texts, applying one gives the other, and a small change is small."""

import hashlib

from dulwich.pack import apply_delta
from hypothesis import given
from hypothesis import strategies as st

from vectornator.git.delta import make_delta

TEXTS = st.lists(st.sampled_from([b"a\n", b"ab\n", b"abc\n", b"\n", b"x", b"y" * 300]), max_size=40)


def apply(base: bytes, delta: bytes) -> bytes:
    """Apply a delta with dulwich's own code."""
    return b"".join(apply_delta(base, delta))


@given(TEXTS, TEXTS)
def test_delta_gives_the_content(old: list[bytes], new: list[bytes]) -> None:
    """Applied to its base, a delta gives the content, with texts and with anything else."""
    base, content = b"".join(old), b"".join(new)
    for is_text in (True, False):
        assert content == apply(base, make_delta(base, content, is_text=is_text))


def test_long_copies() -> None:
    """More than one instruction covers more than 64 kB, at any offset."""
    lines = [hashlib.sha256(b"%d" % number).hexdigest().encode() + b"\n" for number in range(9000)]
    base = b"".join(lines)
    content = b"".join([*lines[4500:], b"new\n", *lines[:4500]])
    assert content == apply(base, make_delta(base, content, is_text=True))


def test_one_changed_line_is_small() -> None:
    """A text of a thousand lines with one changed costs that change and two copies."""
    lines = [b'"%d":{"hash":"%064x","config":"c"},\n' % (n, n * n) for n in range(1000)]
    base = b"".join(lines)
    lines[500] = lines[500].replace(b"hash", b"HASH")
    assert len(make_delta(base, b"".join(lines), is_text=True)) < 40
