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

from tests.support.steps import is_step

COUNT = "TORTURE_STEPS"


class Steps:
    """Counts the steps of this process, and ends it before the one that is to be its last."""

    def __init__(self, root: str, last: int) -> None:
        self.root = root
        self.last = last
        self.taken = 0

    def watch(self, event: str, arguments: tuple[object, ...]) -> None:
        """Take an audit event in."""
        if not is_step(self.root, event, arguments):
            return
        self.taken += 1
        if self.taken == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


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
