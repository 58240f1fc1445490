"""Verify finds what drifted and touches nothing; repair puts it right, foreign copies aside."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.lab import Lab
from vectornator.errors import Fatal, Refused, StateUnreadable
from vectornator.providers.memory import Copy, Shelf
from vectornator.report.record import Verification
from vectornator.testing.faults import DiesAfter, Rejecting

FIRST = {"a.md": b"# A\n", "docs/b.md": b"# B\n", "docs/c.md": b"# C\n"}
NOTES = "refs/notes/vectornator"
READING = {"verify_store", "list_files", "read_mark"}


def shelf_of(lab: Lab) -> Shelf:
    """The store, for tampering with it."""
    return lab.server.shelves[lab.store_id]


def find_copy(lab: Lab, path: str) -> Copy:
    """The copy of a path."""
    return next(copy for copy in shelf_of(lab).copies.values() if copy.file.path == path)


def change_copy(lab: Lab, path: str, **changes: object) -> None:
    """Change what the store says of the copy of a path; attributes are merged."""
    copy = find_copy(lab, path)
    attributes = {**copy.file.attributes, **changes.pop("attributes", {})}  # type: ignore[dict-item]
    file = replace(copy.file, attributes=attributes, **changes)  # type: ignore[arg-type]
    shelf_of(lab).copies[file.file_id] = replace(copy, file=file)


def remove_copy(lab: Lab) -> None:
    """Remove a copy behind the ledger's back."""
    del shelf_of(lab).copies[find_copy(lab, "a.md").file.file_id]


def add_duplicate(lab: Lab) -> None:
    """Store a second copy of a document."""
    copy = find_copy(lab, "a.md")
    shelf_of(lab).copies["twin"] = replace(copy, file=replace(copy.file, file_id="twin"))


def edit_hash(lab: Lab) -> None:
    """Let a copy say that it is of other content."""
    change_copy(lab, "a.md", attributes={"vn_sha": "f" * 64})


def edit_path(lab: Lab) -> None:
    """Let a copy say that it is of another path."""
    change_copy(lab, "a.md", attributes={"path": "docs/b.md"})


def edit_mark(lab: Lab) -> None:
    """Let a copy say that it is another repository's."""
    change_copy(lab, "a.md", attributes={"vn_source": "example.com/other"})


def hide_copy(lab: Lab) -> None:
    """Let a copy not be searchable any more."""
    change_copy(lab, "a.md", is_searchable=False)


def empty_store(lab: Lab) -> None:
    """Remove everything from the store."""
    shelf_of(lab).copies.clear()


def delete_ledger(lab: Lab) -> None:
    """Delete the notes ref."""
    lab.repo.run("update-ref", "-d", NOTES)


def edit_ledger(lab: Lab, edit: Callable[[str], str]) -> None:
    """Rewrite the ledger's file."""
    place = lab.repo.root / ".vectornator/metadata.json"
    place.write_text(edit(place.read_text()))


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (remove_copy, [("missing", "a.md")]),
        (add_duplicate, [("duplicate", "a.md")]),
        (edit_hash, [("changed", "a.md")]),
        (edit_path, [("changed", "a.md")]),
        (edit_mark, [("missing", "a.md")]),
        (hide_copy, [("not searchable", "a.md")]),
        (empty_store, [("missing", path) for path in FIRST]),
        (delete_ledger, [("unknown", path) for path in FIRST]),
    ],
)
def test_drift_is_found_and_repaired(
    lab: Lab, tamper: Callable[[Lab], None], expected: list[tuple[str, str]]
) -> None:
    """Verify names each drift and changes nothing; after a repair there is none."""
    lab.settings = lab.settings.model_copy(update={"store_id": lab.sync().store_id})
    tamper(lab)
    before = lab.read_tree(), dict(shelf_of(lab).copies)
    assert expected == tell(lab.verify())
    assert {call[0] for call in lab.server.calls} <= READING
    assert before == (lab.read_tree(), dict(shelf_of(lab).copies))
    assert "repaired" == lab.repair().status
    assert (FIRST, []) == (search_store(lab), tell(lab.verify()))
    assert "no-changes" == lab.repair().status


def tell(found: Verification) -> list[tuple[str, str]]:
    """The kind and path of each finding."""
    return [(str(one.kind), one.path) for one in found.findings]


def search_store(lab: Lab) -> dict[str, bytes]:
    """What is in the store of ours and can be found, by path."""
    copies = [copy for copy in shelf_of(lab).copies.values() if copy.file.is_searchable]
    ours = [copy for copy in copies if copy.file.attributes["vn_source"] != "example.com/other"]
    assert len({copy.file.path for copy in ours}) == len(ours)
    return {copy.file.path: copy.content for copy in ours}


