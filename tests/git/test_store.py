"""Objects are found wherever git keeps them, and are what their ids say."""

import random
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repositories import GitRepo
from vectornator.errors import SourceError
from vectornator.git import Repository
from vectornator.git.objects import Kind, MissingObject, hash_object
from vectornator.git.store import ObjectStore


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """A repository with one loose commit."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"a.txt": "a\n"})
    return repo


@pytest.fixture
def store(repo: GitRepo) -> Iterator[ObjectStore]:
    """Its objects."""
    with Repository.open(repo.root) as repository:
        yield repository.store


def keep_blob(repo: GitRepo, content: bytes) -> bytes:
    """Store a loose blob; returns its id."""
    return bytes.fromhex(repo.run("hash-object", "-w", "--stdin", stdin=content))


def locate(repo: GitRepo, oid: bytes) -> Path:
    """The file of a loose object, made writable."""
    place = repo.root / ".git" / "objects" / oid.hex()[:2] / oid.hex()[2:]
    place.chmod(0o644)
    return place


@pytest.mark.parametrize("size", [0, 1, 40, 64, 200, 3_000_000])
def test_loose_and_packed_objects_are_read_and_measured(
    repo: GitRepo, store: ObjectStore, size: int
) -> None:
    """A blob of any size is read whole and measured, loose and in a pack that appeared since."""
    content = random.Random(size).randbytes(size)
    oid = keep_blob(repo, content)
    assert (store.has(oid), store.read(oid), store.size(oid)) == (True, (Kind.BLOB, content), size)
    repo.run("pack-objects", "-q", ".git/objects/pack/pack", stdin=oid.hex().encode())
    repo.run("prune-packed", "-q")
    assert (store.has(oid), store.read(oid), store.size(oid)) == (True, (Kind.BLOB, content), size)


def test_every_kind_of_loose_object_is_read(repo: GitRepo, store: ObjectStore) -> None:
    """Commits, trees and tags are told apart."""
    repo.run("tag", "-a", "-m", "a tag", "v1")
    names = {"HEAD": Kind.COMMIT, "HEAD^{tree}": Kind.TREE, "v1": Kind.TAG, ":a.txt": Kind.BLOB}
    for name, kind in names.items():
        oid = repo.run("rev-parse", name)
        found, content = store.read(bytes.fromhex(oid))
        assert (found, hash_object(found, content)) == (kind, oid)


def test_a_big_blob_is_measured_without_being_read(repo: GitRepo, store: ObjectStore) -> None:
    """The size comes from the header, so the rest may even be missing."""
    oid = keep_blob(repo, random.Random(1).randbytes(1_000_000))
    place = locate(repo, oid)
    place.write_bytes(place.read_bytes()[:200])
    assert store.size(oid) == 1_000_000


def test_a_collection_of_garbage_goes_unnoticed(repo: GitRepo, store: ObjectStore) -> None:
    """`git gc` packs what was loose and repacks what was packed, while the store is open."""
    first = bytes.fromhex(repo.head)
    repo.run("gc", "-q", "--prune=now")
    assert store.read(first)[0] == Kind.COMMIT
    second = bytes.fromhex(repo.commit({"b.txt": "b"}))
    repo.run("gc", "-q", "--prune=now")
    assert [store.read(oid)[0] for oid in (first, second)] == [Kind.COMMIT] * 2


def test_what_was_fetched_is_read_from_memory(repo: GitRepo, store: ObjectStore) -> None:
    """Added objects are found like any other, and the repository does not get them."""
    oid = bytes.fromhex(hash_object(Kind.BLOB, b"fetched"))
    store.add({oid: (Kind.BLOB, b"fetched")})
    assert (store.read(oid), store.size(oid), store.has(oid)) == ((Kind.BLOB, b"fetched"), 7, True)
    assert "missing" in repo.run("cat-file", "--batch-check", stdin=oid.hex().encode())


def test_what_is_written_is_there_for_git(repo: GitRepo, store: ObjectStore) -> None:
    """Written objects are in the repository for good."""
    oid = bytes.fromhex(hash_object(Kind.BLOB, b"written"))
    store.write({oid: (Kind.BLOB, b"written")})
    assert repo.run("cat-file", "blob", oid.hex()) == "written"
    assert store.read(oid) == (Kind.BLOB, b"written")
    assert repo.fsck() == ""


def test_the_empty_tree_is_always_there(tmp_path: Path) -> None:
    """Git knows the empty tree without storing it; so do we."""
    repo = GitRepo.init(tmp_path / "empty")
    empty = repo.run("hash-object", "-t", "tree", "--stdin")
    with Repository.open(repo.root) as repository:
        assert repository.store.read(bytes.fromhex(empty)) == (Kind.TREE, b"")


def test_what_is_nowhere_is_missing(store: ObjectStore) -> None:
    """Reading and measuring name the object that is missing."""
    for look in (store.read, store.size):
        with pytest.raises(MissingObject) as caught:
            look(b"\1" * 20)
        assert caught.value.oid == "01" * 20
    assert not store.has(b"\1" * 20)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        zlib.compress(b"blob 5\0hell"),
        zlib.compress(b"blob 5\0hello!"),
        zlib.compress(b"blob 5\0hullo"),
        zlib.compress(b"blob -5\0hello"),
        zlib.compress(b"blob 99999999999999999999999\0hello"),
        zlib.compress(b"blobb 5\0hello"),
        zlib.compress(b"hello" * 1000),
        zlib.compress(b"tree 5\0hello")[:-6],
    ],
)
def test_a_damaged_loose_object_is_told(repo: GitRepo, store: ObjectStore, content: bytes) -> None:
    """Whatever the file of an object holds instead, the error says so."""
    oid = keep_blob(repo, b"hello")
    locate(repo, oid).write_bytes(content)
    with pytest.raises(SourceError, match="is damaged") as caught:
        store.read(oid)
    assert not isinstance(caught.value, MissingObject)


def test_a_packed_object_that_is_another_is_told(repo: GitRepo) -> None:
    """An index that leads to another object is found out by the id."""
    repo.run("repack", "-adq")
    index = next((repo.root / ".git" / "objects" / "pack").glob("*.idx"))
    index.chmod(0o644)
    content = bytearray(index.read_bytes())
    count = 3
    offsets = 8 + 1024 + 24 * count
    content[offsets : offsets + 4 * count] = content[offsets + 8 : offsets + 12] * count
    index.write_bytes(content)
    with Repository.open(repo.root) as repository:
        oids = [content[1032 + 20 * number :][:20] for number in range(count)]
        for oid in map(bytes, oids[:2]):
            with pytest.raises(SourceError, match="is damaged"):
                repository.store.read(oid)


def test_an_unusable_pack_is_blamed_for_what_is_not_found(repo: GitRepo) -> None:
    """A damaged index is not taken for a partial clone."""
    repo.run("repack", "-adq")
    index = next((repo.root / ".git" / "objects" / "pack").glob("*.idx"))
    index.chmod(0o644)
    index.write_bytes(b"")
    with (
        Repository.open(repo.root) as repository,
        pytest.raises(SourceError, match=rf"{index.name} is damaged.*git fsck") as caught,
    ):
        repository.read_commit(repo.head)
    assert not isinstance(caught.value, MissingObject)


def test_objects_are_borrowed_from_alternates(repo: GitRepo, tmp_path: Path) -> None:
    """A shared clone of a shared clone reads through both, by relative paths too."""
    repo.run("repack", "-adq")
    middle = GitRepo.clone(repo.root, tmp_path / "middle", "--shared")
    loose = middle.commit({"b.txt": "b"})
    last = GitRepo.clone(middle.root, tmp_path / "last", "--shared")
    (last.root / ".git/objects/info/alternates").write_text(
        "# ours\n../../../middle/.git/objects\n"
    )
    with Repository.open(last.root) as repository:
        assert repository.read_commit(loose).parents == (repo.head,)
        assert repository.read_commit(repo.head).oid == repo.head


@pytest.mark.parametrize("line", ["/nowhere/objects", "relative", "", "\0", "../objects", "."])
def test_broken_alternates_are_left_out(repo: GitRepo, line: str) -> None:
    """A place that is gone, or the directory itself, changes nothing."""
    (repo.root / ".git/objects/info/alternates").write_text(f"{line}\n")
    with Repository.open(repo.root) as repository:
        assert repository.read_commit(repo.head).oid == repo.head
        assert not repository.store.has(b"\1" * 20)


def test_alternates_in_circles_are_read_once(repo: GitRepo) -> None:
    """Directories that name each other a thousand times over are listed as quickly as any."""
    circle = ".\n../objects\ninfo\n" * 1000
    (repo.root / ".git/objects/info/alternates").write_text(circle)
    with Repository.open(repo.root) as repository:
        assert repository.read_commit(repo.head).oid == repo.head


def test_writing_into_a_folder_that_can_not_be_written_to_is_explained(repo: GitRepo) -> None:
    """The error says what to do; a file in the place of a folder stands for a read-only disk."""
    oid = hash_object(Kind.BLOB, b"written")
    (repo.root / ".git" / "objects" / oid[:2]).write_text("in the way")
    with (
        Repository.open(repo.root) as repository,
        pytest.raises(SourceError, match="can't be written to"),
    ):
        repository.store.write({bytes.fromhex(oid): (Kind.BLOB, b"written")})


def test_reading_writes_nothing(repo: GitRepo) -> None:
    """A repository that was read is the same to the last file, so it may be read-only."""
    before = {path: path.stat().st_mtime_ns for path in repo.root.rglob("*")}
    with Repository.open(repo.root) as repository:
        repository.read_commit(repository.resolve("HEAD"))
        repository.list_dirty(lambda _: True)
    assert {path: path.stat().st_mtime_ns for path in repo.root.rglob("*")} == before
