"""Nothing lost, nothing foreign touched: brakes, plans, failures and foreign copies."""

import json
import os
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256

import pytest

from tests.support.lab import Lab
from vectornator.errors import (
    Fatal,
    Refused,
    SettingsError,
    SourceError,
    StateError,
    VectornatorError,
)
from vectornator.model import Done, Failed
from vectornator.providers import provider_registry
from vectornator.providers.memory import MemoryProvider
from vectornator.queries import read_log
from vectornator.testing.faults import DiesAfter, Rejecting, StoresThenRaises

FIRST = {"a.md": b"# A\n", "docs/b.md": b"# B\n", "docs/c.md": b"# C\n"}


def test_plan_changes_nothing(lab: Lab) -> None:
    """A plan touches no file of the repository and no copy in the store."""
    lab.sync()
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": None})
    before = lab.read_tree()
    record = lab.plan()
    assert ({"updated": 1, "deleted": 1}, "planned") == (
        {name: record.counts[name] for name in ("updated", "deleted")},
        record.status,
    )
    assert ([], before) == (lab.calls(), lab.read_tree())


def test_first_plan_creates_no_store(lab: Lab) -> None:
    """A plan without a store shows the uploads and creates none."""
    record = lab.plan()
    assert (3, {}) == (record.counts["added"], lab.server.shelves)


def test_empty_source_is_refused(lab: Lab) -> None:
    """A pattern that matches nothing is refused, and nothing is changed."""
    lab.sync()
    with pytest.raises(Refused, match="--allow-empty"):
        lab.sync(patterns=("*.rst",))
    assert (FIRST, "blocked") == (lab.contents, lab.witness.records[0].status)


@pytest.mark.parametrize("force", [False, True])
def test_mass_deletion_is_refused(lab: Lab, *, force: bool) -> None:
    """More deletes than a quarter, and more than ten, are refused, with `force` as without."""
    lab.repo.commit({f"many/{number}.md": f"# {number}\n" for number in range(30)})
    lab.sync()
    lab.repo.run("rm", "-rq", "many")
    lab.repo.commit()
    with pytest.raises(Refused, match=r"30 of 33 documents \(91 %\)"):
        lab.sync(force=force)
    assert 33 == len(lab.contents)
    lab.sync(max_deletes=lab.settings.max_deletes.__class__(30))
    assert FIRST == lab.contents


def test_checkout_without_its_settings_is_refused(lab: Lab) -> None:
    """Where the settings of the commit were not checked out, the defaults are not taken instead."""
    lab.repo.commit({"vectornator.toml": 'directory = "docs"\n'})
    lab.sync()
    (lab.repo.root / "vectornator.toml").unlink()
    with pytest.raises(SourceError, match="the checkout is not whole"):
        lab.sync()
    lab.repo.commit()
    lab.sync()
    assert FIRST == lab.contents


def test_small_store_is_not_replaced_whole(lab: Lab) -> None:
    """That nothing stays of a few documents is refused, as it is of many."""
    lab.repo.commit({"docs/d.md": "# D\n", "blog/x.md": "# X\n"})
    lab.sync(directory="docs", patterns=("*.md",))
    lab.repo.commit({"docs/e.md": "# E\n"})
    lab.sync(directory="docs", patterns=("*.md",))
    with pytest.raises(Refused, match=r"4 of 4 documents \(100 %\)"):
        lab.sync(directory="blog", patterns=("*.md",))
    assert 4 == len(lab.contents)


def test_rejected_document_fails_alone(lab: Lab) -> None:
    """A document that the store refuses fails; all others are stored and recorded."""
    lab.wrap = lambda provider: Rejecting(provider, {"docs/b.md"})
    record = lab.sync()
    assert ("partial", 1, 2) == (record.status, record.counts["failed"], record.counts["added"])
    lab.wrap = lambda provider: provider
    lab.sync()
    assert [("upload_file", "docs/b.md")] == lab.calls()
    assert FIRST == lab.contents


def test_failed_update_keeps_the_old_copy(lab: Lab) -> None:
    """A document whose update fails is still served by its old copy."""
    lab.sync()
    lab.repo.commit({"a.md": "# A2\n"})
    lab.wrap = lambda provider: Rejecting(provider, {"a.md"})
    lab.sync()
    assert FIRST == lab.contents


