"""The command line as one whole process, with one more provider and a word about its memory."""

import os
import resource
import sys
from pathlib import Path

from benchmarks.store import NAME, CountingProvider
from vectornator.cli import main
from vectornator.providers import provider_registry

PEAK = "BENCHMARKS_PEAK"
"""The variable that names a file to write the peak of resident memory to, in MB."""

STORE = "BENCHMARKS_STORE"
"""The variable that names the file of the counting store."""


def read_peak() -> float:
    """The most memory this process had resident, in MB of a million bytes.

    Linux counts what the parent had before the program was loaded as well, except in `VmHWM`
    (proc_pid_status(5)).
    """
    status = Path("/proc/self/status")
    if status.exists():
        words = dict(line.partition(":")[::2] for line in status.read_text().splitlines())
        return int(words["VmHWM"].split()[0]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def run() -> int:
    """Run one command of Vectornator's and return its exit code."""
    place = Path(os.environ.get(STORE, ""))
    provider_registry.register(NAME, lambda _: CountingProvider(place))
    exit_code = main()
    if told := os.environ.get(PEAK):
        Path(told).write_text(str(read_peak()), encoding="utf-8")
    return exit_code


if __name__ == "__main__":
    sys.exit(run())
