"""Which files are documents, and why others are not."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repositories import GitRepo
from vectornator.errors import SourceError
from vectornator.git import Repository
from vectornator.model import Document, Skip, SkipReason
from vectornator.selection import Selection, read_ignore_files
from vectornator.source import (
    CommitSource,
    FolderSource,
    inspect_content,
)

CHOICES = [
    (("**/*.md",), "a.md", True),
    (("**/*.md",), "x/y/a.md", True),
    (("*.md",), "x/y/a.md", True),
    (("/*.md",), "a.md", True),
    (("/*.md",), "x/a.md", False),
    (("docs/*.md",), "docs/a.md", True),
    (("docs/*.md",), "docs/x/a.md", False),
    (("docs/**/*.md",), "docs/a.md", True),
    (("docs/**/*.md",), "x/docs/a.md", False),
    (("docs",), "docs/x/a.py", True),
    (("docs/",), "x/docs/a.py", True),
    (("*.md", "!b.md"), "x/b.md", False),
    (("*.md", "!b.md", "x/b.md"), "x/b.md", True),
    (("*.md", "!drafts/"), "x/drafts/y/a.md", False),
    (("*.md", "!/drafts/"), "x/drafts/a.md", True),
    (("*.md", "!docs/drafts/"), "docs/drafts/a.md", False),
    (("[ab].md",), "a.md", True),
    ((r"\!a.md",), "!a.md", True),
    (("*.MD",), "a.md", False),
]


@pytest.mark.parametrize(("patterns", "path", "expected"), CHOICES)
def test_patterns(patterns: tuple[str, ...], path: str, expected: bool) -> None:
    """Patterns mean what they mean in a `.gitignore` file."""
    assert expected == Selection(patterns).is_chosen(path)


@pytest.mark.parametrize(("patterns", "path", "expected"), CHOICES)
def test_folders_of_chosen_files_are_opened(
    patterns: tuple[str, ...], path: str, expected: bool
) -> None:
    """No folder on the way to a chosen file is left closed."""
    folders = [str(folder) for folder in Path(path).parents if folder != Path()]
    assert not expected or all(map(Selection(patterns).may_hold, folders))


def test_folders_outside_the_patterns_stay_closed() -> None:
    """A folder that no pattern leads into is not opened."""
    selection = Selection(("docs/en/**/*.md", "!docs/en/old/"), directory="site")
    opened = ["site", "site/docs", "site/docs/en", "site/docs/en/x"]
    closed = ["docs", "site/src", "site/docs/de", "other"]
    assert (True, False) == (
        all(map(selection.may_hold, opened)),
        any(map(selection.may_hold, closed)),
    )


def test_exclude_takes_nested_folders_out() -> None:
    """An excluded folder is excluded wherever it lies."""
    selection = Selection(("*.md",), ("node_modules/",))
    assert selection.is_excluded("x/node_modules/y/a.md")
    assert not selection.is_excluded("x/node_modules.md")


def test_ignore_files_are_relative_to_their_folder() -> None:
    """The root's ignore file and the directory's apply to what lies below each."""
    files = {".vectornatorignore": b"/a.md\n", "docs/.vectornatorignore": b"/b.md\n# no\n"}
    selection = Selection(("*.md",), (), "docs", read_ignore_files(files.get, "docs"))
    taken = ["docs/a.md", "docs/c.md", "docs/x/b.md"]
    assert ["docs/b.md"] == [p for p in [*taken, "docs/b.md"] if selection.is_excluded(p)]


def test_fingerprint_changes_with_the_selection() -> None:
    """Any other selection has another fingerprint."""
    selections = [
        Selection(("*.md",)),
        Selection(("*.md",), ("x",)),
        Selection(("*.md", "x")),
        Selection(("*.md",), (), "x"),
        Selection(("*.md",), (), "", {"": ("x",)}),
        Selection(("*.md",), (), "", {"x": ()}),
    ]
    assert 6 == len({selection.fingerprint for selection in selections})


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", SkipReason.EMPTY),
        (b" \r\n\t", SkipReason.EMPTY),
        (b"x" * 101, SkipReason.TOO_LARGE),
        (b"text\0text", SkipReason.BINARY),
        (b"version https://git-lfs.github.com/spec/v1\noid x\n", SkipReason.LFS_POINTER),
    ],
)
def test_content_that_is_not_taken(content: bytes, expected: SkipReason) -> None:
    """Content says why a document is not taken."""
    assert Skip("a.md", expected) == inspect_content(Document("a.md", "1" * 40), content, 100)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_text_in_any_encoding_is_taken(encoding: str) -> None:
    """Text is taken whatever its encoding; UTF-16 needs its mark."""
    content = "Grüße".encode(encoding)
    found = inspect_content(Document("a.md", "1" * 40), content, 100)
    assert isinstance(found, Document)
    assert len(content) == found.size


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """Make a repository with one document."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"docs/a.md": "# A\n", "x.py": "1\n"})
    return repo


