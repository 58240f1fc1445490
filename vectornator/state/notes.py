"""The ledger in git notes: a note on each synced commit, the manifest in shards beside them.

Paths in the notes tree that are no note belong to nobody and are kept by every `git notes`
command (git's own contract, "preserve non-notes in the notes tree"); the ledger lives there:

* `.vectornator/ledger.json`      the head of the ledger, also the body of the commit message,
  so that a run that has nothing to do reads one commit and no tree
* `.vectornator/pending.json`     paths ahead of the base and leftovers, when there are any
* `.vectornator/entries/XX.json`  the entries, by the first byte of the SHA-256 of their path
* `.vectornator/order`            the commits noted by vectornator, oldest first
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from vectornator.errors import SourceError, StateConflict, StateError, StateUnreadable
from vectornator.git.notes import find_note
from vectornator.git.objects import Commit, Oid, parse_commit
from vectornator.git.remote import BadAnswer, Remote
from vectornator.git.repository import Repository
from vectornator.git.trees import find_item
from vectornator.git.wire import PackedObject
from vectornator.model import Entry
from vectornator.state.commit import (
    LEDGER,
    MAX_NOTES,
    ORDER,
    PENDING,
    Ground,
    Save,
    compose_commit,
)
from vectornator.state.forms import START_OVER
from vectornator.state.ledger import (
    Ledger,
    Note,
    load_entries,
    load_ledger,
    load_note,
    load_pending,
)
from vectornator.state.objects import Objects
from vectornator.state.shards import digest_shards, group_by_shard, list_shards, shard_of

_OID = re.compile(rb"[0-9a-f]{40}")
_MAX_ORDER = 2 * MAX_NOTES * 41
"""Bytes of the list of noted commits that are looked at: twice what is written."""


def ref_of(target: str) -> str:
    """The notes ref of a target."""
    return "refs/notes/vectornator" + ("" if target == "default" else f"-{target}")


class NotesStore:
    """The ledger of one target in one notes ref, of a remote or of this repository alone.

    What is fetched stays in memory; the repository receives only complete objects, and its own
    ref moves only when it stood where the remote's did.
    """

    def __init__(
        self, repository: Repository, ref: str, remote: Remote | None, clock: Callable[[], float]
    ) -> None:
        self.location = f"{ref} on {remote.url}" if remote else ref
        self._repository = repository
        self._ref = ref
        self._remote = remote
        self._objects = Objects(repository, ref, remote)
        self._clock = clock
        self._tip: Oid | None = None
        self._digest = ""
        self._tree: bytes | None = None
        self._shards: dict[str, dict[str, Entry]] = {}
        self._is_discarded = False
        self._is_afresh = False

    def load(self) -> Ledger | None:
        """Read the tip of the ref: at most one commit, unless something is pending."""
        tip = self._find_tip()
        self._stand_at(tip)
        if tip is None:
            return None
        with self._objects.judging():
            commit = self._objects.read_commit(tip)
            self._tree = bytes.fromhex(commit.tree)
            return self._read_ledger(commit)

    def read_entries(self, paths: Iterable[str] | None = None) -> dict[str, Entry]:
        """Read the shards of `paths`, or all shards, and fetch those that are not at hand."""
        groups = None if paths is None else group_by_shard(paths)
        with self._objects.judging():
            self._load_shards(groups)
        if groups is None:
            return {path: entry for shard in self._shards.values() for path, entry in shard.items()}
        return {
            path: self._shards[shard][path]
            for shard, members in groups.items()
            for path in members
            if path in self._shards[shard]
        }

    def discard_entries(self) -> None:
        """Let every shard there is count as empty, and as edited."""
        self._shards = {name: {} for name in self._list_shards()}
        self._is_discarded = True

    def start_over(self) -> None:
        """Stand at the tip; its tree is built on where it can be read, and else replaced."""
        self._stand_at(self._find_tip())
        self._is_afresh = True
        with suppress(StateUnreadable, BadAnswer, SourceError):
            if self._tip:
                self._tree = bytes.fromhex(self._objects.read_commit(self._tip).tree)
                self.discard_entries()
                self._read_order()
                return
        self._tree = None

    def save(self, ledger: Ledger, edits: Mapping[str, Entry | None], note: Note) -> str:
        """Commit the edits onto the tip that was loaded, and move the ref by compare-and-swap."""
        shards, objects = self._prepare(ledger, edits, note)
        new = objects[-1].oid.hex()
        if self._remote:
            self._remote.land(self._ref, new, self._tip, objects)
            self._follow_locally(new, objects)
        else:
            self._save_locally(new, objects)
        self._objects.add(objects)
        self._tip, self._tree = new, bytes.fromhex(parse_commit(new, objects[-1].content).tree)
        self._shards.update(shards)
        self._digest = digest_shards(list_shards(self._objects.read, self._tree))
        self._is_discarded = self._is_afresh = False
        return new

    def read_note(self, commit: Oid) -> str | None:
        """Find the note at whatever fan-out the tree has."""
        if self._tree is None:
            return None
        with self._objects.judging():
            self._fetch_trees()
            found = find_note(self._objects.read, self._tree, commit)
            if found is None:
                return None
            blob = bytes.fromhex(found[1])
            self._objects.fetch_blobs([blob])
            return self._objects.read_blob(blob).decode("utf-8", "replace")

    def list_notes(self, limit: int) -> list[Note]:
        """Read the notes on the commits it wrote one on; what others made of one is passed over."""
        if self._tree is None:
            return []
        with self._objects.judging():
            self._fetch_trees()
            commits = reversed(self._read_order()[-limit:] if limit else [])
            found = [
                (commit, find_note(self._objects.read, self._tree, commit)) for commit in commits
            ]
            blobs = [(commit, bytes.fromhex(place[1])) for commit, place in found if place]
            self._objects.fetch_blobs([blob for _, blob in blobs])
        notes = []
        for commit, blob in blobs:
            with suppress(StateError, SourceError):
                text = self._objects.read_blob(blob)
                notes.append(load_note(text, f"The note on {commit[:10]}"))
        return notes

    def load_at(self, commit: Oid) -> tuple[Ledger, dict[str, Entry]] | None:
        """Search the history of the ref for the newest save that synced `commit`."""
        with self._objects.judging():
            for place in self._walk_history():
                ledger = self._peek(place)
                if ledger is not None and ledger.commit == commit:
                    return self._load_whole(place.oid)
        return None

    # Reading.

    def _find_tip(self) -> Oid | None:
        if self._remote is None:
            return self._repository.read_ref(self._ref)
        return self._remote.list_refs(self._ref).get(self._ref)

    def _stand_at(self, tip: Oid | None) -> None:
        self._tip, self._tree, self._shards, self._digest = tip, None, {}, ""
        self._is_discarded = self._is_afresh = False

    def _peek(self, commit: Commit) -> Ledger | None:
        """The ledger that a commit message carries; None where that can't be read."""
        body = commit.message.partition("\n\n")[2]
        if not body.startswith("{"):
            return None
        with suppress(StateUnreadable):
            return load_ledger(body.encode(), f"The message of {commit.oid[:10]} in {self._ref}")[0]
        return None

    def _read_ledger(self, commit: Commit) -> Ledger | None:
        body = commit.message.partition("\n\n")[2].encode()
        if body.startswith(b"{"):
            ledger, is_pending = load_ledger(body, f"The tip of {self._ref}")
        else:
            content = self._read_path(LEDGER)
            if content is None:
                return None
            ledger, is_pending = load_ledger(content, f"ledger.json in {self._ref}")
        self._digest = ledger.entries
        pending = self._read_path(PENDING) if is_pending else None
        return load_pending(ledger, pending, f"pending.json in {self._ref}") if pending else ledger

    def _read_path(self, path: bytes) -> bytes | None:
        self._fetch_trees()
        assert self._tree is not None
        item = find_item(self._objects.read, self._tree, path)
        if item is None:
            return None
        self._objects.fetch_blobs([item.oid])
        return self._objects.read_blob(item.oid)

    def _read_order(self) -> list[Oid]:
        content = self._read_path(ORDER) if self._tree else None
        words = content[-_MAX_ORDER:].split() if content else []
        return [word.decode("ascii") for word in words if _OID.fullmatch(word)]

    def _load_shards(self, wanted: Iterable[str] | None) -> None:
        """Fill the cache with the shards named, or with all there are."""
        places = self._list_shards()
        names = [
            name for name in (places if wanted is None else wanted) if name not in self._shards
        ]
        held = [name for name in names if name in places]
        self._objects.fetch_blobs([places[name] for name in held])
        found: dict[str, dict[str, Entry]] = {name: {} for name in names}
        for name in held:
            content = self._objects.read_blob(places[name])
            found[name] = load_entries(content, f"entries/{name}.json in {self._ref}")
            self._check_shard(name, found[name])
        self._shards.update(found)

    def _check_shard(self, name: str, entries: Iterable[str]) -> None:
        """Refuse entries that no edit would find: a path belongs into one shard."""
        if any(shard_of(path) != name for path in entries):
            raise StateUnreadable(
                f"entries/{name}.json in {self._ref} has a path of another file. Nothing was "
                f"changed. {START_OVER}"
            )

    def _list_shards(self) -> dict[str, bytes]:
        """The blob of each shard, by name. Raises `StateUnreadable` for others than were saved."""
        if self._tree is None:
            return {}
        self._fetch_trees()
        places = list_shards(self._objects.read, self._tree)
        if self._digest not in {"", digest_shards(places)}:
            raise StateUnreadable(
                f"The entries in {self._ref} are not those that its ledger was saved with. Nothing "
                f"was changed. {START_OVER}"
            )
        return places

    def _load_whole(self, oid: Oid) -> tuple[Ledger, dict[str, Entry]] | None:
        """The ledger and the entries of an older save, without leaving the one loaded."""
        older = NotesStore(self._repository, self._ref, self._remote, self._clock)
        commit = self._objects.read_commit(oid)
        older._tip, older._tree = oid, bytes.fromhex(commit.tree)
        ledger = older._read_ledger(commit)
        return (ledger, older.read_entries()) if ledger else None

    def _walk_history(self) -> Iterable[Commit]:
        """The commits of the ref, newest first, along first parents."""
        oid = self._tip
        if oid and self._remote and self._repository.read_ref(self._ref) != oid:
            self._objects.fetch([oid], filter_spec="tree:0")
        while oid:
            commit = self._objects.read_commit(oid)
            yield commit
            oid = commit.parents[0] if commit.parents else None

    def _fetch_trees(self) -> None:
        if self._tip and self._tree:
            self._objects.fetch_trees(self._tip, self._tree)

    # Writing.

    def _prepare(
        self, ledger: Ledger, edits: Mapping[str, Entry | None], note: Note
    ) -> tuple[dict[str, dict[str, Entry]], list[PackedObject]]:
        """The shards that are edited and the objects of a save.

        A save that starts over leaves a tree behind that can't be built on.
        """
        try:
            with self._objects.judging():
                self._gather(edits, note.commit)
                shards = self._edit_shards(edits)
                return shards, self._compose(ledger, shards, note)
        except StateUnreadable:
            if not self._is_afresh or self._tree is None:
                raise
        self._tree, self._shards = None, {}
        return self._prepare(ledger, edits, note)

    def _gather(self, edits: Mapping[str, Entry | None], commit: Oid) -> None:
        """Fetch in one request all that a save reads, or sends a delta to."""
        if self._tree is None:
            return
        places = self._list_shards()
        wanted = [places[name] for name in group_by_shard(edits) if name in places]
        items = (
            find_item(self._objects.read, self._tree, path) for path in (LEDGER, PENDING, ORDER)
        )
        wanted += [item.oid for item in items if item]
        if found := find_note(self._objects.read, self._tree, commit):
            wanted.append(bytes.fromhex(found[1]))
        self._objects.fetch_blobs(wanted)

    def _edit_shards(self, edits: Mapping[str, Entry | None]) -> dict[str, dict[str, Entry]]:
        groups = group_by_shard(edits)
        self._load_shards(groups)
        shards = dict(self._shards) if self._is_discarded else {}
        for name, paths in groups.items():
            shard = dict(self._shards[name])
            for path in paths:
                entry = edits[path]
                if entry is None:
                    shard.pop(path, None)
                else:
                    shard[path] = entry
            shards[name] = shard
        return shards

    def _compose(
        self, ledger: Ledger, shards: Mapping[str, Mapping[str, Entry]], note: Note
    ) -> list[PackedObject]:
        order = [commit for commit in self._read_order() if commit != note.commit] + [note.commit]
        save = Save(ledger, shards, note, order)
        parent = self._tip if self._tree else None  # what is no commit can't be one
        ground = Ground(
            parent, self._tree, self._list_shards(), self._objects.read, self._objects.has
        )
        return compose_commit(save, ground, int(self._clock()))

    def _save_locally(self, new: Oid, objects: list[PackedObject]) -> None:
        try:
            is_moved = self._move_ref(new, objects)
        except SourceError as error:
            raise StateError(str(error)) from error
        if not is_moved:
            raise StateConflict(f"{self._ref} was moved by another run. Run again.")

    def _follow_locally(self, new: Oid, objects: list[PackedObject]) -> None:
        """Move the repository's own ref too, where that leaves it with every object."""
        if self._repository.read_ref(self._ref) == self._tip:
            with suppress(SourceError):  # a read-only checkout; the remote has it
                self._move_ref(new, objects)

    def _move_ref(self, new: Oid, objects: list[PackedObject]) -> bool:
        """Write objects and move the ref onto them; False when it moved meanwhile."""
        self._repository.store.write({item.oid: (item.kind, item.content) for item in objects})
        return self._repository.set_ref(self._ref, new, self._tip)
