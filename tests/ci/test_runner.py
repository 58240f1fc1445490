"""The runner as it is told: through files that are there, and no more than it shows."""

import json
from pathlib import Path

import pytest

from tests.support.runner import find_commands
from vectornator.ci.runner import SUMMARY_LIMIT, Runner, read_event


def test_only_files_that_are_there_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the runner has made no file, nothing is written, nor printed in its place."""
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, str(tmp_path / name))
    runner = Runner()
    runner.set_output("status", "synced")
    runner.append_summary("text")
    assert runner.room() == 0
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")


def test_a_summary_is_added_to_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a step has written before stays, and takes its room."""
    place = tmp_path / "summary"
    place.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place))
    runner = Runner()
    assert runner.room() == SUMMARY_LIMIT - 7
    runner.append_summary("after \udcff\n")
    assert place.read_text() == "before\nafter \\udcff\n"


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a\nb", "1a", "ä"])
def test_a_name_of_an_output_is_a_name(name: str) -> None:
    """What could set another output is none."""
    with pytest.raises(ValueError, match="is not the name"):
        Runner().set_output(name, "x")


def test_ten_annotations_of_a_kind_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """More would be dropped by GitHub, so they are kept back, and the caller knows."""
    runner = Runner()
    shown = [runner.annotate("error", str(number)) for number in range(12)]
    assert shown == [True] * 10 + [False] * 2
    assert runner.annotate("warning", "of another kind")
    assert len(find_commands(capsys.readouterr().err)) == 11


def test_a_long_message_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """The runner would cut it at 4,096 characters without a word."""
    Runner().annotate("error", "x" * 5000)
    message = find_commands(capsys.readouterr().err)[0].message
    assert (len(message), message[-1]) == (4001, "…")


def test_commands_are_told_beside_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout is for answers alone; groups end before others begin."""
    runner = Runner()
    runner.open_group("one")
    runner.open_group("two")
    runner.close_group()
    runner.close_group()
    shown = capsys.readouterr()
    assert shown.out == ""
    names = [(one.name, one.message) for one in find_commands(shown.err)]
    assert names == [("group", "one"), ("endgroup", ""), ("group", "two"), ("endgroup", "")]


def test_nothing_is_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """The runner warns of empty masks."""
    Runner().mask("")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "\x00", '{"a":'])
def test_an_event_that_can_not_be_read_is_empty(tmp_path: Path, text: str) -> None:
    """Whatever stands in the file, there is no error."""
    place = tmp_path / "event.json"
    place.write_text(text)
    assert read_event({"GITHUB_EVENT_PATH": str(place)}) == {}


def test_an_event_is_read(tmp_path: Path) -> None:
    """What caused the job is known as GitHub tells it; without a file, nothing is."""
    place = tmp_path / "event.json"
    place.write_text(json.dumps({"number": 12}))
    assert read_event({"GITHUB_EVENT_PATH": str(place)}) == {"number": 12}
    assert read_event({"GITHUB_EVENT_PATH": str(tmp_path)}) == {}
    assert read_event({}) == {}
