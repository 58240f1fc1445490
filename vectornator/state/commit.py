"""Composes the commit of one save: what changed in the notes tree, as objects ready to push."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from vectornator.git.notes import Change, edit_tree, find_note, make_commit, place_note
from vectornator.git.objects import MODE_FILE, Kind, Oid, Read
from vectornator.git.trees import find_item
from vectornator.git.wire import PackedObject, make_object
from vectornator.model import Entry
from vectornator.state.ledger import (
    Ledger,
    Note,
    dump_entries,
    dump_ledger,
    dump_note,
    dump_pending,
)
from vectornator.state.shards import digest_shards, to_place

LEDGER = b".vectornator/ledger.json"
PENDING = b".vectornator/pending.json"
ORDER = b".vectornator/order"

MAX_NOTES = 200
"""How many notes stay in the tree; older ones stay reachable in the history of the ref."""

AUTHOR = "vectornator <vectornator@localhost>"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a save is built on: the tip of the ref, and the means to read what it holds."""

    tip: Oid | None
    tree: bytes | None
    shards: Mapping[str, bytes]
    """The blob of each shard in the tree, by name."""

    read: Read
    has: Callable[[bytes], bool]
    """Whether an object is at hand, so that a delta can be made against it."""


@dataclass(frozen=True, slots=True)
class Save:
    """What a save sets."""

    ledger: Ledger
    shards: Mapping[str, Mapping[str, Entry]]
    """The shards that were edited, whole, by name; an empty one is removed."""

    note: Note
    order: Sequence[Oid]
    """The commits that are noted after the save, oldest first."""


def compose_commit(save: Save, ground: Ground, time: int) -> list[PackedObject]:
    """Everything that `save` adds to git at `time`, in seconds since the epoch; the commit last."""
    blobs, changes = _to_blobs(
        {to_place(name): dump_entries(shard) or None for name, shard in save.shards.items()},
        ground,
    )
    head = dump_ledger(replace(save.ledger, entries=_digest_edited(save, ground, changes)))
    has_pending = save.ledger.ahead or save.ledger.leftovers
    others, more = _to_blobs(
        {
            LEDGER: head,
            PENDING: dump_pending(save.ledger) if has_pending else None,
            ORDER: "".join(f"{commit}\n" for commit in save.order[-MAX_NOTES:]).encode(),
        },
        ground,
    )
    text = make_object(Kind.BLOB, dump_note(save.note), *_find_base(save.note.commit, ground))
    changes |= more | place_note(ground.read, ground.tree, save.note.commit, text.oid)
    for old in save.order[:-MAX_NOTES]:
        changes |= place_note(ground.read, ground.tree, old, None)
    tree, trees = edit_tree(ground.read, ground.tree, changes)
    assert tree is not None
    message = f"{_summarize(save.note)}\n\n{head.decode()}"
    commit = make_commit(tree, [ground.tip] if ground.tip else [], message, AUTHOR, time)
    return [*blobs, *others, text, *trees, commit]


def _digest_edited(save: Save, ground: Ground, changes: Mapping[bytes, Change]) -> str:
    """The digest of all shards as they are after the save."""
    places = dict(ground.shards)
    for name in save.shards:
        change = changes[to_place(name)]
        if change is None:
            places.pop(name, None)
        else:
            places[name] = change[1]
    return digest_shards(places)


def _find_base(commit: Oid, ground: Ground) -> tuple[bytes, bytes] | tuple[()]:
    """The note that a new one on `commit` replaces, as a delta base, if it is at hand."""
    found = find_note(ground.read, ground.tree, commit)
    return _read_base(bytes.fromhex(found[1]), ground) if found else ()


def _to_blobs(
    contents: Mapping[bytes, bytes | None], ground: Ground
) -> tuple[list[PackedObject], dict[bytes, Change]]:
    """Blobs with the blobs they replace as delta bases, and the tree edits that set them."""
    blobs: list[PackedObject] = []
    changes: dict[bytes, Change] = {}
    for path, content in contents.items():
        old = find_item(ground.read, ground.tree, path) if ground.tree else None
        if content is None:
            changes[path] = None
            continue
        base = _read_base(old.oid, ground) if old else ()
        blob = make_object(Kind.BLOB, content, *base)
        changes[path] = (MODE_FILE, blob.oid)
        if old is None or old.oid != blob.oid:
            blobs.append(blob)
    return blobs, changes


def _read_base(oid: bytes, ground: Ground) -> tuple[bytes, bytes] | tuple[()]:
    """A blob to make a delta against; nothing where it is not at hand, or no blob."""
    kind, content = ground.read(oid) if ground.has(oid) else (0, b"")
    return (oid, content) if kind == Kind.BLOB else ()


def _summarize(note: Note) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in note.counts.items() if count)
    return f"vectornator: {note.status} {note.commit[:10]} ({counts or 'nothing changed'})"
