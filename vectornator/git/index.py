"""Compares the work tree with git's index, as far as a remark is worth the time."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from dulwich.repo import Repo

from vectornator.git.objects import Kind, Oid, hash_object

_MAX_INDEX = 400 << 10
"""The largest index that is read for the sake of a remark, in bytes: some 4,000 files."""

_MAX_READ = 16 << 20
"""The largest file that is read for the sake of a remark, in bytes."""

_ASSUME_UNCHANGED = 0x8000
"""The flag of an entry that git was told not to look at (gitformat-index(5))."""

_SIZE_BITS = 0xFFFF_FFFF
"""The index keeps no more of a size."""


class _Tracked(NamedTuple):
    """A regular file in the index, with the stat data it had when git last looked."""

    path: str
    blob: Oid
    size: int
    mtime: int
    """In nanoseconds."""


def list_dirty(repo: Repo, root: Path, select: Callable[[str], bool], limit: int) -> list[str]:
    """At most `limit` chosen tracked files that lie below `root` in another state than tracked.

    Files whose stat data match are not read, so filters and line endings play no part; what git
    was told to leave alone (skip-worktree, assume-unchanged) is left alone. An index that is
    large, sparse or unreadable gives nothing.
    """
    dirty: list[str] = []
    try:
        if Path(repo.index_path()).stat().st_size > _MAX_INDEX:
            return []
        entries = list(_list_tracked(repo))
    except Exception:  # noqa: BLE001  (whatever dulwich makes of a strange index, it is not ours)
        return []
    for entry in entries:
        if len(dirty) >= limit:
            break
        if select(entry.path) and _is_changed(root / entry.path, entry):
            dirty.append(entry.path)
    return dirty


def _list_tracked(repo: Repo) -> Iterator[_Tracked]:
    from dulwich.index import ConflictedIndexEntry  # noqa: PLC0415  (slow, and seldom needed)

    for path, entry in repo.open_index(repo.get_config()).items():
        if isinstance(entry, ConflictedIndexEntry) or not stat.S_ISREG(entry.mode):
            continue
        if entry.skip_worktree or entry.flags & _ASSUME_UNCHANGED:
            continue
        mtime = entry.mtime
        seconds, rest = mtime if isinstance(mtime, tuple) else (int(mtime), 0)
        text = path.decode("utf-8", "surrogateescape")
        moment = seconds * 1_000_000_000 + rest
        yield _Tracked(text, entry.sha.decode("ascii"), entry.size, moment)


def _is_changed(place: Path, entry: _Tracked) -> bool:
    """Whether a file differs from its blob; it is read only where its stat data leave doubt."""
    try:
        status = os.lstat(place)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    if not stat.S_ISREG(status.st_mode):
        return True
    if entry.size not in {0, status.st_size & _SIZE_BITS}:  # git writes 0 where it is in doubt
        return True
    if status.st_mtime_ns == entry.mtime and entry.size == status.st_size & _SIZE_BITS:
        return False
    return status.st_size <= _MAX_READ and not _has_content(place, entry.blob)


def _has_content(place: Path, blob: Oid) -> bool:
    """Whether a file holds a blob, perhaps with the line endings of another system."""
    try:
        content = place.read_bytes()
    except OSError:
        return True
    plain = content.replace(b"\r\n", b"\n")
    return blob in (hash_object(Kind.BLOB, version) for version in (content, plain))
