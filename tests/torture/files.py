"""The files that keep state on disk as nobody should find them: metadata.json and store.db."""

import json
import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.torture.malformed import VALUES, bend_field, bend_text, to_json

_HUGE = 20 << 30


@dataclass(frozen=True, slots=True)
class FileCase:
    """One bent file."""

    name: str
    bend: Callable[[Path], object]
    """Does it to the file; a folder `outside` lies beside the repository."""


def list_metadata(good: bytes, seed: int) -> list[FileCase]:
    """What may have become of `metadata.json`, in an order drawn by a seed."""
    chance = random.Random(seed)
    cases = [*_bend_fields(good), *_bend_bytes(good, chance), *_bend_places("metadata")]
    cases.append(FileCase("metadata: lock leads out", lambda it: _link(it.with_suffix(".lock"))))
    chance.shuffle(cases)
    return cases


def list_stores(good: bytes, seed: int) -> list[FileCase]:
    """What may have become of `store.db`, in an order drawn by a seed."""
    chance = random.Random(seed)
    cases = [*_bend_pages(good, chance), *_bend_places("store"), *_bend_rows()]
    cases += [_spoil_beside(suffix) for suffix in ("-wal", "-shm", "-journal")]
    chance.shuffle(cases)
    return cases


def _bend_fields(good: bytes) -> Iterator[FileCase]:
    form = json.loads(good)
    path = next(iter(form["files"]))
    for name in form:
        for words, value in VALUES.items():
            make = partial(to_json, bend_field(form, name, value))
            yield _write_late(f"metadata: {name} {words}", make)
    for name in form["files"][path]:
        for words, value in VALUES.items():
            entry = bend_field(form["files"][path], name, value)
            make = partial(to_json, {**form, "files": {**form["files"], path: entry}})
            yield _write_late(f"metadata: entry {name} {words}", make)
    for other in ("../x.md", "/etc/passwd", ".git/config/..", "a\0b", "", "\ud800", "x" * 5000):
        files = {**form["files"], other: form["files"][path]}
        yield _write(f"metadata: path {other[:20]!r}", to_json({**form, "files": files}))


def _bend_bytes(good: bytes, chance: random.Random) -> Iterator[FileCase]:
    for words, make in bend_text(good, chance):
        yield _write_late(f"metadata: {words}", make)


def _bend_places(name: str) -> Iterator[FileCase]:
    """What is no file at all, or somebody else's."""
    yield FileCase(f"{name}: a folder", partial(_put_instead, Path.mkdir))
    yield FileCase(f"{name}: a pipe", partial(_put_instead, os.mkfifo))
    yield FileCase(f"{name}: 20 GiB of holes", lambda it: os.truncate(it, _HUGE))
    yield FileCase(f"{name}: leads out", _link)
    yield FileCase(f"{name}: leads to nothing outside", lambda it: _link(it, "nothing"))
    yield FileCase(f"{name}: leads in a circle", lambda it: _link(it, str(it)))
    yield FileCase(f"{name}: its folder leads out", _link_folder)
    yield FileCase(f"{name}: leads to a device", lambda it: _link(it, "/dev/zero"))


def _put_instead(make: Callable[[Path], object], place: Path) -> None:
    place.unlink()
    make(place)


def _bend_pages(good: bytes, chance: random.Random) -> Iterator[FileCase]:
    yield _write("store: no database", b"hello\n" * 100)
    yield _write("store: the first page twice", good[:4096] * 2)
    yield _write("store: the header of another", b"SQLite format 3\0" + b"\xff" * 4080)
    for _ in range(10):
        end = chance.randrange(1, len(good))
        yield _write(f"store: cut off after {end}", good[:end])
    for number in range(40):
        rubbish = bytearray(good)
        for _ in range(chance.choice((1, 8, 64))):
            rubbish[chance.randrange(len(good))] = chance.randrange(256)
        yield _write(f"store: bytes exchanged, {number}", bytes(rubbish))
    for number in range(10):
        start = chance.randrange(0, len(good), 4096)
        bent = good[:start] + bytes(4096) + good[start + 4096 :]
        yield _write(f"store: a page of zeros, {number}", bent)


_STATEMENTS = (
    "PRAGMA application_id = 0",
    "PRAGMA user_version = 99",
    "PRAGMA user_version = -1",
    "DROP TABLE files",
    "DROP TABLE store",
    "DROP TABLE passages",
    "DELETE FROM store",
    "UPDATE store SET value = x'ff' WHERE key = 'store-id'",
    "UPDATE store SET value = 'mark' WHERE key = 'mark'",
    "UPDATE store SET value = '[]' WHERE key = 'mark'",
    "UPDATE store SET value = '{\"a\": 1}' WHERE key = 'mark'",
    "UPDATE files SET attributes = 'x'",
    "UPDATE files SET attributes = '[]'",
    "UPDATE files SET attributes = '{\"path\": 7}'",
    "UPDATE files SET attributes = '{\"vn_source\": null}'",
    "UPDATE files SET attributes = x'fffe'",
    "UPDATE files SET size = 'many'",
    "UPDATE files SET size = -1",
    "UPDATE files SET created = 'then'",
    "UPDATE files SET id = x'00' WHERE row = 1",
    "UPDATE files SET path = x'ff'",
    "ALTER TABLE files ADD COLUMN more",
    "CREATE TRIGGER t AFTER INSERT ON files BEGIN DELETE FROM files; END",
    "CREATE TRIGGER t AFTER UPDATE ON store BEGIN DELETE FROM files; END",
    "CREATE VIEW v AS SELECT * FROM files",
    "CREATE TABLE other (x)",
    "INSERT INTO store VALUES ('x', printf('%.*c', 300000000, 'x'))",
)


def _bend_rows() -> Iterator[FileCase]:
    for statement in _STATEMENTS:
        yield FileCase(f"store: {statement[:60]}", partial(_execute, statement))
    deep = "[" * 100_000
    words = f"UPDATE files SET attributes = '{deep}'"
    yield FileCase("store: deep attributes", partial(_execute, words))
    view = (
        "DROP TABLE store; CREATE VIEW store AS WITH RECURSIVE n(key, value) AS"
        " (SELECT 'store-id', 1 UNION ALL SELECT key, value + 1 FROM n) SELECT * FROM n"
    )
    yield FileCase("store: a table that never ends", partial(_execute, view))


def _spoil_beside(suffix: str) -> FileCase:
    """Rubbish in one of the files that SQLite keeps beside its own."""
    return FileCase(
        f"store: rubbish in {suffix}",
        lambda place: place.with_name(place.name + suffix).write_bytes(b"\xff" * 5000),
    )


def _execute(words: str, place: Path) -> None:
    connection = sqlite3.connect(place)
    connection.executescript(words)
    connection.close()


def _write(name: str, content: bytes) -> FileCase:
    return FileCase(name, lambda place: place.write_bytes(content))


def _write_late(name: str, make: Callable[[], bytes]) -> FileCase:
    return FileCase(name, lambda place: place.write_bytes(make()))


def _link(place: Path, name: str = "theirs") -> None:
    place.unlink(missing_ok=True)
    place.symlink_to(place.parents[2] / "outside" / name)


def _link_folder(place: Path) -> None:
    place.parent.rename(place.parent.with_name("moved"))
    place.parent.symlink_to(place.parents[2] / "outside")
