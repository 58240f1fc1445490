"""What a workflow may rely on: exit codes, outputs, the summary, the store, the state."""

import json
import os
import threading

import pytest

from tests.image.checkout import RUNNER, Credentials
from tests.image.conftest import Desk
from tests.openai_server import make_fault
from tests.support.git_server import Fault

BOTH = {"docs/a.md": b"# A\n", "docs/b.md": b"# B\n"}

BUSY = 20
"""By this request, a run with many documents is in the middle of its work."""


def test_first_sync_stores_everything(desk: Desk) -> None:
    """The first run stores each document, says so, and saves the state on the server."""
    step = desk.sync()
    assert (0, BOTH) == (step.exit_code, desk.stored), step.log
    counts = {"files-added": "2", "files-uploaded": "2", "files-failed": "0", "changed": "true"}
    assert {"status": "synced", **counts}.items() <= step.outputs.items()
    assert "docs/a.md" in step.summary
    assert "synced" == json.loads(desk.project.note(desk.project.repo.head))["status"]


def test_second_sync_does_nothing(desk: Desk) -> None:
    """Where nothing changed, no document is listed, sent or removed."""
    desk.fill()
    step = desk.sync()
    assert (0, "no-changes") == (step.exit_code, step.outputs["status"]), step.log
    assert ("false", "2") == (step.outputs["changed"], step.outputs["files-unchanged"])
    assert {"vector_stores.retrieve": 1} == desk.openai.ledger.counts()


def test_change_and_deletion_follow_the_commit(desk: Desk) -> None:
    """A depth-1 checkout of the next commit is enough to know what was changed and removed."""
    desk.fill()
    desk.project.push({"docs/a.md": "# A, again\n", "docs/b.md": None, "docs/c.md": "# C\n"})
    step = desk.sync()
    assert {"docs/a.md": b"# A, again\n", "docs/c.md": b"# C\n"} == desk.stored, step.log
    names = ("files-added", "files-updated", "files-deleted")
    assert ["1", "1", "1"] == [step.outputs[name] for name in names]
    assert desk.project.repo.head == step.outputs["synced-commit"]


def test_failed_document_fails_the_step(desk: Desk) -> None:
    """A document that is refused is counted, shown at its file, and told in the summary."""
    desk.openai.add_fault(make_fault("400-empty-file", route="files.create"))
    step = desk.sync()
    assert (1, "partial") == (step.exit_code, step.outputs["status"]), step.log
    assert ("1", "rejected") == (step.outputs["files-failed"], step.outputs["failure-reason"])
    [shown] = [one for one in step.commands if one.name == "error" and "file" in one.properties]
    assert shown.properties["file"] in BOTH
    assert shown.properties["file"] in step.summary


def test_failure_can_be_let_pass(desk: Desk) -> None:
    """With `fail-on: never` the step is green, and the outputs tell all the same."""
    desk.openai.add_fault(make_fault("400-empty-file", route="files.create"))
    step = desk.sync(fail_on="never")
    assert (0, "1") == (step.exit_code, step.outputs["files-failed"]), step.log


def test_cancelled_run_saves_what_it_did(desk: Desk) -> None:
    """A job that is cancelled ends by itself, records its work, and the next one does the rest."""
    desk.project.push({f"docs/{number}.md": f"# {number}\n" for number in range(60)})
    runner = desk.start_job()
    cancellation = threading.Thread(target=runner.cancel)
    desk.openai.delay(0.1)
    desk.openai.watch(lambda _, record: cancellation.start() if record.number == BUSY else None)
    step = desk.sync(runner)
    cancellation.join()
    assert (130, "interrupted") == (step.exit_code, step.outputs["status"]), step.log
    assert "interrupted" == json.loads(desk.project.note(desk.project.repo.head))["status"]
    desk.openai.delay(0)
    assert ("synced", 62) == (desk.sync().outputs["status"], len(desk.stored))


def test_dry_run_changes_nothing(desk: Desk) -> None:
    """The input `dry-run` plans: no request but those that read, no state."""
    step = desk.sync(dry_run="true")
    assert (0, "planned") == (step.exit_code, step.outputs["status"]), step.log
    assert ("2", {}, False) == (
        step.outputs["files-added"],
        desk.stored,
        desk.project.has_notes(),
    )


def test_plan_needs_no_key(desk: Desk) -> None:
    """A plan after a sync asks nobody but the git server."""
    desk.fill()
    desk.project.push({"docs/a.md": "# A, again\n"})
    runner = desk.start_job()
    runner.variables = {}
    step = desk.sync(runner, command="plan")
    assert (0, "planned", "1") == (
        step.exit_code,
        step.outputs["status"],
        step.outputs["files-updated"],
    ), step.log
    assert {} == desk.openai.ledger.counts()


