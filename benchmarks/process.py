"""Runs whole processes, one at a time, and tells what they took."""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.child import PEAK
from tests.support.repositories import ENVIRON

PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run, and where."""

    argv: tuple[str, ...]
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    """Beyond what every command is given."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run of a command took."""

    seconds: float
    cpu: float
    """Seconds of processor time, its own and the system's for it."""

    peak: float
    """The most memory that was resident, in MB; 0 for a program that does not tell."""

    output: str


def run(command: Command) -> Sample:
    """Run to the end. Raises `RuntimeError`, with what was said, when the command fails."""
    with tempfile.NamedTemporaryFile(mode="r") as told:
        environ = {**ENVIRON, "PYTHONPATH": str(PROJECT), PEAK: told.name, **command.environ}
        before, started = _read_cpu(), time.perf_counter()
        done = subprocess.run(
            command.argv, cwd=command.folder, env=environ, capture_output=True, check=False
        )
        seconds = time.perf_counter() - started
        if done.returncode:
            words = (done.stderr or done.stdout).decode(errors="replace")
            raise RuntimeError(f"{' '.join(command.argv)} ended with {done.returncode}: {words}")
        words = done.stdout.decode(errors="replace")
        return Sample(seconds, _read_cpu() - before, float(told.read() or 0), words)


def _read_cpu() -> float:
    """The processor time of all processes that have ended so far, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def alternate(commands: Sequence[Command], runs: int) -> list[list[Sample]]:
    """Run A B A B …, after a round that warms the caches; the samples of each command."""
    for command in commands:
        run(command)
    rounds = [[run(command) for command in commands] for _ in range(runs)]
    return [list(samples) for samples in zip(*rounds, strict=True)]


def git(folder: Path, *arguments: str) -> Command:
    """A git command."""
    return Command(("git", *arguments), folder)


def python(folder: Path, *arguments: str, **environ: str) -> Command:
    """A program in the Python that runs this."""
    return Command((sys.executable, *arguments), folder, environ)


def seconds_of(samples: Sequence[Sample]) -> tuple[float, ...]:
    """How long each run took."""
    return tuple(sample.seconds for sample in samples)


def peak_of(samples: Sequence[Sample]) -> float:
    """The median of the most memory that was resident, in MB."""
    return statistics.median(sample.peak for sample in samples)
