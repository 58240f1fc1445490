"""Observers that write lines: plain lines for logs, and near silence for those who asked for it."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TextIO

from vectornator.errors import Withheld
from vectornator.model import Change, Failed, Outcome, Plan
from vectornator.report.escape import escape
from vectornator.report.paint import PLAIN, Paint
from vectornator.report.plans import render_failure, render_plan, summarise_plan
from vectornator.report.record import Record
from vectornator.report.words import to_duration

LINE_INTERVAL = 10.0
"""Seconds between two lines about progress in a log."""


class QuietObserver(AbstractContextManager["QuietObserver"]):
    """Shows failed documents only, and keeps the record.

    Whatever it shows while the run goes on is gone when the block it opens is left.
    """

    def __init__(self, stream: TextIO, paint: Paint = PLAIN) -> None:
        self.stream = stream
        self.paint = paint
        self.record: Record | None = None

    def __exit__(self, *_: object) -> None:
        """Nothing is left to take away."""

    def phase(self, words: str) -> None:
        """Stay silent."""

    def remark(self, words: str) -> None:
        """Stay silent."""

    def planned(self, plan: Plan) -> None:
        """Stay silent."""

    def started(self, change: Change) -> None:
        """Stay silent."""

    def settled(self, outcome: Outcome, done: int, total: int) -> None:
        """Show a failure at once."""
        del done, total
        self.say_failure(outcome)

    def finished(self, record: Record) -> None:
        """Keep the record for whoever prints it."""
        self.record = record

    def say_failure(self, outcome: Outcome) -> None:
        """Write what failed, if `outcome` is a failure; what only follows from one is not told."""
        if isinstance(outcome, Failed) and not isinstance(outcome.error, Withheld):
            self.say(render_failure(outcome.change.path, outcome.message, self.paint))

    def log(self, words: str) -> None:
        """Write one line about one call; may come from any thread."""
        self.say(self.paint(escape(words), "faint"))

    def say(self, line: str) -> None:
        """Write one line."""
        print(line, file=self.stream, flush=True)


class LineObserver(QuietObserver):
    """Writes plain lines, and at most one about progress every ten seconds."""

    def __init__(
        self,
        stream: TextIO,
        paint: Paint = PLAIN,
        *,
        is_verbose: bool = False,
        shows_plan: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(stream, paint)
        self.is_verbose = is_verbose
        self.shows_plan = shows_plan
        self.clock = clock
        self.began = self.last_line = clock()
        self.begun = self.total = 0

    def phase(self, words: str) -> None:
        """Write what begins."""
        self.say(f"{escape(words)} …")

    def remark(self, words: str) -> None:
        """Write the remark."""
        self.say(f"{self.paint('note:', 'updated')} {escape(words)}")

    def planned(self, plan: Plan) -> None:
        """Write the sum of the plan, or all of it, unless it is printed as the answer anyway."""
        if self.shows_plan and self.is_verbose:
            self.say(render_plan(plan, paint=self.paint, is_whole=True))
        elif self.shows_plan:
            self.say(summarise_plan(plan))
        self.began = self.last_line = self.clock()
        self.begun, self.total = 0, len(plan)

    def started(self, change: Change) -> None:
        """Write now and then how far the run is: where many settle together, none does so yet."""
        self.begun += 1
        if self.is_due() and self.begun < self.total:
            self.say(f"{self.begun:,}/{self.total:,} begun · {escape(change.path)}")

    def is_due(self) -> bool:
        """Tell whether it is time for a line about progress; says so once."""
        now = self.clock()
        if now - self.last_line < LINE_INTERVAL:
            return False
        self.last_line = now
        return True

    def settled(self, outcome: Outcome, done: int, total: int) -> None:
        """Write a failure at once, and now and then how far the run is."""
        super().settled(outcome, done, total)
        if done < total and self.is_due():
            progress = describe_progress(done, total, self.last_line - self.began)
            self.say(f"{progress} · {escape(outcome.change.path)}")


def describe_progress(done: int, total: int, seconds: float) -> str:
    """Say how far a run is, how fast, and how long still, `seconds` after its first change."""
    rate = done / seconds if seconds > 0 else 0.0
    left = f" · {to_duration((total - done) / rate)} left" if rate and done < total else ""
    return f"{done:,}/{total:,} · {rate:,.1f}/s{left}"