def test_verify_is_in_line_after_a_sync(lab: Lab) -> None:
    """What was just synced is in line, the commit included."""
    lab.sync()
    found = lab.verify()
    assert (True, True, 3, 3) == (
        found.is_in_line,
        found.is_compared,
        found.documents,
        found.copies,
    )
    assert () == found.remarks


def test_foreign_copies_are_no_drift(lab: Lab) -> None:
    """Copies that are not ours are counted, and outlive a repair."""
    lab.sync()
    edit_mark(lab)
    shelf_of(lab).copies["odd"] = replace(
        find_copy(lab, "docs/b.md"), file=replace(find_copy(lab, "a.md").file, file_id="odd")
    )
    assert 2 == lab.verify().foreign
    lab.repair()
    assert (5, 2) == (lab.copies, lab.verify().foreign)
    assert "odd" in shelf_of(lab).copies


def test_poisoned_ledger_costs_no_foreign_copy(lab: Lab) -> None:
    """An entry that names a foreign copy is put right, and the copy stays."""
    lab.settings = lab.settings.model_copy(update={"metadata_storage": "file"})
    lab.sync()
    copy = find_copy(lab, "a.md")
    foreign = replace(copy.file, file_id="theirs", attributes={"path": "a.md"})
    shelf_of(lab).copies["theirs"] = replace(copy, file=foreign)
    edit_ledger(lab, lambda text: text.replace(copy.file.file_id, "theirs"))
    assert [("changed", "a.md")] == tell(lab.verify())
    lab.repair()
    assert [] == tell(lab.verify())
    assert ({copy.file.file_id, "theirs"}, 4) == (
        {copy.file.file_id, "theirs"} & shelf_of(lab).copies.keys(),
        lab.copies,
    )


def test_entry_that_was_lost_is_found_again(lab: Lab) -> None:
    """A document that the ledger forgot is adopted, and not sent again."""
    lab.settings = lab.settings.model_copy(update={"metadata_storage": "file"})
    lab.sync()
    line = '"a.md": {'
    edit_ledger(lab, lambda text: text.replace(line, '"docs/gone.md": {'))
    assert [("missing", "docs/gone.md"), ("unknown", "a.md")] == tell(lab.verify())
    lab.repair()
    assert ([], []) == (lab.calls(), tell(lab.verify()))


def test_ledger_of_other_contents_is_told(lab: Lab) -> None:
    """Where ledger and store agree on what the commit does not have, the commit tells."""
    lab.settings = lab.settings.model_copy(update={"metadata_storage": "file"})
    lab.sync()
    mark = find_copy(lab, "a.md").file.attributes
    change_copy(lab, "a.md", attributes={"vn_sha": "f" * 64, "vn_blob": "e" * 40})
    edit_ledger(lab, lambda text: text.replace(mark["vn_sha"], "f" * 64))
    edit_ledger(lab, lambda text: text.replace(mark["vn_blob"], "e" * 40))
    assert [("outdated", "a.md")] == tell(lab.verify())
    lab.repair()
    assert (FIRST, []) == (lab.contents, tell(lab.verify()))


def test_ledger_of_other_documents_is_told(lab: Lab) -> None:
    """What the commit has and the ledger has not, and the other way round, is told."""
    lab.settings = lab.settings.model_copy(update={"metadata_storage": "file"})
    base, base_tree = lab.repo.head, lab.repo.run("rev-parse", "HEAD^{tree}").strip()
    lab.repo.run("mv", "a.md", "z.md")
    lab.repo.commit()
    lab.sync()
    tree = lab.repo.run("rev-parse", "HEAD^{tree}").strip()
    edit_ledger(lab, lambda text: text.replace(tree, base_tree).replace(lab.repo.head, base))
    assert [("unrecorded", "a.md"), ("extra", "z.md")] == tell(lab.verify())


def test_repair_leaves_newer_commits_to_sync(lab: Lab) -> None:
    """A repair brings back the commit that was synced, and not what came after it."""
    base = lab.repo.head
    lab.sync()
    lab.repo.commit({"a.md": "# A2\n", "new.md": "# N\n"})
    remove_copy(lab)
    record = lab.repair()
    assert (base, FIRST) == (record.commit, lab.contents)
    assert ("synced", 2) == (lab.sync().status, len(lab.calls("upload_file", "update_file")))


