"""A store that costs next to nothing, so that what is measured is everything around it."""

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from vectornator.model import Document, Entry, RemoteFile
from vectornator.providers.base import BaseVectorStoreProvider, ProviderConfig

NAME = "counting"


class CountingProvider(BaseVectorStoreProvider):
    """Keeps the attributes and sizes of copies, but not their bytes, in one SQLite file.

    It passes for a store that is shared, and its ids are as long and as random as a service's,
    because they are most of what the ledger weighs.
    """

    name = NAME

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._store_id = ""
        self._lock = threading.Lock()

    def initialize(self, config: ProviderConfig) -> None:
        """Keep the settings."""
        super().initialize(config)
        self._store_id = config.store_id

    @property
    def store_id(self) -> str:
        """The id of the store in use."""
        return self._store_id

    def verify_store(self) -> bool:
        """Tell whether the file is there."""
        return bool(self._store_id) and self._path.is_file()

    def create_store(self, name: str) -> str:
        """Make the file."""
        self._run("CREATE TABLE copies (id TEXT PRIMARY KEY, attributes TEXT, size INTEGER)")
        self._store_id = f"vs_{name}"
        return self._store_id

    def list_files(self) -> Iterator[RemoteFile]:
        """Yield every copy."""
        rows = self._run("SELECT id, attributes, size FROM copies")
        return (RemoteFile(row[0], json.loads(row[1]), row[2], 0.0) for row in rows)

    def upload_file(self, document: Document, content: bytes, metadata: Mapping[str, str]) -> str:
        """Note a copy."""
        del document
        file_id = f"file-{secrets.token_urlsafe(16)}"
        values = (file_id, json.dumps(dict(metadata)), len(content))
        self._run("INSERT INTO copies VALUES (?, ?, ?)", *values)
        return file_id

    def update_file(
        self, entry: Entry, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> str:
        """Note one more copy."""
        del entry
        return self.upload_file(document, content, metadata)

    def delete_file(self, file_id: str) -> None:
        """Forget a copy."""
        self._run("DELETE FROM copies WHERE id = ?", file_id)

    def describe_file(self, file_id: str) -> RemoteFile | None:
        """Look one copy up."""
        rows = self._run("SELECT id, attributes, size FROM copies WHERE id = ?", file_id)
        return next((RemoteFile(row[0], json.loads(row[1]), row[2], 0.0) for row in rows), None)

    def cleanup(self) -> None:
        """Write everything to the disk."""
        if "_file" in vars(self):
            self._file.commit()
            self._file.close()
            del self._file

    @cached_property
    def _file(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, check_same_thread=False)

    def _run(self, statement: str, *values: object) -> list[tuple[str, str, int]]:
        with self._lock:
            return self._file.execute(statement, values).fetchall()
