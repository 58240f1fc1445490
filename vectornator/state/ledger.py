"""The ledger and the note as JSON: written readably, and read without trusting anybody."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

from vectornator.errors import StateError, StateUnreadable
from vectornator.model import Entry, is_path, is_utf8

VERSION = "1.0.0"
"""The version of every JSON document written here; readers refuse another major version."""

MAX_BYTES = 8 << 20
"""The largest JSON document in git that is parsed: a shard of some 25,000 entries."""

_FEW = 5000
_SPARSE = 16
"""JSON of more than `_FEW` values, and one for each `_SPARSE` bytes, is none of ours.

A value takes a hundred bytes of memory; ours are mostly ids and hashes, which are longer.
"""

_LOOSE = 64 << 10
"""Bytes that a shard may have beyond what its entries take: 256 of nothing cost time too."""

_ENTRY = 2 << 10
"""The most bytes of an entry beside its path, of which a character takes six at the most."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)

MAX_LISTED = 200
"""How many paths a note lists before it says `truncated`."""

MAX_AHEAD = 3000
"""How many paths may be settled ahead of the base before the base is dropped."""

START_OVER = (
    "To start afresh, run `vectornator repair --rebuild`: what the store says of itself is enough "
    "to go on."
)
"""What to do about a ledger that can't be read."""

_JsonObject: TypeAlias = dict[str, Any]
_HEX = re.compile(r"[0-9a-f]*")
_VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,2}")


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is remembered of a target beside its entries."""

    provider: str
    store_id: str
    target: str
    source: str
    """The source id of the ownership mark."""

    commit: str = ""
    """The commit of the last sync, complete or not; empty outside git."""

    base: str = ""
    """The commit whose tree the manifest matches completely; empty when there is none."""

    tree: str = ""
    """The tree of `base`."""

    selection: str = ""
    """The fingerprint of the selection at `base`."""

    config: str = ""
    """The config fingerprint at `base`."""

    entries: str = field(default="", compare=False)
    """What the state store needs to tell whether the entries it finds are all of this ledger's."""

    sequence: int = 0
    """Counts the saves of this target."""

    documents: int = 0
    """How many entries the manifest has."""

    last_sync: str = ""
    """When it was saved, in UTC as ISO 8601."""

    ahead: frozenset[str] = frozenset()
    """Paths settled since the base by runs that did not complete."""

    leftovers: Mapping[str, str] = field(default_factory=dict)
    """Copies that an update replaced and that still must go: path by file id."""


@dataclass(frozen=True, slots=True)
class Note:
    """What one run did: the text of the git note on the commit it synced."""

    commit: str
    tree: str
    base: str
    status: str
    last_sync: str
    provider: str
    store_id: str
    target: str
    counts: Mapping[str, int]
    files: Mapping[str, Entry] = field(default_factory=dict)
    """Entries written by the run, `MAX_LISTED` at most."""

    deleted: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    truncated: bool = False
    """Whether `files`, `deleted` or `failed` left something out."""


def dump_ledger(ledger: Ledger) -> bytes:
    """The head of a ledger: everything but the paths that are pending."""
    return _dump(
        {
            "version": VERSION,
            "lastSync": ledger.last_sync,
            "provider": ledger.provider,
            "storeId": ledger.store_id,
            "target": ledger.target,
            "source": ledger.source,
            "commit": ledger.commit,
            "base": ledger.base,
            "tree": ledger.tree,
            "selection": ledger.selection,
            "config": ledger.config,
            "entries": ledger.entries,
            "sequence": ledger.sequence,
            "documents": ledger.documents,
            "pending": len(ledger.ahead) + len(ledger.leftovers),
        }
    )


def load_ledger(content: bytes, origin: str) -> tuple[Ledger, bool]:
    """The head of a ledger, and whether something is pending. Raises `StateUnreadable`."""
    form = _Form(parse_json(content, origin), origin)
    ledger = Ledger(
        provider=form.text("provider"),
        store_id=form.text("storeId"),
        target=form.text("target"),
        source=form.text("source"),
        commit=form.hex("commit"),
        base=form.hex("base"),
        tree=form.hex("tree"),
        selection=form.text("selection"),
        config=form.text("config"),
        entries=form.text("entries"),
        sequence=form.count("sequence"),
        documents=form.count("documents"),
        last_sync=form.text("lastSync"),
    )
    return ledger, form.count("pending") > 0