def test_repair_at_the_commit_asked_for(lab: Lab) -> None:
    """Where no commit was synced completely, the one asked for is taken."""
    lab.wrap = lambda provider: Rejecting(provider, {"a.md"})
    lab.sync()
    lab.wrap = lambda provider: provider
    lab.repo.commit({"new.md": "# N\n"})
    assert lab.repo.head == lab.repair().commit
    assert {*FIRST, "new.md"} == set(lab.contents)


def test_commit_that_is_gone(lab: Lab) -> None:
    """Where the commit of the ledger can't be had, verify says so and repair takes the other."""
    lab.settings = lab.settings.model_copy(update={"metadata_storage": "file"})
    lab.sync()
    edit_ledger(lab, lambda text: text.replace(lab.repo.head, "e" * 40))
    found = lab.verify()
    assert (True, False) == (found.is_in_line, found.is_compared)
    assert "is not at hand" in found.remarks[0]
    assert lab.repo.head == lab.repair().commit
    assert "can't be had" in " ".join(lab.witness.remarks)
    assert lab.verify().is_compared


def test_repair_ends_what_was_begun(lab: Lab) -> None:
    """A sync that was cut short is carried on with at its commit, not taken back."""
    lab.sync()
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": "# B2\n"})
    lab.wrap = lambda provider: Rejecting(provider, {"docs/b.md"})
    lab.sync()
    lab.wrap = lambda provider: provider
    begun = lab.repo.head
    lab.repo.commit({"new.md": "# N\n"})
    assert "1 documents are settled ahead" in " ".join(lab.verify().remarks)
    record = lab.repair()
    assert (begun, b"# A2\n", b"# B2\n") == (
        record.commit,
        lab.contents["a.md"],
        lab.contents["docs/b.md"],
    )


@pytest.mark.parametrize("tamper", [remove_copy, add_duplicate, edit_hash, delete_ledger])
@pytest.mark.parametrize("rebuild", [False, True])
def test_dry_repair_changes_nothing(lab: Lab, tamper: Callable[[Lab], None], rebuild: bool) -> None:
    """A dry run tells what it found and would do, and changes nothing anywhere."""
    lab.settings = lab.settings.model_copy(update={"store_id": lab.sync().store_id})
    tamper(lab)
    before = lab.read_tree(), dict(shelf_of(lab).copies), shelf_of(lab).mark
    record = lab.repair(dry_run=True, rebuild=rebuild)
    assert ("planned", True, True) == (record.status, record.is_plan, bool(record.findings))
    assert before == (lab.read_tree(), dict(shelf_of(lab).copies), shelf_of(lab).mark)


@pytest.mark.parametrize("storage", ["git-notes", "file"])
def test_rebuilt_from_the_store_alone(lab: Lab, storage: str) -> None:
    """With nothing but the store, a ledger is made anew and no document is sent."""
    lab.settings = lab.settings.model_copy(update={"metadata_storage": storage})
    store_id = lab.sync().store_id
    lab.repo.run("update-ref", "-d", NOTES)
    (lab.repo.root / ".vectornator/metadata.json").unlink(missing_ok=True)
    lab.repair(rebuild=True, store_id=store_id)
    assert ([], True) == (lab.calls(), lab.verify().is_in_line)
    assert ("no-changes", []) == (lab.sync().status, lab.calls())


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"version": "1.0.0"}'])
def test_damaged_file_is_rebuilt(lab: Lab, damage: str) -> None:
    """A ledger that can't be read stops all but a rebuild, which every message names."""
    lab.settings = lab.settings.model_copy(update={"metadata_storage": "file"})
    lab.settings = lab.settings.model_copy(update={"store_id": lab.sync().store_id})
    edit_ledger(lab, lambda _: damage)
    for run in (lab.sync, lab.verify, lab.repair):
        with pytest.raises(StateUnreadable, match="vectornator repair --rebuild"):
            run()
    lab.repair(rebuild=True)
    assert ([], True) == (lab.calls(), lab.verify().is_in_line)


def test_shards_that_are_gone_are_rebuilt(lab: Lab, tmp_path: Path) -> None:
    """Entries that somebody removed from the notes are had back from the store."""
    lab.sync()
    tamper_with_notes(lab, tmp_path / "notes", ".vectornator/entries")
    with pytest.raises(StateUnreadable, match="vectornator repair --rebuild"):
        lab.verify()
    lab.repair(rebuild=True)
    assert ([], True) == (lab.calls(), lab.verify().is_in_line)
    assert lab.repo.run("notes", "--ref=vectornator", "show")


def tamper_with_notes(lab: Lab, place: Path, path: str) -> None:
    """Remove a path from the notes, and leave the ledger in the message as it was."""
    message = lab.repo.run("log", "-1", "--format=%B", NOTES)
    lab.repo.run("worktree", "add", "--detach", str(place), NOTES)
    lab.repo.run("-C", str(place), "rm", "-rq", path)
    lab.repo.run("-C", str(place), "commit", "-qm", message)
    lab.repo.run("update-ref", NOTES, lab.repo.run("-C", str(place), "rev-parse", "HEAD").strip())
    lab.repo.run("worktree", "remove", str(place))


def test_ref_that_is_no_commit_is_rebuilt(lab: Lab) -> None:
    """A notes ref that points at a blob is replaced by one that can be read."""
    store_id = lab.sync().store_id
    blob = lab.repo.run("hash-object", "-w", "a.md").strip()
    lab.repo.run("update-ref", "-d", NOTES)
    (lab.repo.root / ".git" / NOTES).write_text(f"{blob}\n")
    with pytest.raises(StateUnreadable, match="vectornator repair --rebuild"):
        lab.sync()
    lab.repair(rebuild=True, store_id=store_id)
    assert lab.verify().is_in_line


def test_rebuild_refuses_another_source(lab: Lab) -> None:
    """The ledger of another repository is not made anew for this one."""
    lab.repo.run("remote", "add", "origin", "https://example.com/old/docs.git")
    lab.sync(remote="none")
    lab.repo.run("remote", "set-url", "origin", "https://example.com/new/docs.git")
    for rebuild in (False, True):
        with pytest.raises(Refused, match="--source-id"):
            lab.repair(remote="none", rebuild=rebuild)
    assert ([], FIRST) == (lab.calls(), lab.contents)


def test_repair_brakes(lab: Lab) -> None:
    """A repair that would empty the store is refused like a sync."""
    lab.sync()
    with pytest.raises(Refused, match="--allow-empty"):
        lab.repair(patterns=("*.rst",))
    assert FIRST == lab.contents


def test_repair_that_is_cut_short(lab: Lab) -> None:
    """A repair that loses the store half-way is carried on with by the next."""
    lab.sync()
    empty_store(lab)
    lab.wrap = lambda provider: DiesAfter(provider, 7)
    with pytest.raises(Fatal):
        lab.repair(concurrency=1)
    lab.wrap = lambda provider: provider
    lab.repair()
    assert (FIRST, True) == (lab.contents, lab.verify().is_in_line)


def test_unfinished_run_is_remarked(lab: Lab) -> None:
    """A store that remembers a run which did not end is told, and in line all the same."""
    lab.sync()
    shelf_of(lab).mark = dict.fromkeys(shelf_of(lab).mark, "dirty 1")
    found = lab.verify()
    assert (True, True) == (found.is_in_line, "did not finish" in found.remarks[0])


def test_wrong_count_is_put_right(lab: Lab) -> None:
    """A ledger that counts other documents than it names is remarked, and repaired."""
    lab.settings = lab.settings.model_copy(update={"metadata_storage": "file"})
    lab.sync()
    edit_ledger(lab, lambda text: text.replace('"documents": 3', '"documents": 900'))
    found = lab.verify()
    assert (True, 3) == (found.is_in_line, found.documents)
    assert ("The ledger counts 900 documents and names 3: run `vectornator repair`.",) == (
        found.remarks
    )
    lab.repair()
    assert () == lab.verify().remarks


def test_store_and_ledger_that_both_forgot(lab: Lab) -> None:
    """With the ledger gone and the store's memory too, nothing is stored a second time."""
    lab.settings = lab.settings.model_copy(update={"store_id": lab.sync().store_id})
    delete_ledger(lab)
    shelf_of(lab).mark = {}
    assert ("no-changes", []) == (lab.sync().status, lab.calls())
    assert lab.verify().is_in_line


def test_rebuilt_from_a_copy_that_names_another_blob(lab: Lab) -> None:
    """A rebuild stores a copy again whose blob was edited, so that all is in line after it."""
    store_id = lab.sync().store_id
    change_copy(lab, "a.md", attributes={"vn_blob": "e" * 40})
    delete_ledger(lab)
    lab.repair(rebuild=True, store_id=store_id)
    assert (FIRST, []) == (search_store(lab), tell(lab.verify()))


def test_other_selection_is_no_drift(lab: Lab) -> None:
    """Settings that choose other documents by now are a matter for a sync."""
    lab.sync()
    found = lab.verify(patterns=("docs/*.md",))
    assert (True, False) == (found.is_in_line, found.is_compared)
    assert "vectornator plan" in found.remarks[0]


def test_no_store_to_verify(lab: Lab) -> None:
    """Without a store there is nothing to verify."""
    with pytest.raises(Fatal, match="There is no lab store"):
        lab.verify()
