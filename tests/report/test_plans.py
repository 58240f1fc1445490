"""A plan and the record of a run as people read them."""

import re
from dataclasses import replace

from tests.report.builders import ENTRY, document, plan, record
from vectornator.model import Delete, Plan, Relabel, Upload
from vectornator.report.paint import Paint
from vectornator.report.plans import render_plan, render_record


def test_a_plan_lists_what_would_happen() -> None:
    """Changes with their signs, what is skipped with reasons, then the sum."""
    assert render_plan(plan()).splitlines() == [
        "  + new.md (new, 12 kB)",
        "  ~ old.md (content)",
        "  > from.md -> to.md (renamed)",
        "  - gone.md (removed)",
        "",
        "  5 skipped (binary): 0.bin, 1.bin, 2.bin and 2 more",
        "",
        "Plan: 1 to upload, 1 to update, 1 to rename, 1 to delete; 1,200 unchanged, 5 skipped",
    ]


def test_attributes_are_a_change_of_their_own() -> None:
    """A document that only gets other attributes is told apart from one that is sent."""
    todo = Plan(relabels=(Relabel(document("a.md"), ENTRY),), unchanged=3)
    assert render_plan(todo).splitlines() == [
        "  = a.md (attributes)",
        "",
        "Plan: 1 to relabel; 3 unchanged",
    ]


def test_an_empty_plan_says_so() -> None:
    """Nothing to do is an answer too."""
    assert render_plan(Plan(unchanged=3)) == "Plan: nothing to do; 3 unchanged"


def test_long_lists_are_cut_unless_all_was_asked_for() -> None:
    """Twenty of a kind are enough to see what it is about."""
    long = Plan(uploads=tuple(Upload(document(f"{n}.md")) for n in range(23)))
    assert "  and 3 more to upload (--verbose shows all)" in render_plan(long).splitlines()
    assert "22.md" in render_plan(long, is_whole=True)


def test_a_path_can_not_forge_a_line() -> None:
    """A path is shown in one line whatever it holds."""
    forged = Plan(deletes=(Delete("a\n::error::b\x1b[2J", ENTRY, "removed"),))
    assert render_plan(forged).splitlines()[0] == r"  - a\x0a::error::b\x1b[2J (removed)"


def test_colour_only_adds_codes() -> None:
    """Without the codes, the coloured text is the plain one."""
    painted = render_plan(plan(), paint=Paint(is_on=True))
    assert re.sub("\x1b\\[[0-9;]*m", "", painted) == render_plan(plan())


def test_a_record_tells_counts_failures_and_cost() -> None:
    """One line for the outcome, one per failure, then what the store and the state hold."""
    assert render_record(record()).splitlines() == [
        "Synced in part: 1 added, 1 deleted, 1 failed; 1,200 unchanged, 5 skipped",
        "  ! old.md: too odd to store",
        "  1,202 documents in vs_1 · 12 kB uploaded · 9 requests (1 retry) · 4.2 s",
        "  State saved in refs/notes/vectornator for commit aaaaaaaaaa",
    ]


def test_the_record_of_a_plan_is_the_plan() -> None:
    """A dry run shows what would happen, and counts it."""
    planned = replace(record(), command="plan", status="planned", outcomes=())
    assert render_record(planned) == render_plan(plan())
    assert (planned.counts["added"], planned.changed, planned.exit_code) == (1, True, 0)


def test_a_quiet_run_is_told_shortly() -> None:
    """A run without news has no lists."""
    idle = replace(record(), status="no-changes", plan=Plan(unchanged=7), outcomes=(), saved_to="")
    assert render_record(idle).splitlines()[0] == "Nothing to do: 7 unchanged"


def test_a_refused_run_shows_what_was_refused() -> None:
    """The plan that a brake stopped is what its user must look at."""
    refused = replace(record(), status="blocked", outcomes=())
    assert render_record(refused) == render_plan(plan())
