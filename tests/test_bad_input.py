"""What is wrong outside ends in one clear line or is passed over; nothing hangs or is lost."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import vectornator
from tests.support.lab import Lab
from tests.support.repositories import ENVIRON, GitRepo
from vectornator.cli import main
from vectornator.errors import SourceError, StateError
from vectornator.model import Document, Skip, SkipReason
from vectornator.selection import Selection
from vectornator.source import FolderSource

REF = "refs/notes/vectornator"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A repository with two documents."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"a.md": "# A\n", "b.md": "# B\n"})
    return Lab(repo)


def edit_notes(repo: GitRepo, files: Mapping[str, bytes | None]) -> None:
    """Put files into the notes tree, or take them out (None), as another program might."""
    folder = repo.root.parent / "notes"
    repo.run("worktree", "add", "--quiet", "--detach", str(folder), REF)
    notes = GitRepo(folder)
    notes.write({path: content for path, content in files.items() if content is not None})
    for path in (path for path, content in files.items() if content is None):
        (folder / path).unlink(missing_ok=True)
    notes.run("add", "--all")
    notes.run("commit", "--quiet", "-C", REF)
    repo.run("update-ref", REF, notes.head)


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    """Run a command and return its exit code and its last line."""
    exit_code = main(argv, ENVIRON)
    return exit_code, capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("pattern", ["[z-a].md", "\\"])
def test_invalid_pattern_is_named_and_creates_no_store(
    lab: Lab, capsys: pytest.CaptureFixture[str], pattern: str
) -> None:
    """A pattern that can't be read is a wrong setting, found before anything is created."""
    exit_code, line = run(capsys, "sync", "-C", str(lab.repo.root), "--patterns", pattern)
    assert (2, False) == (exit_code, (lab.repo.root / ".vectornator").exists())
    assert "A pattern in patterns is not valid" in line


def test_unknown_directory_creates_no_store(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that the commit lacks is found before a store is created."""
    exit_code, line = run(capsys, "sync", "-C", str(lab.repo.root), "--directory", "nope")
    assert (2, False) == (exit_code, (lab.repo.root / ".vectornator").exists())
    assert "has no folder 'nope'" in line


def test_pipes_are_not_opened(tmp_path: Path) -> None:
    """A named pipe in a folder would block whoever opens it; it is passed over."""
    (tmp_path / "a.md").write_text("a")
    os.mkfifo(tmp_path / "pipe.md")
    found = FolderSource(tmp_path, Selection(("*.md",))).list_documents()
    assert ["a.md"] == [document.path for document in found]


def test_large_files_of_a_folder_are_not_read(tmp_path: Path) -> None:
    """A file over the limit is skipped by its size; a terabyte of holes would not fit."""
    with (tmp_path / "holes.md").open("wb") as file:
        file.truncate(1 << 40)
    source = FolderSource(tmp_path, Selection(("*.md",)), max_size=100)
    assert [Skip("holes.md", SkipReason.TOO_LARGE)] == list(source.list_documents())


def test_paths_that_are_not_utf8_are_skipped_in_every_run(lab: Lab) -> None:
    """Such a path is skipped when the whole tree is compared with a ledger, too."""
    (lab.repo.root / os.fsdecode(b"caf\xe9.md")).write_text("# Café\n")
    lab.repo.commit()
    lab.sync()
    record = lab.sync(force=True)
    assert (2, 1) == (record.counts["updated"], record.counts["skipped"])


def test_foreign_files_beside_the_entries_are_kept(lab: Lab) -> None:
    """What somebody else put into the notes tree is neither read nor lost."""
    lab.sync()
    edit_notes(lab.repo, {".vectornator/entries/readme.txt": b"hi", "other/tool": b"x"})
    lab.repo.commit({"a.md": "# A2\n"})
    assert "synced" == lab.sync(force=True).status
    kept = lab.repo.run("ls-tree", "-r", "--name-only", REF).splitlines()
    assert {".vectornator/entries/readme.txt", "other/tool"} < set(kept)


def test_hostile_order_is_no_trouble(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Words that are no commit are passed over where the noted commits are listed."""
    lab.sync()
    order = b"\xff\xfe ../x " + lab.repo.head.encode()
    edit_notes(lab.repo, {".vectornator/order": order})
    assert 0 == main(["log", "-C", str(lab.repo.root), "--provider", "lab"], ENVIRON)
    assert lab.repo.head[:10] in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"{}", b'{"../a.md": {}}', b'{"\\ud800.md": {}}', b"junk"])
