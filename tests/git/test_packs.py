"""Packs are read as git reads them, and damaged ones end in one clear error."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.repositories import GitRepo
from vectornator.errors import SourceError
from vectornator.git.packs import Damaged, PackDirectory

KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}


def list_with_git(repo: GitRepo) -> dict[bytes, tuple[int, int]]:
    """Kind and size of every object, as git tells them."""
    lines = repo.run("cat-file", "--batch-check", "--batch-all-objects").splitlines()
    fields = (line.split(" ") for line in lines)
    return {bytes.fromhex(oid): (KINDS[kind], int(size)) for oid, kind, size in fields}


def find_packs(repo: GitRepo) -> Path:
    """The folder of the repository's packs."""
    return repo.root / ".git" / "objects" / "pack"


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """A repository with 15 versions of a few files, of which git makes long chains of deltas."""
    repo = GitRepo.init(tmp_path / "repo")
    rng = random.Random(1)
    lines = [rng.randbytes(30).hex() for _ in range(200)]
    for number in range(15):
        lines[rng.randrange(200)] = f"changed {number}"
        repo.commit({"big.txt": "\n".join(lines), f"d{number % 3}/small.txt": f"{number}"})
    repo.run("tag", "-a", "-m", "a tag", "v1")
    return repo


@pytest.mark.parametrize(
    "options",
    [
        ("repack", "-adfq", "--depth=50"),
        ("-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq", "--depth=50"),
        ("-c", "pack.indexVersion=1", "repack", "-adfq"),
        ("-c", "pack.compression=0", "repack", "-adfq", "--depth=0"),
        ("repack", "-adfq", "--write-midx", "--write-bitmap-index"),
    ],
)
def test_every_kind_of_pack_is_read(repo: GitRepo, options: tuple[str, ...]) -> None:
    """Kinds, sizes and contents equal git's, with either kind of delta and of index."""
    repo.run(*options)
    packs = PackDirectory(find_packs(repo))
    objects = list_with_git(repo)
    for oid, (kind, size) in objects.items():
        found = packs.read(oid)
        assert found is not None
        assert (found[0], len(found[1]), packs.measure(oid)) == (kind, size, size)
        if kind == KINDS["blob"]:
            assert repo.run("cat-file", "blob", oid.hex()).encode() == found[1]
    packs.close()
    assert len(objects) > 60


def test_offsets_beyond_two_gigabytes_are_read(repo: GitRepo) -> None:
    """An index may keep offsets in eight bytes; git can be told to do so from the first byte."""
    repo.run("repack", "-adfq")
    pack = next(find_packs(repo).glob("*.pack"))
    expected = list_with_git(repo)
    repo.run("index-pack", "--index-version=2,0x40", "-o", str(pack.with_suffix(".new")), str(pack))
    pack.with_suffix(".idx").unlink()
    pack.with_suffix(".new").rename(pack.with_suffix(".idx"))
    packs = PackDirectory(pack.parent)
    assert {oid: packs.measure(oid) for oid in expected} == {
        oid: size for oid, (_, size) in expected.items()
    }
    packs.close()


def test_what_no_pack_holds_is_not_found(repo: GitRepo) -> None:
    """Ids that are nearly or not at all those of objects lead to None."""
    repo.run("repack", "-adfq")
    packs = PackDirectory(find_packs(repo))
    for oid in [*list_with_git(repo), b"\0" * 20, b"\xff" * 20]:
        other = oid[:-1] + bytes([oid[-1] ^ 1])
        assert (packs.read(other), packs.measure(other), packs.has(other)) == (None, None, False)
    packs.close()


def test_ids_are_listed_by_their_first_digits(repo: GitRepo) -> None:
    """A prefix of an even or odd number of digits gives the ids that git knows."""
    repo.run("repack", "-adfq")
    packs = PackDirectory(find_packs(repo))
    known = [oid.hex() for oid in list_with_git(repo)]
    for digits in (known[0][:2], known[1][:3], known[2][:7], known[3]):
        expected = sorted(oid for oid in known if oid.startswith(digits))
        assert sorted(oid.hex() for oid in packs.list_ids(digits)) == expected
    packs.close()


def test_several_packs_are_read(repo: GitRepo) -> None:
    """An object is found in whichever pack it lies."""
    repo.run("repack", "-dq")
    repo.commit({"new.txt": "new"})
    repo.run("repack", "-dq")
    packs = PackDirectory(find_packs(repo))
    assert len(list(find_packs(repo).glob("*.pack"))) == 2
    assert all(packs.read(oid) for oid in list_with_git(repo))
    packs.close()


