"""Where documents come from: the commit or the folder that settings name, opened and checked."""

from collections.abc import Callable
from pathlib import Path

from vectornator.commits import Commits
from vectornator.errors import SourceError
from vectornator.git.objects import MODE_DIRECTORY, MODE_EXECUTABLE, MODE_FILE, Oid, TreeItem
from vectornator.git.trees import find_item
from vectornator.selection import Selection, read_ignore_files
from vectornator.settings import DEFAULT_CONFIG_FILE, Settings
from vectornator.source import CommitSource, FolderSource


def open_folder(settings: Settings, root: Path, commit: Oid) -> FolderSource:
    """The documents of a folder as they lie there; `commit` is what the folder stands at.

    Raises `SourceError` for an ignore file that can't be read.
    """
    selection = _select(settings, lambda path: _read_from_disk(root / path, path))
    return FolderSource(root, selection, commit, max_size=int(settings.max_file_size))


def open_commit(settings: Settings, commits: Commits, commit: Oid, *, asked: Oid) -> CommitSource:
    """The documents of a commit; `asked` is the one that the settings name.

    Raises `SourceError` for a commit without the directory that is asked for, and for a checkout
    without the settings of its commit.
    """
    selection = _select(settings, lambda path: _read_from_commit(commits, commit, path))
    if not settings.config and settings.commit == "HEAD" and commit == asked:
        _check_settings_file(commits, commit)
    if settings.directory:
        _check_directory(commits, commit, settings.directory)
    return CommitSource(commits.repository, commit, selection)


def _select(settings: Settings, read_file: Callable[[str], bytes | None]) -> Selection:
    return Selection(
        patterns=settings.patterns,
        exclude=settings.exclude,
        directory=settings.directory,
        ignores=read_ignore_files(read_file, settings.directory),
        max_size=int(settings.max_file_size),
    )


def _read_from_disk(place: Path, path: str) -> bytes | None:
    if place.is_symlink() or not place.is_file():
        return None
    try:
        return place.read_bytes()
    except OSError as error:
        raise SourceError(
            f"{path} can't be read: {error.strerror}. Check its permissions."
        ) from error


def _read_from_commit(commits: Commits, commit: Oid, path: str) -> bytes | None:
    item = _find_item(commits, commit, path)
    if item is None or item.mode not in {MODE_FILE, MODE_EXECUTABLE}:
        return None
    commits.fetch_blobs([item.oid.hex()])
    return commits.repository.read_blob(item.oid.hex())


def _check_settings_file(commits: Commits, commit: Oid) -> None:
    """Refuse to go by the defaults where the checkout lacks the settings of its commit."""
    root = commits.repository.root
    if root is None or (root / DEFAULT_CONFIG_FILE).exists():
        return
    if _find_item(commits, commit, DEFAULT_CONFIG_FILE):
        raise SourceError(
            f"Commit {commit[:10]} has a {DEFAULT_CONFIG_FILE}, and {root} has none: the checkout "
            "is not whole. Check it out, or name the settings with --config."
        )


def _check_directory(commits: Commits, commit: Oid, directory: str) -> None:
    """Refuse a directory that the commit does not have."""
    item = _find_item(commits, commit, directory)
    if item is None or item.mode != MODE_DIRECTORY:
        raise SourceError(
            f"Commit {commit[:10]} has no folder {directory!r}. Check --directory; it is relative "
            "to the root of the repository."
        )


def _find_item(commits: Commits, commit: Oid, path: str) -> TreeItem | None:
    tree = bytes.fromhex(commits.repository.read_commit(commit).tree)
    return find_item(commits.repository.store.read, tree, path.encode())
