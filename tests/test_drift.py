"""Drift: the manifest against what the store lists."""

from dataclasses import replace

import pytest

from vectornator.drift import needs_listing, reconcile
from vectornator.model import Binding, Document, Entry, RemoteFile

BINDING = Binding("example.com/org/repo", "default")
ENTRY = Entry("file-1", "a" * 64, "1" * 40, 10, 3, "c1")


def make_copy(file_id: str, path: str = "a.md", created: float = 1.0) -> RemoteFile:
    """A copy of ours as a listing shows it."""
    document = Document(path, "1" * 40, 10, "a" * 64)
    return RemoteFile(file_id, BINDING.attributes(document, "c1"), 10, created)


def test_agreement_is_clean() -> None:
    """A listing that says what the manifest says changes nothing."""
    drift = reconcile({"a.md": ENTRY}, [make_copy("file-1")], BINDING)
    assert ({"a.md": ENTRY}, True) == (drift.manifest, drift.is_clean)


def test_missing_copy_is_dropped() -> None:
    """An entry whose copy is gone is no entry any more."""
    drift = reconcile({"a.md": ENTRY}, [], BINDING)
    assert ({}, 1) == (drift.manifest, drift.missing)


def test_unknown_copy_is_adopted() -> None:
    """A copy that only the store knew of becomes an entry, from its attributes."""
    drift = reconcile({}, [make_copy("file-7")], BINDING)
    assert {"a.md": replace(ENTRY, file_id="file-7", version=1)} == drift.manifest
    assert 1 == drift.adopted


def test_known_copy_is_kept() -> None:
    """Of several copies of a path, the one the manifest names stays, others go."""
    copies = [make_copy("file-2", created=9.0), make_copy("file-1")]
    drift = reconcile({"a.md": ENTRY}, copies, BINDING)
    assert ({"a.md": ENTRY}, {"file-2": "a.md"}) == (drift.manifest, drift.leftovers)


@pytest.mark.parametrize("path", ["../a.md", "/a.md", "a//b.md", "a\0.md"])
def test_copy_of_an_impossible_path_goes(path: str) -> None:
    """A copy marked as ours whose path no document can have is one too many."""
    drift = reconcile({}, [make_copy("file-2", path)], BINDING)
    assert ({}, {"file-2": path}) == (drift.manifest, drift.leftovers)


def test_newest_copy_is_kept() -> None:
    """Of several copies that nobody knew of, the newest stays."""
    copies = [make_copy("file-2", created=9.0), make_copy("file-3", created=5.0)]
    drift = reconcile({}, copies, BINDING)
    assert ("file-2", {"file-3": "a.md"}) == (drift.manifest["a.md"].file_id, drift.leftovers)


@pytest.mark.parametrize("key", ["vn_source", "vn_target", "vn_key"])
def test_foreign_copies_are_counted(key: str) -> None:
    """A copy that lacks any part of the mark is foreign: counted, never a leftover."""
    attributes = {k: v for k, v in make_copy("file-1").attributes.items() if k != key}
    drift = reconcile({"a.md": ENTRY}, [RemoteFile("file-1", attributes)], BINDING)
    assert (1, {}, {}) == (drift.foreign, dict(drift.manifest), dict(drift.leftovers))


def test_edited_copy_is_believed() -> None:
    """A copy whose attributes tell of other content takes over what they say."""
    copy = make_copy("file-1")
    edited = replace(copy, attributes={**copy.attributes, "vn_sha": "b" * 64, "vn_blob": ""})
    drift = reconcile({"a.md": ENTRY}, [edited], BINDING)
    assert replace(ENTRY, hash="b" * 64, blob="", version=4) == drift.manifest["a.md"]


@pytest.mark.parametrize(
    ("refresh", "mark", "sequence", "expected"),
    [
        ("always", {"state": "clean", "sequence": "4"}, 4, True),
        ("never", {"state": "dirty", "sequence": "4"}, 4, False),
        ("auto", {"state": "clean", "sequence": "4"}, 4, False),
        ("auto", {"state": "dirty", "sequence": "4"}, 4, True),
        ("auto", {"state": "clean", "sequence": "5"}, 4, True),
        ("auto", {"state": "clean", "sequence": "5"}, None, True),
        ("auto", {}, None, False),
        ("auto", {}, 4, True),
        ("auto", None, None, True),
        ("auto", None, 4, False),
    ],
)
def test_when_to_list(
    refresh: str, mark: dict[str, str] | None, sequence: int | None, expected: bool
) -> None:
    """The store is listed when it is dirty, when ledger and mark disagree, or when told to."""
    assert expected == needs_listing(refresh, mark, sequence)
