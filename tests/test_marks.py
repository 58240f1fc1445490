"""What a store remembers of a target's runs."""

import pytest

from vectornator.marks import MOST, Mark, make_run, needs_listing

ONE, TWO = make_run("00000a", 100), make_run("00000b", 200)


@pytest.mark.parametrize(
    ("refresh", "mark", "sequence", "expected"),
    [
        ("always", Mark("clean", "4"), 4, True),
        ("never", Mark("dirty", "4"), 4, False),
        ("auto", Mark("clean", "4"), 4, False),
        ("auto", Mark("dirty", "4"), 4, True),
        ("auto", Mark("clean", "5"), 4, True),
        ("auto", Mark("clean", "5"), None, True),
        ("auto", Mark(), None, True),
        ("auto", Mark(), 4, True),
        ("auto", None, None, True),
        ("auto", None, 4, False),
    ],
)
def test_when_to_list(
    refresh: str, mark: Mark | None, sequence: int | None, expected: bool
) -> None:
    """The store is listed when it is dirty, when ledger and mark disagree, or when told to."""
    assert expected == needs_listing(refresh, mark, sequence)


@pytest.mark.parametrize("words", ["", "dirty 1", "clean 7", f"dirty 7 {ONE} {TWO}"])
def test_mark_is_read_as_written(words: str) -> None:
    """A mark survives being kept as text; that of an older version names no runs."""
    assert words == str(Mark.parse(words)).strip()


@pytest.mark.parametrize("words", ["dirty", "dirty x-y 7", f"dirty 7 {'f' * 99}-00000a é"])
def test_nonsense_is_no_run(words: str) -> None:
    """What others made of a mark is dirty, and names nobody."""
    mark = Mark.parse(words)
    assert ("dirty", frozenset()) == (mark.state, mark.runs)


def test_store_is_clean_once_the_last_run_left() -> None:
    """A run that leaves before another one does not vouch for it."""
    mark = Mark("clean", "4").join(4, run=ONE).join(4, run=TWO)
    first = mark.leave(5, [ONE])
    assert ("dirty", "clean") == (first.state, first.leave(6, [TWO]).state)


def test_run_is_over_in_time() -> None:
    """A run that never left counts as over from its end on."""
    mark = Mark("dirty", "4", frozenset({ONE, TWO}))
    assert [frozenset(), {ONE}, {ONE, TWO}] == [mark.find_over(now) for now in (99, 100, 200)]


def test_mark_has_room_for_many_runs() -> None:
    """However many runs there are, a mark fits into what OpenAI keeps, the latest in it."""
    runs = frozenset(make_run(f"{number:06x}", 1.8e9 + number) for number in range(99))
    mark = Mark("dirty", "1000000", runs)
    assert len(str(mark)) <= 512
    latest = make_run(f"{98:06x}", 1.8e9 + 98)
    assert (MOST, True) == (len(Mark.parse(str(mark)).runs), latest in Mark.parse(str(mark)).runs)
