"""`python -m tests.torture.catching CAMPAIGN --size N --seed S`, or `… pytest TEST…`: catch a bug.

The package beside it has one. First a plain sync, and one more, must work all the same: what is
broken altogether proves nothing. Then trials are made until one fails, and its faults are told.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openai_server import OpenAIServer
from tests.support.openai import OpenAILab
from tests.support.repositories import GitRepo

CAUGHT = "caught:"
"""What stands before the faults."""

CAUGHT_CODE = 3
"""How a process ends that caught a bug; 0 when it caught none, anything else for a crash."""


def main(words: list[str]) -> int:
    """Try the package; tell what is wrong with it."""
    sync_plainly()
    faults = run_tests(words[1:]) if words[0] == "pytest" else hold_campaign(words)
    fault = next(faults, "")
    print(f"\n{CAUGHT} {fault}")
    return CAUGHT_CODE if fault else 0


def sync_plainly() -> None:
    """A first sync, and one that finds nothing to do, as most users know them."""
    with tempfile.TemporaryDirectory(prefix="plain-") as folder, OpenAIServer() as server:
        repo = GitRepo.init(Path(folder) / "repo")
        repo.commit({"a.md": "# A\n", "docs/b.md": "# B\n"})
        lab = OpenAILab(repo, server)
        seen = [lab.sync().status, lab.sync().status]
    assert seen == ["synced", "no-changes"], f"a plain sync does not work: {seen}"


def hold_campaign(words: list[str]) -> Iterator[str]:
    """The faults of each trial of a campaign that finds its claim false."""
    from tests.torture.campaigns import BY_NAME  # noqa: PLC0415  (it imports what runs this)

    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    asked = parser.parse_args(words)
    for trial in BY_NAME[asked.name].trials(asked.size, asked.seed):
        if trial.faults:
            yield f"{trial.name}: {'; '.join(trial.faults)}"


def run_tests(words: list[str]) -> Iterator[str]:
    """The complaint of the first test that fails; tests that can't even begin are a crash."""
    witness = _Witness()
    quiet = ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # the plain sync came first
    code = pytest.main(["-x", "--tb=short", *quiet, *words], plugins=[witness])
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED} or witness.errors:
        raise RuntimeError(f"pytest ended with {code}: {witness.errors}")
    yield from witness.failures


class _Witness:
    """Hears how each test ends."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.errors: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the end of a phase of a test."""
        if report.failed:
            (self.failures if report.when == "call" else self.errors).append(report.longreprtext)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
