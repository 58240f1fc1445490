"""The documents of a commit or of a work tree: which files are taken, and why others are not."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from vectornator.errors import SourceError
from vectornator.git import Repository, diff_trees, find_item, walk_tree
from vectornator.git.objects import (
    EMPTY_BLOB,
    MODE_DIRECTORY,
    MODE_SUBMODULE,
    MODE_SYMLINK,
    Kind,
    Oid,
    hash_object,
)
from vectornator.model import Document, Skip, SkipReason, is_utf8
from vectornator.selection import Selection

_UNSUPPORTED = """
    avif bmp gif heic ico jpeg jpg png psd svgz tif tiff webp
    avi flac m4a m4v mkv mov mp3 mp4 mpeg mpg ogg wav webm
    7z bz2 gz jar rar tar tgz war whl xz zip zst
    a bin class dat dll dylib exe lib o obj pyc pyo so wasm
    eot otf ttf woff woff2
    doc docx odp ods odt pdf ppt pptx xls xlsx
    db npy npz onnx parquet pkl pt safetensors sqlite sqlite3
"""
UNSUPPORTED_SUFFIXES = frozenset(f".{suffix}" for suffix in _UNSUPPORTED.split())
"""Suffixes of formats that are not text: told from the path, without reading the file."""

_SNIFF = 8000
"""Bytes searched for a NUL to tell a binary file: git's own rule (`buffer_is_binary`)."""

_LFS_HEAD = b"version https://git-lfs.github.com/spec/"
"""How a pointer file of Git LFS begins (git-lfs/docs/spec.md)."""


class Source(Protocol):
    """Where documents come from."""

    commit: Oid
    """The commit that is synced; empty outside git."""

    tree: Oid
    """The tree that the documents come from; empty for a work tree."""

    selection: Selection

    def list_documents(self) -> Iterator[Document | Skip]:
        """Yield every chosen file, each once."""

    def look_up(self, paths: Iterable[str]) -> dict[str, Document | Skip | None]:
        """What the source says of each of `paths`; None where it has no such document."""

    def read(self, document: Document) -> bytes:
        """The content of a document. Raises `SourceError`."""


class CommitSource:
    """The documents of one commit, read from git's objects and never from the disk."""

    def __init__(self, repository: Repository, commit: Oid, selection: Selection) -> None:
        self.commit = commit
        self.tree = repository.read_commit(commit).tree
        self.selection = selection
        self._repository = repository
        self._read = repository.store.read

    def list_documents(self) -> Iterator[Document | Skip]:
        """Walk the tree of the commit; folders that can't hold a document stay closed."""
        root = bytes.fromhex(self.tree)
        for path, mode, oid in walk_tree(self._read, root, self._may_enter):
            if found := judge_file(self.selection, path, mode, oid.hex()):
                yield found

    def find_changes(self, base_tree: Oid) -> dict[str, Document | Skip | None]:
        """What the source says of each path that differs between `base_tree` and its own tree.

        Raises `MissingObject` when the base tree is not at hand.
        """
        changes: dict[str, Document | Skip | None] = {}
        old, new = bytes.fromhex(base_tree), bytes.fromhex(self.tree)
        for change in diff_trees(self._read, old, new, self._may_enter):
            found = None
            if change.new:
                mode, oid = change.new
                found = judge_file(self.selection, change.path, mode, oid.hex())
            path = _to_text(change.path)
            if found or self.selection.is_chosen(path):
                changes[path] = found
        return changes

    def look_up(self, paths: Iterable[str]) -> dict[str, Document | Skip | None]:
        """Find each path in the tree of the commit."""
        root = bytes.fromhex(self.tree)
        found: dict[str, Document | Skip | None] = {}
        for path in paths:
            name = path.encode()
            item = find_item(self._read, root, name)
            found[path] = (
                judge_file(self.selection, name, item.mode, item.oid.hex())
                if item and item.mode != MODE_DIRECTORY
                else None
            )
        return found

    def read(self, document: Document) -> bytes:
        """Read the blob of a document."""
        return self._repository.read_blob(document.blob)

    def _may_enter(self, folder: bytes) -> bool:
        return self.selection.may_hold(_to_text(folder))


