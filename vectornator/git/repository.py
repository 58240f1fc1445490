"""A repository on this machine: commits, blobs and refs of it, whatever kind of clone it is."""

import heapq
import os
import re
import stat
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from dulwich.errors import NotGitRepository
from dulwich.objectspec import parse_commit as find_commit
from dulwich.repo import Repo

from vectornator.errors import SourceError
from vectornator.git.objects import (
    Commit,
    Kind,
    MissingObject,
    Oid,
    hash_object,
    parse_commit,
)
from vectornator.git.store import ObjectStore

_MAX_INDEX = 4 << 20
"""The largest index that is read for the sake of a remark, in bytes."""

_MAX_NAME = 200


class NotARepository(SourceError):
    """A folder lies in no git repository."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder.absolute()} is not in a git repository. Run inside one or point at one with "
            "-C FOLDER; for a plain folder, pass --source worktree --metadata-storage file."
        )


class Relation(Enum):
    """How two commits stand to each other."""

    SAME = "same"
    ANCESTOR = "ancestor"
    """The first is an ancestor of the second."""

    DESCENDANT = "descendant"
    """The second is an ancestor of the first."""

    DIVERGED = "diverged"
    UNKNOWN = "unknown"
    """The history at hand ends before it tells."""


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
            repo = Repo.discover(str(folder))
        except NotGitRepository as error:
            raise NotARepository(folder) from error
        except (OSError, ValueError, KeyError) as error:
            raise SourceError(
                f"The repository at {folder.absolute()} can't be opened: {error}. "
                "Check it with `git status`."
            ) from error
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
        if revision == "HEAD" and self.read_ref("HEAD") is None:
            raise SourceError("The repository has no commit yet. Commit first, then sync.")
        try:
            return find_commit(self._repo, revision.encode()).id.decode("ascii")
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            hint = " This clone is shallow: fetch more of its history." if self.shallow else ""
            raise SourceError(
                f"{revision!r} names no commit of this repository. Check the spelling, or fetch "
                f"the branch or tag first.{hint}"
            ) from error

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

    def read_ref(self, name: str) -> Oid | None:
        """The object a ref is on, through symbolic refs; None when there is no such ref."""
        try:
            return self._repo.refs[name.encode()].decode("ascii")
        except KeyError:
            return None

    def set_ref(self, name: str, new: Oid, old: Oid | None) -> bool:
        """Move a ref from `old` (None: it must not exist) to `new`; False when it moved meanwhile.

        Raises `SourceError` when the repository can't be written to.
        """
        ref, value = name.encode(), new.encode("ascii")
        try:
            if old is None:
                return bool(self._repo.refs.add_if_new(ref, value))
            return bool(self._repo.refs.set_if_equals(ref, old.encode("ascii"), value))
        except FileExistsError:
            return False  # another process holds the lock of this very ref
        except OSError as error:
            raise SourceError(
                f"{name} can't be written: {error.strerror}. Make the repository writable, or "
                "keep the state elsewhere with --metadata-storage file."
            ) from error

    def relate(self, one: Oid, other: Oid) -> Relation:
        """How commit `one` stands to `other`, from the history at hand.

        Both histories are walked side by side, newest first, so the cost grows with the
        distance between the commits.
        """
        if one == other:
            return Relation.SAME
        walk = _Walk(self, one, other)
        return walk.find_relation()

    def list_dirty(self, select: Callable[[str], bool], limit: int = 5) -> list[str]:
        """Tracked files, chosen by `select`, that are not on the disk as they are in the index.

        A courtesy: at most `limit` paths, and none at all where the index is large, sparse or
        unreadable.
        """
        root = self.root
        if root is None:
            return []
        dirty: list[str] = []
        for path, blob, size, mtime in self._list_index():
            if len(dirty) >= limit:
                break
            if select(path) and _is_changed(root / path, blob, size, mtime):
                dirty.append(path)
        return dirty

    def _list_index(self) -> Iterator[tuple[str, Oid, int, float]]:
        """Path, blob, size and time of change of each regular file in the index."""
        place = self.git_dir / "index"
        try:
            if place.stat().st_size > _MAX_INDEX:
                return
            entries = list(self._repo.open_index().items())
        except Exception:  # noqa: BLE001  (whatever dulwich makes of a strange index, it is not ours)
            return
        for path, entry in entries:
            is_plain = not getattr(entry, "skip_worktree", False) and hasattr(entry, "mtime")
            if is_plain and stat.S_ISREG(entry.mode):
                mtime = entry.mtime
                seconds = mtime[0] + mtime[1] / 1e9 if isinstance(mtime, tuple) else float(mtime)
                yield (
                    path.decode("utf-8", "surrogateescape"),
                    entry.sha.decode(),
                    entry.size,
                    seconds,
                )

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
            tail = Path(urlsplit(url).path).name if url else ""
            name = f"local:{(tail or folder).removesuffix('.git')}"
        return re.sub(r"[^\x21-\x7e]", "-", name)[:_MAX_NAME]

    def _find_remote_url(self) -> str:
        config = self._repo.get_config()
        remotes = [section[1] for section in config.sections() if section[0] == b"remote"]
        name = b"origin" if b"origin" in remotes else b"".join(remotes[:1])
        try:
            return config.get((b"remote", name), b"url").decode("utf-8", "replace")
        except KeyError:
            return ""


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
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path
    path = path.strip("/").removesuffix(".git")
    return f"{host}/{path}".lower() if host and path else ""


def _is_changed(place: Path, blob: Oid, size: int, mtime: float) -> bool:
    """Whether a file differs from its blob; content is read only where the stat data do."""
    try:
        status = os.lstat(place)
        if not stat.S_ISREG(status.st_mode):
            return True
        if status.st_size == size and abs(status.st_mtime - mtime) < 1e-6:  # noqa: PLR2004
            return False
        return hash_object(Kind.BLOB, place.read_bytes()) != blob
    except FileNotFoundError:
        return True
    except OSError:
        return False


class _Walk:
    """A walk of two histories at once, newest commit first, each commit knowing whose it is."""

    _OURS, _THEIRS = 1, 2

    def __init__(self, repository: Repository, one: Oid, other: Oid) -> None:
        self._repository = repository
        self._one, self._other = one, other
        self._sides: dict[Oid, int] = {}
        self._heap: list[tuple[int, Oid]] = []
        self._is_cut = False

    def find_relation(self) -> Relation:
        """Walk until one commit is reached from the other, or nothing is left that could."""
        self._reach(self._one, self._OURS)
        self._reach(self._other, self._THEIRS)
        while self._heap and self._is_open():
            _, oid = heapq.heappop(self._heap)
            side = self._sides[oid]
            if oid in self._repository.shallow:
                self._is_cut = True
                continue
            commit = self._read(oid)
            for parent in commit.parents if commit else ():
                self._reach(parent, side)
            if self._sides.get(self._one, 0) & self._THEIRS:
                return Relation.ANCESTOR
            if self._sides.get(self._other, 0) & self._OURS:
                return Relation.DESCENDANT
        return Relation.UNKNOWN if self._is_cut else Relation.DIVERGED

    def _reach(self, oid: Oid, side: int) -> None:
        known = self._sides.get(oid, 0)
        if known | side == known:
            return
        self._sides[oid] = known | side
        commit = self._read(oid)
        if commit:
            heapq.heappush(self._heap, (-commit.time, oid))

    def _read(self, oid: Oid) -> Commit | None:
        try:
            return self._repository.read_commit(oid)
        except MissingObject:
            self._is_cut = True
            return None

    def _is_open(self) -> bool:
        """Whether a commit that only one side reaches is still to be followed."""
        both = self._OURS | self._THEIRS
        return any(self._sides[oid] != both for _, oid in self._heap)
