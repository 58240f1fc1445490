"""The ledger's JSON: what is written is read back, and nothing else is believed."""

import json
from collections.abc import Callable

import pytest

from vectornator.errors import StateError
from vectornator.state.forms import parse_json
from vectornator.state.ledger import (
    dump_entries,
    dump_ledger,
    dump_note,
    dump_pending,
    load_entries,
    load_ledger,
    load_note,
    load_pending,
)
from vectornator.testing.state_suite import make_entry, make_ledger, make_note


def test_ledger_is_read_back() -> None:
    """A ledger survives its two JSON documents."""
    ledger = make_ledger(ahead=frozenset({"a.md"}), leftovers={"file-1": "a.md"})
    head, has_pending = load_ledger(dump_ledger(ledger), "test")
    assert has_pending
    assert ledger == load_pending(head, dump_pending(ledger), "test")


def test_entries_are_one_line_each() -> None:
    """A shard has one line per path, sorted, and is read back."""
    entries = {"b.md": make_entry(2), 'a "quoted" ü.md': make_entry(1)}
    content = dump_entries(entries)
    assert 4 == len(content.splitlines())
    assert entries == load_entries(content, "test")


def test_note_is_read_back() -> None:
    """A note survives its JSON, but for the files, which the manifest knows."""
    note = make_note("a" * 40, deleted=("x.md",), failed={"y.md": "too bad"})
    assert note == load_note(dump_note(note), "test")


def _edit(**fields: object) -> bytes:
    return json.dumps({**json.loads(dump_ledger(make_ledger())), **fields}).encode()


HOSTILE: dict[str, bytes] = {
    "not JSON": b"hello",
    "not UTF-8": b'{"version": "\xff"}',
    "not an object": b"[]",
    "nothing": b"",
    "UTF-16": '{"version": "1.0.0"}'.encode("utf-16"),
    "many values": b'{"a": [' + b"1," * 100_000 + b"1]}",
    "many objects": b'{"a":' * 1_000_000,
    "version that is none": _edit(version="x.y"),
    "deeply nested": b"[" * 200_000,
    "deeply nested objects": b'{"a":' * 100_000,
    "not a number": _edit(more=float("nan")),
    "repeated key": _edit().removesuffix(b"}") + b', "version": "1.0.0"}',
    "no version": _edit(version=None),
    "newer version": _edit(version="2.0.0"),
    "version of another type": _edit(version=[1]),
    "missing field": b'{"version": "1.0.0"}',
    "number for text": _edit(storeId=7),
    "text for a number": _edit(sequence="7"),
    "truth for a number": _edit(sequence=True),
    "negative number": _edit(documents=-1),
    "huge number": _edit(sequence=10**30),
    "commit that is no id": _edit(base="../../etc/passwd"),
    "lone surrogate": _edit(storeId="x").replace(b'"x"', b'"\\ud800"'),
    "overlong text": _edit(storeId="x" * 5000),
    "object for text": _edit(target={}),
}


def test_commas_in_paths_are_no_values() -> None:
    """However many commas the paths have, their entries are read back."""
    entries = {f"{'a,[{' * 200}{number}.md": make_entry(1) for number in range(60)}
    assert entries == load_entries(dump_entries(entries), "test")


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_ledger_is_refused(content: bytes) -> None:
    """Anything but a ledger of this version is refused, in one line that names its origin."""
    with pytest.raises(StateError, match="the-origin") as refusal:
        load_ledger(content, "the-origin")
    assert 1 == len(str(refusal.value).splitlines())


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../x", "a//b", "a/./b", "a/../../b", "a\0b", "a/"]
)
def test_hostile_path_is_refused(path: str) -> None:
    """An entry for a path that can't name a document is refused."""
    content = dump_entries({path: make_entry(1)})
    with pytest.raises(StateError, match="no path of a document"):
        load_entries(content, "test")


@pytest.mark.parametrize(
    "edit",
    [
        lambda form: form.pop("fileId"),
        lambda form: form.update(hash="zz"),
        lambda form: form.update(blob="A" * 40),
        lambda form: form.update(size=1.5),
        lambda form: form.update(version=None),
        lambda form: form.update(config=[]),
    ],
)
def test_hostile_entry_is_refused(edit: Callable[[dict[str, object]], None]) -> None:
    """An entry with a field missing or wrong is refused."""
    forms = json.loads(dump_entries({"a.md": make_entry(1)}))
    edit(forms["a.md"])
    with pytest.raises(StateError, match="test"):
        load_entries(json.dumps(forms).encode(), "test")


def test_shard_of_blanks_is_refused() -> None:
    """A shard is not much longer than its entries take, so that 256 of nothing cost no time."""
    path = "\x01" * 2000 + "ü.md"
    content = dump_entries({path: make_entry(1), "b.md": make_entry(2)})
    padded = content + b" " * 65_000
    assert load_entries(padded, "test") == load_entries(content, "test")
    with pytest.raises(StateError, match="more than its 0 entries take"):
        load_entries(b"{" + b" " * 65_536 + b"}", "test")
    with pytest.raises(StateError, match="more than its 2 entries take"):
        load_entries(content + b" " * 100_000, "test")


def test_oversized_document_is_refused_unread() -> None:
    """What is larger than the limit is not parsed at all."""
    with pytest.raises(StateError, match="is 11 bytes long; 10 is the limit"):
        parse_json(b"x" * 11, "test", max_bytes=10)
