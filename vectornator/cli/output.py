"""Where a command writes: data to stdout, talk to stderr."""

import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vectornator.errors import SettingsError
from vectornator.report.document import dump_json, error_to_json, to_json_document
from vectornator.report.escape import disarm, escape
from vectornator.report.paint import PLAIN, Paint, choose_paint
from vectornator.report.plans import render_record
from vectornator.report.record import Record
from vectornator.settings import Settings

_SHORTEST_SECRET = 6
"""In characters; what is shorter is no key and turns up anywhere by chance."""


@dataclass(slots=True)
class Output:
    """The two streams, and how the user wants them."""

    is_json: bool = False
    is_quiet: bool = False
    is_verbose: bool = False
    data_paint: Paint = PLAIN
    talk_paint: Paint = PLAIN
    record: Record | None = None
    """The record of a run that is over, so that an error can be told together with it."""

    text: str = ""
    """What was answered, as people read it."""

    report: Path | None = None
    """The file that gets what `--json` prints."""

    secrets: tuple[str, ...] = ()
    """What nobody must read, wherever it turns up."""

    complain: Callable[[str], object] | None = None
    """Shows an error in place of the usual line."""

    @classmethod
    def guess(cls, argv: Sequence[str], environ: Mapping[str, str]) -> "Output":
        """What the user seems to want, for errors that come before the settings are known."""
        is_verbose = "--verbose" in argv or "-v" in argv
        is_json = "--json" in argv or environ.get("VECTORNATOR_JSON", "").lower() == "true"
        return cls(is_json=is_json, is_verbose=is_verbose)

    def adopt(self, settings: Settings, environ: Mapping[str, str]) -> None:
        """Do from now on what the settings say."""
        self.is_json = settings.json_output
        self.is_quiet = settings.quiet
        self.is_verbose = settings.verbose
        self.data_paint = choose_paint(settings.color, sys.stdout, environ)
        self.talk_paint = choose_paint(settings.color, sys.stderr, environ)
        self.secrets = settings.secrets
        if settings.report_path:
            self.report = _clear_place(settings.report_path)

    def redact(self, text: str) -> str:
        """Take out of `text` what nobody must read."""
        for secret in self.secrets:
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return text

    def answer(self, text: str, to_document: Callable[[], Mapping[str, Any]]) -> None:
        """Write what was asked for, in the form that was asked for."""
        self.text = text
        document = dump_json(to_document()) if self.is_json or self.report else ""
        if answer := document if self.is_json else disarm(text):
            sys.stdout.write(f"{answer}\n")
        if self.report:
            self.report.write_text(f"{self.redact(document)}\n", encoding="ascii")

    def talk(self, line: str) -> None:
        """Write a line about what goes on, unless silence was asked for."""
        if not self.is_quiet:
            _say(self.talk_paint(escape(line), "faint"))

    def fail(self, reason: str, message: str, error: Exception) -> None:
        """Write why there is no answer, and the record of the run if it got that far."""
        if self.is_verbose:
            trace = "".join(traceback.format_exception(error))
            _say("\n".join(escape(line) for line in trace.splitlines()))
        if self.record and not self.is_quiet and not self.is_json:
            paint, is_whole = self.talk_paint, self.is_verbose
            _say(render_record(self.record, paint=paint, is_whole=is_whole))
        if self.complain:
            self.complain(message)
        else:
            _say(f"vectornator: {self.talk_paint('error:', 'failed')} {escape(message)}")
        run = dict(to_json_document(self.record)) if self.record else {}
        with suppress(OSError):  # the file of the report may be what is wrong
            self.answer("", lambda: {**run, **error_to_json(reason, message)})


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _clear_place(path: Path) -> Path:
    """Make room for the report, lest that of an earlier run be taken for this one's."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(
            f"report-path: {path} can't be written: {error.strerror}. Name another file."
        ) from error
    return path
