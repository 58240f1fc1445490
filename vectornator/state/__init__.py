"""What the store holds, as the last runs left it: the ledger, its entries and the notes."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from vectornator.git.objects import Oid
from vectornator.model import Entry
from vectornator.state.ledger import Ledger, Note


class StateStore(Protocol):
    """Keeps the ledger of one target.

    Everything raises `StateError` when what is kept can't be read; nothing is then written.
    `vectornator.testing.StateSuite` checks each sentence of these docstrings.
    """

    location: str
    """Where the ledger is kept, in words for people: a ref or a file."""

    def load(self) -> Ledger | None:
        """Read the newest ledger; None when there is none. Entries stay unread."""

    def read_entries(self, paths: Iterable[str] | None = None) -> dict[str, Entry]:
        """The entries of the ledger last loaded: those of `paths`, or all of them."""

    def discard_entries(self) -> None:
        """Forget the entries of the ledger last loaded: the next save starts without them."""

    def start_over(self) -> None:
        """Forget the ledger and its entries, unread: the next save starts without them.

        What is damaged need not be readable for it. Notes are kept where they can be read.
        """

    def save(self, ledger: Ledger, edits: Mapping[str, Entry | None], note: Note) -> str:
        """Save a ledger that succeeds the one last loaded; return the id of the save.

        `edits` sets the entries of some paths, None removes one; all other entries stay as
        they are. Raises `StateConflict`, with nothing written, when another run saved since
        `load`. After a save the store stands as if that save had just been loaded.
        """

    def read_note(self, commit: Oid) -> str | None:
        """The text of the note on a commit; None when there is none."""

    def list_notes(self, limit: int) -> list[Note]:
        """The newest notes, newest first, `limit` at most; their files are left out."""

    def load_at(self, commit: Oid) -> tuple[Ledger, dict[str, Entry]] | None:
        """The ledger and all entries as the last sync of `commit` left them, if remembered."""