def test_packs_that_appear_are_found_and_removed_ones_stay_readable(repo: GitRepo) -> None:
    """After `git gc` the old objects are still read, and the new ones after a rescan."""
    repo.run("repack", "-adq")
    packs = PackDirectory(find_packs(repo))
    old = list_with_git(repo)
    new = bytes.fromhex(repo.commit({"new.txt": "new"}))
    repo.run("repack", "-adfq")
    assert packs.read(new) is None
    assert (packs.rescan(), packs.rescan()) == (True, False)
    assert all(packs.read(oid) for oid in [*old, new])
    packs.close()


def test_eight_threads_read_the_same_as_one(repo: GitRepo) -> None:
    """Concurrent reads give what single ones give, though all use the same cache."""
    repo.run("repack", "-adfq", "--depth=50")
    packs = PackDirectory(find_packs(repo))
    oids = list(list_with_git(repo))
    expected = {oid: packs.read(oid) for oid in oids}
    start = threading.Barrier(8)

    def read_all(seed: int) -> bool:
        start.wait()
        order = random.Random(seed).sample(oids * 5, len(oids) * 5)
        return all(packs.read(oid) == expected[oid] for oid in order)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read_all, range(8))) == [True] * 8
    packs.close()


def test_a_folder_without_packs_is_empty(tmp_path: Path) -> None:
    """A missing folder, an empty one and foreign files in it are no error."""
    (tmp_path / "pack-1.keep").touch()
    for folder in (tmp_path, tmp_path / "missing"):
        packs = PackDirectory(folder)
        assert (packs.has(b"\0" * 20), packs.damage, packs.rescan()) == (False, None, False)


def cut(content: bytes) -> bytes:
    """The first half."""
    return content[: len(content) // 2]


def keep_nothing(_: bytes) -> bytes:
    """Nothing at all."""
    return b""


def change_head(content: bytes) -> bytes:
    """A first byte that is another."""
    return b"?" + content[1:]


def shuffle_fan(content: bytes) -> bytes:
    """An index whose first table does not grow."""
    return content[:8] + b"\x7f\xff\xff\xff" + content[12:]


def change_trailer(content: bytes) -> bytes:
    """Another checksum at the end."""
    return content[:-40] + b"\0" * 40


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        (".idx", cut),
        (".idx", keep_nothing),
        (".idx", change_head),
        (".idx", shuffle_fan),
        (".idx", change_trailer),
        (".pack", cut),
        (".pack", keep_nothing),
        (".pack", change_head),
        (".pack", change_trailer),
    ],
)
def test_a_file_that_is_damaged_is_not_used(
    repo: GitRepo, suffix: str, damage: Callable[[bytes], bytes]
) -> None:
    """What a look at both ends of the files can tell is told when they are opened."""
    repo.run("repack", "-adfq")
    head = bytes.fromhex(repo.head)
    place = next(find_packs(repo).glob(f"*{suffix}"))
    place.chmod(0o644)
    place.write_bytes(damage(place.read_bytes()))
    packs = PackDirectory(find_packs(repo))
    assert packs.read(head) is None
    assert isinstance(packs.damage, Damaged)
    packs.close()


@pytest.mark.parametrize("suffix", [".idx", ".pack"])
def test_flipped_bits_never_end_in_anything_but_an_error_of_ours(
    repo: GitRepo, suffix: str
) -> None:
    """Wherever bits flip, every object is read, not found, or damaged."""
    repo.run("repack", "-adfq", "--depth=50")
    oids = list(list_with_git(repo))
    place = next(find_packs(repo).glob(f"*{suffix}"))
    place.chmod(0o644)
    intact = place.read_bytes()
    rng = random.Random(3)
    outcomes = set()
    for _ in range(150):
        content = bytearray(intact)
        for _ in range(rng.choice([1, 1, 8])):
            content[rng.randrange(12, len(content))] ^= 1 << rng.randrange(8)
        place.write_bytes(content)
        packs = PackDirectory(place.parent)
        for oid in rng.sample(oids, 20):
            outcomes.add(try_to_read(packs, oid))
        packs.close()
    assert {"read", "damaged"} <= outcomes <= {"read", "damaged", "absent"}


def try_to_read(packs: PackDirectory, oid: bytes) -> str:
    """What came of reading and measuring one object."""
    try:
        if packs.read(oid) is None:
            return "absent"
        packs.measure(oid)
    except SourceError:
        return "damaged"
    return "read"
