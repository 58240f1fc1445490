"""What a store must hold, worked out a second time: from git's own commands and plain rules."""

import hashlib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.repositories import GitRepo
from vectornator.model import RemoteFile
from vectornator.providers.around import Call, Layer
from vectornator.providers.base import VectorStoreProvider
from vectornator.providers.memory import MemoryStore

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
BOM = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Choice:
    """Settings that choose documents, and the same choice in plain words."""

    patterns: tuple[str, ...] = ("**/*.md",)
    exclude: tuple[str, ...] = ()
    directory: str = ""
    suffix: str = ".md"
    within: str = ""
    without: tuple[str, ...] = ()

    def takes(self, path: str, ignored: tuple[str, ...]) -> bool:
        """Tell whether a path is chosen, given the folders that the ignore file names.

        A pattern that a folder matches takes everything in it, as in git.
        """
        out = (*self.without, *ignored)
        return (
            any(name.endswith(self.suffix) for name in path.split("/"))
            and path.startswith(self.within)
            and not (out and path.startswith(out))
        )


CHOICES = (
    Choice(),
    Choice(exclude=("docs/deep/",), without=("docs/deep/",)),
    Choice(directory="docs", patterns=("*.md",), within="docs/"),
    Choice(patterns=("*.txt",), suffix=".txt"),
    Choice(patterns=("docs/**/*.md",), within="docs/"),
)


class Oracle:
    """Tells the documents of commits; what it has read it keeps."""

    def __init__(self, repo: GitRepo) -> None:
        self._repo = repo
        self._blobs: dict[str, bytes] = {}

    def expect(self, commit: str, choice: Choice) -> dict[str, bytes]:
        """The content of every document of a commit, by path."""
        files = self._list_files(commit)
        ignore = files.get(".vectornatorignore")
        lines = (
            self._read(ignore[1]).decode().splitlines() if ignore and ignore[0] != "120000" else ()
        )
        ignored = tuple(lines)
        chosen = {
            path: self._read(blob)
            for path, (mode, blob) in files.items()
            if mode in {"100644", "100755"} and choice.takes(path, ignored)
        }
        return {path: content for path, content in chosen.items() if _is_text(content)}

    def _list_files(self, commit: str) -> dict[str, tuple[str, str]]:
        lines = self._repo.run("ls-tree", "-r", "-z", commit).split("\0")
        rows = (line.partition("\t") for line in lines if line)
        return {path: (head.split()[0], head.split()[2]) for head, _, path in rows}

    def _read(self, blob: str) -> bytes:
        if blob not in self._blobs:
            text = self._repo.run("cat-file", "blob", blob)
            size = int(self._repo.run("cat-file", "-s", blob))
            content = text.encode(errors="surrogateescape")
            self._blobs[blob] = content + b"\n" * (size - len(content))
        return self._blobs[blob]


def _is_text(content: bytes) -> bool:
    is_binary = b"\0" in content[:8000] and not content.startswith(BOM)
    return bool(content.strip()) and not is_binary and not content.startswith(LFS[:40])


def to_blob_id(content: bytes) -> str:
    """The id that git gives a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def is_ours(file: RemoteFile) -> bool:
    """Tell whether a copy carries the mark of the lab's target."""
    return file.attributes.get("vn_target") == "default"


class NeverMissing(Layer):
    """Checks after every call that each of some paths still has a copy in the store."""

    def __init__(
        self, inner: VectorStoreProvider, server: MemoryStore, paths: AbstractSet[str]
    ) -> None:
        super().__init__(inner)
        self._server = server
        self._paths = paths

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Look once the call is over, however it ended."""
        try:
            yield
        finally:
            held = {
                copy.file.path
                for shelf in self._server.shelves.values()
                for copy in list(shelf.copies.values())
            }
            assert self._paths <= held, (call, self._paths - held)