def test_lost_upload_holds_deletes_back(lab: Lab) -> None:
    """A run that lost an upload deletes nothing; the next run does."""
    lab.sync()
    lab.repo.commit({"docs/b.md": None, "new.md": "# N\n"})
    lab.wrap = lambda provider: StoresThenRaises(provider, times=99)
    record = lab.sync()
    assert ["Failed", "Failed"] == [type(outcome).__name__ for outcome in record.outcomes]
    assert "docs/b.md" in lab.contents
    lab.wrap = lambda provider: provider
    lab.sync()
    assert ({"a.md", "docs/c.md", "new.md"}, 3) == (set(lab.contents), lab.copies)


def test_lost_answer_leaves_no_duplicate(lab: Lab) -> None:
    """Copies stored by calls whose answers were lost are found and removed by the next run."""
    lab.wrap = StoresThenRaises
    lab.sync()
    assert 6 == lab.copies
    lab.wrap = lambda provider: provider
    lab.sync()
    assert (FIRST, 3) == (lab.contents, lab.copies)
    lab.sync()
    assert [] == lab.calls()


@pytest.mark.parametrize("calls", range(2, 16))
def test_store_that_goes_away(lab: Lab, calls: int) -> None:
    """A store that goes away after any call costs nothing: the next run ends the work."""
    lab.settings = lab.settings.model_copy(update={"concurrency": 1})
    lab.wrap = lambda provider: DiesAfter(provider, calls)
    with suppress(Fatal):
        lab.sync()
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": None, "docs/d.md": "# C\n"})
    with suppress(Fatal):
        lab.sync()
    lab.wrap = lambda provider: provider
    lab.sync(store_id=lab.store_id if lab.server.shelves else "")
    expected = {
        path: (lab.repo.root / path).read_bytes()
        for path in lab.repo.run("ls-files", "*.md").splitlines()
    }
    assert (expected, len(expected)) == (lab.contents, lab.copies)
    lab.sync()
    assert [] == lab.calls()


class Killed(BaseException):
    """Stands for a process that was killed."""


@pytest.mark.parametrize("calls", range(2, 24))
def test_killed_at_any_call(lab: Lab, calls: int) -> None:
    """A run that is killed at any call is repaired by the next, without duplicates."""
    lab.sync()
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": None, "n.md": "# N\n", "docs/d.md": "# C\n"})
    lab.repo.commit({"docs/c.md": None})
    lab.wrap = lambda provider: DiesAfter(provider, calls, Killed())
    with suppress(Killed):
        lab.sync(concurrency=1)
    lab.wrap = lambda provider: provider
    lab.sync()
    expected = {"a.md": b"# A2\n", "n.md": b"# N\n", "docs/d.md": b"# C\n"}
    assert (expected, 3) == (lab.contents, lab.copies)
    lab.sync()
    assert [] == lab.calls()


def test_document_synced_ahead_and_reverted(lab: Lab) -> None:
    """What a run settled before it failed is put right when it is reverted afterwards."""
    lab.sync()
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": "# B2\n"})
    lab.wrap = lambda provider: Rejecting(provider, {"docs/b.md"})
    lab.sync()
    assert b"# A2\n" == lab.contents["a.md"]
    lab.repo.commit({"a.md": "# A\n", "docs/b.md": "# B\n"})
    lab.wrap = lambda provider: provider
    lab.sync()
    assert FIRST == lab.contents


def test_older_commit_is_superseded(lab: Lab) -> None:
    """A run on an ancestor of the base changes nothing."""
    old = lab.repo.head
    lab.repo.commit({"a.md": "# A2\n"})
    lab.sync()
    record = lab.sync(commit=old)
    assert ("superseded", [], 0) == (record.status, lab.calls(), record.exit_code)
    assert b"# A2\n" == lab.contents["a.md"]


def test_rollback_when_it_is_meant(lab: Lab) -> None:
    """With the override a run goes back to an older commit."""
    old = lab.repo.head
    lab.repo.commit({"a.md": "# A2\n"})
    lab.sync()
    lab.sync(commit=old, allow_rollback=True)
    assert FIRST == lab.contents


def test_interrupted_run_saves_what_it_did(lab: Lab) -> None:
    """A run that is asked to stop saves what is done, and the next run does the rest only."""
    lab.repo.commit({f"many/{number}.md": f"# {number}\n" for number in range(20)})
    lab.witness.on_settled = lambda _: lab.stop.set()
    record = lab.sync(concurrency=1)
    done = sum(isinstance(outcome, Done) for outcome in record.outcomes)
    assert ("interrupted", 1) == (record.status, done)
    lab.stop.clear()
    lab.witness.on_settled = lambda _: None
    lab.sync()
    assert 22 == len(lab.calls("upload_file"))
    assert (23, 23) == (len(lab.contents), lab.copies)