def dump_pending(ledger: Ledger) -> bytes:
    """The paths ahead of the base and the leftovers of a ledger."""
    return _dump(
        {"ahead": sorted(ledger.ahead), "leftovers": dict(sorted(ledger.leftovers.items()))}
    )


def load_pending(ledger: Ledger, content: bytes, origin: str) -> Ledger:
    """Complete a ledger with what is pending. Raises `StateUnreadable`."""
    form = _Form(parse_json(content, origin, is_versioned=False), origin)
    return replace(
        ledger, ahead=frozenset(form.texts("ahead")), leftovers=form.mapping("leftovers")
    )


def dump_entries(entries: Mapping[str, Entry]) -> bytes:
    """Entries as JSON with one path per line, sorted: small deltas, readable diffs.

    No entries are no bytes.
    """
    if not entries:
        return b""
    lines = [
        f"{json.dumps(path, ensure_ascii=False)}:{_dump_line(to_entry_form(entries[path]))}"
        for path in sorted(entries)
    ]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def load_entries(content: bytes, origin: str) -> dict[str, Entry]:
    """Entries by path. Raises `StateUnreadable`."""
    forms = parse_json(content, origin, is_versioned=False)
    if len(content) > _LOOSE + sum(_ENTRY + 6 * len(path) for path in forms):
        raise StateUnreadable(
            f"{origin} is {len(content)} bytes long, more than its {len(forms)} entries take. "
            f"{_ADVICE}"
        )
    return {path: from_entry_form(path, form, origin) for path, form in forms.items()}


def to_entry_form(entry: Entry) -> _JsonObject:
    """An entry in the shape it has in JSON."""
    return {
        "fileId": entry.file_id,
        "hash": entry.hash,
        "blob": entry.blob,
        "size": entry.size,
        "version": entry.version,
        "config": entry.config,
    }


def from_entry_form(path: str, value: object, origin: str) -> Entry:
    """An entry from its JSON shape. Raises `StateUnreadable` when a field is missing or wrong."""
    check_path(path, origin)
    form = _Form(value, origin)
    return Entry(
        file_id=form.word("fileId"),
        hash=form.hex("hash"),
        blob=form.hex("blob"),
        size=form.count("size"),
        version=form.count("version"),
        config=form.text("config"),
    )


def dump_note(note: Note) -> bytes:
    """A note for people and machines: pretty-printed, in a fixed order."""
    document: _JsonObject = {
        "version": VERSION,
        "lastSync": note.last_sync,
        "provider": note.provider,
        "storeId": note.store_id,
        "target": note.target,
        "commit": note.commit,
        "tree": note.tree,
        "base": note.base,
        "status": note.status,
        "counts": dict(note.counts),
        "files": {
            path: {"fileId": entry.file_id, "hash": entry.hash, "version": entry.version}
            for path, entry in note.files.items()
        },
        "deleted": list(note.deleted),
        "failed": dict(note.failed),
    }
    if note.truncated:
        document["truncated"] = True
    return _dump(document)


def load_note(content: bytes, origin: str) -> Note:
    """A note without its files, which only the manifest knows in full. Raises `StateUnreadable`."""
    form = _Form(parse_json(content, origin), origin)
    counts = form.value("counts", dict)
    return Note(
        commit=form.hex("commit"),
        tree=form.hex("tree"),
        base=form.hex("base"),
        status=form.text("status"),
        last_sync=form.text("lastSync"),
        provider=form.text("provider"),
        store_id=form.text("storeId"),
        target=form.text("target"),
        counts={name: number for name, number in counts.items() if isinstance(number, int)},
        deleted=tuple(form.texts("deleted")),
        failed=form.mapping("failed"),
    )


def check_path(path: str, origin: str) -> None:
    """Refuse a path that can't name a document. Raises `StateUnreadable`."""
    if not is_path(path):
        raise StateUnreadable(
            f"{origin} names {path[:80]!r}, which is no path of a document. {_ADVICE}"
        )


