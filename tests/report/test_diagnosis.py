"""What a checkup found, as people and as machines read it."""

import pytest

from vectornator.errors import Fatal, SettingsError
from vectornator.report.diagnosis import (
    Diagnosis,
    judge_diagnoses,
    render_diagnoses,
)
from vectornator.report.document import diagnoses_to_json
from vectornator.report.paint import Paint

FINE = Diagnosis("settings", "ok", "all by default")
LONE = Diagnosis("remote", "warn", "There is none.", "Add one.")
WRONG_KEY = Diagnosis.from_error("key", Fatal("The key is wrong. Correct it.", reason="auth"))
UNNAMED = Diagnosis.from_error("store", SettingsError("No store is named."))
UNTRIED = Diagnosis("push", "skip", "nothing is pushed")


def test_diagnoses_stand_in_columns() -> None:
    """Verdict, name and facts are below each other; advice is below the facts."""
    assert render_diagnoses([FINE, LONE, UNTRIED, WRONG_KEY], width=60).splitlines() == [
        "  ok    settings  all by default",
        "  warn  remote    There is none.",
        "                  -> Add one.",
        "  skip  push      nothing is pushed",
        "  fail  key       The key is wrong. Correct it.",
        "",
        "1 check failed, 1 warning.",
    ]


def test_a_sound_checkup_says_so() -> None:
    """What was skipped is no failure."""
    shown = render_diagnoses([FINE, UNTRIED])
    assert shown.splitlines()[-1] == "Nothing stands in the way of a sync."


def test_colour_changes_no_column() -> None:
    """Without its escape codes, painted text is the plain one."""
    diagnoses = [FINE, LONE, WRONG_KEY, UNTRIED]
    painted = render_diagnoses(diagnoses, paint=Paint(is_on=True))
    assert "\x1b[1;31mfail\x1b[0m  key" in painted
    for code in ("\x1b[32m", "\x1b[33m", "\x1b[1;31m", "\x1b[2m", "\x1b[1m", "\x1b[0m"):
        painted = painted.replace(code, "")
    assert painted == render_diagnoses(diagnoses)


@pytest.mark.parametrize(
    ("diagnoses", "exit_code"),
    [
        ([], 0),
        ([FINE, LONE, UNTRIED], 0),
        ([FINE, WRONG_KEY, UNNAMED], 4),
        ([UNNAMED, WRONG_KEY], 2),
    ],
)
def test_the_first_failure_decides(diagnoses: list[Diagnosis], exit_code: int) -> None:
    """The exit code is the one that a sync would end with."""
    assert judge_diagnoses(diagnoses) == exit_code


def test_machines_read_every_diagnosis() -> None:
    """The document has the checks in their order, failures with the word for their kind."""
    assert diagnoses_to_json([LONE, WRONG_KEY])["checks"] == [
        {
            "name": "remote",
            "verdict": "warn",
            "found": "There is none.",
            "advice": "Add one.",
            "reason": "",
        },
        {
            "name": "key",
            "verdict": "fail",
            "found": "The key is wrong. Correct it.",
            "advice": "",
            "reason": "auth",
        },
    ]
