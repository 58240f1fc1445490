"""What others do to the ledger: rolled back, replaced, deleted, poisoned, damaged."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from tests.torture.drift.place import NOTES, Place
from tests.torture.drift.sorts import Cure, Drift
from vectornator.model import Entry
from vectornator.state.ledger import Ledger, Note

_UNREADABLE = frozenset({"state"})
_MANY = 100


def _roll_back(place: Place, chance: random.Random) -> None:
    _point_at(place, f"{NOTES}~{chance.randrange(1, 4)}")


def _point_at(place: Place, revision: str) -> None:
    """Let the remote's ref name something; now and then the clone's too."""
    place.origin.run("update-ref", NOTES, place.origin.run("rev-parse", revision))


def _empty_tree(place: Place, _: random.Random) -> None:
    tree = place.origin.run("mktree")
    _point_at(place, place.origin.run("commit-tree", tree, "-m", "nothing"))


def _foreign_tree(place: Place, chance: random.Random) -> None:
    """Somebody's own notes, with the ledger's history or without."""
    parent = chance.choice(((), ("-p", NOTES)))
    blob = place.origin.run("hash-object", "-w", "--stdin", stdin=b"Reviewed-by: Grace\n")
    row = f"100644 blob {blob}\t{place.clone.head}\n".encode()
    tree = place.origin.run("mktree", stdin=row)
    _point_at(place, place.origin.run("commit-tree", tree, *parent, "-m", "Notes added"))


def _delete_everywhere(place: Place, _: random.Random) -> None:
    place.origin.run("update-ref", "-d", NOTES)
    place.clone.run("update-ref", "-d", NOTES)


def _delete_remote(place: Place, _: random.Random) -> None:
    place.origin.run("update-ref", "-d", NOTES)


def _delete_local(place: Place, _: random.Random) -> None:
    place.clone.run("update-ref", "-d", NOTES)


def _move_local(place: Place, _: random.Random) -> None:
    place.clone.run("update-ref", NOTES, place.clone.head)


def _point_at_object(place: Place, chance: random.Random) -> None:
    """The ref names a blob, a tree or a tag."""
    run = place.origin.run
    match chance.choice(("blob", "tree", "tag")):
        case "blob":
            oid = run("hash-object", "-w", "--stdin", stdin=b"odd\n")
        case "tree":
            oid = run("rev-parse", f"{NOTES}^{{tree}}")
        case _:
            oid = run("rev-parse", NOTES)
            tag = f"object {oid}\ntype commit\ntag t\ntagger A <a@b.c> 1 +0000\n\nt\n"
            oid = run("hash-object", "-t", "tag", "-w", "--stdin", stdin=tag.encode())
    place.origin.run("update-ref", NOTES, oid)


def _point_at_source(place: Place, _: random.Random) -> None:
    _point_at(place, "refs/heads/main")


# What a commit of the ref says.


def _rewrite(place: Place, change: Callable[[dict[str, Any]], None]) -> None:
    """Let the commit's message carry another ledger, over the same tree."""
    subject, _, body = place.origin.run("log", "-1", "--format=%B", NOTES).partition("\n\n")
    ledger = json.loads(body)
    change(ledger)
    message = f"{subject}\n\n{json.dumps(ledger, indent=2)}\n"
    _commit(place, f"{NOTES}^{{tree}}", message)


def _commit(place: Place, tree: str, message: str) -> None:
    tree = place.origin.run("rev-parse", tree)
    words = ("commit-tree", tree, "-p", NOTES, "-F", "-")
    _point_at(place, place.origin.run(*words, stdin=message.encode()))


def _set(place: Place, _: random.Random, **values: object) -> None:
    _rewrite(place, lambda ledger: ledger.update(values))


