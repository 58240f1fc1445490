"""A repository on this machine: commits, blobs and refs of it, whatever kind of clone it is."""

import hashlib
import os
import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, quote, unquote, urlsplit

from dulwich.config import ConfigFile
from dulwich.errors import FileFormatException, NotGitRepository, RefFormatError
from dulwich.objects import ObjectID
from dulwich.refs import Ref, SymrefLoop
from dulwich.repo import (
    InvalidWorktreeConfiguration,
    Repo,
    UnsupportedExtension,
    UnsupportedVersion,
)

from vectornator.errors import SourceError
from vectornator.git.ancestry import Relation, find_relation
from vectornator.git.config import open_config
from vectornator.git.index import list_dirty
from vectornator.git.locks import outwait_locks
from vectornator.git.objects import Commit, Kind, Oid, parse_commit
from vectornator.git.revisions import Finder
from vectornator.git.store import ObjectStore

__all__ = ["NotARepository", "Relation", "Repository"]

_MAX_NAME = 200

_PLAIN = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")
"""What a name keeps as it is: what prints in ASCII, without the sign that escapes begin with."""
_ID = re.compile(rb"[0-9a-f]{40}")

_UNREADABLE = (
    FileFormatException,
    OSError,
    ValueError,
    KeyError,
    InvalidWorktreeConfiguration,
    UnsupportedExtension,
    UnsupportedVersion,
)
"""What dulwich raises for a repository that is damaged, or newer than it."""


class NotARepository(SourceError):
    """A folder lies in no git repository."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder.absolute()} is not in a git repository. Run inside one or point at one with "
            "-C FOLDER; for a plain folder, pass --source worktree --metadata-storage file."
        )


class _Repo(Repo):
    """Dulwich's repository, with a configuration that includes files only."""

    def get_config(self) -> ConfigFile:
        """Read the configuration; an empty one where there is none."""
        path = Path(self.commondir(), "config")
        if not path.exists():
            return ConfigFile()
        is_active = self._get_config_condition_matchers()
        return ConfigFile.from_path(path, condition_matchers=is_active, file_opener=open_config)


