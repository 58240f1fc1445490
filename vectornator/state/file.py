"""The ledger in one JSON file, for folders outside git and servers that refuse notes."""

import fcntl
import json
import os
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from vectornator.errors import StateConflict, StateError, StateUnreadable
from vectornator.git.objects import Oid
from vectornator.model import Entry
from vectornator.state.forms import START_OVER, parse_json
from vectornator.state.ledger import (
    Ledger,
    Note,
    dump_ledger,
    dump_note,
    dump_pending,
    from_entry_form,
    load_ledger,
    load_note,
    load_pending,
    to_entry_form,
)

MAX_NOTES = 50
"""How many notes the file keeps."""

MAX_BYTES = 256 << 20
"""The largest file that is read: one of some 700,000 documents."""

_PIECE = 1 << 20
_LONGEST = 1 << 15
"""More bytes than a path and what is around it can have."""


class FileStore:
    """The ledger of one target in one file, replaced atomically under a lock file.

    The file holds the ledger's head, `files` by path as in the vision's document, what is
    pending, and the newest notes.
    """

    def __init__(self, path: Path) -> None:
        self.location = str(path)
        self._path = path
        self._document: dict[str, Any] = {}
        self._loaded: bytes | None = None

    def load(self) -> Ledger | None:
        """Read the file."""
        self._loaded = self._read()
        self._document = self._parse()
        if not self._document:
            return None
        head = json.dumps({**self._document, "files": {}, "notes": []}).encode()
        ledger, _ = load_ledger(head, self.location)
        pending = json.dumps(self._document.get("unsettled", {})).encode()
        return load_pending(ledger, pending, self.location)

    def read_entries(self, paths: Iterable[str] | None = None) -> dict[str, Entry]:
        """Read entries from the file as it was loaded."""
        forms = self._document.get("files", {})
        if not isinstance(forms, dict):
            raise StateUnreadable(f"{self.location}: 'files' is not an object. {START_OVER}")
        chosen = forms if paths is None else [path for path in paths if path in forms]
        return {path: from_entry_form(path, forms[path], self.location) for path in chosen}

    def discard_entries(self) -> None:
        """Forget the files that were loaded."""
        self._document = {**self._document, "files": {}}

    def start_over(self) -> None:
        """Forget all but the notes."""
        self._loaded, notes = self._read(), []
        with suppress(StateUnreadable):
            self._document = self._parse()
            notes = self._list_forms()
        self._document = {"notes": notes}

    def save(self, ledger: Ledger, edits: Mapping[str, Entry | None], note: Note) -> str:
        """Replace the file, unless another run did since it was loaded."""
        entries = self.read_entries()
        for path, entry in edits.items():
            if entry is None:
                entries.pop(path, None)
            else:
                entries[path] = entry
        document = {
            **json.loads(dump_ledger(ledger)),
            "files": {path: to_entry_form(entries[path]) for path in sorted(entries)},
            "unsettled": json.loads(dump_pending(ledger)),
            "notes": self._add_note(note),
        }
        content = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
        with self._lock():
            if self._read() != self._loaded:
                raise StateConflict(f"{self.location} was saved by another run. Run again.")
            self._replace(content)
        self._document, self._loaded = document, content
        return str(ledger.sequence)

    def read_note(self, commit: Oid) -> str | None:
        """The newest note that names a commit."""
        found = (form for form in reversed(self._list_forms()) if form.get("commit") == commit)
        form = next(found, None)
        return json.dumps(form, indent=2, ensure_ascii=False) + "\n" if form else None

    def list_notes(self, limit: int) -> list[Note]:
        """The notes of the file, newest first."""
        newest = deque(self._list_forms(), maxlen=limit)
        return [load_note(json.dumps(form).encode(), self.location) for form in reversed(newest)]

    def load_at(self, commit: Oid) -> tuple[Ledger, dict[str, Entry]] | None:
        """The ledger as it is, when it is of that commit: a file keeps no history."""
        ledger = self.load()
        if ledger is None or ledger.commit != commit:
            return None
        return ledger, self.read_entries()

    def _list_forms(self) -> list[dict[str, Any]]:
        forms = self._document.get("notes", [])
        if not isinstance(forms, list) or not all(isinstance(form, dict) for form in forms):
            words = f"{self.location}: 'notes' is not a list of objects. {START_OVER}"
            raise StateUnreadable(words)
        return forms

    def _add_note(self, note: Note) -> list[dict[str, Any]]:
        form = json.loads(dump_note(replace(note, files={})))
        return [*self._list_forms(), form][-MAX_NOTES:]

    def _read(self) -> bytes | None:
        """The file as it is; None where there is none."""
        if self._path.exists() and not self._path.is_file():
            raise StateError(
                f"{self.location} is not a file. Choose another place with --metadata-file."
            )
        try:
            with self._path.open("rb") as file:
                return b"".join(_read_pieces(file))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{self.location} can't be read: {error.strerror}.") from error

    def _parse(self) -> dict[str, Any]:
        """What the file said when it was read last."""
        if self._loaded is None:
            return {}
        return parse_json(self._loaded, self.location, max_bytes=MAX_BYTES)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Hold the lock file beside the ledger; it goes with the process that holds it."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Whoever can commit files can commit a link where the lock belongs.
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(self._path.with_suffix(".lock"), flags, 0o644)
            with os.fdopen(handle, "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise StateError(
                f"{self.location} can't be written: {error.strerror}. Make the folder writable "
                "or choose another place with --metadata-file."
            ) from error

    def _replace(self, content: bytes) -> None:
        """Write beside the file and rename, so that a reader sees the old or the new one."""
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


def _read_pieces(file: BinaryIO) -> Iterator[bytes]:
    """A file up to where it can be no ledger; the end is then such that it is refused.

    A ledger has a text in every few kilobytes: a file of holes or of spaces ends early.
    """
    left = MAX_BYTES
    while piece := file.read(_PIECE):
        left -= len(piece)
        yield piece
        if left < 0 or piece.count(b'"') < len(piece) // _LONGEST:
            yield b"\0"
            return
