"""What changes a file: steps on disk, as Python's audit events tell of them beforehand."""

import os

_MOVES = frozenset({"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def is_step(root: str, event: str, arguments: tuple[object, ...]) -> bool:
    """Tell whether an event is a change below `root`, a path that ends with a slash.

    Files opened for writing, renamed, linked or removed count, and folders made.
    """
    if event == "open":
        path, _, flags = arguments
        is_change = isinstance(flags, int) and bool(flags & _WRITING)
    else:
        path, is_change = (arguments or ("",))[0], event in _MOVES
    return is_change and isinstance(path, str | bytes) and _is_below(root, os.fsdecode(path))


def _is_below(root: str, path: str) -> bool:
    return os.path.abspath(path).startswith(root)  # noqa: PTH100  (no file system calls)
