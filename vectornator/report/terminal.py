"""The live display: one moving line on a terminal with what, how many, how fast, how long still."""

from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Column
from rich.text import Text

from vectornator.model import Change, Failed, Outcome, Plan
from vectornator.report.console import LineObserver, describe_progress
from vectornator.report.escape import escape
from vectornator.report.paint import Paint


class TerminalObserver(LineObserver):
    """Keeps one line moving below what was said; needs a terminal that knows escape codes."""

    def __init__(
        self, stream: TextIO, paint: Paint, *, is_verbose: bool = False, shows_plan: bool = True
    ) -> None:
        super().__init__(stream, paint, is_verbose=is_verbose, shows_plan=shows_plan)
        self.progress = _build_progress(stream)
        self.failed = 0
        self.has_settled = False
        self.task = self.progress.add_task("", total=None, pace="", path="")

    def __enter__(self) -> Self:
        """Start to draw."""
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the line away and give the cursor back."""
        self.progress.stop()

    def phase(self, words: str) -> None:
        """Show what the run is at."""
        self.progress.update(self.task, description=escape(words), path="")

    def planned(self, plan: Plan) -> None:
        """Show the plan, and from now on how far the run is."""
        super().planned(plan)
        if len(plan):
            pace = f"0/{len(plan):,}"
            self.progress.update(
                self.task, description="Syncing", completed=0, total=len(plan), pace=pace
            )

    def started(self, change: Change) -> None:
        """Show the path, and how many are begun as long as none has settled."""
        self.begun += 1
        self.progress.update(self.task, path=escape(change.path))
        if not self.has_settled:
            self.progress.update(self.task, pace=f"{self.begun:,}/{self.total:,} begun")

    def settled(self, outcome: Outcome, done: int, total: int) -> None:
        """Move the line one step on; what failed is counted here and listed with the record."""
        self.has_settled = True
        self.failed += isinstance(outcome, Failed)
        pace = describe_progress(done, total, self.clock() - self.began)
        failed = f" · {self.failed:,} failed" if self.failed else ""
        self.progress.update(self.task, completed=done, total=total, pace=f"{pace}{failed}")

    def say(self, line: str) -> None:
        """Write one line above the moving one."""
        self.progress.console.print(Text.from_ansi(line))


def _build_progress(stream: TextIO) -> Progress:
    console = Console(file=stream, force_terminal=True, highlight=False)
    # Room for the `^C` that a terminal echoes: it must not push the line that is to be cleared.
    console.width = max(console.width - 4, 20)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=12),
        TextColumn("{task.fields[pace]}", markup=False),
        TextColumn(
            "{task.fields[path]}",
            markup=False,
            style="dim",
            table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
        ),
        console=console,
        transient=True,
        expand=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
