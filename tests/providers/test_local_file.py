"""The embedded provider's file: what is left on disk, and what other processes may do to it."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from vectornator.errors import Fatal, ProviderError, Transient
from vectornator.providers.base import ProviderConfig
from vectornator.providers.local import LocalProvider
from vectornator.testing.steps import TEXT, listing, make_document, store

OpenLocal = Callable[..., LocalProvider]
"""Opens a provider in a folder, without a model, with a store id if one is given."""

WRITER = f"""
import sys
from pathlib import Path
from vectornator.providers.base import ProviderConfig
from vectornator.providers.local import LocalProvider
from vectornator.testing.steps import store
local = LocalProvider()
local.initialize(ProviderConfig(root=Path(sys.argv[1]), options={{"embedder": "none"}}))
text = b"# Wombats\\n\\n{"They dig. " * 20}\\n\\n" * 200
for number in range(int(sys.argv[2])):
    print(store(local, f"{{number}}.md", text), flush=True)
local.cleanup()
"""
"""Stores documents of 200 passages each and prints the id of each once it is stored."""

PASSAGES = 200


@pytest.fixture
def open_local() -> Iterator[OpenLocal]:
    """Return what opens one more provider; all are closed in the end."""
    opened = []

    def open_one(root: Path, store_id: str = "", **options: str) -> LocalProvider:
        named = {name.replace("_", "-"): value for name, value in options.items()}
        config = ProviderConfig(store_id, root=root, options={"embedder": "none", **named})
        opened.append(LocalProvider())
        opened[-1].initialize(config)
        return opened[-1]

    yield open_one
    for provider in opened:
        provider.cleanup()


@pytest.fixture
def local(open_local: OpenLocal, tmp_path: Path) -> LocalProvider:
    """Return a provider with an empty store in `tmp_path`."""
    provider = open_local(tmp_path)
    provider.create_store("docs")
    return provider


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the store's file is."""
    return tmp_path / ".vectornator" / "store.db"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return an empty folder that every user may look into."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write to `folder` and what is in it; the superuser steps down meanwhile."""
    paths = [*folder.rglob("*"), folder]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)


def names_in(folder: Path) -> list[str]:
    """List a folder."""
    return sorted(path.name for path in folder.iterdir())


