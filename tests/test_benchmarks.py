"""The benchmarks: they run, they are the same everywhere, and they judge as they say."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.repositories import make_repository
from benchmarks.rows import Aim, Peer, Row
from benchmarks.service import measure_service
from benchmarks.site import Exchange, sum_up
from tests.support.repositories import run_git

ROW = Row("plan", 100, "s", (0.25, 9.0, 0.5), Peer("git", (0.25, 0.25, 4.0)))


def test_ratio_is_of_medians() -> None:
    """One slow run changes neither the value nor the ratio."""
    assert (0.5, 2.0) == (ROW.value, ROW.ratio)


@pytest.mark.parametrize(("limit", "expected"), [(0.49, False), (0.5, True)])
def test_aim_of_a_value(limit: float, expected: bool) -> None:
    """An aim that is no ratio limits the value in its unit."""
    assert expected is Row("plan", 100, "s", ROW.samples, ROW.peer, Aim(limit)).is_met


def test_requests_are_told_apart() -> None:
    """Bytes pushed and bytes of the base's trees are counted by what was asked for."""
    exchanges = [
        Exchange("/origin.git/info/refs", b"", 0, 100),
        Exchange("/origin.git/git-upload-pack", b"0032want abc\n", 12, 2000),
        Exchange("/origin.git/git-receive-pack", b"PACK", 4, 30),
    ]
    traffic = sum_up(exchanges, "abc")
    assert (3, 2130, 4, 2000) == (
        traffic.requests,
        traffic.received,
        traffic.pushed,
        traffic.base,
    )


def test_repositories_are_the_same_everywhere(tmp_path: Path) -> None:
    """The script makes the same commits each time, each with ten changes after the first."""
    once = make_repository(tmp_path / "a.git", 100, 3)
    assert once == make_repository(tmp_path / "b.git", 100, 3)
    changed = run_git(tmp_path / "a.git", "diff", "--name-only", once[1], once[2])
    assert 10 == len(changed.splitlines())


def test_rows_from_real_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Real repositories, processes and a server give rows that count what happened."""
    results = tmp_path / "results.json"
    words = ["--sizes=100", "--runs=1", "--only=no-op", "--only=sync", f"--json={results}"]
    assert 0 == main([*words, "--markdown"])
    assert "| no-op sync in CI, over HTTP | " in capsys.readouterr().out
    rows = {row["name"]: row for row in json.loads(results.read_text())["rows"]}
    assert 2 == rows["no-op in the same clone: requests"]["value"]
    assert 0 == rows["no-op in a clone without blobs: blobs read"]["value"]
    assert 0 < rows["10 changed: state pushed"]["value"]


def test_service_rows(tmp_path: Path) -> None:
    """A sync and the bare loop put the same documents into the imitated service."""
    rows = {row.name: row for row in measure_service(tmp_path, runs=1, documents=30)}
    requests = rows["service: requests"]
    assert requests.peer is not None
    assert (42, 34) == (requests.value, requests.peer.value)
    assert 0 < rows["service: CPU of a run with one document"].value