@pytest.fixture
def opened(repo: GitRepo) -> Iterator[Repository]:
    """Open the repository."""
    with Repository.open(repo.root) as repository:
        yield repository


def test_changes_leave_out_what_is_not_chosen(repo: GitRepo, opened: Repository) -> None:
    """Only chosen paths are in question, whatever else a commit changed."""
    base = opened.read_commit(repo.head).tree
    head = repo.commit({"docs/a.md": None, "docs/b.md": "# B\n", "x.py": "2\n"})
    source = CommitSource(opened, head, Selection(("*.md",)))
    changes = source.find_changes(base)
    assert {"docs/a.md": None, "docs/b.md": "docs/b.md"} == {
        path: found and found.path for path, found in changes.items()
    }


def test_look_up_finds_single_paths(repo: GitRepo, opened: Repository) -> None:
    """A path is looked up without a walk; a folder or a missing file is no document."""
    source = CommitSource(opened, repo.head, Selection(("*.md", "docs")))
    found = source.look_up(["docs/a.md", "docs", "docs/a.md/x", "no.md"])
    assert ["docs/a.md"] == [path for path, what in found.items() if what]


def test_folder_agrees_with_the_commit(repo: GitRepo, opened: Repository) -> None:
    """A clean work tree has the same documents as its commit, blob ids and all."""
    selection = Selection(("*.md", "*.py"))
    commit = CommitSource(opened, repo.head, selection)
    folder = FolderSource(repo.root, selection)
    assert sorted(commit.list_documents(), key=str) == sorted(folder.list_documents(), key=str)


def test_folder_follows_no_link(repo: GitRepo, tmp_path: Path) -> None:
    """Links to files are skipped, links to folders are not entered."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "s.md").write_text("# secret\n")
    (repo.root / "link.md").symlink_to(tmp_path / "secret" / "s.md")
    (repo.root / "folder").symlink_to(tmp_path / "secret")
    found = list(FolderSource(repo.root, Selection(("*.md",))).list_documents())
    assert {"docs/a.md": "Document", "link.md": "Skip"} == {
        one.path: type(one).__name__ for one in found
    }


def test_folder_sees_what_git_does_not(repo: GitRepo) -> None:
    """Generated files are documents, known to git or not."""
    repo.write({".gitignore": "build/\n", "build/gen.md": "# generated\n"})
    found = FolderSource(repo.root, Selection(("*.md",))).list_documents()
    assert {"docs/a.md", "build/gen.md"} == {one.path for one in found}


def test_file_that_changes_under_the_run(repo: GitRepo) -> None:
    """A file that changed since it was listed is not read as if it had not."""
    source = FolderSource(repo.root, Selection(("*.md",)))
    (document,) = source.list_documents()
    assert isinstance(document, Document)
    repo.write({"docs/a.md": "# other\n"})
    with pytest.raises(SourceError, match="changed while"):
        source.read(document)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_folder(repo: GitRepo) -> None:
    """A folder that can't be read is an error and not an empty folder."""
    (repo.root / "docs").chmod(0)
    with pytest.raises(SourceError, match="can't be read"):
        list(FolderSource(repo.root, Selection(("*.md",))).list_documents())
