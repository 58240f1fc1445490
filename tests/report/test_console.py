"""What a run shows while it goes on."""

import io
from collections.abc import Iterator

import pytest

from tests.report.builders import ENTRY, plan, record
from vectornator.errors import Rejected, Withheld
from vectornator.model import Done, Failed
from vectornator.report.console import LineObserver, QuietObserver
from vectornator.report.paint import Paint, choose_paint


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def tick(step: float) -> Iterator[float]:
    """A clock that moves on by `step` whenever it is read."""
    now = 0.0
    while True:
        yield now
        now += step


def test_a_log_gets_one_line_in_ten_seconds() -> None:
    """However many documents settle, progress is told now and then only."""
    stream, clock = io.StringIO(), tick(1.0)
    observer = LineObserver(stream, clock=lambda: next(clock))
    observer.planned(plan())
    for done in range(1, 26):
        observer.settled(Done(plan().uploads[0], ENTRY), done, 26)
    assert stream.getvalue().splitlines() == [
        "Plan: 1 to upload, 1 to update, 1 to rename, 1 to delete; 1,200 unchanged, 5 skipped",
        "10/26 · 1.0/s · 16 s left · new.md",
        "20/26 · 1.0/s · 6.0 s left · new.md",
    ]


def test_what_is_begun_is_progress_too() -> None:
    """Where nothing settles before much is begun, a log tells how much is."""
    stream, clock = io.StringIO(), tick(6.0)
    observer = LineObserver(stream, clock=lambda: next(clock), shows_plan=False)
    observer.planned(plan())
    for _ in range(3):
        observer.started(plan().uploads[0])
    assert stream.getvalue() == "2/4 begun · new.md\n"


def test_what_only_follows_is_not_told_at_once() -> None:
    """Changes that were not tried are left to the record, which has them all."""
    stream = io.StringIO()
    LineObserver(stream).settled(Failed(plan().updates[0], Withheld("not tried")), 1, 4)
    assert stream.getvalue() == ""


def test_failures_are_shown_even_to_the_quiet() -> None:
    """What failed is told at once; nothing else is."""
    stream = io.StringIO()
    observer = QuietObserver(stream)
    observer.phase("Reading")
    observer.remark("So so")
    observer.planned(plan())
    observer.settled(Failed(plan().updates[0], Rejected("no\x1b")), 1, 4)
    assert stream.getvalue() == "! old.md: no\\x1b\n"


def test_the_record_is_kept_for_whoever_prints_it() -> None:
    """A run that ends in an error leaves its record with its observer."""
    observer = QuietObserver(io.StringIO())
    ended = record()
    observer.finished(ended)
    assert observer.record is ended


@pytest.mark.parametrize(
    ("color", "stream", "environ", "is_on"),
    [
        ("auto", Terminal(), {}, True),
        ("auto", io.StringIO(), {}, False),
        ("auto", Terminal(), {"NO_COLOR": "1"}, False),
        ("auto", Terminal(), {"TERM": "dumb"}, False),
        ("always", io.StringIO(), {"NO_COLOR": "1"}, True),
        ("never", Terminal(), {}, False),
    ],
)
def test_colour_is_for_those_who_can_see_it(
    color: str, stream: io.StringIO, environ: dict[str, str], *, is_on: bool
) -> None:
    """What the user says counts most, then `NO_COLOR`, then what the stream is."""
    assert choose_paint(color, stream, environ) == Paint(is_on)


def test_the_live_display_leaves_what_was_said() -> None:
    """The moving line tells path and failures; the plan stands above it."""
    from vectornator.report.terminal import TerminalObserver  # noqa: PLC0415  (rich is slow)

    stream = Terminal()
    with TerminalObserver(stream, Paint(is_on=True)) as observer:
        observer.phase("Reading")
        observer.planned(plan())
        observer.started(plan().updates[0])
        observer.settled(Failed(plan().updates[0], Rejected("no")), 1, 4)
    said = stream.getvalue()
    assert "Plan: 1 to upload" in said
    assert "1 failed" in said
    assert "old.md" in said