def _misname_base(place: Place, chance: random.Random) -> None:
    """The ledger claims another commit of ours as its base."""
    commit = place.clone.run("rev-parse", f"HEAD~{chance.randrange(1, 4)}", check=False)
    commit = commit if len(commit) == 40 else place.clone.head
    tree = place.clone.run("rev-parse", f"{commit}^{{tree}}")
    _rewrite(place, lambda ledger: ledger.update(base=commit, commit=commit, tree=tree))


def _reword(place: Place, _: random.Random) -> None:
    _commit(place, f"{NOTES}^{{tree}}", "Tidied up\n")


def _mangle(place: Place, chance: random.Random) -> None:
    words = chance.choice(("{", "{}", '{"version": "1.0.0"}', "[" * 5000))
    _commit(place, f"{NOTES}^{{tree}}", f"x\n\n{{{words}\n")


def _spoil_shards(place: Place, chance: random.Random, *, is_gone: bool) -> None:
    """Shards are cut off, or missing, under a ledger that is as it was."""
    run = place.origin.run
    message = run("log", "-1", "--format=%B", NOTES)
    rows = run("ls-tree", "-r", NOTES).splitlines()
    shards = [row for row in rows if "/entries/" in row]
    kept = [row for row in rows if row not in chance.sample(shards, min(2, len(shards)))]
    if not is_gone:
        cut = [row for row in rows if row not in kept]
        for row in cut:
            head, _, path = row.partition("\t")
            text = run("cat-file", "blob", head.split()[2])[: chance.choice((0, 10, 80))]
            blob = run("hash-object", "-w", "--stdin", stdin=text.encode())
            kept.append(f"100644 blob {blob}\t{path}")
    run("read-tree", "--empty")
    run("update-index", "--add", "--index-info", stdin="\n".join(kept).encode() + b"\n")
    _commit(place, run("write-tree"), message)


# What only who writes like a run can do.


def _save(
    place: Place,
    change: Callable[[Ledger, Mapping[str, Entry]], tuple[Ledger, dict[str, Entry | None]]],
) -> None:
    """Save other entries under the sequence that the store knows, all digests right."""
    session = place.open_session()
    try:
        ledger = session.state.load()
        if ledger is None:
            return
        changed, edits = change(ledger, session.state.read_entries())
        note = Note(
            commit=ledger.commit,
            tree=ledger.tree,
            base=ledger.base,
            status="synced",
            last_sync=ledger.last_sync,
            provider=ledger.provider,
            store_id=ledger.store_id,
            target=ledger.target,
            counts={},
        )
        session.state.save(changed, edits, note)
    finally:
        session.close()


def _list_foreign(place: Place) -> list[str]:
    """The ids of a hundred copies that are not ours, and of some that are nobody's."""
    own = {one.file.id for one in place.ours}
    return [it for it in place.store.attachments if it not in own][:_MANY]


def _poison(place: Place, chance: random.Random, *, is_real: bool) -> None:
    """Every entry names a copy of others, or of nobody."""
    ids = _list_foreign(place) if is_real else [f"file-{number}" for number in range(_MANY)]
    chance.shuffle(ids)
    _save(
        place,
        lambda ledger, entries: (
            ledger,
            {
                path: replace(entry, file_id=file_id)
                for (path, entry), file_id in zip(entries.items(), ids, strict=False)
            },
        ),
    )


def _add_poison(place: Place, _: random.Random) -> None:
    """A hundred documents are recorded that there are not, each of a copy that is not ours."""
    entry = Entry("", "a" * 64, "1" * 40, 8, 1, "c")
    more: dict[str, Entry | None] = {
        f"docs/poison-{number}.md": replace(entry, file_id=file_id)
        for number, file_id in enumerate(_list_foreign(place))
    }

    def change(ledger: Ledger, _: Mapping[str, Entry]) -> tuple[Ledger, dict[str, Entry | None]]:
        return replace(ledger, base="", tree="", documents=ledger.documents + len(more)), more

    _save(place, change)


