"""A death in between: nothing in this process changes a file any more from a chosen step on.

What is removed after that step is let pass: it is how Python tidies up, and what a real death
leaves lying about is seen to where real processes are killed.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.steps import is_step


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
        if self._root and is_step(self._root, event, arguments):
            self._left -= 1
            if self._left == 0 or (self._left < 0 and event != "os.remove"):
                raise self._error


DEATH = Death()
"""The only one: there is one hook in a process."""