def test_plan_works_without_a_network(desk: Desk) -> None:
    """With `remote: none` and nothing synced yet, a plan leaves the machine alone."""
    runner = desk.start_job()
    runner.network, runner.variables = "none", {}
    step = desk.sync(runner, command="plan", remote="none", store_name="")
    assert (0, "2") == (step.exit_code, step.outputs["files-added"]), step.log


def test_nightly_check_finds_what_is_missing(desk: Desk) -> None:
    """With `refresh: always` and `detailed-exitcode` a plan fails once the store lost something."""
    desk.fill()
    inputs = {"command": "plan", "refresh": "always", "detailed_exitcode": "true"}
    assert 0 == desk.sync(**inputs).exit_code
    [store] = desk.openai.state.stores.values()
    store.attachments.popitem()
    step = desk.sync(**inputs)
    assert (20, "1") == (step.exit_code, step.outputs["files-added"]), step.log


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({"max_deletes": "lots"}, "the input max-deletes"),
        ({"dry_run": "yes"}, "the input dry-run"),
        ({"command": "snyc"}, "did you mean sync?"),
        ({"provider": "openia"}, "openai"),
    ],
)
def test_wrong_input_is_named(desk: Desk, inputs: dict[str, str], complaint: str) -> None:
    """A value that makes no sense stops the step before any request, and is named."""
    step = desk.sync(**inputs)
    assert (2, "failed", "config") == (
        step.exit_code,
        step.outputs["status"],
        step.outputs["failure-reason"],
    ), step.log
    [shown] = [one for one in step.commands if one.name == "error"]
    assert complaint in shown.message
    assert {} == desk.openai.ledger.counts()


def test_missing_key_is_an_error(desk: Desk) -> None:
    """Without a key nothing else is tried: no other provider, no store in the container."""
    runner = desk.start_job()
    runner.variables = {}
    step = desk.sync(runner)
    assert step.exit_code in {2, 4}, step.log
    assert "OPENAI_API_KEY" in step.log


def test_key_is_masked(desk: Desk) -> None:
    """The key stands in no line but the one that tells the runner to hide it."""
    step = desk.sync(api_key="sk-wrong-0123456789")
    assert (4, "auth") == (step.exit_code, step.outputs["failure-reason"]), step.log
    lines = [line for line in step.log.splitlines() if "sk-wrong-0123456789" in line]
    assert ["::add-mask::sk-wrong-0123456789"] == lines
    assert "sk-wrong" not in step.summary


@pytest.mark.parametrize(
    ("credentials", "inputs"),
    [
        ("v4", {"github_token": ""}),
        ("v6", {"github_token": ""}),
        ("v4", {}),
        ("none", {}),
    ],
)
def test_state_is_saved_with_any_credential(
    desk: Desk, credentials: Credentials, inputs: dict[str, str]
) -> None:
    """The token of the checkout, in either place, or that of the action saves the state."""
    step = desk.sync(desk.start_job(credentials), **inputs)
    assert 0 == step.exit_code, step.log
    assert step.outputs["state-commit"] == desk.project.state_commit


def test_missing_permission_is_explained(desk: Desk) -> None:
    """A token that may not push fails the step and names the permission."""
    desk.project.server.meet(Fault(status=403, on="git-receive-pack"))
    step = desk.sync()
    assert 5 == step.exit_code, step.log
    assert "contents: write" in step.log


@pytest.mark.parametrize("event", ["push", "schedule"])
def test_missing_event_file_is_no_obstacle(desk: Desk, event: str) -> None:
    """A push or a schedule needs no payload."""
    runner = desk.start_job()
    runner.event, runner.event_name = None, event
    step = desk.sync(runner)
    assert (0, "synced") == (step.exit_code, step.outputs["status"]), step.log


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
def test_pull_request_only_plans(desk: Desk, event: str) -> None:
    """Nobody's unmerged documents reach the store, not even where the payload is missing."""
    runner = desk.start_job()
    runner.event, runner.event_name = None, event
    step = desk.sync(runner, comment_on_pr="never")
    assert (0, "planned", {}) == (step.exit_code, step.outputs["status"], desk.stored), step.log


def test_outputs_are_those_declared(desk: Desk) -> None:
    """Every output of `action.yml` is set, and no other; the environment is left alone."""
    runner = desk.start_job()
    step = desk.sync(runner)
    assert set(runner.metadata["outputs"]) == set(step.outputs)
    assert {} == step.environment


def test_workspace_stays_the_runners(desk: Desk) -> None:
    """What the container leaves in the workspace can be changed by later steps."""
    runner = desk.start_job()
    assert 0 == desk.sync(runner, report_path="report.json").exit_code
    files = runner.workspace.rglob("*")
    assert [] == [str(path) for path in files if path.lstat().st_uid != RUNNER[0]]


def test_files_of_several_users_are_no_obstacle(desk: Desk) -> None:
    """A checkout that root made below a folder of the runner's, as in a container job, works."""
    runner = desk.start_job()
    for path in (runner.workspace / ".git").rglob("*"):
        os.chown(path, 0, 0)
    assert 0 == desk.sync(runner).exit_code
