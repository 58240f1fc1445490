"""Colour for terminals; without it, text stays free of escape codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TextIO, TypeAlias

Style: TypeAlias = Literal["added", "updated", "renamed", "deleted", "failed", "strong", "faint"]

_CODES: Mapping[Style, str] = {
    "added": "32",
    "updated": "33",
    "renamed": "36",
    "deleted": "31",
    "failed": "1;31",
    "strong": "1",
    "faint": "2",
}


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours text, or leaves it alone."""

    is_on: bool = False

    def __call__(self, text: str, style: Style) -> str:
        """Return `text` in the colour of `style`."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.is_on and text else text


PLAIN = Paint()
"""No colour."""


def choose_paint(color: str, stream: TextIO, environ: Mapping[str, str]) -> Paint:
    """Decide on colour: `always` and `never` are obeyed; `auto` asks `NO_COLOR` and the stream.

    See no-color.org: any `NO_COLOR` that is not empty counts.
    """
    wants_none = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
    return Paint(color == "always" or (color == "auto" and not wants_none and stream.isatty()))