def test_interrupted_run_leaves_the_base(lab: Lab) -> None:
    """The base stays where it is when a run is asked to stop before all is tried."""
    lab.witness.on_settled = lambda _: lab.stop.set()
    lab.sync(concurrency=1)
    lab.stop.clear()
    lab.witness.on_settled = lambda _: None
    ledger = json.loads(lab.repo.run("show", "refs/notes/vectornator:.vectornator/ledger.json"))
    assert "" == ledger["base"]


@pytest.mark.parametrize("storage", ["git-notes", "file"])
def test_two_runs_on_one_machine(lab: Lab, storage: str) -> None:
    """Two runs at once on one repository end as one would have, each copy stored once."""
    lab.settings = lab.settings.model_copy(update={"metadata_storage": storage})
    lab.sync()
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": None, "n.md": "# N\n"})
    other = Lab(lab.repo, lab.server)
    other.settings = lab.settings

    def interfere(_: object) -> None:
        lab.witness.on_settled = lambda _: None
        other.sync()

    lab.witness.on_settled = interfere
    lab.sync(concurrency=1)
    lab.sync()
    expected = {"a.md": b"# A2\n", "docs/c.md": b"# C\n", "n.md": b"# N\n"}
    assert (expected, 3) == (lab.contents, lab.copies)
    assert ("no-changes", []) == (lab.sync().status, lab.calls())


def test_foreign_copies_are_left_alone(lab: Lab) -> None:
    """Copies of others stay, whatever the run does."""
    lab.sync()
    shelf = lab.server.shelves[lab.store_id]
    copy = next(iter(shelf.copies.values()))
    for number, attributes in enumerate(({}, {"path": "a.md"}, {"vn_source": "else"})):
        file = copy.file.__class__(f"foreign-{number}", attributes)
        shelf.copies[file.file_id] = copy.__class__(file, b"foreign")
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": None})
    lab.sync(refresh="always")
    assert {"foreign-0", "foreign-1", "foreign-2"} <= set(shelf.copies)
    assert 5 == lab.copies


@pytest.mark.parametrize("is_ours", [False, True])
def test_poisoned_ledger_deletes_nothing(lab: Lab, *, is_ours: bool) -> None:
    """A ledger that names a foreign copy, or ours of another path, makes no run remove it."""
    lab.sync()
    shelf = lab.server.shelves[lab.store_id]
    file_id, copy = next((i, c) for i, c in shelf.copies.items() if c.file.path == "docs/b.md")
    other = next(c for c in shelf.copies.values() if c.file.path == "a.md")
    attributes = other.file.attributes if is_ours else {}
    shelf.copies[file_id] = copy.__class__(copy.file.__class__(file_id, attributes), b"foreign")
    lab.repo.commit({"docs/b.md": None})
    record = lab.sync()
    assert (["foreign"], b"foreign") == (
        [o.error.reason for o in record.outcomes if isinstance(o, Failed)],
        shelf.copies[file_id].content,
    )
    assert ("no-changes", []) == (lab.sync().status, lab.calls())


def test_poisoned_leftovers_are_left_alone(lab: Lab) -> None:
    """A ledger that names a copy of others as one that was replaced makes no run remove it."""
    lab.settings = lab.settings.model_copy(update={"metadata_storage": "file"})
    lab.sync()
    shelf = lab.server.shelves[lab.store_id]
    copy = next(iter(shelf.copies.values()))
    shelf.copies["theirs"] = copy.__class__(copy.file.__class__("theirs", {}), b"foreign")
    place = lab.repo.root / lab.settings.metadata_file
    ledger = json.loads(place.read_text())
    unsettled = {**ledger["unsettled"], "leftovers": {"theirs": "a.md"}}
    place.write_text(json.dumps({**ledger, "unsettled": unsettled}))
    lab.repo.commit({"a.md": "# A2\n"})
    assert ("synced", b"foreign") == (lab.sync().status, shelf.copies["theirs"].content)


def test_poisoned_leftovers_cost_no_document(lab: Lab) -> None:
    """A ledger that wants the copies gone that it names itself makes no run remove them."""
    lab.settings = lab.settings.model_copy(update={"metadata_storage": "file"})
    lab.sync()
    place = lab.repo.root / ".vectornator/metadata.json"
    ledger = json.loads(place.read_text())
    used = {it["fileId"]: path for path, it in ledger["files"].items()}
    ledger["unsettled"]["leftovers"] = used
    place.write_text(json.dumps(ledger))
    lab.sync(refresh="never")
    assert (FIRST, 3) == (lab.contents, lab.copies)


