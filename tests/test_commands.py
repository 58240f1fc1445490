"""Every command on a real repository, with a store in memory."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from vectornator.cli import main
from vectornator.providers import provider_registry
from vectornator.providers.memory import MemoryProvider, MemoryStore

Run: TypeAlias = Callable[..., int]
"""Runs a command on the repository and returns its exit code."""

_IDENTITY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


def git(repository: Path, *arguments: str) -> None:
    """Run git, away from the settings of whoever runs the tests."""
    command = ["git", "-C", str(repository), *arguments]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **_IDENTITY})


def commit(repository: Path, **files: str) -> None:
    """Write Markdown files, by name without suffix, and commit everything."""
    for name, text in files.items():
        (repository / f"{name}.md").write_text(text)
    git(repository, "add", "--all")
    git(repository, "commit", "-m", "Write")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one document."""
    git(tmp_path, "init", "-b", "main")
    commit(tmp_path, guide="# Guide\n\nInstall the whole package.\n")
    return tmp_path


@pytest.fixture
def run(repository: Path) -> Run:
    """Runs commands on `repository`, all with the same store."""
    store = MemoryStore()

    def make(_config: object) -> MemoryProvider:
        return MemoryProvider(store)

    provider_registry.register("shelf", make, replace=True)
    environ = {"VECTORNATOR_PROVIDER": "shelf", "VECTORNATOR_REMOTE": "none", **_IDENTITY}

    def run_command(*arguments: str) -> int:
        return main([*arguments, "-C", str(repository)], environ)

    return run_command


@pytest.fixture
def synced(run: Run, capsys: pytest.CaptureFixture[str]) -> Run:
    """The same, after a first sync."""
    assert run("sync", "--store-name", "docs") == 0
    capsys.readouterr()
    return run