def write_in_process(folder: Path, documents: int) -> "subprocess.Popen[str]":
    """Start a process that stores documents in the store of `folder`."""
    command = [sys.executable, "-c", WRITER, str(folder), str(documents)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for_write(path: Path) -> None:
    """Return as soon as somebody writes to the file at `path`."""
    before = path.stat().st_mtime_ns
    while path.stat().st_mtime_ns == before:
        pass


# --- what is on disk


def test_looking_creates_nothing(open_local: OpenLocal, tmp_path: Path) -> None:
    """Without a store, no question makes one."""
    local = open_local(tmp_path)
    assert (local.verify_store(), local.store_id) == (False, "")
    for ask in (local.read_mark, lambda: local.search("x", 1), lambda: listing(local)):
        with pytest.raises(Fatal, match="create-store"):
            ask()
    assert names_in(tmp_path) == []


def test_one_file(local: LocalProvider, tmp_path: Path, file: Path) -> None:
    """A closed store is one file, in a folder that git ignores."""
    store(local, "a.md")
    local.cleanup()
    assert names_in(tmp_path) == [".vectornator"]
    assert names_in(file.parent) == [".gitignore", "store.db"]
    assert (file.parent / ".gitignore").read_text() == "*\n"


def test_reading_changes_no_byte(
    local: LocalProvider, open_local: OpenLocal, tmp_path: Path, file: Path
) -> None:
    """Listing and searching leave the folder as it was."""
    store(local, "a.md")
    local.cleanup()
    before = file.read_bytes()
    reader = open_local(tmp_path)
    assert len(listing(reader)) == len(reader.search("wombat", 5)) == 1
    reader.cleanup()
    assert (before, [".gitignore", "store.db"]) == (file.read_bytes(), names_in(file.parent))


def test_folder_that_was_there(open_local: OpenLocal, tmp_path: Path, file: Path) -> None:
    """In a folder that others use as well, git ignores only the store."""
    file.parent.mkdir()
    (file.parent / "metadata.json").write_text("{}")
    open_local(tmp_path).create_store("docs")
    assert (file.parent / ".gitignore").read_text() == "/store.db*\n/.gitignore\n"


def test_path(open_local: OpenLocal, tmp_path: Path) -> None:
    """The option `path` says where the file is, from the root of the source."""
    open_local(tmp_path, path="a #?%/b.db").create_store("docs")
    assert open_local(tmp_path, path="a #?%/b.db").verify_store()
    assert names_in(tmp_path) == ["a #?%"]


def test_delete_store(local: LocalProvider, file: Path) -> None:
    """Deleting the store removes its file, and a new one has a new id."""
    first = local.store_id
    local.delete_store()
    assert names_in(file.parent) == [".gitignore"]
    assert local.create_store("docs") != first


# --- stores that can't be used


def test_other_store(local: LocalProvider, open_local: OpenLocal, tmp_path: Path) -> None:
    """A file that holds another store than the one named is not used."""
    other = open_local(tmp_path, "local_other")
    with pytest.raises(Fatal, match=rf"{local.store_id}, not local_other") as caught:
        other.verify_store()
    assert caught.value.reason == "store-not-found"


def test_second_store(local: LocalProvider, open_local: OpenLocal, tmp_path: Path) -> None:
    """A store is never created over another."""
    file_id = store(local, "a.md")
    with pytest.raises(Fatal, match="already"):
        open_local(tmp_path).create_store("docs")
    assert [file_id] == list(listing(local))


@pytest.mark.parametrize("damage", [b"x" * 8192, b"SQLite format 3\0" + b"\0" * 8192])
def test_broken_file(open_local: OpenLocal, tmp_path: Path, file: Path, damage: bytes) -> None:
    """A file that is no database is named, with what to do, and kept."""
    file.parent.mkdir()
    file.write_bytes(damage)
    with pytest.raises(Fatal, match=r"store\.db is broken .* move it away"):
        open_local(tmp_path).verify_store()
    assert file.read_bytes() == damage


def test_broken_page(
    local: LocalProvider, open_local: OpenLocal, tmp_path: Path, file: Path
) -> None:
    """A file that is broken further in is reported by whatever comes across that."""
    for number in range(20):
        store(local, f"{number}.md")
    local.cleanup()
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(Fatal, match="broken"):
        open_local(tmp_path).verify_store()


def test_foreign_file(open_local: OpenLocal, tmp_path: Path, file: Path) -> None:
    """Another program's database is refused, and not written to."""
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE theirs (a)")
    before = file.read_bytes()
    for call in (LocalProvider.verify_store, lambda local: local.create_store("docs")):
        with pytest.raises(Fatal, match="another program"):
            call(open_local(tmp_path))
    assert before == file.read_bytes()


def test_newer_file(
    local: LocalProvider, open_local: OpenLocal, tmp_path: Path, file: Path
) -> None:
    """A newer version's store is refused."""
    local.cleanup()
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version = 2")
    with pytest.raises(Fatal, match=r"format 2 .* upgrade"):
        open_local(tmp_path).verify_store()


def test_empty_file(open_local: OpenLocal, tmp_path: Path, file: Path) -> None:
    """What a process leaves that is killed before its store was there is no store."""
    file.parent.mkdir()
    file.touch()
    local = open_local(tmp_path)
    assert not local.verify_store()
    assert local.create_store("docs") == local.store_id


def test_read_only_folder(open_local: OpenLocal, open_folder: Path) -> None:
    """A store that can't be written is read; writing says why not."""
    local = open_local(open_folder)
    local.create_store("docs")
    store(local, "a.md")
    local.cleanup()
    reader = open_local(open_folder)
    with read_only(open_folder):
        assert [hit.path for hit in reader.search("wombat", 5)] == ["a.md"]
        with pytest.raises(Fatal, match="permissions"):
            store(reader, "b.md")
        reader.cleanup()


def test_folder_that_refuses(open_local: OpenLocal, open_folder: Path) -> None:
    """Where no file can be created, the error names it."""
    with read_only(open_folder), pytest.raises(Fatal, match=r"store\.db can't be used"):
        open_local(open_folder).create_store("docs")


# --- other processes


def test_locked_store(
    local: LocalProvider, open_local: OpenLocal, tmp_path: Path, file: Path
) -> None:
    """A store that is locked for too long may be tried again later; reading goes on."""
    file_id = store(local, "a.md")
    second = open_local(tmp_path, lock_timeout="0.01")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Transient, match="locked"):
            store(second, "b.md")
        assert [file_id] == list(listing(second))
    assert len({file_id, store(second, "b.md")}) == len(listing(local))


