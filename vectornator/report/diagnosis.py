"""What a checkup finds: one diagnosis per check, and how people read it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from vectornator.errors import VectornatorError
from vectornator.report.escape import escape
from vectornator.report.paint import PLAIN, Paint, Style
from vectornator.report.words import count, fold_text

Verdict: TypeAlias = Literal["ok", "warn", "fail", "skip"]
"""`warn`: works, but perhaps not as meant. `skip`: not checked, or not needed."""

_STYLES: Mapping[Verdict, Style] = {
    "ok": "added",
    "warn": "updated",
    "fail": "failed",
    "skip": "faint",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What one check found."""

    name: str
    verdict: Verdict
    found: str
    """Whole sentences, or the facts alone where all is well."""

    advice: str = ""
    """What to do; empty where there is nothing to do, or `found` says it."""

    reason: str = ""
    """The `reason` of the error that a run would meet; empty unless the check failed."""

    exit_code: int = 0
    """The exit code that a run would end with; 0 unless the check failed."""

    @classmethod
    def from_error(cls, name: str, error: VectornatorError) -> "Diagnosis":
        """A failed check: the message of an error says what is wrong and what to do."""
        reason, exit_code = error.reason, error.exit_code
        return cls(name, "fail", str(error), reason=reason, exit_code=exit_code)


def judge_diagnoses(diagnoses: Sequence[Diagnosis]) -> int:
    """The exit code of a checkup: that of the first check that failed, or 0."""
    return next((one.exit_code for one in diagnoses if one.verdict == "fail"), 0)


def render_diagnoses(
    diagnoses: Sequence[Diagnosis], *, paint: Paint = PLAIN, width: int = 80
) -> str:
    """Show each diagnosis with its verdict and name in columns, then a summary.

    Lines are at most `width` columns wide, as far as words allow. No final line break.
    """
    column = max((len(one.name) for one in diagnoses), default=0)
    lines = [line for one in diagnoses for line in _render_diagnosis(one, column, paint, width)]
    return "\n".join([*lines, "", paint(_summarise(diagnoses), "strong")])


def _render_diagnosis(one: Diagnosis, column: int, paint: Paint, width: int) -> list[str]:
    margin = " " * (column + 10)
    head = f"  {one.verdict:<4}  {escape(one.name):<{column}}  "
    lines = fold_text(one.found, head, margin, width)
    if one.advice:
        lines += fold_text(one.advice, f"{margin}-> ", f"{margin}   ", width)
    verdict = paint(one.verdict, _STYLES[one.verdict])
    lines[0] = lines[0].replace(one.verdict, verdict, 1)
    return lines


def _summarise(diagnoses: Sequence[Diagnosis]) -> str:
    verdicts = Counter(one.verdict for one in diagnoses)
    failed = f"{count(verdicts['fail'], 'check')} failed" if verdicts["fail"] else ""
    warned = count(verdicts["warn"], "warning") if verdicts["warn"] else ""
    told = ", ".join(filter(None, (failed, warned)))
    return f"{told}." if told else "Nothing stands in the way of a sync."
