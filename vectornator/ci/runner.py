"""GitHub's runner: outputs, annotations, masks, groups and the summary; the door to the toolkit.

The runner reads commands from the log and from files that variables name. Both are the
process's own, as `actions_toolkit` takes them; where a file is missing, nothing is written.
"""

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from actions_toolkit import core  # type: ignore[import-untyped]

from vectornator.report.escape import escape

Level: TypeAlias = Literal["error", "warning", "notice"]

MOST_ANNOTATIONS = 10
"""What GitHub shows of a kind per step; more are dropped without a word."""

SUMMARY_LIMIT = 900 * 1024
"""In bytes; above 1 MiB, the runner uploads nothing."""

_LONGEST_MESSAGE = 4000
"""In characters; the runner cuts at 4,096."""

_LARGEST_EVENT = 32 * 1024 * 1024
_OUTPUT_NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)


class Runner:
    """Talks to the runner, and counts the annotations it may still show."""

    def __init__(self) -> None:
        self._left = dict[Level, int].fromkeys(("error", "warning", "notice"), MOST_ANNOTATIONS)
        self._in_group = False

    def set_output(self, name: str, value: str) -> None:
        """Set an output of the step. Raises `ValueError` for a name that could be more than one."""
        if not _OUTPUT_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of an output")
        if _find_file("GITHUB_OUTPUT"):
            core.set_output(name, escape(value))

    def left(self, level: Level) -> int:
        """How many annotations of this kind are still shown."""
        return self._left[level]

    def annotate(
        self, level: Level, message: str, *, title: str = "", path: str = "", line: int = 0
    ) -> bool:
        """Show a message beside the run, and at a file if one is named; False when none is left.

        Lines count from 1; 0 is for the file as a whole.
        """
        if not self._left[level]:
            return False
        self._left[level] -= 1
        text = escape(message)
        cut = text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"
        with _in_the_log():
            tell = {"error": core.error, "warning": core.warning, "notice": core.notice}[level]
            tell(cut, title=escape(title), file=escape(path), start_line=line or None)
        return True

    def mask(self, secret: str) -> None:
        """Have the runner replace a secret wherever it would show it.

        Only for streams that the runner reads itself: elsewhere this would print the secret.
        """
        if secret:
            with _in_the_log():
                core.set_secret(secret)

    def open_group(self, title: str) -> None:
        """Fold what follows under a title, until the next group or `close_group`."""
        self.close_group()
        self._in_group = True
        with _in_the_log():
            core.start_group(escape(title))

    def close_group(self) -> None:
        """End the group, if one is open."""
        if self._in_group:
            self._in_group = False
            with _in_the_log():
                core.end_group()

    def room(self) -> int:
        """How many bytes the step's summary has room for; 0 where there is no summary."""
        place = _find_file("GITHUB_STEP_SUMMARY")
        return max(SUMMARY_LIMIT - place.stat().st_size, 0) if place else 0

    def append_summary(self, text: str) -> None:
        """Add Markdown to the step's summary, if there is one."""
        if place := _find_file("GITHUB_STEP_SUMMARY"):
            with place.open("a", encoding="utf-8", errors="backslashreplace") as opened:
                opened.write(text)


def read_event(environ: Mapping[str, str]) -> dict[str, Any]:
    """What caused the job, as GitHub describes it; empty where that can't be read."""
    place = Path(environ.get("GITHUB_EVENT_PATH") or os.devnull)
    try:
        with place.open("rb") as opened:
            event = json.loads(opened.read(_LARGEST_EVENT))
    except (OSError, ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _find_file(variable: str) -> Path | None:
    """The file that a variable names, if the runner has made it; the toolkit raises if not."""
    place = Path(os.environ.get(variable) or os.devnull)
    return place if place.is_file() else None


@contextlib.contextmanager
def _in_the_log() -> Iterator[None]:
    """Send what the toolkit prints where everything about the run goes: stdout is for answers."""
    with contextlib.redirect_stdout(sys.stderr):
        yield
    sys.stderr.flush()