def test_ledger_of_another_store_is_not_applied(lab: Lab) -> None:
    """A run on another store starts afresh there and touches the first one no more."""
    lab.sync()
    lab.server.shelves["other"] = lab.server.shelves[lab.store_id].__class__()
    lab.sync(store_id="other")
    assert (FIRST, FIRST) == (lab.contents, lab.server.contents("other"))
    assert any("not the one in use" in remark for remark in lab.witness.remarks)


def test_ledger_of_a_store_that_is_gone(lab: Lab) -> None:
    """A store that somebody deleted is said to be gone, and a new one is filled."""
    lab.sync()
    del lab.server.shelves[lab.store_id]
    lab.sync()
    assert FIRST == lab.contents
    assert any("which is gone" in remark for remark in lab.witness.remarks)


def test_missing_store_is_named(lab: Lab) -> None:
    """A store id that no store has ends the run before anything is created."""
    with pytest.raises(Fatal, match="no-such-store") as error:
        lab.sync(store_id="no-such-store")
    assert ("store-not-found", {}) == (error.value.reason, lab.server.shelves)


def test_lost_ledger_is_rebuilt_from_the_store(lab: Lab) -> None:
    """Without its ledger a run learns from the store what is stored, and sends nothing."""
    lab.sync()
    lab.repo.run("update-ref", "-d", "refs/notes/vectornator")
    record = lab.sync(store_id=lab.store_id)
    assert ([], FIRST, 3) == (lab.calls("upload_file"), lab.contents, record.documents)


def test_emptied_store_is_filled_again(lab: Lab) -> None:
    """A store that lost copies is repaired when it is listed."""
    lab.sync()
    lab.server.shelves[lab.store_id].copies.clear()
    lab.sync(refresh="always")
    assert FIRST == lab.contents


@pytest.mark.parametrize("text", ["not JSON", '{"version": "9.0.0"}', "[" * 5000])
def test_hostile_ledger_stops_the_run(lab: Lab, text: str) -> None:
    """A ledger that can't be read ends the run before the store is changed."""
    lab.sync()
    blob = lab.repo.run("hash-object", "-w", "--stdin", stdin=text.encode())
    tree = lab.repo.run("mktree", stdin=f"100644 blob {blob}\tledger.json\n".encode())
    root = lab.repo.run("mktree", stdin=f"040000 tree {tree}\t.vectornator\n".encode())
    commit = lab.repo.run("commit-tree", root, "-m", "poison")
    lab.repo.run("update-ref", "refs/notes/vectornator", commit)
    lab.repo.commit({"a.md": "# A2\n"})
    with pytest.raises(StateError, match=r"ledger\.json"):
        lab.sync()
    assert ([], FIRST) == (lab.calls(), lab.contents)


def test_store_of_this_machine_keeps_off_a_shared_ledger(lab: Lab) -> None:
    """The ledger of a shared store is never replaced by that of a store only this machine has."""
    lab.sync()
    provider_registry.register("own", lambda _: MemoryProvider(is_shared=False), replace=True)
    with pytest.raises(SettingsError, match="--target memory"):
        lab.sync(provider="own", store_id="")
    assert FIRST == lab.contents


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_read_only_repository(lab: Lab) -> None:
    """A repository that can't be written to is named in one line."""
    (lab.repo.root / ".git").chmod(0o500)
    with pytest.raises(VectornatorError, match="can't be written"):
        lab.sync()


def test_nothing_to_do_writes_no_mark(lab: Lab) -> None:
    """A run that changes nothing leaves the mark of the store alone: another run may own it."""
    lab.sync()
    lab.sync()
    assert [] == lab.calls("write_mark")


def test_refused_document_makes_no_later_run_list(lab: Lab) -> None:
    """After a document failed for good, the ledger is still known to be right."""
    lab.wrap = lambda provider: Rejecting(provider, {"docs/b.md"})
    lab.sync()
    lab.sync()
    assert [] == lab.calls("list_files")


def test_lost_answer_makes_the_next_run_list_once(lab: Lab) -> None:
    """Calls that stored something and were made twice are looked into once."""
    lab.wrap = StoresThenRaises
    lab.sync()
    lab.wrap = lambda provider: provider
    listings = []
    for _ in range(2):
        lab.sync()
        listings.append(len(lab.calls("list_files")))
    assert [1, 0] == listings


def test_leftover_that_became_the_copy_is_kept(lab: Lab) -> None:
    """A replaced copy that outlived its successor is the document again, and stays."""
    lab.sync()

    def settled(_: object) -> None:
        if lab.copies == 6:
            lab.stop.set()

    lab.witness.on_settled = settled
    lab.sync(force=True, concurrency=1)
    lab.stop.clear()
    lab.witness.on_settled = lambda _: None
    shelf = lab.server.shelves[lab.store_id]
    newest = max(shelf.copies.values(), key=lambda copy: copy.file.created_at)
    del shelf.copies[newest.file.file_id]
    lab.sync(refresh="always")
    assert (FIRST, 3) == (lab.contents, lab.copies)


