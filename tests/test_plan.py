"""Planning: documents against the manifest, and the brakes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TypeAlias

import pytest

from vectornator.errors import Refused
from vectornator.model import (
    Delete,
    Document,
    Entry,
    Plan,
    Relabel,
    Rename,
    Skip,
    SkipReason,
    Update,
    Upload,
)
from vectornator.plan import Limits, check_plan, make_plan, screen_plan

OLD, NEW = "1" * 40, "2" * 40
ENTRY = Entry("file-1", "a" * 64, OLD, 10, 1, "c1")
FormOf: TypeAlias = Callable[[str], str]
LIMITS = Limits(lambda deletes, known: deletes <= 10 or 4 * deletes <= known, "25%")


def suffix_of(path: str) -> str:
    """The form of a path."""
    return PurePosixPath(path).suffix


def test_new_document_is_an_upload() -> None:
    """A document without an entry is uploaded."""
    plan = make_plan({"a.md": Document("a.md", NEW)}, {}, known=3, config="c1")
    assert Plan(uploads=(Upload(Document("a.md", NEW)),), unchanged=3) == plan


def test_same_blob_is_left_alone() -> None:
    """A document whose blob and config are stored already is no change."""
    plan = make_plan({"a.md": Document("a.md", OLD)}, {"a.md": ENTRY}, known=1, config="c1")
    assert Plan(unchanged=1) == plan


@pytest.mark.parametrize(
    ("blob", "config", "force", "reason"),
    [(NEW, "c1", False, "content"), (OLD, "c2", False, "config"), (OLD, "c1", True, "forced")],
)
def test_reasons_of_an_update(blob: str, config: str, force: bool, reason: str) -> None:
    """Another blob, another config or force each update a known document."""
    document = Document("a.md", blob)
    plan = make_plan({"a.md": document}, {"a.md": ENTRY}, known=1, config=config, force=force)
    assert (Update(document, ENTRY, reason),) == plan.updates


def test_gone_document_is_a_delete() -> None:
    """A path that the source no longer has is deleted if the store has it."""
    plan = make_plan({"a.md": None, "b.md": None}, {"a.md": ENTRY}, known=1, config="c1")
    assert Plan(deletes=(Delete("a.md", ENTRY, "removed"),)) == plan


def test_skipped_document_leaves_the_store() -> None:
    """A stored document that is now skipped is deleted, and listed as skipped."""
    skip = Skip("a.md", SkipReason.SYMLINK)
    plan = make_plan({"a.md": skip}, {"a.md": ENTRY}, known=1, config="c1")
    assert ((Delete("a.md", ENTRY, SkipReason.SYMLINK),), (skip,)) == (plan.deletes, plan.skipped)


def test_moved_blob_is_a_rename() -> None:
    """A new path with the blob of a removed one is a rename, and nothing else."""
    found = {"new.md": Document("new.md", OLD), "old.md": None}
    plan = make_plan(found, {"old.md": ENTRY}, known=1, config="c1", form_of=suffix_of)
    document = Document("new.md", OLD, 10, "a" * 64)
    assert Plan(renames=(Rename(document, ENTRY, "old.md"),)) == plan


def test_rename_prefers_the_same_name() -> None:
    """Of several removed paths with one blob, the one with the same file name is taken."""
    found = {"z/a.md": Document("z/a.md", OLD), "b.md": None, "y/a.md": None}
    known = {"b.md": ENTRY, "y/a.md": replace(ENTRY, file_id="file-2")}
    plan = make_plan(found, known, known=2, config="c1", form_of=suffix_of)
    assert ["y/a.md"] == [rename.old_path for rename in plan.renames]
    assert ["b.md"] == [delete.path for delete in plan.deletes]


def test_removed_path_serves_one_rename() -> None:
    """Two new paths with the blob of one removed path are one rename and one upload."""
    found = {"x.md": Document("x.md", OLD), "y.md": Document("y.md", OLD), "old.md": None}
    plan = make_plan(found, {"old.md": ENTRY}, known=1, config="c1", form_of=suffix_of)
    assert (["x.md"], ["y.md"]) == (
        [rename.path for rename in plan.renames],
        [upload.path for upload in plan.uploads],
    )


def test_rename_needs_the_ability() -> None:
    """Without renames, a moved document is an upload and a delete."""
    found = {"new.md": Document("new.md", OLD), "old.md": None}
    plan = make_plan(found, {"old.md": ENTRY}, known=1, config="c1")
    assert (1, 1, 0) == (len(plan.uploads), len(plan.deletes), len(plan.renames))


def test_rename_needs_the_same_config() -> None:
    """What would be stored differently today is stored anew, not renamed."""
    found = {"new.md": Document("new.md", OLD), "old.md": None}
    plan = make_plan(found, {"old.md": ENTRY}, known=1, config="c2", form_of=suffix_of)
    assert () == plan.renames


def test_rename_needs_the_same_form() -> None:
    """What another path would store differently is stored anew, even under the same name."""
    found = {"new/a.md": Document("new/a.md", OLD), "old/a.md": None}
    known = {"old/a.md": ENTRY}
    plan = make_plan(found, known, known=1, config="c1", form_of=lambda path: path[:3])
    assert (1, 1, 0) == (len(plan.uploads), len(plan.deletes), len(plan.renames))


def test_other_rules_for_attributes_relabel() -> None:
    """Where only attributes would differ, only they change, of moved documents too."""
    known = {"a.md": replace(ENTRY, config="c1.x"), "old.md": replace(ENTRY, config="c1.x")}
    found = {"a.md": Document("a.md", OLD), "b.md": Document("b.md", OLD), "old.md": None}
    plan = make_plan(found, known, known=2, config="c1.y", form_of=suffix_of)
    document = Document("a.md", OLD, 10, "a" * 64)
    assert (Relabel(document, known["a.md"]),) == plan.relabels
    assert (["b.md"], 2) == ([rename.path for rename in plan.renames], len(plan))


@pytest.mark.parametrize(
    ("config", "form_of", "reason"),
    [
        ("c1.y", None, "attributes"),
        ("c2.x", suffix_of, "config"),
        ("c1x", suffix_of, "config"),
        ("", suffix_of, "config"),
    ],
)
def test_what_is_not_relabelled(config: str, form_of: FormOf | None, reason: str) -> None:
    """Without the ability, and where the bytes would differ or nobody knows, all is sent."""
    document = Document("a.md", OLD)
    known = {"a.md": replace(ENTRY, config=config)}
    plan = make_plan({"a.md": document}, known, known=1, config="c1.x", form_of=form_of)
    assert (Update(document, known["a.md"], reason),) == plan.updates


def test_a_config_of_one_part_is_of_other_attributes() -> None:
    """An entry whose fingerprint says nothing of attributes is given them anew."""
    found = {"a.md": Document("a.md", OLD)}
    plan = make_plan(found, {"a.md": ENTRY}, known=1, config="c1.x", form_of=suffix_of)
    assert ["a.md"] == [change.path for change in plan.relabels]


def test_equal_plans_have_equal_digests() -> None:
    """The digest tells plans apart by their changes alone."""
    one = make_plan({"a.md": Document("a.md", NEW)}, {"a.md": ENTRY}, known=1, config="c1")
    other = replace(one, skipped=(Skip("x", SkipReason.EMPTY),))
    assert one.digest == other.digest
    assert one.digest != Plan().digest


def test_content_makes_a_skip() -> None:
    """An upload whose content is not taken becomes a skip."""
    plan = Plan(uploads=(Upload(Document("a.md", NEW)),))
    skip = Skip("a.md", SkipReason.BINARY)
    assert Plan(skipped=(skip,)) == screen_plan(plan, {"a.md": skip}, "c1")


def test_content_makes_a_delete() -> None:
    """An update whose content is not taken removes the stored version."""
    plan = Plan(updates=(Update(Document("a.md", NEW), ENTRY, "content"),))
    skip = Skip("a.md", SkipReason.BINARY)
    expected = Plan(deletes=(Delete("a.md", ENTRY, SkipReason.BINARY),), skipped=(skip,))
    assert expected == screen_plan(plan, {"a.md": skip}, "c1")


def test_stored_content_is_known() -> None:
    """An update whose bytes are stored already becomes an entry with the new blob."""
    entry = replace(ENTRY, blob="")
    plan = Plan(updates=(Update(Document("a.md", NEW), entry, "content"),))
    screened = screen_plan(plan, {"a.md": Document("a.md", NEW, 10, "a" * 64)}, "c1")
    assert Plan(unchanged=1, known={"a.md": replace(entry, blob=NEW)}) == screened


def test_stored_content_with_other_attributes_is_sent() -> None:
    """An update whose bytes are stored already is kept when attributes would differ."""
    update = Update(Document("a.md", NEW), replace(ENTRY, blob="", config="c1.x"), "content")
    found = Document("a.md", NEW, 10, "a" * 64)
    screened = screen_plan(Plan(updates=(update,)), {"a.md": found}, "c1.y")
    assert Plan(updates=(replace(update, document=found),)) == screened


def test_empty_source_is_refused() -> None:
    """A run that would leave no document is refused unless that is allowed."""
    plan = Plan(deletes=(Delete("a.md", ENTRY, "removed"),))
    with pytest.raises(Refused, match="--allow-empty") as refusal:
        check_plan(plan, LIMITS)
    assert "empty-source" == refusal.value.reason
    check_plan(plan, replace(LIMITS, allow_empty=True))


def test_too_many_deletes_are_refused() -> None:
    """Deletes over the limit are refused with the numbers and the override."""
    deletes = tuple(Delete(f"{number}.md", ENTRY, "removed") for number in range(30))
    with pytest.raises(Refused, match=r"30 of 100 documents \(30 %\).*--max-deletes=30"):
        check_plan(Plan(deletes=deletes, unchanged=70), LIMITS)


def test_new_documents_do_not_outweigh_deletes() -> None:
    """The share that would be deleted is one of what is stored, whatever comes new."""
    deletes = tuple(Delete(f"{number}.md", ENTRY, "removed") for number in range(30))
    uploads = tuple(Upload(Document(f"new/{number}.md", "1" * 40)) for number in range(900))
    with pytest.raises(Refused, match=r"30 of 100 documents"):
        check_plan(Plan(uploads=uploads, deletes=deletes, unchanged=70), LIMITS)


def test_deletes_within_the_limit_pass() -> None:
    """A quarter may go."""
    deletes = tuple(Delete(f"{number}.md", ENTRY, "removed") for number in range(25))
    check_plan(Plan(deletes=deletes, unchanged=75), LIMITS)


def test_too_many_files_are_refused() -> None:
    """More documents to send than allowed are refused."""
    plan = Plan(uploads=tuple(Upload(Document(f"{n}.md", NEW, 5)) for n in range(3)))
    with pytest.raises(Refused, match="--max-files=3"):
        check_plan(plan, replace(LIMITS, max_files=2))


def test_too_many_bytes_are_refused() -> None:
    """More bytes to send than allowed are refused."""
    plan = Plan(uploads=tuple(Upload(Document(f"{n}.md", NEW, 5)) for n in range(3)))
    with pytest.raises(Refused, match="--max-bytes=15"):
        check_plan(plan, replace(LIMITS, max_bytes=14))


def test_best_pairs_of_names_come_first() -> None:
    """A removed path serves the new one of its own name, whichever is named first."""
    manifest = {"old/x.md": ENTRY, "old/y.md": ENTRY}
    documents = {path: Document(path, OLD) for path in ("new/a.md", "new/x.md")}
    plan = make_plan(
        {**dict.fromkeys(manifest), **documents}, manifest, known=2, config="c1", form_of=suffix_of
    )
    assert {"new/a.md": "old/y.md", "new/x.md": "old/x.md"} == {
        rename.path: rename.old_path for rename in plan.renames
    }


def test_wrong_count_is_not_believed() -> None:
    """Deletes are refused, with numbers that make sense, where the ledger counts nothing."""
    manifest = {f"{number}.md": ENTRY for number in range(12)}
    candidates = {**dict.fromkeys(manifest), "0.md": Document("0.md", OLD)}
    plan = make_plan(candidates, manifest, known=0, config="c1")
    with pytest.raises(Refused, match="11 of 12 documents"):
        check_plan(plan, LIMITS)


def test_stored_document_over_the_limit_leaves() -> None:
    """A document that is stored, and larger than now allowed, is deleted."""
    document = Document("a.md", OLD)
    plan = make_plan({"a.md": document}, {"a.md": ENTRY}, known=1, config="c1", max_size=9)
    assert (Delete("a.md", ENTRY, SkipReason.TOO_LARGE),) == plan.deletes
