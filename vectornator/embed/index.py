"""Keeps documents, their passages and vectors in one SQLite file, and finds passages in it."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from threading import RLock
from typing import Literal

from vectornator.embed.chunks import Chunk
from vectornator.embed.ranking import RANKED, find_nearest, fuse, to_match_expression
from vectornator.embed.schema import create_store, open_store, to_damage, translated_errors
from vectornator.errors import Rejected
from vectornator.model import Condition, Hit, RemoteFile

_PAGE = 500
"""How many files of a listing are read at once."""

_BLOCK = 4096
"""How many vectors of a search are held at once: 6 MB."""

_FILES = "SELECT row, id, attributes, size, created FROM files"


@dataclass(frozen=True, slots=True)
class Vector:
    """The place of a passage in the space of one model."""

    key: bytes
    """Names model and passage; equal keys are one row."""

    model: str
    value: bytes
    """Little-endian float32, of length 1."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is stored of one document: its passages, with a vector each or with none at all."""

    path: str
    size: int
    """In bytes."""

    chunks: Sequence[Chunk]
    vectors: Sequence[Vector]
    """One for each chunk, or empty where only words are searched."""


class Index:
    """One open store; threads take turns, and other processes may have it open too.

    Every method is one transaction. Methods raise `Transient` when another process holds
    the store for too long, `Fatal` when the file can't be read or written.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._db = connection
        self._lock = RLock()
        try:
            self.store_id = self.read_value("store-id")
        except BaseException:
            connection.close()
            raise

    @classmethod
    def open(cls, path: Path, timeout: float) -> "Index | None":
        """Open the store at `path`, if there is one; see `schema.open_store`."""
        connection = open_store(path, timeout)
        return cls(path, connection) if connection else None

    @classmethod
    def create(cls, path: Path, name: str, timeout: float) -> "Index":
        """Create an empty store at `path`; see `schema.create_store`."""
        return cls(path, create_store(path, name, timeout))

    def close(self) -> None:
        """Close the file; the last one to do so leaves nothing beside it."""
        with self._lock, translated_errors(self._path):
            self._db.close()

    # --- words about the store

    def read_value(self, key: str) -> str:
        """Return what is kept under `key`, or nothing."""
        with self._transaction("DEFERRED"):
            return self._find_value(key)

    def read_words(self, key: str) -> dict[str, str]:
        """Return the dictionary that is kept under `key`, or an empty one."""
        with self._transaction("DEFERRED"):
            return _to_words(self._find_value(key) or "{}")

    def change_words(
        self, key: str, change: Callable[[dict[str, str]], dict[str, str]]
    ) -> dict[str, str]:
        """Replace the dictionary under `key` by what `change` makes of it, and return that."""
        with self._transaction("IMMEDIATE"):
            kept = change(_to_words(self._find_value(key) or "{}"))
            value = json.dumps(kept, ensure_ascii=False)
            self._db.execute("INSERT OR REPLACE INTO store VALUES (?, ?)", (key, value))
        return kept

    def _find_value(self, key: str) -> str:
        row = self._db.execute("SELECT value FROM store WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else ""

    # --- files

    def add(
        self, content: Content, attributes: Mapping[str, str], created: float, *, instead: str = ""
    ) -> str:
        """Store a document and return its new id; it takes the place of the file `instead`."""
        file_id = f"file_{secrets.token_hex(12)}"
        described = json.dumps(dict(attributes), ensure_ascii=False)
        with self._transaction("IMMEDIATE"):
            if instead:
                self._remove(instead)
            row = self._db.execute(
                "INSERT INTO files (id, path, attributes, size, created) VALUES (?, ?, ?, ?, ?)",
                (file_id, content.path, described, content.size, created),
            ).lastrowid
            self._add_passages(row, content, self._add_vectors(content.vectors))
        return file_id

    def remove(self, file_id: str) -> None:
        """Remove a file, if it is there, with its passages."""
        with self._transaction("IMMEDIATE"):
            self._remove(file_id)

    def find(self, file_id: str) -> RemoteFile | None:
        """Look one file up."""
        with self._transaction("DEFERRED"):
            row = self._db.execute(f"{_FILES} WHERE id = ?", (file_id,)).fetchone()
            return _to_remote_file(row) if row else None

    def list_files(self) -> Iterator[RemoteFile]:
        """Yield every file, oldest first; those that come and go meanwhile may be missing."""
        last = 0
        while True:
            with self._transaction("DEFERRED"):
                page = self._db.execute(
                    f"{_FILES} WHERE row > ? ORDER BY row LIMIT {_PAGE}", (last,)
                ).fetchall()
                files = [_to_remote_file(row) for row in page]
            rows = [last, *(row for row, *_ in page)]
            if any(row >= following for row, following in pairwise(rows)):
                raise to_damage(self._path, "rows out of order")
            if not page:
                return
            yield from files
            last = rows[-1]

    def change_attributes(self, file_id: str, attributes: Mapping[str, str]) -> None:
        """Replace all attributes of a file; a `path` among them becomes the one it is found by.

        Raises `Rejected` when there is no such file.
        """
        described = json.dumps(dict(attributes), ensure_ascii=False)
        with self._transaction("IMMEDIATE"):
            changed = self._db.execute(
                "UPDATE files SET attributes = ? WHERE id = ?", (described, file_id)
            )
            if not changed.rowcount:
                raise Rejected(f"There is no file {file_id!r} in the store {self._path}.")
            if path := attributes.get("path"):
                self._db.execute("UPDATE files SET path = ? WHERE id = ?", (path, file_id))
                self._db.execute(
                    "UPDATE passages SET path = ? WHERE rowid IN"
                    " (SELECT row FROM chunks WHERE file = (SELECT row FROM files WHERE id = ?))",
                    (path, file_id),
                )

    # --- vectors

    def read_vectors(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the vectors that are known already, by key."""
        select = "SELECT vector FROM embeddings WHERE key = ?"
        with self._transaction("DEFERRED"):
            rows = {key: self._db.execute(select, (key,)).fetchone() for key in keys}
        return {key: row[0] for key, row in rows.items() if row}

    def prune(self) -> None:
        """Forget the vectors of passages that no file has any more."""
        with self._transaction("IMMEDIATE"):
            self._db.execute(
                "DELETE FROM embeddings WHERE row NOT IN"
                " (SELECT embedding FROM chunks WHERE embedding IS NOT NULL)"
            )

    # --- search

    def search(
        self, query: str, nearest_to: Vector | None, limit: int, where: Sequence[Condition] = ()
    ) -> list[Hit]:
        """Return the best passage of each of at most `limit` files, best first.

        Passages are ranked by the words of `query` and, where there is a vector, by
        meaning; both ranks count alike. Files that don't meet `where` take no part.
        """
        with self._transaction("DEFERRED"):
            chosen = self._choose_passages(where)
            by_words = self._rank_by_words(query, chosen)
            by_meaning = self._rank_by_meaning(nearest_to, chosen) if nearest_to else []
            scores = fuse(by_words, by_meaning)
            hits = self._read_hits(scores)
        best: dict[str, Hit] = {}
        for row in scores:
            best.setdefault(hits[row].file_id, hits[row])
        return list(best.values())[:limit]

    def _choose_passages(self, where: Sequence[Condition]) -> frozenset[int] | None:
        """The passages that take part, by their rows; None for all."""
        if not where:
            return None
        holds = "EXISTS (SELECT 1 FROM json_each(attributes) WHERE key = ? AND value = ?)"
        terms = " AND ".join(f"{'NOT ' * one.is_negated}{holds}" for one in where)
        values = [text for one in where for text in (one.key, one.value)]
        select = "SELECT chunks.row FROM files JOIN chunks ON chunks.file = files.row"
        rows = self._db.execute(f"{select} WHERE {terms}", values)
        return frozenset(row for (row,) in rows)

    def _rank_by_words(self, query: str, chosen: frozenset[int] | None) -> list[int]:
        expression = to_match_expression(query)
        if not expression:
            return []
        rows = self._db.execute(
            "SELECT rowid FROM passages WHERE passages MATCH ?1"
            " AND (?2 IS NULL OR rowid IN (SELECT value FROM json_each(?2)))"
            " ORDER BY bm25(passages, 3.0, 1.0, 1.0), rowid LIMIT ?3",
            (expression, _to_array(chosen), RANKED),
        )
        return [row for (row,) in rows]

    def _rank_by_meaning(self, vector: Vector, chosen: frozenset[int] | None) -> list[int]:
        rows = self._db.execute(
            "SELECT row, vector FROM embeddings WHERE model = ?1 AND (?2 IS NULL OR row IN"
            " (SELECT embedding FROM chunks WHERE row IN (SELECT value FROM json_each(?2))))",
            (vector.model, _to_array(chosen)),
        )
        blocks = iter(lambda: rows.fetchmany(_BLOCK), [])
        nearest = find_nearest(blocks, vector.value, RANKED)
        select = "SELECT row FROM chunks WHERE embedding = ? ORDER BY row"
        ranked = (row for key in nearest for (row,) in self._db.execute(select, (key,)))
        return list(islice((row for row in ranked if chosen is None or row in chosen), RANKED))

    def _read_hits(self, scores: Mapping[int, float]) -> dict[int, Hit]:
        select = """
            SELECT files.path, passages.text, passages.heading, files.id
            FROM chunks JOIN files ON files.row = chunks.file
            JOIN passages ON passages.rowid = chunks.row WHERE chunks.row = ?
        """
        hits = {}
        for row, score in scores.items():
            path, text, heading, file_id = self._db.execute(select, (row,)).fetchone()
            hits[row] = Hit(path, score, text, heading, file_id)
        return hits

    # --- parts of transactions

    @contextmanager
    def _transaction(self, kind: Literal["DEFERRED", "IMMEDIATE"]) -> Iterator[None]:
        """Hold the store for one transaction; what raises is undone."""
        with self._lock, translated_errors(self._path):
            self._db.execute(f"BEGIN {kind}")
            try:
                yield
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def _add_vectors(self, vectors: Sequence[Vector]) -> list[int]:
        """Store the vectors that are new and return the rows of all, in order."""
        self._db.executemany(
            "INSERT INTO embeddings (key, model, vector) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(vector.key, vector.model, vector.value) for vector in vectors],
        )
        select = "SELECT row FROM embeddings WHERE key = ?"
        return [self._db.execute(select, (vector.key,)).fetchone()[0] for vector in vectors]

    def _add_passages(self, file: int | None, content: Content, vectors: Sequence[int]) -> None:
        for at, chunk in enumerate(content.chunks):
            row = self._db.execute(
                "INSERT INTO passages (heading, text, path) VALUES (?, ?, ?)",
                (chunk.heading, chunk.text, content.path),
            ).lastrowid
            self._db.execute(
                "INSERT INTO chunks (row, file, embedding) VALUES (?, ?, ?)",
                (row, file, vectors[at] if vectors else None),
            )

    def _remove(self, file_id: str) -> None:
        self._db.execute(
            "DELETE FROM passages WHERE rowid IN"
            " (SELECT row FROM chunks WHERE file = (SELECT row FROM files WHERE id = ?))",
            (file_id,),
        )
        self._db.execute("DELETE FROM files WHERE id = ?", (file_id,))


def _to_array(rows: frozenset[int] | None) -> str | None:
    """Rows as SQLite takes any number of them in one parameter."""
    return None if rows is None else json.dumps(list(rows))


def _to_remote_file(row: Sequence[object]) -> RemoteFile:
    """A row as a file; a database checks the types of its columns as little as their text."""
    _, file_id, attributes, size, created = row
    if not (isinstance(file_id, str) and isinstance(size, int) and isinstance(created, float)):
        raise sqlite3.DatabaseError("a file's row is damaged")
    return RemoteFile(file_id, _to_words(attributes), size, created)


def _to_words(text: object) -> dict[str, str]:
    try:
        words = json.loads(str(text))
    except (ValueError, RecursionError) as error:
        raise sqlite3.DatabaseError("it holds damaged JSON") from error
    if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
        raise sqlite3.DatabaseError("it holds JSON of an unknown form")
    return dict(words)
