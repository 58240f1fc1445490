"""What is remembered of a target: the ledger, its entries and the notes, to JSON and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vectornator.errors import StateUnreadable
from vectornator.model import Entry
from vectornator.state.forms import ADVICE, VERSION, Form, JsonObject, check_path, parse_json

_LOOSE = 64 << 10
"""Bytes that a shard may have beyond what its entries take: 256 of nothing cost time too."""

_ENTRY = 2 << 10
"""The most bytes of an entry beside its path, of which a character takes six at the most."""

MAX_LISTED = 200
"""How many paths a note lists before it says `truncated`."""

MAX_AHEAD = 3000
"""How many paths may be settled ahead of the base before the base is dropped."""


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
    form = Form(parse_json(content, origin), origin)
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
    form = Form(parse_json(content, origin, is_versioned=False), origin)
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
            f"{ADVICE}"
        )
    return {path: from_entry_form(path, form, origin) for path, form in forms.items()}


def to_entry_form(entry: Entry) -> JsonObject:
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
    form = Form(value, origin)
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
    document: JsonObject = {
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
    form = Form(parse_json(content, origin), origin)
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


def _dump(document: JsonObject) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _dump_line(document: JsonObject) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