def parse_json(
    content: bytes, origin: str, *, is_versioned: bool = True, max_bytes: int = MAX_BYTES
) -> _JsonObject:
    """A JSON object from somewhere that anybody may have written to.

    Raises `StateUnreadable` when it is too large, not JSON in UTF-8, nested too deeply, not an
    object, repeats a key or holds a number that is not finite; `StateError` for an unknown
    version, which another vectornator can read.
    """
    if len(content) > max_bytes:
        raise StateUnreadable(
            f"{origin} is {len(content)} bytes long; {max_bytes} is the limit. {_ADVICE}"
        )
    if _is_crowded(content):
        raise StateUnreadable(f"{origin} holds more values than a ledger has. {_ADVICE}")
    try:
        document = json.loads(
            content.decode(), object_pairs_hook=_refuse_repeats, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise StateUnreadable(f"{origin} is not readable as JSON ({error}). {_ADVICE}") from error
    if not isinstance(document, dict):
        raise StateUnreadable(f"{origin} is not a JSON object. {_ADVICE}")
    if is_versioned:
        _check_version(document.get("version"), origin)
    return document


def _is_crowded(content: bytes) -> bool:
    """Whether JSON would take far more memory than its size; what stands in strings is free."""
    most = _FEW + len(content) // _SPARSE
    values = _count_values(content)
    if values <= most:
        return False
    strings = (content.count(b'"') - content.count(b'\\"')) // 2
    in_strings = (_count_values(it[0]) for it in _STRING.finditer(content))
    return strings > 2 * most or values - sum(in_strings) > most


def _count_values(content: bytes) -> int:
    return content.count(b",") + content.count(b"[") + content.count(b"{")


def _refuse_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a key is repeated")
    return mapping


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _check_version(version: object, origin: str) -> None:
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise StateUnreadable(f"{origin} has no version. {_ADVICE}")
    if version.split(".")[0] != VERSION.split(".", maxsplit=1)[0]:
        raise StateError(
            f"{origin} has version {version!r}; this vectornator reads {VERSION}. "
            "Nothing was changed. Use the vectornator that wrote it, or a newer one."
        )


_ADVICE = f"Nothing was changed. {START_OVER}"

_Kind = TypeVar("_Kind")


class _Form:
    """A JSON object whose fields are checked as they are read."""

    def __init__(self, value: object, origin: str) -> None:
        if not isinstance(value, dict):
            raise StateUnreadable(f"{origin} holds something that is not an object. {_ADVICE}")
        self._value = value
        self._origin = origin

    def value(self, name: str, kind: type[_Kind]) -> _Kind:
        """A field of a type; a truth value is no number."""
        value = self._value.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise StateUnreadable(f"{self._origin}: {name!r} is missing or not valid. {_ADVICE}")
        return value

    def text(self, name: str) -> str:
        """A string that can be encoded, at most 4096 characters."""
        value = self.value(name, str)
        is_valid = _is_text(value) and len(value) <= 4096  # noqa: PLR2004  (git's own path limit)
        return value if is_valid else self._refuse(name)

    def word(self, name: str) -> str:
        """Printable ASCII without a space, 512 characters at most: an id that others gave."""
        value = self.text(name)
        is_valid = value.isascii() and value.isprintable() and " " not in value
        return value if is_valid and 0 < len(value) <= 512 else self._refuse(name)  # noqa: PLR2004

    def hex(self, name: str) -> str:
        """Hexadecimal digits: an object id, a hash, or nothing."""
        value = self.value(name, str)
        is_valid = len(value) in {0, 40, 64} and _HEX.fullmatch(value)
        return value if is_valid else self._refuse(name)

    def count(self, name: str) -> int:
        """A whole number that is not negative and fits in 63 bits."""
        value = self.value(name, int)
        return value if 0 <= value < 1 << 63 else self._refuse(name)

    def texts(self, name: str) -> list[str]:
        """A list of strings."""
        values = self.value(name, list)
        return values if all(_is_text(value) for value in values) else self._refuse(name)

    def mapping(self, name: str) -> dict[str, str]:
        """Strings by string."""
        values = self.value(name, dict)
        is_valid = all(_is_text(key) and _is_text(value) for key, value in values.items())
        return values if is_valid else self._refuse(name)

    def _refuse(self, name: str) -> Any:  # noqa: ANN401  (never returns)
        raise StateUnreadable(f"{self._origin}: {name!r} is not valid. {_ADVICE}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and is_utf8(value)


def _dump(document: _JsonObject) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _dump_line(document: _JsonObject) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
