"""What was found in disarray, as text and as JSON."""

from dataclasses import replace

from tests.report.builders import record
from vectornator.drift import DriftKind, Finding
from vectornator.providers.base import Stray
from vectornator.report.document import orphans_to_json, to_json_document, verification_to_json
from vectornator.report.findings import (
    MAX_LISTED,
    render_findings,
    render_orphans,
    render_verification,
    summarise_orphans,
)
from vectornator.report.plans import render_record
from vectornator.report.record import Verification

FOUND = Verification("openai", "vs_1", "default", "a" * 40, 120, 119, 3, storage="refs/notes/v")
MISSING = Finding(DriftKind.MISSING, "a.md", "file-1")
TWIN = Finding(DriftKind.DUPLICATE, "docs/b.md", "file-2")


def test_verdict_and_facts() -> None:
    """The verdict comes first, then the facts in one column."""
    assert render_verification(FOUND).splitlines() == [
        "In line: the ledger agrees with the store.",
        "  store   openai vs_1",
        "  target  default",
        "  commit  aaaaaaaaaa",
        "  ledger  120 documents in refs/notes/v",
        "  copies  119 ours and 3 foreign",
    ]


def test_findings_follow_by_kind() -> None:
    """What is wrong is counted in the verdict and listed below the facts."""
    lines = render_verification(replace(FOUND, findings=(MISSING, TWIN))).splitlines()
    assert lines[0] == "Not in line: 1 missing, 1 duplicate. Run `vectornator repair`."
    assert lines[-4:] == [
        "  1 missing: in the ledger, not in the store",
        "    a.md  file-1",
        "  1 duplicate: one more copy of a stored document",
        "    docs/b.md  file-2",
    ]


def test_long_lists_are_cut() -> None:
    """Of many findings of a kind some are shown, and all of them when asked for."""
    many = [replace(MISSING, path=f"{number:03}.md") for number in range(50)]
    short = list(render_findings(many))
    assert (len(short), short[-1]) == (MAX_LISTED + 2, "    and 30 more (--verbose shows all)")
    assert len(list(render_findings(many, is_whole=True))) == 51


def test_names_from_outside_are_escaped() -> None:
    """A path can neither break a line nor command a terminal."""
    [_, line] = render_findings([replace(MISSING, path="a\n::error::\x1b[2J", file_id="")])
    assert line == r"    a\x0a::error::\x1b[2J"


def test_every_kind_has_a_meaning() -> None:
    """No kind is shown without the words that explain it."""
    headings = [next(render_findings([Finding(kind, "a.md")])) for kind in DriftKind]
    assert all(len(heading.partition(": ")[2]) > 20 for heading in headings)


def test_dry_repair_says_what_becomes_of_copies() -> None:
    """The findings come before the plan, with what the plan does not say."""
    dry = replace(record(), command="repair", is_dry=True, findings=(TWIN,))
    shown = render_record(dry).splitlines()
    assert shown[0] == "  1 duplicate: one more copy of a stored document; to be removed"
    assert shown[-1].startswith("Plan: ")


def test_repair_speaks_of_repairs() -> None:
    """A repair is told in other words than a sync."""
    partly = replace(record(), command="repair")
    assert render_record(partly).startswith("Repaired in part: 1 added")
    assert render_record(replace(partly, status="no-changes")).startswith("Nothing to repair")


def test_excess_is_told() -> None:
    """A repair tells of copies beyond those that documents count, as they are found."""
    repaired = replace(record(), command="repair", findings=(MISSING, TWIN))
    assert "; 1 duplicate found; " in render_record(repaired).splitlines()[0]


def test_findings_in_json() -> None:
    """Findings are objects with kind, path and id, in runs and in verifications."""
    listed = [{"kind": "missing", "path": "a.md", "file-id": "file-1"}]
    answer = verification_to_json(replace(FOUND, findings=(MISSING,)))
    assert (answer["in-line"], answer["counts"], answer["findings"]) == (
        False,
        {"missing": 1},
        listed,
    )
    run = to_json_document(replace(record(), command="repair", findings=(MISSING,)))
    assert (run["command"], run["dry-run"], run["findings"]) == ("repair", False, listed)


def test_orphans_are_lines() -> None:
    """Size, age, id and name, in columns; what is not known is a dash."""
    orphans = [
        Stray("file-1", "notes.txt", 1200, 1000.0),
        Stray("file-22", "a.pdf", 10, 1000.0 + 3 * 86_400 - 42),
        Stray("file-3", "b.md"),
    ]
    assert render_orphans(orphans, now=1000.0 + 3 * 86_400).splitlines() == [
        "  1.2 kB  3 days  file-1   notes.txt",
        "    10 B    42 s  file-22  a.pdf",
        "     0 B       -  file-3   b.md",
    ]
    assert summarise_orphans(orphans) == "3 orphans, 1.2 kB; none was removed."
    assert orphans_to_json(orphans)["orphans"][0]["file-id"] == "file-1"