def test_other_size_limit_is_another_selection(lab: Lab) -> None:
    """A lower limit takes larger documents out, a higher one takes them in."""
    lab.repo.commit({"large.md": "x" * 2000})
    lab.sync()
    lab.sync(max_file_size=1000)
    assert FIRST == lab.contents
    lab.sync()
    assert {"large.md", *FIRST} == set(lab.contents)


def test_interrupted_after_the_last_change(lab: Lab) -> None:
    """A run that is asked to stop when all is settled moves the base all the same."""
    lab.witness.on_settled = lambda _: lab.stop.set()
    lab.sync(patterns=("/a.md",))
    lab.stop.clear()
    lab.witness.on_settled = lambda _: None
    note = json.loads(lab.repo.run("notes", "--ref=vectornator", "show"))
    ledger = lab.repo.run("show", "refs/notes/vectornator:.vectornator/ledger.json")
    assert ("interrupted", lab.repo.head) == (note["status"], json.loads(ledger)["base"])


def test_two_targets_in_one_file_are_refused(lab: Lab) -> None:
    """A target never takes over, or replaces, the ledger file of another."""
    lab.sync(metadata_storage="file")
    before = lab.read_tree()
    with pytest.raises(SettingsError, match="records the target 'default'"):
        lab.sync(metadata_storage="file", target="code", patterns=("*.py",))
    assert ([], before) == (lab.calls(), lab.read_tree())


@pytest.mark.parametrize(
    "attributes",
    [
        {"path": "../x.md"},
        {"path": "\ud800.md"},
        {"path": "a.md", "vn_sha": "no hash", "vn_blob": "\ud800"},
    ],
)
def test_hostile_listing(lab: Lab, attributes: dict[str, str]) -> None:
    """Whatever a copy says of itself, no run stumbles over it, now or later."""
    lab.sync()
    shelf = lab.server.shelves[lab.store_id]
    copy = next(iter(shelf.copies.values()))
    key = sha256(attributes["path"].encode(errors="surrogatepass")).hexdigest()
    mark = {**copy.file.attributes, **attributes, "vn_key": key}
    file = replace(copy.file, file_id="odd", attributes=mark, created_at=99.0)
    shelf.copies["odd"] = replace(copy, file=file)
    lab.repo.run("update-ref", "-d", "refs/notes/vectornator")
    lab.sync(store_id=lab.store_id)
    lab.sync()
    assert FIRST == {path: lab.contents[path] for path in FIRST}


def test_moved_repository_is_refused(lab: Lab) -> None:
    """A repository that moved stores nothing twice: it is refused, or keeps its old name."""
    lab.repo.run("remote", "add", "origin", "https://example.com/old/docs.git")
    lab.sync(remote="none")
    lab.repo.run("remote", "set-url", "origin", "https://example.com/new/docs.git")
    lab.repo.commit({"a.md": "# A2\n"})
    with pytest.raises(Refused, match=r"--source-id example\.com/old/docs") as refusal:
        lab.sync(remote="none")
    assert ("other-source", []) == (refusal.value.reason, lab.calls())
    lab.sync(remote="none", source_id="example.com/old/docs")
    assert ({**FIRST, "a.md": b"# A2\n"}, 3) == (lab.contents, lab.copies)


def test_edited_note_is_passed_over(lab: Lab) -> None:
    """A note that somebody edited is left out of the log, and the rest is listed."""
    first = lab.repo.head
    lab.sync()
    lab.repo.commit({"a.md": "# A2\n"})
    lab.sync()
    lab.repo.run("notes", "--ref=vectornator", "add", "-f", "-m", "mine", first)
    settings = lab.settings.model_copy(update={"repository": lab.repo.root})
    assert [lab.repo.head] == [entry.commit for entry in read_log(settings, lab.environ)]


def test_note_of_a_user_stays(lab: Lab) -> None:
    """A note that somebody else wrote into the ref, on a commit that was not synced, is kept."""
    lab.sync()
    lab.repo.commit({"a.md": "# A2\n"})
    passed_over = lab.repo.head
    lab.repo.run("notes", "--ref=vectornator", "add", "-m", "mine", passed_over)
    lab.repo.commit({"a.md": "# A3\n"})
    assert "synced" == lab.sync().status
    assert "mine" in lab.repo.run("notes", "--ref=vectornator", "show", passed_over)
