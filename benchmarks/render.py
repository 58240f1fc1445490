"""Results as a table for the terminal, as Markdown and as JSON."""

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.rows import Aim, Row, Unit
from vectornator import __version__

HEADINGS = ("what", "files", "median", "beside it", "ratio", "aim", "met")
_LEFT = frozenset({"what", "beside it"})
_WORDS = {True: "yes", False: "**no**", None: ""}


def describe_machine() -> dict[str, str]:
    """What a reader must know to judge the seconds; nothing that names the machine."""
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True)
    return {
        "vectornator": __version__,
        "python": platform.python_version(),
        "git": git.stdout.split()[2],
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
    }


def to_text(rows: Iterable[Row]) -> str:
    """A table in columns."""
    lines = [HEADINGS, *(to_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_align(line, widths, "  ") for line in lines).replace("**", "")


def to_markdown(rows: Iterable[Row]) -> str:
    """A table for documentation."""
    rule = tuple("---" if heading in _LEFT else "---:" for heading in HEADINGS)
    lines = [HEADINGS, rule, *(to_cells(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def to_json(rows: Sequence[Row]) -> dict[str, Any]:
    """Everything that was measured, every sample included."""
    measured = [
        asdict(row) | {"value": row.value, "ratio": row.ratio, "is_met": row.is_met} for row in rows
    ]
    return {"machine": describe_machine(), "rows": measured}


def to_cells(row: Row) -> tuple[str, ...]:
    """One row as words, in the order of `HEADINGS`."""
    beside = f"{row.peer.name}: {spell(row.peer.value, row.unit)}" if row.peer else ""
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
    files = f"{row.files:,}" if row.files else ""
    aim = _spell_aim(row.aim, row.unit)
    return (row.name, files, spell(row.value, row.unit), beside, ratio, aim, _WORDS[row.is_met])


def spell(value: float, unit: Unit) -> str:
    """A value with its unit, as exact as it deserves."""
    match unit:
        case "s":
            return f"{value:.3f} s" if value < 10 else f"{value:.1f} s"
        case "MB":
            return f"{value:.0f} MB"
        case _:
            return f"{value:,.0f} {unit}"


def _spell_aim(aim: Aim | None, unit: Unit) -> str:
    if aim is None:
        return ""
    return f"<= {aim.limit:g}x" if aim.is_ratio else f"<= {aim.limit:,g} {unit}"


def _align(cells: Sequence[str], widths: Sequence[int], gap: str) -> str:
    placed = (
        cell.ljust(width) if heading in _LEFT else cell.rjust(width)
        for cell, width, heading in zip(cells, widths, HEADINGS, strict=True)
    )
    return gap.join(placed).rstrip()
