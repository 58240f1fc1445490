"""`python -m tests.torture.child N WORD…`: the command line, killed before its Nth step on disk.

A step is anything that changes a file below the current folder: a file opened for writing,
renamed, linked or removed, a folder made. Python's audit events tell of each before it happens.
N is 0 for a run that is not killed; then `TORTURE_STEPS` may name a file to write the number
of steps to.
"""

import atexit
import os
import signal
import sys
from pathlib import Path

COUNT = "TORTURE_STEPS"

_MOVES = frozenset({"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Steps:
    """Counts the steps of this process, and ends it before the one that is to be its last."""

    def __init__(self, root: str, last: int) -> None:
        self.root = root
        self.last = last
        self.taken = 0

    def watch(self, event: str, arguments: tuple[object, ...]) -> None:
        """Take an audit event in."""
        if not self._is_step(event, arguments):
            return
        self.taken += 1
        if self.taken == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def _is_step(self, event: str, arguments: tuple[object, ...]) -> bool:
        if event == "open":
            path, _, flags = arguments
            is_change = isinstance(flags, int) and bool(flags & _WRITING)
        else:
            path, is_change = (arguments or ("",))[0], event in _MOVES
        return is_change and isinstance(path, str | bytes) and self._is_below(os.fsdecode(path))

    def _is_below(self, path: str) -> bool:
        return os.path.abspath(path).startswith(self.root)  # noqa: PTH100  (no file system calls)


def main(last: int, arguments: list[str]) -> None:
    """Run the command line with the steps counted."""
    steps = Steps(f"{Path.cwd()}/", last)
    if told := os.environ.get(COUNT):
        atexit.register(lambda: Path(told).write_text(str(steps.taken), encoding="utf-8"))
    sys.addaudithook(steps.watch)
    sys.argv[1:] = arguments
    from vectornator.cli import run  # noqa: PLC0415  (what it imports is watched as well)

    run()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