def test_two_processes(local: LocalProvider, tmp_path: Path) -> None:
    """While one process writes, another one writes and searches."""
    with write_in_process(tmp_path, 30) as process:
        ours = [store(local, f"ours/{number}.md") for number in range(30)]
        while process.poll() is None:
            assert local.search("burrow", 5)
        assert process.stdout
        theirs = process.stdout.read().split()
    assert len(theirs) == 30
    assert sorted([*ours, *theirs]) == sorted(listing(local))


@pytest.mark.parametrize("acknowledged", [1, 2, 5])
def test_killed_process(
    local: LocalProvider, open_local: OpenLocal, tmp_path: Path, file: Path, acknowledged: int
) -> None:
    """A process that is killed loses nothing it acknowledged and leaves no half document."""
    local.cleanup()
    with write_in_process(tmp_path, 100_000) as process:
        assert process.stdout
        stored = [process.stdout.readline().strip() for _ in range(acknowledged)]
        wait_for_write(file.with_name("store.db-wal"))
        process.kill()
        stored += process.stdout.read().split()
    later = open_local(tmp_path)
    assert set(stored) <= set(listing(later))
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        counts = database.execute("SELECT count(*) FROM chunks GROUP BY file").fetchall()
        texts = database.execute("SELECT count(*) FROM passages").fetchone()
    assert {PASSAGES} == {count for (count,) in counts}
    assert texts == (PASSAGES * len(counts),)
    assert len(listing(later)) == len(counts)


def test_vanished_store(local: LocalProvider, file: Path) -> None:
    """A store whose file was removed between two uses is reported as missing."""
    store(local, "a.md")
    local.cleanup()
    file.unlink()
    with pytest.raises(ProviderError, match="create-store"):
        local.upload_file(make_document("b.md", TEXT), TEXT, {})


@pytest.mark.parametrize(
    "words",
    [
        "CREATE TRIGGER t AFTER INSERT ON files BEGIN DELETE FROM files; END",
        "CREATE VIEW v AS SELECT 1",
        "UPDATE files SET attributes = '[]'",
        "UPDATE files SET attributes = 'x'",
        "UPDATE files SET size = 'many'",
    ],
)
def test_tampered_store(local: LocalProvider, open_local: OpenLocal, words: str) -> None:
    """What somebody added to the file, or put into its rows, is refused and never run."""
    store(local, "a.md", TEXT)
    with closing(sqlite3.connect(local._path)) as connection:
        connection.execute(words)
        connection.commit()
    local.cleanup()
    with pytest.raises(Fatal):
        list(open_local(local._path.parents[1]).list_files())


def test_store_behind_a_link(tmp_path: Path, open_local: OpenLocal) -> None:
    """A link in the repository does not lead the store out of it."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo/.vectornator").symlink_to(tmp_path / "outside")
    with pytest.raises(Fatal, match="through a symbolic link"):
        open_local(tmp_path / "repo")


def test_removed_document_leaves_no_text(local: LocalProvider, file: Path) -> None:
    """Nothing that was said in a document stays in the file once it is removed."""
    local.delete_file(store(local, "a.md"))
    local.cleanup()
    with closing(sqlite3.connect(file)) as database:
        assert (0,) == database.execute("SELECT count(*) FROM passages").fetchone()


def test_tables_of_undecodable_words(local: LocalProvider, open_local: OpenLocal) -> None:
    """Damage that even the database's own message can't repeat is told as damage."""
    path = local._path
    local.cleanup()
    content = path.read_bytes().replace(b"files", b"f\x82les")
    path.write_bytes(content.replace(b"CREATE TABLE f", b"CREATE TABLX f"))
    with pytest.raises(Fatal, match="is broken"):
        open_local(path.parents[1]).verify_store()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_rows_out_of_order(local: LocalProvider, open_local: OpenLocal, number: int) -> None:
    """A listing that would go round in circles, as a row is damaged, is told as damage."""
    path = local._path
    for name in ("a.md", "b.md", "c.md"):
        store(local, name)
    local.cleanup()
    with closing(sqlite3.connect(path)) as database:
        (page,) = database.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'files'"
        ).fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
        database.execute("PRAGMA journal_mode = DELETE")
    content = bytearray(path.read_bytes())
    start = (page - 1) * size
    cell = start + int.from_bytes(content[start + 8 + 2 * number : start + 10 + 2 * number])
    rowid = cell + (2 if content[cell] & 0x80 else 1)  # after the length, a varint
    assert content[rowid] == number + 1
    content[rowid] = 2 if number != 1 else 3
    path.write_bytes(content)
    with pytest.raises(Fatal, match="is broken"):
        list(open_local(path.parents[1]).list_files())
