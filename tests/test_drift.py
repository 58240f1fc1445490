"""Drift: the manifest against what the store lists."""

from dataclasses import replace

import pytest

from vectornator.drift import (
    Drift,
    DriftKind,
    compare_plan,
    reconcile,
    summarise_findings,
)
from vectornator.model import (
    Binding,
    Delete,
    Document,
    Entry,
    Plan,
    RemoteFile,
    Rename,
    Update,
    Upload,
)

BINDING = Binding("example.com/org/repo", "default")
ENTRY = Entry("file-1", "a" * 64, "1" * 40, 10, 3, "c1")


def make_copy(file_id: str, path: str = "a.md", created: float = 1.0) -> RemoteFile:
    """A copy of ours as a listing shows it."""
    document = Document(path, "1" * 40, 10, "a" * 64)
    return RemoteFile(file_id, BINDING.attributes(document, "c1"), 10, created)


def kinds(drift: Drift) -> tuple[tuple[DriftKind, str], ...]:
    """The kind and path of each finding."""
    return tuple((one.kind, one.path) for one in drift.findings)


def test_agreement_is_clean() -> None:
    """A listing that says what the manifest says changes nothing."""
    drift = reconcile({"a.md": ENTRY}, [make_copy("file-1")], BINDING)
    assert ({"a.md": ENTRY}, ()) == (drift.manifest, drift.findings)


def test_missing_copy_is_dropped() -> None:
    """An entry whose copy is gone is no entry any more."""
    drift = reconcile({"a.md": ENTRY}, [], BINDING)
    assert ({}, ((DriftKind.MISSING, "a.md"),)) == (drift.manifest, kinds(drift))


def test_unknown_copy_is_adopted() -> None:
    """A copy that only the store knew of becomes an entry, from its attributes."""
    drift = reconcile({}, [make_copy("file-7")], BINDING)
    assert {"a.md": replace(ENTRY, file_id="file-7", version=1)} == drift.manifest
    assert ((DriftKind.UNKNOWN, "a.md"),) == kinds(drift)


def test_newer_copy_is_kept() -> None:
    """Of several copies of a path the newest stays: who stored it may have removed the others."""
    copies = [make_copy("file-2", created=9.0), make_copy("file-1")]
    drift = reconcile({"a.md": ENTRY}, copies, BINDING)
    assert ("file-2", {"file-1": "a.md"}) == (drift.manifest["a.md"].file_id, drift.leftovers)


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
    expected = replace(ENTRY, hash="b" * 64, blob="", version=4, config="")
    assert expected == drift.manifest["a.md"]
    assert ((DriftKind.CHANGED, "a.md"),) == kinds(drift)


@pytest.mark.parametrize(
    "edit", [{"vn_sha": "b" * 64}, {"vn_blob": "2" * 40}, {"vn_config": "c2"}, {"path": "b.md"}]
)
def test_edited_copy_is_to_be_stored_again(edit: dict[str, str]) -> None:
    """Whatever was edited of what a copy says, its entry is changed so that it is sent anew."""
    copy = make_copy("file-1")
    edited = replace(copy, attributes={**copy.attributes, **edit})
    drift = reconcile({"a.md": ENTRY}, [edited], BINDING)
    assert ((DriftKind.CHANGED, "a.md"),) == kinds(drift)
    assert "c1" != drift.manifest["a.md"].config


def test_copies_that_swapped_their_marks() -> None:
    """A copy that says it is another document's, of another content, is to be stored again."""
    other = Entry("file-2", "b" * 64, "2" * 40, 10, 1, "c1")
    swapped = [make_copy("file-2", "a.md"), make_copy("file-1", "b.md")]
    swapped[1] = replace(
        swapped[1], attributes={**swapped[1].attributes, "vn_sha": "b" * 64, "vn_blob": "2" * 40}
    )
    drift = reconcile({"a.md": ENTRY, "b.md": other}, swapped, BINDING)
    assert {"a.md": "", "b.md": ""} == {path: it.config for path, it in drift.manifest.items()}


def test_long_path_may_be_cut() -> None:
    """A copy that tells only the beginning of its path tells no lie."""
    copy = make_copy("file-1", "docs/long.md")
    cut = replace(copy, attributes={**copy.attributes, "path": "docs/lo"})
    assert () == reconcile({"docs/long.md": ENTRY}, [cut], BINDING).findings


def test_copy_no_search_finds() -> None:
    """The only copy of a path that can't be searched is the finding, not a missing document."""
    copy = replace(make_copy("file-1"), is_searchable=False)
    drift = reconcile({"a.md": ENTRY}, [copy], BINDING)
    assert ((DriftKind.UNSEARCHABLE, "a.md"),) == kinds(drift)
    assert ({}, {"file-1": "a.md"}) == (drift.manifest, drift.leftovers)


def test_copy_in_the_works() -> None:
    """A copy that the store is at work on is neither kept nor left over: a run may wait for it."""
    copy = replace(make_copy("file-2"), is_searchable=False, is_pending=True)
    drift = reconcile({"a.md": ENTRY}, [make_copy("file-1"), copy], BINDING)
    assert ({"a.md": ENTRY}, {}) == (drift.manifest, drift.leftovers)


def test_key_of_another_path_proves_nothing() -> None:
    """A copy whose key is neither that of its path nor a known one is foreign."""
    copy = make_copy("file-1")
    odd = replace(copy, attributes={**copy.attributes, "vn_key": "f" * 64})
    drift = reconcile({}, [odd], BINDING)
    assert (1, {}, ()) == (drift.foreign, drift.leftovers, drift.findings)


def test_worst_findings_come_first() -> None:
    """What is missing comes before what is too much, each kind by path."""
    listing = [make_copy("file-1", "b.md"), make_copy("file-2", "b.md"), make_copy("file-3")]
    drift = reconcile({"b.md": ENTRY, "z.md": ENTRY, "c.md": ENTRY}, listing, BINDING)
    missing = [("missing", "c.md"), ("missing", "z.md")]
    assert [*missing, ("unknown", "a.md"), ("duplicate", "b.md")] == list(kinds(drift))
    assert "2 missing, 1 unknown, 1 duplicate" == summarise_findings(drift.findings)


def test_plan_for_the_base_tells_what_is_wrong() -> None:
    """Uploads, new contents, moves and deletes are disagreements; another config is none."""
    document = Document("a.md", "1" * 40, 10, "a" * 64)
    plan = Plan(
        uploads=(Upload(document),),
        updates=(Update(document, ENTRY, "content"), Update(document, ENTRY, "config")),
        renames=(Rename(document, ENTRY, "old.md"),),
        deletes=(Delete("z.md", ENTRY, "removed"),),
    )
    found = sorted((str(one.kind), one.path) for one in compare_plan(plan))
    expected = [("extra", "old.md"), ("extra", "z.md"), ("outdated", "a.md")]
    assert [*expected, *[("unrecorded", "a.md")] * 2] == found
