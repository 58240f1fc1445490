"""The outputs of a run, and what is written about them."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.report.builders import record
from vectornator.errors import Fatal, Interrupted, OutOfTime, Refused, VectornatorError
from vectornator.report.outputs import OUTPUTS, to_outputs

REFERENCE = Path(__file__).parents[2] / "docs" / "reports.md"


def test_every_output_is_described() -> None:
    """What is set, what is declared and what the documentation names are the same."""
    table = REFERENCE.read_text(encoding="utf-8").partition("## Outputs")[2].partition("## Pull")[0]
    first_cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    documented = re.findall(r"`([a-z-]+)`", " ".join(first_cells))
    assert sorted(documented) == sorted(OUTPUTS) == sorted(to_outputs(None))


def test_a_run_counts_what_it_did() -> None:
    """Numbers are those of the record; a failed document gives the reason."""
    outputs = to_outputs(record(), report="report.json")
    counts = {name: number for name, number in outputs.items() if name.startswith("files-")}
    assert counts == {
        "files-added": "1",
        "files-updated": "0",
        "files-renamed": "0",
        "files-relabelled": "0",
        "files-deleted": "1",
        "files-failed": "1",
        "files-uploaded": "1",
        "files-unchanged": "1200",
        "files-skipped": "5",
    }
    assert (outputs["status"], outputs["failure-reason"]) == ("partial", "rejected")
    assert (outputs["synced-commit"], outputs["report-path"]) == ("", "report.json")


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (Refused("x", reason="empty-source"), "blocked", "empty-source"),
        (Fatal("x", reason="auth"), "failed", "auth"),
        (OutOfTime(), "interrupted", "timeout"),
        (Interrupted(15), "interrupted", "interrupted"),
        (VectornatorError("x"), "failed", "internal"),
        (ValueError("x"), "failed", "internal"),
    ],
)
def test_an_error_has_a_status_and_a_reason(error: Exception, status: str, reason: str) -> None:
    """Outputs are set whatever ended the run."""
    outputs = to_outputs(None, error)
    assert (outputs["status"], outputs["failure-reason"]) == (status, reason)


@pytest.mark.parametrize(("command", "commit"), [("sync", "a" * 40), ("plan", "")])
def test_only_a_sync_brings_the_store_in_line(command: str, commit: str) -> None:
    """A plan that finds nothing to do has synced nothing."""
    run = replace(record(), status="no-changes", command=command)  # type: ignore[arg-type]
    assert to_outputs(run)["synced-commit"] == commit
