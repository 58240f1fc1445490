"""Edits: outcomes folded into what a run owes to the manifest, and carried over another run's."""

from dataclasses import replace

from vectornator.edits import Edits, close_ledger
from vectornator.errors import Rejected
from vectornator.model import Delete, Document, Done, Entry, Failed, Rename, Update, Upload
from vectornator.state.ledger import Ledger

OLD = Entry("old", "a" * 64, "1" * 40, 1, 1, "c1")
OURS, THEIRS = replace(OLD, file_id="ours"), replace(OLD, file_id="theirs")
DOCUMENT = Document("a.md", "2" * 40)
LEDGER = Ledger("memory", "s", "default", "x", base="1" * 40, tree="2" * 40, selection="all")


def make_edits(*, is_saved: bool = False) -> Edits:
    """Edits of a run that has updated `a.md`."""
    edits = Edits()
    edits.record(Done(Update(DOCUMENT, OLD, "content"), OURS))
    if is_saved:
        edits.mark_saved()
    return edits


def test_untouched_path_stays_ours() -> None:
    """What the other run left as it was is as this run made it."""
    edits = make_edits()
    edits.rebase({"a.md": OLD}, prefers_ours=False)
    assert ({"a.md": OURS}, 0) == (edits.after, edits.growth)


def test_copy_replaced_after_a_checkpoint_gives_way() -> None:
    """A copy that was saved, and then replaced by the other run, is not brought back."""
    edits = make_edits(is_saved=True)
    edits.rebase({"a.md": THEIRS}, prefers_ours=True)
    assert {"a.md": THEIRS} == edits.after


def test_adopted_entry_gives_way() -> None:
    """An entry that this run only saved in another form does not undo an update."""
    edits = Edits()
    edits.adopt({"a.md": replace(OLD, blob="3" * 40)}, {"a.md": OLD})
    edits.rebase({"a.md": THEIRS}, prefers_ours=True)
    assert {"a.md": THEIRS} == edits.after


def test_one_of_two_copies_is_preferred() -> None:
    """Where both runs stored a copy, the one of the newer commit counts."""
    for prefers_ours, kept in ((True, OURS), (False, THEIRS)):
        edits = make_edits()
        edits.rebase({"a.md": THEIRS}, prefers_ours=prefers_ours)
        assert {"a.md": kept} == edits.after


def test_renamed_document_leaves_its_old_path() -> None:
    """A copy stands in the manifest once, under the path that it has now."""
    edits = Edits()
    edits.record(Done(Rename(DOCUMENT, OLD, "old.md"), OLD))
    assert ({"a.md": OLD}, 0) == (edits.overlay({"old.md": OLD}), edits.growth)


def test_copy_outlives_a_delete() -> None:
    """A copy that either run stored stays where the other deleted the document."""
    edits = make_edits()
    edits.rebase({}, prefers_ours=False)
    deleted = Edits()
    deleted.record(Done(Delete("a.md", OLD, "removed"), None))
    deleted.rebase({"a.md": THEIRS}, prefers_ours=True)
    assert ({"a.md": OURS}, {"a.md": THEIRS}) == (edits.after, deleted.after)


def test_growth_counts_from_what_the_other_run_saved() -> None:
    """A document that both runs added is counted once."""
    edits = Edits()
    edits.record(Done(Upload(DOCUMENT), OURS))
    assert 1 == edits.growth
    edits.rebase({"a.md": THEIRS}, prefers_ours=True)
    assert 0 == edits.growth


def test_failures_end_with_their_round() -> None:
    """A failure is no longer one when the next round tries again."""
    edits = make_edits()
    edits.record(Failed(Upload(DOCUMENT), Rejected("no")))
    edits.rebase({}, prefers_ours=True)
    assert [] == edits.failed


def test_incomplete_run_keeps_base_and_selection() -> None:
    """A run that lost something leaves base and selection alone, whatever it selected itself."""
    goal = replace(LEDGER, base="3" * 40, tree="4" * 40, selection="other")
    saved = close_ledger(LEDGER, make_edits(), goal, is_complete=False)
    assert (LEDGER.base, LEDGER.tree, "all", frozenset({"a.md"})) == (
        saved.base,
        saved.tree,
        saved.selection,
        saved.ahead,
    )


def test_message_can_be_written_down() -> None:
    """Whatever a store puts into an error fits in one line of UTF-8."""
    assert "a? b" == Failed(Upload(DOCUMENT), Rejected("a\ud83d\n b")).message
