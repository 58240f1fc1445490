"""Where a command writes: data to stdout, talk to stderr."""

import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vectornator.report.document import dump_json, error_to_json, to_json_document
from vectornator.report.escape import escape
from vectornator.report.paint import PLAIN, Paint, choose_paint
from vectornator.report.plans import render_record
from vectornator.report.record import Record
from vectornator.settings import Settings


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

    def answer(self, text: str, to_document: Callable[[], Mapping[str, Any]]) -> None:
        """Write what was asked for, in the form that was asked for."""
        if answer := dump_json(to_document()) if self.is_json else text:
            sys.stdout.write(f"{answer}\n")

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
        label = self.talk_paint("error:", "failed")
        _say(f"vectornator: {label} {escape(message)}")
        if self.is_json:
            run = to_json_document(self.record) if self.record else {}
            self.answer("", lambda: {**run, **error_to_json(reason, message)})


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