def test_a_sync_tells_what_it_did(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """The outcome goes to stdout, everything else to stderr."""
    assert run("sync", "--store-name", "docs") == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == "Synced: 1 added"
    assert shown.err.splitlines()[0] == "vectornator 0.1.0 · shelf provider · default target"


def test_a_second_sync_has_nothing_to_do(synced: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing changed is said in so many words."""
    assert synced("sync") == 0
    assert capsys.readouterr().out.splitlines()[0] == "Nothing to do: 1 unchanged"


def test_a_plan_takes_the_name_of_the_store(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """The flags of a sync may be tried with a plan."""
    assert run("plan", "--store-name", "docs") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Plan: 1 to upload"


def test_verify_tells_that_no_sync_completed(
    run: Run, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In line with the store is all that can be said of a ledger that is of no commit yet."""
    folder = repository / "bare.git"
    git(repository, "init", "--bare", str(folder))
    assert run("sync", "--store-name", "docs", "--source", "worktree") == 0
    assert run("verify") == 0
    assert "No sync has completed yet" in capsys.readouterr().err


def test_quiet_means_quiet(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """A sync that went well has nothing to say to those who want silence."""
    assert run("sync", "--store-name", "docs", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_verify_says_so(synced: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """What is in line is told in one line with a few facts, and that is exit code 0."""
    assert synced("verify", "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("In line: the ledger agrees with the store, and with commit ")
    assert [line.split()[0] for line in lines[1:]] == [
        "store",
        "target",
        "commit",
        "ledger",
        "copies",
    ]


def test_drift_is_exit_code_20(
    synced: Run, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Drift is named by verify, shown by a dry repair, and gone after a repair."""
    git(repository, "update-ref", "-d", "refs/notes/vectornator")
    named = ("--store-id", "store-1")
    assert synced("verify", *named) == 20
    assert "Not in line: 1 unknown. Run `vectornator repair`." in capsys.readouterr().out
    assert synced("repair", "--dry-run", *named) == 0
    assert "1 unknown: in the store, not in the ledger; to be adopted" in capsys.readouterr().out
    assert synced("repair", *named) == 0
    assert capsys.readouterr().out.splitlines()[0] == "Repaired: 1 unchanged"
    assert synced("verify") == 0


def test_verify_in_json(synced: Run, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The verdict, counts and findings are one document."""
    git(repository, "update-ref", "-d", "refs/notes/vectornator")
    assert synced("verify", "--json", "--store-id", "store-1") == 20
    answer = json.loads(capsys.readouterr().out)
    assert (answer["in-line"], answer["counts"]) == (False, {"unknown": 1})
    assert [(one["kind"], one["path"]) for one in answer["findings"]] == [("unknown", "guide.md")]


def test_orphans_where_there_can_be_none(synced: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """A provider that keeps files nowhere but in its store has no orphans."""
    assert synced("repair", "--orphans") == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err.splitlines()[-1]) == ("", "There are no orphans.")


@pytest.mark.usefixtures("synced")
@pytest.mark.parametrize("option", ["rebuild", "orphans"])
def test_acts_of_repair_are_for_repair_alone(
    repository: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    """A variable that asks for an act of repair means nothing to other commands."""
    environ = {"VECTORNATOR_PROVIDER": "shelf", f"VECTORNATOR_{option.upper()}": "true"}
    arguments = ["sync", "--remote", "none", "-C", str(repository)]
    assert main(arguments, {**environ, **_IDENTITY}) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("Nothing to do: 1 unchanged")
    assert "listed" not in shown.err


def test_orphans_and_rebuild_contradict(synced: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """One lists and the other works: asking for both is an error."""
    assert synced("repair", "--orphans", "--rebuild") == 2
    assert "contradict each other" in capsys.readouterr().err


def test_verbose_shows_the_calls_to_the_store(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Every call is a line, for those who want to know what goes on."""
    assert run("sync", "--store-name", "docs", "--verbose") == 0
    assert "upload_file" in capsys.readouterr().err


def test_json_is_alone_on_stdout(synced: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the command, stdout is one JSON document."""
    for command in (["sync"], ["plan"], ["status"], ["log"], ["list"], ["show-metadata"]):
        assert synced(*command, "--json") == 0
        assert isinstance(json.loads(capsys.readouterr().out), dict)


def test_a_plan_shows_and_changes_nothing(
    synced: Run, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plan lists what a sync would do, and the next plan lists the same."""
    commit(repository, more="More.\n")
    for _ in range(2):
        assert synced("plan", "--detailed-exitcode") == 20
        assert capsys.readouterr().out.splitlines() == [
            "  + more.md (new, 6 B)",
            "",
            "Plan: 1 to upload; 1 unchanged",
        ]


def test_a_brake_shows_what_it_stopped(
    synced: Run, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refused run ends with 3, the plan and the numbers on stderr."""
    (repository / "guide.md").unlink()
    commit(repository, other="Other.\n")
    assert synced("sync", "--max-deletes", "0") == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "- guide.md (removed)" in shown.err
    assert "vectornator: error:" in shown.err.splitlines()[-1]


def test_a_refused_run_in_json_has_plan_and_reason(
    synced: Run, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One document tells both what was planned and why it was not done."""
    (repository / "guide.md").unlink()
    commit(repository, other="Other.\n")
    assert synced("sync", "--max-deletes", "0", "--json") == 3
    document = json.loads(capsys.readouterr().out)
    assert (document["status"], document["error"]["reason"]) == ("blocked", "delete-limit")
    assert document["plan"]["deletes"] == [{"path": "guide.md", "reason": "removed"}]


def test_a_search_finds_the_passage(synced: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """What was synced can be found."""
    assert synced("search", "install") == 0
    assert capsys.readouterr().out.startswith("guide.md")


def test_a_search_takes_conditions(synced: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Only documents whose attributes meet every condition are found."""
    assert synced("search", "install", "--where", "path=guide.md", "--where", "vn_target!=x") == 0
    assert capsys.readouterr().out.startswith("guide.md")
    assert synced("search", "install", "--where", "path!=guide.md", "--json") == 0
    assert json.loads(capsys.readouterr().out)["hits"] == []


@pytest.mark.parametrize("condition", ["path", "=guide.md", "!=x", "path=", "a\x1b=b"])
def test_a_condition_that_is_none(
    synced: Run, condition: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no condition is a wrong setting, and nothing is searched."""
    assert synced("search", "install", "--where", condition) == 2
    assert "is neither KEY=VALUE nor KEY!=VALUE" in capsys.readouterr().err


def test_a_store_can_be_created(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Its id is all that stdout gets, ready for a script to take."""
    assert run("create-store", "docs") == 0
    assert len(capsys.readouterr().out.split()) == 1


def test_the_status_says_in_sync(synced: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """After a sync, the store is in line with the commit."""
    assert synced("status") == 0
    assert capsys.readouterr().out.startswith("In sync with ")


def test_outside_a_repository_the_error_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where there is no repository, nothing runs, and the exit code is that of a setting."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environ = {"GIT_CEILING_DIRECTORIES": str(tmp_path)}
    assert main(["plan", "-C", str(elsewhere), "--provider", "memory"], environ) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("vectornator: error: ")
