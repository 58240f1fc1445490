"""Numbers as people read them."""

import pytest

from vectornator.report.words import count, fold_text, to_duration, to_size


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_345, "12 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (5_000_000_000_000_000, "5000 TB"),
    ],
)
def test_sizes(size: int, words: str) -> None:
    """Two or three digits and a decimal unit say enough."""
    assert to_size(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 0 s"), (7800, "2 h 10 min")],
)
def test_durations(seconds: float, words: str) -> None:
    """The longer it took, the less the seconds matter."""
    assert to_duration(seconds) == words


def test_counts_agree_with_their_nouns() -> None:
    """One is singular, everything else plural."""
    assert [count(0, "file"), count(1, "copy", "copies"), count(1200, "copy", "copies")] == [
        "0 files",
        "1 copy",
        "1,200 copies",
    ]


def test_folded_text_keeps_to_its_margin() -> None:
    """The first line has a start of its own; words are never broken, however long."""
    lines = fold_text("one two https://example.com/a-long-address", "1. ", "   ", 24)
    assert lines == ["1. one two", "   https://example.com/a-long-address"]
