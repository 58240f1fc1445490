"""Locks on refs: whoever is killed while it moves a ref leaves one behind."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

from dulwich.file import FileLocked

_STALE_SECONDS = 4.0
"""How long a lock may stay as it is: to move a ref takes milliseconds."""

_MOST_SECONDS = 20.0
"""How long a ref may be locked by one process after the other."""

_LOOK_SECONDS = 0.05


def outwait_locks(
    move: Callable[[], bool],
    sleep: Callable[[float], object] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> bool:
    """Move a ref once it is not locked, and remove a lock that nobody seems to hold any more.

    `move` is git's compare and swap by dulwich. Returns what it does; False also where the ref
    stays locked by others.
    """
    began = since = now()
    limit = random.uniform(1, 1.5) * _STALE_SECONDS  # noqa: S311  (so that two do not remove it)
    seen: object = None
    while now() - began < _MOST_SECONDS:
        try:
            return move()
        except FileLocked as error:
            lock = _identify(error.lockfilename)
            if lock is None or lock != seen:
                seen, since = lock, now()
            elif now() - since >= limit:
                Path(os.fsdecode(error.lockfilename)).unlink(missing_ok=True)
        sleep(_LOOK_SECONDS)
    return False


def _identify(lock: str | bytes) -> tuple[int, int] | None:
    """The inode of a lock and its time of change in nanoseconds; None for one that is gone."""
    try:
        found = os.lstat(lock)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns
