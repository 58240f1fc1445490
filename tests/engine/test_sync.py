"""A sync: the store ends as the commit's tree is, at a cost that grows with the change."""

import json

import pytest

from tests.support.lab import Lab
from vectornator.model import SkipReason

FIRST = {"a.md": b"# A\n", "docs/b.md": b"# B\n", "docs/c.md": b"# C\n"}


def test_first_sync_stores_the_selection(lab: Lab) -> None:
    """The store holds exactly the selected documents."""
    record = lab.sync()
    assert (FIRST, 3, "synced") == (lab.contents, record.counts["added"], record.status)


def test_second_sync_changes_nothing(lab: Lab) -> None:
    """A second run makes no changing call and moves no ref."""
    lab.sync()
    refs = lab.repo.run("for-each-ref")
    record = lab.sync()
    assert ([], "no-changes", 3) == (lab.calls(), record.status, record.counts["unchanged"])
    assert refs == lab.repo.run("for-each-ref")


def test_cost_grows_with_the_change(lab: Lab) -> None:
    """One edited document is one update and one removal of the old copy, nothing else."""
    lab.sync()
    lab.repo.commit({"docs/b.md": "# B2\n"})
    lab.sync()
    assert [("update_file", "docs/b.md"), ("delete_file", "file-3")] == [
        (method, "file-3" if method == "delete_file" else subject)
        for method, subject in lab.calls()
    ]
    assert {**FIRST, "docs/b.md": b"# B2\n"} == lab.contents


def test_removed_document_leaves(lab: Lab) -> None:
    """A document that the commit no longer has is deleted."""
    lab.sync()
    lab.repo.commit({"docs/b.md": None})
    record = lab.sync()
    assert (["a.md", "docs/c.md"], 1) == (sorted(lab.contents), record.counts["deleted"])


def test_renamed_document_is_not_sent_again(lab: Lab) -> None:
    """A document that only moved changes its attributes and keeps its copy."""
    lab.sync()
    lab.repo.commit({"docs/b.md": None, "guide/b.md": "# B\n"})
    record = lab.sync()
    assert ["change_attributes"] == [method for method, _ in lab.calls()]
    assert (["a.md", "docs/c.md", "guide/b.md"], 1) == (
        sorted(lab.contents),
        record.counts["renamed"],
    )


def test_versions_count_updates(lab: Lab) -> None:
    """An entry's version grows with every update of its document."""
    for number in range(3):
        lab.repo.commit({"a.md": f"# A{number}\n"})
        lab.sync()
    note = json.loads(lab.repo.run("notes", "--ref=vectornator", "show", "HEAD"))
    assert 3 == note["files"]["a.md"]["version"]


def test_commit_without_documents_is_noted(lab: Lab) -> None:
    """A commit that touches no document moves the base, without a call that changes anything."""
    lab.sync()
    head = lab.repo.commit({"x.py": "2\n"})
    record = lab.sync()
    assert ([], "no-changes") == (lab.calls(), record.status)
    assert head == json.loads(lab.repo.run("notes", "--ref=vectornator", "show", head))["commit"]


