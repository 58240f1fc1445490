"""The observer for GitHub's log: phases and changes in groups that open at a click."""

from typing import TextIO

from vectornator.ci.runner import Runner
from vectornator.model import Change, Plan
from vectornator.report.console import LineObserver
from vectornator.report.paint import PLAIN, Paint
from vectornator.report.record import Record
from vectornator.report.words import count


class RunnerObserver(LineObserver):
    """Writes plain lines; what belongs to the changes is folded, and so is a verbose phase."""

    def __init__(
        self,
        stream: TextIO,
        runner: Runner,
        paint: Paint = PLAIN,
        *,
        is_verbose: bool = False,
        shows_plan: bool = True,
    ) -> None:
        super().__init__(stream, paint, is_verbose=is_verbose, shows_plan=shows_plan)
        self.runner = runner
        self._making = self._title = ""

    def __exit__(self, *_: object) -> None:
        """Close the group that an error has left open."""
        self._end_group()

    def phase(self, words: str) -> None:
        """Write what begins; with everything to be shown, much will follow."""
        self._end_group()
        if self.is_verbose:
            self.runner.open_group(words)
        else:
            super().phase(words)

    def planned(self, plan: Plan) -> None:
        """Write the sum of the plan, and fold what becomes of its changes."""
        self._end_group()
        super().planned(plan)
        if self.shows_plan and len(plan):
            self._making = f"Making {count(len(plan), 'change')}"

    def started(self, change: Change) -> None:
        """Begin the group of the changes; until now, a store may have been created.

        What every call has to say comes from other threads, and the toolkit is for one: with
        everything to be shown, the group is opened here, else with its first line.
        """
        super().started(change)
        if self._making:
            self._end_group()
            if self.is_verbose:
                self.runner.open_group(self._making)
            else:
                self._title = self._making
            self._making = ""

    def finished(self, record: Record) -> None:
        """Let what follows stand by itself."""
        self._end_group()
        super().finished(record)

    def say(self, line: str) -> None:
        """Write one line; with the first about the changes their group is opened."""
        if self._title:
            title, self._title = self._title, ""
            self.runner.open_group(title)
        super().say(line)

    def _end_group(self) -> None:
        self._title = ""
        self.runner.close_group()
