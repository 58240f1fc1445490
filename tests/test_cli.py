"""The command line: its arguments, its help, its errors and its exit codes."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.report.builders import record
from vectornator.cli import main
from vectornator.cli.commands import introduce, judge
from vectornator.cli.parser import SHELLS, parse_arguments
from vectornator.errors import SettingsError
from vectornator.inputs import Resolved
from vectornator.report.record import RunStatus
from vectornator.settings import COMMANDS, Settings, declarations


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each option of a command is shown with its variable and its default."""
    assert main([command, "--help"], {}) == 0
    shown = " ".join(capsys.readouterr().out.split()).replace("- ", "-")
    missing = [
        one.key
        for one in declarations(command)
        if one.flag not in shown
        or one.variable not in shown
        or one.default_text(command).replace("- ", "-") not in shown
    ]
    assert missing == []


def test_help_fits_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line of any help is wider than eighty columns."""
    monkeypatch.setenv("COLUMNS", "80")
    for command in ((), *((name,) for name in COMMANDS)):
        main([*command, "--help"], {})
    assert [line for line in capsys.readouterr().out.splitlines() if len(line) > 80] == []


def test_only_what_was_given_is_passed_on() -> None:
    """Defaults come from the settings, never from the parser."""
    arguments = ["search", "-q", "--limit=3", "how to", "-C", "x", "--no-json"]
    assert vars(parse_arguments(arguments)) == {
        "command": "search",
        "query": "how to",
        "quiet": "true",
        "limit": "3",
        "repository": "x",
        "json_output": "false",
    }


def test_lists_may_be_given_more_than_once() -> None:
    """Repeated flags add up."""
    given = parse_arguments(["sync", "--exclude", "a,b", "--exclude", "c"])
    assert given.exclude == ["a,b", "c"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["sync", "--dryrun"], "--dryrun is not an option of sync; did you mean --dry-run?"),
        (["sync", "--dry"], "--dry is not an option of sync; did you mean --dry-run?"),
        (["list", "--force"], "--force is not an option of list; see `vectornator list --help`"),
        (["sync", "--api-key=x"], "lest it be seen by others; set VECTORNATOR_API_KEY"),
        (["sync", "--api-key", "x"], "--api-key is not an option, lest"),
        (["search"], "the following arguments are required: QUERY"),
        ([], "No command is given"),
    ],
)
def test_wrong_arguments_are_explained(argv: list[str], message: str) -> None:
    """Whoever types something wrong learns what would be right."""
    with pytest.raises(SettingsError, match=re.escape(message)):
        parse_arguments(argv)


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Errors go to stderr in one line, with the exit code of their kind."""
    assert main(["sync", "--max-deletes", "some\nfew"], {}) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == (
        "vectornator: error: max-deletes: 'some\\nfew' (from --max-deletes)"
        " is neither a number nor a percentage; try 25%\n"
    )


def test_with_json_an_error_is_a_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read why there is no answer where they expect the answer."""
    assert main(["status", "--json", "--target", "?"], {}) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["error"]["reason"] == "config"
    assert document["error"]["message"].startswith("target: '?' (from --target) is not")


def test_a_trace_is_shown_to_those_who_ask(capsys: pytest.CaptureFixture[str]) -> None:
    """Only `--verbose` shows where an error came from."""
    main(["status", "--verbose", "--target", "?"], {})
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_knows_commands_and_values(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The script offers commands, options and the values that an option can have."""
    assert main(["completion", shell], {}) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("show-metadata", "metadata-storage", "worktree"))


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [("synced", 0), ("no-changes", 0), ("superseded", 0), ("partial", 1), ("failed", 1)],
)
def test_the_exit_code_tells_how_a_run_ended(status: RunStatus, exit_code: int) -> None:
    """Success is 0, and 1 says that documents failed."""
    assert judge(replace(record(), status=status), Settings()) == exit_code


def test_failed_documents_can_be_tolerated() -> None:
    """With `fail-on: never`, documents that failed don't fail the command."""
    assert judge(record(), Settings(fail_on="never")) == 0


@pytest.mark.parametrize(("wanted", "exit_code"), [(True, 20), (False, 0)])
def test_a_plan_can_tell_differences_by_exit_code(*, wanted: bool, exit_code: int) -> None:
    """With `--detailed-exitcode`, a plan that would change something exits with 20."""
    planned = replace(record(), command="plan", status="planned", outcomes=())
    assert judge(planned, Settings(detailed_exitcode=wanted)) == exit_code


def test_the_first_line_says_what_is_used() -> None:
    """Nobody has to guess which provider, store and target a command talks about."""
    settings = Settings(provider="openai", store_id="vs_1", target="docs")
    assert list(introduce(Resolved(settings, {}))) == [
        "vectornator 0.1.0 · openai store vs_1 · docs target"
    ]


def test_help_imports_no_engine() -> None:
    """Help comes quickly: neither git nor rich nor a provider is loaded for it."""
    code = "import sys; from vectornator.cli import main; main(['--help'], {}); print(sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not re.search(r"'(dulwich|rich|numpy|openai|vectornator\.sync)'", shown.stdout)


def test_a_reader_that_leaves_is_no_error() -> None:
    """Output that nobody reads any more ends quietly, with the exit code shells use for it."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "vectornator", "completion", "bash"]
    shown = subprocess.run(command, check=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (shown.returncode, shown.stderr) == (141, b"")


def test_text_that_can_not_be_encoded_is_spelled_out() -> None:
    """A narrow terminal gets escapes in place of what it can't show."""
    environ = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "vectornator", "--help"]
    shown = subprocess.run(command, check=True, env=environ, capture_output=True)
    assert b"0 done \\xb7 1 some" in shown.stdout


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["-C", "x", "status", "--json"], {"repository": "x", "json_output": "true"}),
        (["-q", "--commit=v1", "status"], {"quiet": "true", "commit": "v1"}),
    ],
)
def test_options_may_stand_before_the_command(argv: list[str], expected: dict[str, str]) -> None:
    """Whoever is used to git types `-C FOLDER` first."""
    assert vars(parse_arguments(argv)) == {"command": "status", **expected}


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["synk"], "synk is not a command; did you mean sync?"),
        (["-C", "x"], "No command is given"),
        (["search", "a", "b"], "b is one word too many; put quotes around"),
        (["sync", "-C"], "expected one argument; see `vectornator sync --help`"),
        (["--api-key", "sk-1", "sync"], "--api-key is not an option, lest"),
    ],
)
def test_a_slip_in_the_order_of_words_is_explained(argv: list[str], message: str) -> None:
    """Commands that don't exist, words too many and values that are missing are told apart."""
    with pytest.raises(SettingsError, match=re.escape(message)):
        parse_arguments(argv)