def test_every_skip_has_its_reason(lab: Lab) -> None:
    """What is selected but not taken is listed with the reason."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    (lab.repo.root / "link.md").symlink_to("a.md")
    lab.repo.commit(
        {
            "empty.md": "",
            "blank.md": " \n\n",
            "binary.md": b"a\0b",
            "large.md": "x" * 2000,
            "lfs.md": pointer,
            "build/out.md": "# out\n",
            "pic.png": b"\x89PNG",
        }
    )
    record = lab.sync(patterns=("**/*.md", "*.png"), exclude=("build/",), max_file_size=1000)
    assert {
        "empty.md": SkipReason.EMPTY,
        "blank.md": SkipReason.EMPTY,
        "binary.md": SkipReason.BINARY,
        "large.md": SkipReason.TOO_LARGE,
        "lfs.md": SkipReason.LFS_POINTER,
        "build/out.md": SkipReason.EXCLUDED,
        "pic.png": SkipReason.UNSUPPORTED,
        "link.md": SkipReason.SYMLINK,
    } == {skip.path: skip.reason for skip in record.plan.skipped}
    assert FIRST == lab.contents


def test_submodule_is_skipped(lab: Lab) -> None:
    """A submodule is listed as skipped; nothing in it is looked for."""
    lab.repo.run("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor/lib")
    lab.repo.run("commit", "-q", "-m", "submodule")
    record = lab.sync()
    assert [("vendor/lib", "submodule")] == [tuple(_pair(s)) for s in record.plan.skipped]


def _pair(skip: object) -> tuple[str, str]:
    return skip.path, skip.reason.value  # type: ignore[attr-defined]


def test_document_that_turns_binary_leaves(lab: Lab) -> None:
    """A stored document whose new content is not taken is deleted, with that reason."""
    lab.sync()
    lab.repo.commit({"a.md": b"a\0b"})
    record = lab.sync()
    assert [("a.md", "binary")] == [(one.path, str(one.reason)) for one in record.plan.deletes]
    assert "a.md" not in lab.contents


def test_narrowed_patterns_prune(lab: Lab) -> None:
    """Documents that the patterns no longer name are deleted."""
    lab.sync()
    lab.sync(patterns=("docs/*.md",))
    assert ["docs/b.md", "docs/c.md"] == sorted(lab.contents)


def test_ignore_file_is_read_from_the_commit(lab: Lab) -> None:
    """`.vectornatorignore` excludes, as committed and not as it lies on the disk."""
    lab.repo.commit({".vectornatorignore": "docs/*\n!docs/c.md\n"})
    lab.repo.write({".vectornatorignore": "*\n"})
    lab.sync()
    assert ["a.md", "docs/c.md"] == sorted(lab.contents)


def test_directory_limits_the_selection(lab: Lab) -> None:
    """Only documents below the directory are taken; their paths stay those of the repository."""
    lab.sync(directory="docs", patterns=("*.md",))
    assert ["docs/b.md", "docs/c.md"] == sorted(lab.contents)


def test_force_stores_everything_again(lab: Lab) -> None:
    """With force every document is updated, and every old copy removed."""
    lab.sync()
    record = lab.sync(force=True)
    assert (3, 3, FIRST) == (record.counts["updated"], lab.copies, lab.contents)


def test_dirty_work_tree_is_not_synced(lab: Lab) -> None:
    """What is not committed is mentioned and not stored."""
    lab.repo.write({"a.md": "# not yet\n", "new.md": "# new\n"})
    lab.sync()
    assert FIRST == lab.contents
    assert any("a.md" in remark for remark in lab.witness.remarks)


def test_targets_have_their_own_ledgers(lab: Lab) -> None:
    """Each target has its own ref, and one leaves the other's copies alone."""
    lab.sync()
    lab.sync(target="code", patterns=("*.py",), store_id=lab.store_id)
    lab.sync(target="code", patterns=("nothing.py",), store_id=lab.store_id, allow_empty=True)
    assert FIRST == lab.contents
    refs = lab.repo.run("for-each-ref", "--format=%(refname)", "refs/notes")
    assert ["refs/notes/vectornator", "refs/notes/vectornator-code"] == refs.splitlines()


@pytest.mark.parametrize("name", ["ünï/cödé 漢字.md", "with space.md", "-dash.md", "q\"u'o.md"])
def test_unusual_names(lab: Lab, name: str) -> None:
    """Any path that is UTF-8 is a document's."""
    lab.repo.commit({name: "# hello\n"})
    lab.sync()
    assert b"# hello\n" == lab.contents[name]
    assert "no-changes" == lab.sync().status


def test_path_that_is_not_utf8_is_skipped(lab: Lab) -> None:
    """A path that is not UTF-8 is skipped with that reason."""
    blob = lab.repo.run("hash-object", "-w", "--stdin", stdin=b"# hello\n")
    line = f"100644 {blob} 0\tbad-".encode() + b"\xff.md\n"
    lab.repo.run("update-index", "--index-info", stdin=line)
    lab.repo.run("commit", "-q", "-m", "odd")
    record = lab.sync()
    assert [SkipReason.BAD_PATH] == [skip.reason for skip in record.plan.skipped]
    assert FIRST == lab.contents


def test_run_that_may_not_list_leaves_store_in_doubt(lab: Lab) -> None:
    """Copies stored twice because the store was not to be listed are found by the next run."""
    lab.repo.commit({"a.md": "# A\n"})
    lab.sync()
    lab.repo.run("update-ref", "-d", "refs/notes/vectornator")
    store_id = lab.store_id
    lab.sync(refresh="never", store_id=store_id)
    lab.sync(store_id=store_id)
    assert 3 == lab.copies