class FolderSource:
    """The documents of a folder on the disk, whether git knows them or not.

    Symbolic links are never followed, so nothing outside the folder can be reached.
    """

    tree = ""

    def __init__(
        self, root: Path, selection: Selection, commit: Oid = "", *, max_size: int | None = None
    ) -> None:
        self.commit = commit
        self.selection = selection
        self._root = root
        self._max_size = max_size

    def list_documents(self) -> Iterator[Document | Skip]:
        """Walk the folder in the order of names; what is no file, such as a pipe, stays closed.

        A file of more than `max_size` bytes is skipped unread.
        """
        yield from self._walk("")

    def _walk(self, folder: str) -> Iterator[Document | Skip]:
        for item in sorted(self._scan(folder), key=lambda item: item.name):
            path = f"{folder}/{item.name}" if folder else item.name
            if item.is_dir(follow_symlinks=False):
                if item.name not in {".git", ".vectornator"} and self.selection.may_hold(path):
                    yield from self._walk(path)
            elif (item.is_symlink() or item.is_file()) and (
                found := self._judge(path, is_link=item.is_symlink())
            ):
                yield found

    def _scan(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._root / folder) as items:
                return list(items)
        except OSError as error:
            raise SourceError(
                f"The folder {folder or self._root} can't be read: {error.strerror}. "
                "Check its permissions."
            ) from error

    def _judge(self, path: str, *, is_link: bool) -> Document | Skip | None:
        name = os.fsencode(path)
        if is_link:
            return judge_file(self.selection, name, MODE_SYMLINK, "")
        found = judge_file(self.selection, name, 0, "")
        if not isinstance(found, Document):
            return found
        if self._is_too_large(path):
            return Skip(path, SkipReason.TOO_LARGE)
        content = self._read_path(path)
        return judge_file(self.selection, name, 0, hash_object(Kind.BLOB, content))

    def look_up(self, paths: Iterable[str]) -> dict[str, Document | Skip | None]:
        """Look for each path on the disk."""
        found: dict[str, Document | Skip | None] = {}
        for path in paths:
            place = self._root / path
            is_file = place.is_symlink() or place.is_file()
            found[path] = self._judge(path, is_link=place.is_symlink()) if is_file else None
        return found

    def read(self, document: Document) -> bytes:
        """Read a file as it is now. Raises `SourceError` when it changed since the walk."""
        content = self._read_path(document.path)
        if hash_object(Kind.BLOB, content) != document.blob:
            raise SourceError(f"{document.path} changed while it was being synced. Run again.")
        return content

    def _is_too_large(self, path: str) -> bool:
        with _reading(path):
            size = (self._root / path).stat().st_size
        return self._max_size is not None and size > self._max_size

    def _read_path(self, path: str) -> bytes:
        with _reading(path):
            return (self._root / path).read_bytes()


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Raise `SourceError` for a file that the block can't read."""
    try:
        yield
    except OSError as error:
        raise SourceError(
            f"{path} can't be read: {error.strerror}. Check its permissions, or leave it out "
            "with --exclude."
        ) from error


def list_paths(repository: Repository, commit: Oid) -> Iterator[str]:
    """Yield the path of every file of a commit, document or not."""
    tree = bytes.fromhex(repository.read_commit(commit).tree)
    for path, _, _ in walk_tree(repository.store.read, tree):
        yield _to_text(path)


def judge_file(selection: Selection, path: bytes, mode: int, blob: Oid) -> Document | Skip | None:
    """Decide by path, mode and id, without content; None for a file that is not chosen."""
    text = _to_text(path)
    if mode == MODE_SUBMODULE:
        is_hidden = selection.is_excluded(text) or not selection.may_hold(text)
        return None if is_hidden else Skip(text, SkipReason.SUBMODULE)
    if not selection.is_chosen(text):
        return None
    if reason := _find_skip_reason(selection, text, mode, blob):
        return Skip(text, reason)
    return Document(text, blob)


def _find_skip_reason(selection: Selection, path: str, mode: int, blob: Oid) -> SkipReason | None:
    if not (path.isascii() or is_utf8(path)):
        return SkipReason.BAD_PATH
    if selection.is_excluded(path):
        return SkipReason.EXCLUDED
    if mode == MODE_SYMLINK:
        return SkipReason.SYMLINK
    if blob == EMPTY_BLOB:
        return SkipReason.EMPTY
    suffix = path[path.rfind(".") :].lower()
    return SkipReason.UNSUPPORTED if suffix in UNSUPPORTED_SUFFIXES else None


def _to_text(path: bytes) -> str:
    """A path as text; bytes that are not UTF-8 become surrogates, which no document may have."""
    return path.decode("utf-8", "surrogateescape")


def inspect_content(document: Document, content: bytes, max_size: int) -> Document | Skip:
    """Decide by content: the document with its size and hash, or why it is not taken."""
    if not content.strip():
        return Skip(document.path, SkipReason.EMPTY)
    if len(content) > max_size:
        return Skip(document.path, SkipReason.TOO_LARGE)
    if content.startswith(_LFS_HEAD):
        return Skip(document.path, SkipReason.LFS_POINTER)
    if b"\0" in content[:_SNIFF] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Skip(document.path, SkipReason.BINARY)
    digest = hashlib.sha256(content).hexdigest()
    return Document(document.path, document.blob, len(content), digest)