class Repository:
    """One repository, open for reading; only notes refs and their objects are ever written."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self.store = ObjectStore(repo)
        self.git_dir = Path(repo.controldir())
        """The `.git` directory of this work tree."""

        self.common_dir = Path(repo.commondir())
        """The `.git` directory that all work trees share."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the repository that `folder` lies in. Raises `SourceError`."""
        try:
            repo = _Repo.discover(str(folder))
        except NotGitRepository as error:
            raise NotARepository(folder) from error
        except _UNREADABLE as error:
            raise SourceError(
                f"The repository at {folder.absolute()} can't be opened: {error}. "
                "Check it with `git status`."
            ) from error
        if not Path(repo.commondir(), "objects").is_dir():  # a `.git` file that leads nowhere
            repo.close()
            raise SourceError(
                f"The git directory {repo.commondir()} of {folder.absolute()} is missing. "
                "Check with `git status`."
            )
        if _find_object_format(repo) != "sha1":
            repo.close()
            raise SourceError(
                f"{folder.absolute()} keeps its objects by SHA-256, which vectornator can't read "
                "yet. Use a repository with SHA-1 objects."
            )
        return cls(repo)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every file."""
        self.store.close()
        self._repo.close()

    @property
    def root(self) -> Path | None:
        """The root of the work tree; None for a bare repository."""
        return None if self._repo.bare else Path(self._repo.path)

    @cached_property
    def shallow(self) -> frozenset[Oid]:
        """The commits at which a shallow clone ends."""
        return frozenset(oid.decode("ascii") for oid in self._repo.get_shallow())

    def resolve(self, revision: str) -> Oid:
        """The id of the commit that a revision names. Raises `SourceError`."""
        if revision in {"HEAD", "@"} and self.read_ref("HEAD") is None:
            raise SourceError("The repository has no commit yet. Commit first, then sync.")
        finder = Finder(self.store, self.read_ref, is_shallow=bool(self.shallow))
        return finder.find(revision)

    def read_commit(self, oid: Oid) -> Commit:
        """What a commit says. Raises `SourceError` for anything that is no commit."""
        kind, content = self.store.read(bytes.fromhex(oid))
        if kind != Kind.COMMIT:
            raise SourceError(f"{oid} is not a commit.")
        return parse_commit(oid, content)

    def read_blob(self, oid: Oid) -> bytes:
        """The bytes of a file. Raises `SourceError` for anything that is no blob."""
        kind, content = self.store.read(bytes.fromhex(oid))
        if kind != Kind.BLOB:
            raise SourceError(f"{oid} is not a file's content.")
        return content

    def blob_size(self, oid: Oid) -> int:
        """The size of a file in bytes, told without reading it whole. Raises `SourceError`."""
        return self.store.size(bytes.fromhex(oid))

    def read_ref(self, name: str) -> Oid | None:
        """The object a ref is on, through symbolic refs; None when there is no such ref.

        Raises `SourceError` for a ref that is damaged.
        """
        if "//" in name or name.endswith("/"):
            return None  # dulwich warns of such names instead of refusing them
        try:
            value = self._repo.refs[_to_ref(name)]
        except (KeyError, RefFormatError):
            return None
        except (OSError, ValueError, FileFormatException, SymrefLoop) as error:
            raise _as_damaged(name) from error
        if not _ID.fullmatch(value):
            raise _as_damaged(name)
        return value.decode("ascii")

    def set_ref(self, name: str, new: Oid, old: Oid | None) -> bool:
        """Move a ref from `old` (None: it must not exist) to `new`; False when it moved meanwhile.

        A lock that a killed process left is removed once nobody has touched it for some seconds.
        Raises `SourceError` when the repository can't be written to, and where a link would lead
        the write out of it.
        """
        root = os.path.realpath(self.common_dir)
        if not Path(os.path.realpath(self.common_dir / name)).is_relative_to(root):
            raise SourceError(
                f"{name} leads out of the repository through a symbolic link. Remove the link."
            )
        ref, value = _to_ref(name), ObjectID(new.encode("ascii"))

        def move() -> bool:
            if old is None:
                return bool(self._repo.refs.add_if_new(ref, value))
            return bool(self._repo.refs.set_if_equals(ref, ObjectID(old.encode("ascii")), value))

        try:
            return outwait_locks(move)
        except OSError as error:
            raise SourceError(
                f"{name} can't be written: {error.strerror}. Make the repository writable, or "
                "keep the state elsewhere with --metadata-storage file."
            ) from error

    def relate(self, one: Oid, other: Oid) -> Relation:
        """How commit `one` stands to `other`, from the history at hand."""
        return find_relation(self.read_commit, one, other)

    def list_dirty(self, select: Callable[[str], bool], limit: int = 5) -> list[str]:
        """Tracked files, chosen by `select`, that are not on the disk as they are in the index.

        A courtesy: at most `limit` paths, and none at all where the index is large, sparse or
        unreadable.
        """
        root = self.root
        return [] if root is None else list_dirty(self._repo, root, select, limit)

    def describe_source(self) -> str:
        """Names the repository for ownership marks: `host/path` of its remote.

        The https and ssh forms of one URL give one name, without credentials, user, port or
        `.git`, in lower case: the large hosts don't tell case apart. Without a remote, or with
        one that is a path, the name is `local:` and the name of the folder.
        """
        url = self._find_remote_url()
        name = _to_source_name(url)
        if not name:
            folder = (self.root or self.git_dir).resolve().name
            tail = Path(_split(url).path).name if url else ""
            name = f"local:{(tail or folder).removesuffix('.git')}"
        return _to_mark(name)

    def find_place(self) -> Path:
        """Where the repository is, if no host names it: its remote's folder, or its own."""
        url = self._find_remote_url()
        own = self.root or self.git_dir
        return (own / _split(url).path if url else own).resolve()

    def find_main_branch(self) -> str:
        """The branch that a clone begins with, as far as this one knows; `main` if it does not."""
        head = self._read_symbolic("refs/remotes/origin/HEAD").removeprefix("refs/remotes/origin/")
        usual = (name for name in ("main", "master") if self.read_ref(f"refs/heads/{name}"))
        current = self._read_symbolic("HEAD").removeprefix("refs/heads/")
        return head or next(usual, current) or "main"

    def _read_symbolic(self, name: str) -> str:
        """The name of the ref that a symbolic ref is on; empty for any other."""
        value = self._repo.refs.read_ref(_to_ref(name)) or b""
        target = value.decode("utf-8", "replace").strip()
        return target.removeprefix("ref: ") if target.startswith("ref: ") else ""

    def _find_remote_url(self) -> str:
        config = self._repo.get_config()
        remotes = [part[1] for part in config.sections() if part[0] == b"remote" and part[1:]]
        name = b"origin" if b"origin" in remotes else b"".join(remotes[:1])
        try:
            return config.get((b"remote", name), b"url").decode("utf-8", "replace")
        except KeyError:
            return ""


def _to_ref(name: str) -> Ref:
    return Ref(name.encode("utf-8", "surrogateescape"))


def _to_mark(name: str) -> str:
    """A name in printable ASCII and of bounded length; different names never become one.

    A mark decides what may be deleted, so characters are escaped and not replaced, and a name
    that has to be cut ends in a digest of the whole.
    """
    # Surrogates stand for bytes that are not UTF-8, as in every path.
    mark = quote(name.encode("utf-8", "surrogateescape"), safe=_PLAIN)
    if len(mark) <= _MAX_NAME:
        return mark
    digest = hashlib.sha256(mark.encode()).hexdigest()[:16]
    return f"{mark[: _MAX_NAME - 17]}-{digest}"


def _as_damaged(name: str) -> SourceError:
    return SourceError(f"The ref {name} is damaged. Check with `git fsck`.")


def _find_object_format(repo: Repo) -> str:
    try:
        value: bytes = repo.get_config().get((b"extensions",), b"objectformat")
    except KeyError:
        return "sha1"
    return value.decode("ascii", "replace").lower()


def _to_source_name(url: str) -> str:
    """`host/path` of a URL in either form; empty for a path on this machine."""
    scp = re.fullmatch(r"(?:[^@/:]+@)?([^/:]{2,}):(?!//)(.+)", url)
    if scp:
        host, path = scp[1], scp[2]
    else:
        parts = _split(url)
        host, path = parts.hostname or "", unquote(parts.path)
    path = re.sub("/+", "/", path).strip("/").removesuffix(".git")
    return f"{host}/{path}".lower() if host and path else ""


def _split(url: str) -> SplitResult:
    """The parts of a URL; what is none counts as a path."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", url, "", "")
