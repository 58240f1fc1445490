"""Ledgers in git as nobody should find them: every field and every file bent."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self, TypeAlias

from tests.torture.objects import Objects
from vectornator.git.objects import MODE_DIRECTORY, MODE_FILE
from vectornator.state.ledger import dump_entries, load_entries
from vectornator.state.shards import digest_shards, shard_of

Bend: TypeAlias = Callable[["Parts"], "Parts"]
"""Makes malformed parts of good ones."""

BIG = 200 << 20
"""Bytes of a bomb."""

_DEEP = 1_000_000

ABSENT = object()
VALUES: Mapping[str, object] = {
    "absent": ABSENT,
    "null": None,
    "true": True,
    "negative": -1,
    "fraction": 1.5,
    "beyond 63 bits": 1 << 63,
    "5,000 digits": "\0" + "9" * 5000,
    "1e999": "\x001e999",
    "NaN": float("nan"),
    "-Infinity": float("-inf"),
    "empty": "",
    "5,000 characters": "x" * 5000,
    "half a character": "\ud800",
    "NUL": "a\0b",
    "line break": "a\nb::error::x",
    "list": [],
    "object": {},
    "path out": "../../etc/passwd",
    "upper case id": "A" * 40,
    "id of 64 digits": "b" * 64,
    "other id": "c" * 40,
    "deep": "\0" + "[" * _DEEP,
}
"""What a field is bent to; after a NUL, JSON as it is written."""


@dataclass(frozen=True)
class Parts:
    """What a notes ref leads to, in pieces that can be bent one by one."""

    head: Mapping[str, Any]
    shards: Mapping[str, bytes]
    pending: bytes
    order: bytes
    note: bytes
    noted: str
    """The commit that the note is on."""

    message: bytes | None = None
    """The commit message in place of the usual one; empty for none that holds a ledger."""

    ledger: bytes | None = None
    """The bytes of `ledger.json` and of the message in place of the usual ones."""

    extra: Mapping[bytes, tuple[int, bytes]] = field(default_factory=dict)
    """More lines of the root tree."""

    is_sealed: bool = True
    """Whether the head is given the digest of the shards, as somebody careful would."""

    raw: Callable[["Objects"], str] | None = None
    """Makes the object that the ref is on, all by itself."""


def build(parts: Parts, objects: Objects) -> str:
    """Write everything; the id of what the ref is to be on."""
    if parts.raw:
        return parts.raw(objects)
    places = {name: objects.blob(content) for name, content in parts.shards.items()}
    sealed = {**parts.head, "entries": digest_shards(places)} if parts.is_sealed else parts.head
    head = to_json(sealed) if parts.ledger is None else parts.ledger
    entries = {b"%s.json" % name.encode(): (MODE_FILE, oid) for name, oid in places.items()}
    folder: dict[bytes, tuple[int, bytes]] = {
        b"entries": (MODE_DIRECTORY, objects.tree(entries)),
        b"ledger.json": (MODE_FILE, objects.blob(head)),
        b"order": (MODE_FILE, objects.blob(parts.order)),
        b"pending.json": (MODE_FILE, objects.blob(parts.pending)),
    }
    root = {
        b".vectornator": (MODE_DIRECTORY, objects.tree(folder)),
        parts.noted.encode(): (MODE_FILE, objects.blob(parts.note)),
    }
    tree = objects.tree({**root, **parts.extra})
    message = b"vectornator: synced\n\n" + head if parts.message is None else parts.message
    return objects.commit(tree.hex(), message)


def to_json(form: object) -> bytes:
    """JSON with every text that begins with a NUL written as it is."""
    written = json.dumps(form, indent=2)
    for value in VALUES.values():
        if isinstance(value, str) and value.startswith("\0"):
            written = written.replace(json.dumps(value), value[1:])
    return written.encode()


@dataclass(frozen=True)
class Malformed:
    """One bent ledger."""

    name: str
    bend: Bend

    @classmethod
    def of(cls, name: str, **changes: Any) -> Self:  # noqa: ANN401  (the fields of `Parts`)
        """Parts with some of them exchanged."""
        return cls(name, lambda parts: replace(parts, **changes))

    @classmethod
    def late(cls, name: str, **makes: Callable[[], Any]) -> Self:
        """Parts with some of them exchanged for what is made only then: it may be huge."""
        return cls(name, lambda parts: replace(parts, **{key: it() for key, it in makes.items()}))


def bend_files(parts: Parts, chance: random.Random) -> list[Malformed]:
    """Every ledger of which a file is bent, by mutations drawn by chance among others."""
    return [
        *_bend_heads(parts),
        *_bend_entries(parts),
        *_bend_pending(parts),
        *_bend_notes(parts),
        *_bend_texts(parts, chance),
        *_bend_shards(parts),
    ]


def bend_field(form: Mapping[str, Any], name: str, value: object) -> dict[str, Any]:
    """A JSON object with one field bent."""
    if value is ABSENT:
        return {key: it for key, it in form.items() if key != name}
    return {**form, name: value}


def _bend_heads(parts: Parts) -> Iterator[Malformed]:
    for name in parts.head:
        for words, value in VALUES.items():
            head = bend_field(parts.head, name, value)
            yield Malformed.of(f"head: {name} {words}", head=head, is_sealed=name != "entries")
    for version in ("0.9.0", "2.0.0", "1", "1.99", "", "1.0.0\n"):
        yield Malformed.of(f"head: version {version!r}", head={**parts.head, "version": version})
    yield Malformed.of("head: unknown fields", head={**parts.head, "x": 1, "y": {"z": [None]}})


def _bend_entries(parts: Parts) -> Iterator[Malformed]:
    name, content = next(iter(parts.shards.items()))
    forms = json.loads(content)
    path = next(iter(forms))
    for key in forms[path]:
        for words, value in VALUES.items():
            bent = {**forms, path: bend_field(forms[path], key, value)}
            make = partial(_to_shards, parts, name, bent)
            yield Malformed.late(f"entry: {key} {words}", shards=make)
    for other in ("../x.md", "/etc/passwd", "a//b", "a/./b", ".git/config", "a\0b", "", "\ud800"):
        make = partial(_to_shards, parts, shard_of(other), {other: forms[path]})
        yield Malformed.late(f"entry: path {other!r}", shards=make)


def _to_shards(parts: Parts, name: str, forms: object) -> dict[str, bytes]:
    return {**parts.shards, name: to_json(forms)}


def _bend_pending(parts: Parts) -> Iterator[Malformed]:
    form = json.loads(parts.pending)
    head = {**parts.head, "pending": 1}
    bents = {
        f"{name} {words}": bend_field(form, name, value)
        for name in form
        for words, value in VALUES.items()
    }
    for words, ahead in {"a number": [1], "a way out": ["../x.md"], "half": ["\ud800"]}.items():
        bents[f"ahead {words}"] = {**form, "ahead": ahead}
    for words, bent in bents.items():
        make = partial(to_json, bent)
        yield Malformed.late(f"pending: {words}", head=lambda: head, pending=make)


def _bend_notes(parts: Parts) -> Iterator[Malformed]:
    form = json.loads(parts.note)
    for name in form:
        for words, value in VALUES.items():
            make = partial(to_json, bend_field(form, name, value))
            yield Malformed.late(f"note: {name} {words}", note=make)


def _bend_texts(parts: Parts, chance: random.Random) -> Iterator[Malformed]:
    """Every file of the state with its bytes bent."""
    shard, content = next(iter(parts.shards.items()))
    pending = {**parts.head, "pending": 1}
    head = to_json(parts.head)
    for words, make in bend_text(head, chance):
        yield Malformed.late(f"message: {words}", message=partial(_to_message, make))
        yield Malformed.late(f"ledger: {words}", message=lambda: b"by hand\n", ledger=make)
    for words, make in bend_text(content, chance):
        yield Malformed.late(f"shard: {words}", shards=partial(_put_shard, parts, shard, make))
    for words, make in bend_text(parts.pending, chance):
        yield Malformed.late(f"pending: {words}", head=lambda: pending, pending=make)
    for words, make in bend_text(parts.note, chance):
        yield Malformed.late(f"note: {words}", note=make)
    for words, make in bend_text(parts.order, chance):
        yield Malformed.late(f"order: {words}", order=make)


def _to_message(make: Callable[[], bytes]) -> bytes:
    return b"vectornator\n\n" + make()


def _put_shard(parts: Parts, name: str, make: Callable[[], bytes]) -> dict[str, bytes]:
    return {**parts.shards, name: make()}


def bend_text(good: bytes, chance: random.Random) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """One text in many bad ways, each made only when it is asked for."""
    text = good.decode()
    small = {
        "nothing": b"",
        "no JSON": b"hello\n",
        "byte order mark": b"\xef\xbb\xbf" + good,
        "UTF-16": text.encode("utf-16"),
        "UTF-32": text.encode("utf-32-le"),
        "not UTF-8": good.replace(b'"', b'"\xff', 1),
        "encoded surrogate": good.replace(b'"', b'"\xed\xa0\x80', 1),
        "NULs": b"\0" * 4096,
        "NUL at the end": good + b"\0",
        "line ends of another system": good.replace(b"\n", b"\r\n"),
        "an array": b"[" + good + b"]",
        "twice": good + good,
        "key twice": good.rstrip().removesuffix(b"}") + b',"version":"1.0.0","version":"1.0.0"}',
    }
    for number in range(6):
        small[f"cut off, {number}"] = good[: chance.randrange(len(good))]
    for number in range(12):
        small[f"bytes exchanged, {number}"] = _exchange_bytes(good, chance)
    for words, bent in small.items():
        yield words, partial(bytes, bent)
    yield "a million arrays", lambda: b"[" * _DEEP
    yield "a million objects", lambda: b'{"a":' * _DEEP
    yield "many values", lambda: b'{"a":[' + b"1," * 3_000_000 + b"1]}"
    yield "many keys", _list_keys
    yield "a huge line", lambda: b'{"a":"' + b"x" * (7 << 20) + b'"}'
    yield "a huge line of wide characters", lambda: b'{"a":"' + "😀".encode() * 1_800_000 + b'"}'
    yield "space", lambda: b" " * (7 << 20) + good
    yield "larger than the limit", lambda: good + b" " * (9 << 20)
    yield "a bomb", lambda: b" " * BIG
    yield "a number of a million digits", lambda: b'{"a":' + b"9" * 1_000_000 + b"}"


def _exchange_bytes(good: bytes, chance: random.Random) -> bytes:
    bent = bytearray(good)
    for _ in range(chance.choice((1, 1, 2, 8))):
        bent[chance.randrange(len(bent))] = chance.randrange(256)
    return bytes(bent)


def _list_keys() -> bytes:
    return b"{" + b",".join(b'"%x":0' % number for number in range(700_000)) + b"}"


def _bend_shards(parts: Parts) -> Iterator[Malformed]:
    (name, content), (other, more), *_ = parts.shards.items()
    entries = {**load_entries(content, ""), **load_entries(more, "")}
    both = dump_entries(entries)
    yield Malformed.of("shard: of another path", shards={**parts.shards, name: both})
    yield Malformed.of("shard: path in two", shards={**parts.shards, name: both, other: both})
    wrong = b"{" + b",".join(reversed(content.strip(b"{}\n").split(b",\n"))) + b"}"
    yield Malformed.of("shard: in another order", shards={**parts.shards, name: wrong})
    yield Malformed.late("shard: 256 of nothing", shards=lambda: _repeat(b" " * (7 << 20) + b"{}"))
    yield Malformed.late("shard: 256 deep ones", shards=lambda: _repeat(b'{"a":' * _DEEP))
    yield Malformed.of("shard: gone", shards={name: content})
    yield Malformed.of("shard: not sealed", shards={name: content}, is_sealed=False)


def _repeat(content: bytes) -> dict[str, bytes]:
    return {f"{number:02x}": content for number in range(256)}