def test_tampered_entries_are_refused(
    lab: Lab, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """Entries that are not those the ledger was saved with are believed by no run."""
    lab.sync()
    edit_notes(lab.repo, {".vectornator/entries/00.json": content})
    options = ("-C", str(lab.repo.root), "--provider", "lab")
    exit_code, line = run(capsys, "show-metadata", *options)
    assert (5, True) == (exit_code, "not those that its ledger was saved with" in line)


def test_lost_entries_duplicate_nothing(lab: Lab) -> None:
    """A notes tree that lost its entries stops the run before anything is stored twice."""
    lab.sync()
    edit_notes(lab.repo, {f".vectornator/entries/{n:02x}.json": None for n in range(256)})
    lab.repo.commit({"a.md": "# A2\n"})
    with pytest.raises(StateError, match="not those"):
        lab.sync()
    assert 2 == lab.copies


def test_notes_ref_on_a_blob_says_what_to_do(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """A ref that somebody moved is left alone, and the way out is named."""
    lab.repo.run("update-ref", REF, lab.repo.run("rev-parse", "HEAD:a.md"))
    exit_code, line = run(capsys, "sync", "-C", str(lab.repo.root))
    assert (5, True) == (exit_code, "vectornator repair --rebuild" in line)


def test_a_ledger_that_can_not_be_saved_is_an_error_of_the_state(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    """Documents are stored, the ledger is not: exit code 5, and the next run goes on."""
    place = lab.repo.root / ".git/refs/notes"
    place.write_text("in the way")
    options = ("-C", str(lab.repo.root), "--provider", "memory", "--store-name", "x")
    exit_code, line = run(capsys, "sync", *options)
    assert (5, True) == (exit_code, "can't be written" in line)


def test_a_vanished_file_is_named(tmp_path: Path) -> None:
    """A file that can't be read is an error of the source."""
    source = FolderSource(tmp_path, Selection(("*.md",)))
    with pytest.raises(SourceError, match=r"gone\.md can't be read"):
        source.read(Document("gone.md", ""))


def run_in(folder: Path, command: str) -> "subprocess.CompletedProcess[str]":
    """Run a shell command in a folder, with `vn` for ours."""
    script = f'vn() {{ "{sys.executable}" -m vectornator "$@"; }}; {command}'
    environ = {**ENVIRON, "PYTHONPATH": str(Path(vectornator.__file__).parents[1])}
    shell = ["sh", "-c", script]
    return subprocess.run(
        shell, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_trouble(lab: Lab, closed: str) -> None:
    """Whoever closes a stream doesn't want what would be written to it."""
    done = run_in(lab.repo.root, f"vn plan {closed}")
    assert (0, False) == (done.returncode, "error" in done.stderr)


def test_a_deleted_folder_is_named(tmp_path: Path) -> None:
    """Where the current folder is gone, that is what the message says."""
    done = run_in(tmp_path, "mkdir x; cd x; rmdir ../x; vn status")
    line = "vectornator: error: The current folder is gone. Go to one that exists."
    assert (2, line) == (done.returncode, done.stderr.splitlines()[-1])


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_only_a_file_holds_the_ledger(
    lab: Lab, capsys: pytest.CaptureFixture[str], make: Callable[[Path], None]
) -> None:
    """A folder or a pipe where the ledger should be is named, and never opened."""
    make(lab.repo.root / "odd")
    options = ("--metadata-storage", "file", "--metadata-file", "odd")
    exit_code, line = run(capsys, "plan", "-C", str(lab.repo.root), *options)
    assert (5, True) == (exit_code, "odd is not a file" in line)


@pytest.mark.parametrize("name", ["typo", "a.md"])
def test_a_folder_that_is_not_there_is_named(
    lab: Lab, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """A misspelt folder never stands for the repository around it."""
    exit_code, line = run(capsys, "plan", "-C", str(lab.repo.root / name))
    assert (2, True) == (exit_code, f"{name} is not a folder" in line)


@pytest.mark.parametrize("link", [".vectornator", ".vectornator/metadata.json"])
def test_a_link_does_not_lead_the_ledger_out(
    lab: Lab, capsys: pytest.CaptureFixture[str], link: str
) -> None:
    """A link that somebody committed where the state is kept is refused, and nothing written."""
    outside = lab.repo.root.parent / "outside"
    outside.mkdir()
    place = lab.repo.root / link
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(outside if link == ".vectornator" else outside / "theirs")
    options = ("--metadata-storage", "file", "--provider", "lab", "--store-name", "docs")
    exit_code, line = run(capsys, "sync", "-C", str(lab.repo.root), *options)
    assert (5, []) == (exit_code, list(outside.iterdir()))
    assert "through a symbolic link" in line


def test_a_link_in_place_of_the_lock_empties_no_file(lab: Lab) -> None:
    """The lock beside the ledger is not followed to somebody else's file."""
    theirs = lab.repo.root.parent / "theirs"
    theirs.write_text("theirs")
    (lab.repo.root / ".vectornator").mkdir()
    (lab.repo.root / ".vectornator/metadata.lock").symlink_to(theirs)
    with pytest.raises(StateError, match="can't be written"):
        lab.sync(metadata_storage="file")
    assert "theirs" == theirs.read_text()


def test_a_damaged_notes_tree_is_made_anew(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """A commit without a tree is an error of the state, and `repair --rebuild` gets over it."""
    lab.sync()
    commit = b"tree zz\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n\nx\n"
    words = ("hash-object", "-t", "commit", "-w", "--stdin", "--literally")
    (lab.repo.root / ".git" / REF).write_text(f"{lab.repo.run(*words, stdin=commit)}\n")
    options = ("-C", str(lab.repo.root), "--provider", "lab", "--store-name", "docs")
    assert (5, True) == ((ended := run(capsys, "sync", *options))[0], "--rebuild" in ended[1])
    assert 0 == main(["repair", "--rebuild", *options], ENVIRON)
    assert "no-changes" == lab.sync().status
