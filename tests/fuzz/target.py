"""What a fuzzer calls: one parser after the other, and what must be true of whatever it reads."""

import hashlib
import zlib
from collections.abc import Callable, Iterator

from vectornator.errors import SourceError, StateError
from vectornator.git.notes import edit_tree, find_note
from vectornator.git.objects import (
    MODE_FILE,
    Kind,
    MissingObject,
    Stored,
    hash_object,
    parse_commit,
    parse_tree,
    serialize_tree,
)
from vectornator.git.trees import walk_tree
from vectornator.git.wire import SizeLimits, unpack
from vectornator.model import is_path
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

ORIGIN = "the fuzzer"
_LIMITS = SizeLimits(pack=1 << 20, item=1 << 20, total=4 << 20, growth=32)
_NOTED = "ab" * 20


def try_bytes(told: bytes) -> None:
    """Read bytes as what their first one says. Raises what no reader may raise."""
    if not told:
        return
    read = READERS[told[0] % len(READERS)]
    try:
        read(told[1:])
    except StateError as error:
        _check_message(str(error))
    except SourceError:
        return


def _check_message(words: str) -> None:
    """A refusal is one line of some length."""
    assert len(words.splitlines()) == 1, words
    assert len(words) < 2000, words


def _read_ledger(content: bytes) -> None:
    ledger, _ = load_ledger(content, ORIGIN)
    assert (ledger, False) == load_ledger(dump_ledger(ledger), ORIGIN)


def _read_entries(content: bytes) -> None:
    entries = load_entries(content, ORIGIN)
    assert all(is_path(path) for path in entries)
    again = dump_entries(entries)
    assert entries == (load_entries(again, ORIGIN) if again else {})


def _read_pending(content: bytes) -> None:
    ledger = load_pending(make_ledger(), content, ORIGIN)
    assert ledger == load_pending(make_ledger(), dump_pending(ledger), ORIGIN)


def _read_note(content: bytes) -> None:
    note = load_note(content, ORIGIN)
    assert note == load_note(dump_note(note), ORIGIN)


def _read_commit(content: bytes) -> None:
    commit = parse_commit("1" * 40, content)
    assert bytes.fromhex(commit.tree + "".join(commit.parents)) is not None


def _read_tree(content: bytes) -> None:
    """A tree is walked, searched and edited; what nobody touched is kept."""
    tree = bytes.fromhex(hash_object(Kind.TREE, content))

    def read(oid: bytes) -> Stored:
        if oid != tree:
            raise MissingObject(oid)
        return Kind.TREE, content

    items = parse_tree(content)
    assert sorted(items) == sorted(parse_tree(serialize_tree(items)))
    find_note(read, tree, _NOTED)
    _, created = edit_tree(read, tree, {b"new": (MODE_FILE, tree)})
    kept = {item.name for item in items} | {b"new"}
    assert kept == {item.name for item in parse_tree(created[-1].content)}
    for path, _, _ in walk_tree(read, tree):
        assert not {b"", b".", b"..", b".git"} & set(path.split(b"/"))


def _read_pack(content: bytes) -> None:
    """A pack without its checksum, which no fuzzer would guess."""

    def find(oid: bytes) -> Stored:
        raise MissingObject(oid)

    pack = content + hashlib.sha1(content, usedforsecurity=False).digest()
    for oid, (kind, stored) in unpack(pack, find, _LIMITS).items():
        assert oid.hex() == hash_object(kind, stored)


READERS: tuple[Callable[[bytes], None], ...] = (
    _read_ledger,
    _read_entries,
    _read_pending,
    _read_note,
    _read_commit,
    _read_tree,
    _read_pack,
)


def make_seeds() -> Iterator[bytes]:
    """One good input of each kind: where a fuzzer begins."""
    ledger = make_ledger(ahead=frozenset({"a.md"}), leftovers={"file-1": "a.md"})
    entries = {"b.md": make_entry(2), 'a "quoted" ü.md': make_entry(1)}
    person = "Ada <ada@example.com> 1700000000 +0000"
    commit = f"tree {'1' * 40}\nparent {'2' * 40}\nauthor {person}\ncommitter {person}\n\nx\n"
    tree = b"".join(b"100644 %s\0%s" % (name, b"\x11" * 20) for name in (b"a.md", b"ab" * 20))
    pack = b"PACK\0\0\0\2\0\0\0\2\x3b" + zlib.compress(b"hello world")
    delta = b"\x0b\x0b\x90\x0b"  # eleven bytes become eleven: all of them are copied
    pack += b"\x64" + bytes([len(pack) - 12]) + zlib.compress(delta)
    contents = (
        dump_ledger(ledger),
        dump_entries(entries),
        dump_pending(ledger),
        dump_note(make_note("a" * 40, deleted=("x.md",), failed={"y.md": "too bad"})),
        commit.encode(),
        tree,
        pack,
    )
    for number, content in enumerate(contents):
        yield bytes([number]) + content
