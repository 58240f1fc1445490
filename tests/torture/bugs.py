"""Puts deliberate bugs into a copy of the package, and sees to it that the proofs notice each.

A bug is a patch in `tests/bugs/`. Above the diff stand a sentence that tells what is wrong, what
must notice it (`Caught by: CAMPAIGN --size N --seed S`, or `Caught by: pytest TEST…`), and words
that its complaint must hold (`Told as: WORDS`), so that no crash passes for a proof.
"""

import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.torture.campaign import Campaign, Trial
from tests.torture.catching import CAUGHT, CAUGHT_CODE

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "bugs"

SECONDS = 300.0
"""How long a run with a bug may take before it counts as hanging."""

_COPIED = ("vectornator", "tests", "benchmarks", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Bug:
    """One patch, and what its head says."""

    patch: Path
    wrong: str
    """What the patch breaks, in one sentence."""

    caught_by: tuple[str, ...]
    """The words after `python -m tests.torture.catching`."""

    told_as: str

    @classmethod
    def read(cls, patch: Path) -> Self:
        """Read the head of a patch."""
        lines = patch.read_text(encoding="utf-8").split("\n--- ", maxsplit=1)[0].splitlines()
        fields = dict(line.split(": ", 1) for line in lines[1:] if line.strip())
        words = tuple(shlex.split(fields["Caught by"]))
        return cls(patch, lines[0], words, fields["Told as"])


def list_bugs() -> list[Bug]:
    """Every bug there is, by name."""
    return [Bug.read(patch) for patch in sorted(FOLDER.glob("*.patch"))]


class Copy:
    """The package and its tests in another folder, where they may be broken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in _COPIED:
            place = ROOT / name
            copy = shutil.copytree if place.is_dir() else shutil.copy2
            copy(place, folder / name)

    def apply(self, bug: Bug, *options: str) -> str:
        """Patch the package; return what was wrong with that."""
        words = ("git", "apply", *options, str(bug.patch))
        environ = {**os.environ, "GIT_CEILING_DIRECTORIES": str(self.folder.parent)}
        done = subprocess.run(
            words, cwd=self.folder, env=environ, capture_output=True, text=True, check=False
        )
        return done.stderr if done.returncode else ""

    def catch(self, bug: Bug) -> tuple[str, ...]:
        """Run what must catch a bug that is in; return what is wrong with the proof."""
        words = (sys.executable, "-m", "tests.torture.catching", *bug.caught_by)
        environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        environ.pop("PYTHONPATH", None)
        try:
            done = subprocess.run(
                words,
                cwd=self.folder,
                env=environ,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return (f"{shlex.join(bug.caught_by)} hangs",)
        return tuple(_judge(bug, done))


def _judge(bug: Bug, done: subprocess.CompletedProcess[str]) -> Iterator[str]:
    """What is wrong with the answer of what should have caught a bug."""
    told = " ".join(done.stdout.rpartition(f"\n{CAUGHT}")[2].split())
    if done.returncode == 0:
        yield f"not caught by {shlex.join(bug.caught_by)}"
    elif done.returncode != CAUGHT_CODE:
        yield f"ended with {done.returncode}: {(done.stdout + done.stderr)[-600:]}"
    elif bug.told_as not in told:
        yield f"{bug.told_as!r} is not in {told[:600]!r}"


def try_bug(bug: Bug, copy: Copy) -> Trial:
    """Put one bug in, let it be caught, and take it out again."""
    faults: tuple[str, ...]
    if refusal := copy.apply(bug):
        faults = (f"the patch does not apply: {refusal}",)
    else:
        faults = copy.catch(bug)
        assert not copy.apply(bug, "--reverse")
    name = f"{bug.patch.stem}: {bug.wrong}"
    return Trial(name, f"caught by {bug.caught_by[0]}", faults)


def try_bugs(size: int, seed: int) -> Iterator[Trial]:
    """Try `size` bugs drawn by `seed`, or all there are."""
    bugs = list_bugs()
    with tempfile.TemporaryDirectory(prefix="bugs-") as folder:
        copy = Copy(Path(folder))
        for bug in random.Random(seed).sample(bugs, min(size, len(bugs))):
            yield try_bug(bug, copy)


BUGS = Campaign(
    name="bugs",
    claim=(
        "The proofs can fail: of the deliberate bugs in `tests/bugs`, with each of which a plain "
        "sync still works, every one is caught, and for the right reason."
    ),
    short=3,
    long=1000,
    trials=try_bugs,
    not_covered=("Bugs that nobody thought of: the list of deliberate ones is made by hand.",),
)
