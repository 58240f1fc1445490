"""Numbers and lines as people read them: counts, sizes, durations, short ids, folded text."""

import textwrap
from collections.abc import Iterable

from vectornator.report.escape import escape

_UNITS = ("B", "kB", "MB", "GB", "TB")
_SHORT_OID = 10


def count(number: int, noun: str, plural: str = "") -> str:
    """Say how many: `1 file`, `1,200 files`, `2 copies`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def to_size(size: float) -> str:
    """Say a number of bytes in decimal units: `12 kB`, `1.4 MB`."""
    unit = 0
    # 999.5 would be rounded to a thousand of the smaller unit.
    while size >= 999.5 and unit < len(_UNITS) - 1:  # noqa: PLR2004  (see above)
        size, unit = size / 1000, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit and size < 9.95 else f"{size:.0f} {_UNITS[unit]}"  # noqa: PLR2004  (one digit after the point, while it says something)


def to_duration(seconds: float) -> str:
    """Say how long: `0.4 s`, `42 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 9.95:  # noqa: PLR2004  (ten seconds, rounded)
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes_rest = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_rest} min"
    return f"{minutes} min {rest} s" if minutes else f"{whole} s"


def to_short(oid: str) -> str:
    """Shorten an object id to what still names one in practice."""
    return oid[:_SHORT_OID]


def join_parts(parts: Iterable[str]) -> str:
    """Join the parts that say something: `3 to upload, 1 to delete`."""
    return ", ".join(part for part in parts if part)


def fold_text(text: str, first: str, margin: str, width: int) -> list[str]:
    """Fold a sentence into lines of at most `width` columns, as far as its words allow.

    The first line begins with `first`, each other one with `margin`.
    """
    return textwrap.wrap(
        escape(text),
        max(width, len(margin) + 20),
        initial_indent=first,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
