"""Results as a table for the terminal, as Markdown and as JSON."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any, TypeAlias

from benchmarks.rows import Row, Unit
from vectornator import __version__

Line: TypeAlias = tuple[str, ...]


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


def to_text(rows: Sequence[Row]) -> str:
    """Tables in columns."""
    return "\n\n".join(_to_columns(to_lines(table)) for table in split_tables(rows))


def to_markdown(rows: Sequence[Row]) -> str:
    """Tables for documentation."""
    return "\n\n".join(_to_pipes(to_lines(table)) for table in split_tables(rows))


def to_json(rows: Sequence[Row]) -> dict[str, Any]:
    """Everything that was measured, every sample included."""
    measured = [
        asdict(row) | {"value": row.value, "ratio": row.ratio, "is_met": row.is_met} for row in rows
    ]
    return {"machine": describe_machine(), "rows": measured}


def split_tables(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows in a row that have sizes in common go into one table, which has a column for each."""
    tables: list[list[Row]] = []
    for _, group in groupby(rows, key=lambda row: row.name):
        members = list(group)
        sizes = {row.files for row in members}
        if not tables or sizes.isdisjoint(row.files for row in tables[-1]):
            tables.append([])
        tables[-1] += members
    return tables


def to_lines(rows: Sequence[Row]) -> list[Line]:
    """The headings of a table and its lines, one for each name among the rows."""
    sizes = sorted({row.files for row in rows})
    headings = ("what", *(f"{size:,} documents" for size in sizes), "beside it", "aim", "met")
    lines = [headings]
    for name, group in groupby(rows, key=lambda row: row.name):
        members = {row.files: row for row in group}
        last = members[max(members)]
        cells = [_to_cell(members[size]) if size in members else "" for size in sizes]
        beside = last.peer.name if last.peer else ""
        lines.append((name, *cells, beside, *_judge([*members.values()], len(sizes))))
    return lines


def _to_cell(row: Row) -> str:
    value, ratio = spell(row.value, row.unit), row.ratio
    if ratio is None:
        return value
    return f"{value}, {ratio:.0f}x" if ratio >= 10 else f"{value}, {ratio:.2f}x"


def _judge(rows: Sequence[Row], sizes: int) -> tuple[str, str]:
    """The aim of one line, and whether it is met wherever it applies."""
    aimed = [row for row in rows if row.aim]
    if not aimed:
        return "", ""
    aim = _spell_aim(aimed[-1])
    if len(aimed) < sizes:
        aim += " at " + ", ".join(f"{row.files:,}" for row in aimed)
    missed = ", ".join(f"{row.files:,}" for row in aimed if not row.is_met)
    return aim, f"no: {missed}" if missed else "yes"


def spell(value: float, unit: Unit) -> str:
    """A value with its unit, as exact as it deserves."""
    match unit:
        case "s":
            return f"{value * 1000:.3g} ms" if value < 0.995 else f"{value:.1f} s"
        case "MB":
            return f"{value:.0f} MB"
        case "requests" | "blobs":
            return f"{value:,.0f}"
        case _:
            return f"{value:,.0f} {unit}"


def _spell_aim(row: Row) -> str:
    assert row.aim is not None
    return f"≤ {row.aim.limit:g}x" if row.aim.is_ratio else f"≤ {spell(row.aim.limit, row.unit)}"


def _to_columns(lines: Sequence[Line]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )
    return "\n".join(line.rstrip() for line in aligned)


def _to_pipes(lines: Sequence[Line]) -> str:
    rule = ("---",) * len(lines[0])
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))
