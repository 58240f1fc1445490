"""Opens and creates the SQLite file of a store, and says what is wrong when that fails."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vectornator.errors import Fatal, ProviderError, Transient

APPLICATION_ID = 0x564E5452
"""`VNTR`: marks the file as ours in SQLite's header."""

SCHEMA_VERSION = 1
"""What is kept as `user_version`; a larger number is a newer Vectornator's."""

FOLDER = ".vectornator"
"""The folder beside the documents that keeps the store unless another path is named."""

_SCHEMA = (
    "CREATE TABLE store (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """
    CREATE TABLE files (
        row INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        path TEXT NOT NULL,
        attributes TEXT NOT NULL,
        size INTEGER NOT NULL,
        created REAL NOT NULL
    )
    """,
    """
    CREATE TABLE embeddings (
        row INTEGER PRIMARY KEY,
        key BLOB NOT NULL UNIQUE,
        model TEXT NOT NULL,
        vector BLOB NOT NULL
    )
    """,
    """
    CREATE TABLE chunks (
        row INTEGER PRIMARY KEY,
        file INTEGER NOT NULL REFERENCES files ON DELETE CASCADE,
        embedding INTEGER REFERENCES embeddings
    )
    """,
    "CREATE INDEX chunks_of_file ON chunks (file)",
    "CREATE INDEX chunks_of_embedding ON chunks (embedding)",
    "CREATE VIRTUAL TABLE passages USING fts5 (heading, text, path, tokenize='porter unicode61')",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)
"""`passages` holds the texts, one row for each of `chunks` and under the same number;
`embeddings` holds each distinct passage's vector once, by hash of model and passage."""

_OWN_TABLES = ("passages_", "sqlite_")
"""How the tables begin that FTS5 and SQLite keep for themselves."""


def open_store(path: Path, timeout: float) -> sqlite3.Connection | None:
    """Open the store at `path`, or return None where there is none; nothing is changed.

    A store in a folder that can't be written is opened for reading. It is not opened so
    elsewhere: SQLite's readers that may not write leave their working files behind.

    Raises `Fatal` when the file is no store, broken, or a newer version's, `Transient`
    when it is locked for longer than `timeout` seconds.
    """
    with translated_errors(path):
        if not path.exists():
            return None
        try:
            return _connect(path, "mode=rw", timeout)
        except sqlite3.OperationalError as error:
            if not _is_refused(error) or has_unmerged_changes(path):
                raise
            return _connect(path, "mode=ro&immutable=1", timeout)


def create_store(path: Path, name: str, timeout: float) -> sqlite3.Connection:
    """Create an empty store at `path` with a new random id.

    Raises `Fatal` when there is a store already or when none can be created, `Transient`
    when another process keeps the file locked.
    """
    with translated_errors(path):
        if found := open_store(path, timeout):
            found.close()
            raise _second_store(path)
        _make_folder(path.parent)
        connection = _open(path, "mode=rwc", timeout)
        try:
            _fill(connection, path, name)
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system raise about `path` into a `ProviderError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise _to_provider_error(error, path) from error
    except UnicodeDecodeError as error:  # from the words of an error that repeats what is damaged
        raise to_damage(path, "text that can't be decoded") from error
    except OSError as error:
        raise Fatal(f"The store {path} can't be used: {error.strerror or error}.") from error


def to_damage(path: Path, why: str) -> Fatal:
    """The error of a store whose file is damaged."""
    return Fatal(f"The store {path} is broken ({why}): move it away and sync again.")


def remove_store(path: Path) -> None:
    """Remove the file of a store with SQLite's working files beside it."""
    with translated_errors(path):
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def has_unmerged_changes(path: Path) -> bool:
    """Tell whether changes wait in SQLite's log beside the file."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def _open(path: Path, mode: str, timeout: float) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{mode}"
    # One connection serves all threads; `Index` lets in one at a time.
    return sqlite3.connect(
        uri, timeout=timeout, isolation_level=None, check_same_thread=False, uri=True
    )


def _connect(path: Path, mode: str, timeout: float) -> sqlite3.Connection | None:
    connection = _open(path, mode, timeout)
    try:
        is_store = _check_header(connection, path)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    if is_store:
        return connection
    connection.close()
    return None


def _check_header(connection: sqlite3.Connection, path: Path) -> bool:
    """Tell a store from a file that a killed process left empty; raises `Fatal` for others."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables and not application:
        return False
    if application != APPLICATION_ID:
        raise Fatal(f"{path} is another program's database: name another path.")
    if version > SCHEMA_VERSION:
        raise Fatal(
            f"The store {path} has format {version} and this version knows {SCHEMA_VERSION}:"
            " upgrade vectornator, or move the file away and sync again."
        )
    if not _is_schema_known(connection):
        raise Fatal(f"The store {path} has tables of another make: move it away and sync again.")
    return True


def _is_schema_known(connection: sqlite3.Connection) -> bool:
    """Whether everything in the file is as `create_store` makes it.

    A trigger or a view of somebody else's would run whenever a table is used.
    """
    known = {" ".join(statement.split()) for statement in _SCHEMA}
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return all(
        " ".join(sql.split()) in known or (kind == "table" and name.startswith(_OWN_TABLES))
        for kind, name, sql in rows
    )


def _second_store(path: Path) -> Fatal:
    return Fatal(f"There is a store in {path} already: delete it or name another path.")


def _fill(connection: sqlite3.Connection, path: Path, name: str) -> None:
    """Make an empty database a store, all at once."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN IMMEDIATE")
    if _check_header(connection, path):  # another process was faster
        raise _second_store(path)
    for statement in _SCHEMA:
        connection.execute(statement)
    rows = (("store-id", f"local_{secrets.token_hex(12)}"), ("name", name))
    connection.executemany("INSERT INTO store VALUES (?, ?)", rows)
    connection.execute("COMMIT")


def _make_folder(folder: Path) -> None:
    """Make the folder of the store, hidden from git; in one that was there hide only the store."""
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if is_new:
        ignore.write_text("*\n", "utf-8")
    elif folder.name == FOLDER and not ignore.exists():
        ignore.write_text("/store.db*\n/.gitignore\n", "utf-8")


def _is_refused(error: sqlite3.Error) -> bool:
    return _code(error).startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM"))


def _code(error: sqlite3.Error) -> str:
    """SQLite's name of an error; Python's own errors have none."""
    return getattr(error, "sqlite_errorname", "")


def _to_provider_error(error: sqlite3.Error, path: Path) -> ProviderError:
    code = _code(error)
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Transient(f"The store {path} is locked by another process: try again when it ends.")
    if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return to_damage(path, str(error))
    if _is_refused(error):
        return Fatal(f"The store {path} can't be opened or written ({error}): check permissions.")
    if code.startswith("SQLITE_FULL"):
        return Fatal(f"The disk of the store {path} is full: make room and sync again.")
    return Fatal(f"The store {path} can't be used: {error}.")
