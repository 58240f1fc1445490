"""A death in between: nothing in this process changes a file any more from a chosen step on.

A step is whatever Python's audit events tell of before it happens: a file opened for writing,
renamed, linked or removed, a folder made. What is removed later is let pass: it is how Python
tidies up, and what a real death leaves lying about is seen to where real processes are killed.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MOVES = frozenset({"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Death:
    """Waits for a step below a folder, and raises there and at every later one."""

    def __init__(self) -> None:
        self._root = ""
        self._left = 0
        self._error: type[BaseException] = BaseException
        self._is_watching = False

    @contextmanager
    def await_step(self, folder: Path, step: int, error: type[BaseException]) -> Iterator[None]:
        """Let the `step`th step below `folder` not happen, nor any after it."""
        if not self._is_watching:
            sys.addaudithook(self._watch)  # there is no taking it away again
            self._is_watching = True
        self._root, self._left, self._error = f"{folder}/", step, error
        try:
            yield
        finally:
            self._root = ""

    def _watch(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._root and self._is_step(event, arguments):
            self._left -= 1
            if self._left == 0 or (self._left < 0 and event != "os.remove"):
                raise self._error

    def _is_step(self, event: str, arguments: tuple[object, ...]) -> bool:
        if event == "open":
            path, _, flags = arguments
            is_change = isinstance(flags, int) and bool(flags & _WRITING)
        else:
            path, is_change = (arguments or ("",))[0], event in _MOVES
        return is_change and isinstance(path, str | bytes) and self._is_below(os.fsdecode(path))

    def _is_below(self, path: str) -> bool:
        return os.path.abspath(path).startswith(self._root)  # noqa: PTH100  (no file system calls)


DEATH = Death()
"""The only one: there is one hook in a process."""
