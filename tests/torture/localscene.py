"""The same repository with the embedded store: one SQLite file in the clone."""

import hashlib
import json
import sqlite3
from contextlib import closing

from tests.torture.scene import PATTERNS, Copy, Scene


class LocalScene(Scene):
    """A clone with a store of its own, and copies of another target in it."""

    provider = "local"
    options = ("--patterns", PATTERNS)

    def _settle_in(self) -> None:
        for words in (("sync",), ("sync", "--target", "other")):
            done = self.run(*words)
            assert done.code == 0, done.err

    def list_copies(self) -> list[Copy]:
        """What the store holds of the target, by the text of its passages."""
        tree = self.read_tree()
        copies = []
        for file_id, attributes in self._read_files():
            if attributes["vn_target"] == self.target:
                content = tree.get(attributes["path"], b"")
                is_it = hashlib.sha256(content).hexdigest() == attributes["vn_sha"]
                copies.append(Copy(attributes["path"], file_id, content if is_it else b"other"))
        return copies

    def list_foreign(self) -> list[tuple[str, str, bytes, object]]:
        """The copies of the other target."""
        return [
            (file_id, attributes["path"], b"", attributes)
            for file_id, attributes in self._read_files()
            if attributes["vn_target"] != self.target
        ]

    def count_stores(self) -> int:
        """How many stores there are."""
        return len(list(self.repo.root.glob(".vectornator/*.db")))

    def _read_files(self) -> list[tuple[str, dict[str, str]]]:
        place = self.repo.root / ".vectornator" / "store.db"
        with closing(sqlite3.connect(place)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            rows = database.execute("SELECT id, attributes FROM files ORDER BY row").fetchall()
        return [(file_id, json.loads(attributes)) for file_id, attributes in rows]