def _poison_leftovers(place: Place, _: random.Random, *, is_own: bool) -> None:
    """Copies of others, or those that serve now, are recorded as to be removed."""
    paths = {one.file.id: str((one.attributes or {}).get("path")) for one in place.ours}
    doomed = paths if is_own else dict.fromkeys(_list_foreign(place), "docs/a.md")
    _save(place, lambda ledger, _: (replace(ledger, leftovers=doomed), {}))


def _swap_ids(place: Place, _: random.Random) -> None:
    def change(
        ledger: Ledger, entries: Mapping[str, Entry]
    ) -> tuple[Ledger, dict[str, Entry | None]]:
        ids = [entry.file_id for entry in entries.values()]
        turned = zip(entries.items(), ids[1:] + ids[:1], strict=True)
        return ledger, {path: replace(entry, file_id=it) for (path, entry), it in turned}

    _save(place, change)


def _forget_entries(place: Place, chance: random.Random) -> None:
    _save(
        place,
        lambda ledger, entries: (
            ledger,
            dict.fromkeys(chance.sample(sorted(entries), min(2, len(entries)))),
        ),
    )


def _misdate_entries(place: Place, chance: random.Random) -> None:
    """Entries tell of other content than is stored."""
    _save(
        place,
        lambda ledger, entries: (
            ledger,
            {
                path: replace(entries[path], hash="d" * 64, blob="d" * 40)
                for path in chance.sample(sorted(entries), min(2, len(entries)))
            },
        ),
    )


LEDGERS = (
    Drift("ledger rolled back", _roll_back, Cure.RUN),
    Drift("ledger pushed over with an empty tree", _empty_tree, Cure.RUN),
    Drift("ledger pushed over with other notes", _foreign_tree, Cure.RUN),
    Drift("ledger deleted", _delete_everywhere, Cure.RUN),
    Drift("ledger deleted at the remote", _delete_remote, Cure.RUN),
    Drift("ledger deleted in the clone", _delete_local, Cure.NONE),
    Drift("ledger's ref moved in the clone", _move_local, Cure.NONE),
    Drift("ref names no commit", _point_at_object, Cure.REBUILD, reasons=_UNREADABLE),
    Drift("ref names a commit of the source", _point_at_source, Cure.RUN),
    Drift("ledger reworded", _reword, Cure.NONE),
    Drift("ledger mangled", _mangle, Cure.REBUILD, reasons=_UNREADABLE),
    Drift("sequence wrong", partial(_set, sequence=77), Cure.RUN),
    Drift("count wrong", partial(_set, documents=9_000_000), Cure.LISTING),
    Drift("digest wrong", partial(_set, entries="0" * 64), Cure.REBUILD, reasons=_UNREADABLE),
    Drift("base unknown", partial(_set, base="e" * 40, tree="e" * 40), Cure.RUN),
    Drift("base misnamed", _misname_base, Cure.LISTING),
    *(
        Drift(name, partial(_spoil_shards, is_gone=is_gone), Cure.REBUILD, reasons=_UNREADABLE)
        for name, is_gone in (("shards missing", True), ("shards cut off", False))
    ),
    Drift("entries poisoned with ids of others", partial(_poison, is_real=True), Cure.LISTING),
    Drift("entries poisoned with ids of nobody", partial(_poison, is_real=False), Cure.LISTING),
    Drift("a hundred poisoned entries added", _add_poison, Cure.LISTING),
    Drift(
        "leftovers poisoned with ids of others",
        partial(_poison_leftovers, is_own=False),
        Cure.LISTING,
    ),
    Drift(
        "leftovers poisoned with copies that serve",
        partial(_poison_leftovers, is_own=True),
        Cure.LISTING,
    ),
    Drift("ids swapped", _swap_ids, Cure.LISTING),
    Drift("entries forgotten", _forget_entries, Cure.LISTING),
    Drift("entries of other content", _misdate_entries, Cure.LISTING),
)
