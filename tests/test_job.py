"""The command as an action on GitHub and as a job on GitLab: what it may do and what it tells."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.plants import KINDS, Mint
from tests.support.forge import Forge, open_forge
from tests.support.repositories import ENVIRON, GitRepo
from tests.support.runner import Command, find_commands, read_outputs
from vectornator.cli import main
from vectornator.providers import provider_registry
from vectornator.providers.base import VectorStoreProvider
from vectornator.providers.memory import MemoryProvider, MemoryStore
from vectornator.testing.faults import Rejecting

KEY = "sk-planted-key-0123456789"


class Workflow:
    """A step of a workflow on a repository, with a store in memory and an API on loopback."""

    def __init__(self, folder: Path, forge: Forge, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.forge = forge
        self.capsys = capsys
        self.store = MemoryStore()
        self.rejected: set[str] = set()
        self.repo = GitRepo.init(folder / "work")
        self.repo.commit({"guide.md": "# Guide\n", "faq.md": "# FAQ\n"})
        self.output, self.summary = folder / "output", folder / "summary"
        self.event = folder / "event.json"
        self.event.write_text("{}")
        self.log = self.stdout = ""
        self.environ = {
            **ENVIRON,
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": forge.url,
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_EVENT_PATH": str(self.event),
            "GITHUB_REPOSITORY": "acme/docs",
            "GITHUB_WORKSPACE": str(self.repo.root),
            "INPUT_GITHUB-TOKEN": "ghs_token",
            "INPUT_PROVIDER": "shelf",
            "INPUT_STORE-NAME": "docs",
            "INPUT_REMOTE": "none",
            "INPUT_REPOSITORY": str(self.repo.root),
        }

    def open_pull_request(self, *, is_fork: bool = False, event: str = "pull_request") -> None:
        """Let the step be about pull request 12."""
        ends = {"head": {"repo": {"id": 2 if is_fork else 1}}, "base": {"repo": {"id": 1}}}
        self.event.write_text(json.dumps({"pull_request": {"number": 12, **ends}}))
        self.environ["GITHUB_EVENT_NAME"] = event

    def run(self, *arguments: str, **inputs: str) -> int:
        """Run the step, with some inputs, and return its exit code."""
        for place in (self.output, self.summary):
            place.write_text("")
        given = {f"INPUT_{key.upper().replace('_', '-')}": text for key, text in inputs.items()}
        exit_code = main(list(arguments), {**self.environ, **given})
        shown = self.capsys.readouterr()
        self.stdout, self.log = shown.out, shown.out + shown.err
        return exit_code

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs that the step has set."""
        return read_outputs(self.output.read_text())

    def commands(self, name: str) -> list[Command]:
        """The commands of one kind that the log holds."""
        return [one for one in find_commands(self.log) if one.name == name]

    def make(self, _config: object) -> VectorStoreProvider:
        """Open the store, which refuses some documents."""
        provider = MemoryProvider(self.store)
        return Rejecting(provider, self.rejected) if self.rejected else provider


@pytest.fixture
def step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Workflow]:
    """A step of the action, on a push to a repository with two documents."""
    with open_forge() as forge:
        workflow = Workflow(tmp_path, forge, capsys)
        # The toolkit reads the process's own variables.
        monkeypatch.setenv("GITHUB_OUTPUT", str(workflow.output))
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(workflow.summary))
        provider_registry.register("shelf", workflow.make, replace=True)
        yield workflow


def test_a_push_is_synced(step: Workflow) -> None:
    """Without a command an action syncs, and says so in outputs and summary."""
    assert step.run() == 0
    outputs = step.outputs
    assert (outputs["status"], outputs["changed"]) == ("synced", "true")
    assert (outputs["files-added"], outputs["files-uploaded"]) == ("2", "2")
    assert outputs["synced-commit"] == step.repo.head
    assert outputs["store-id"] == next(iter(step.store.shelves))
    assert step.summary.read_text().startswith("## ✅ Synced\n\n**2 added** · ")


def test_the_provider_of_an_action_is_openai(step: Workflow) -> None:
    """Without a key there is an error, and no quiet switch to another store."""
    assert step.run(provider="") == 4
    assert (step.outputs["status"], step.outputs["failure-reason"]) == ("failed", "auth")
    assert "OPENAI_API_KEY" in step.commands("error")[0].message


def test_a_file_outweighs_the_default_of_an_action(step: Workflow) -> None:
    """The provider of a committed configuration is used."""
    (step.repo.root / "vectornator.toml").write_text('provider = "shelf"\n')
    assert step.run(provider="") == 0


def test_a_wrong_command_is_explained(step: Workflow) -> None:
    """A slip in a workflow file is an annotation with a suggestion."""
    assert step.run(command="snyc") == 2
    assert step.commands("error")[0].message == "snyc is not a command; did you mean sync?"
    assert step.outputs["failure-reason"] == "config"
    assert "snyc" in step.summary.read_text()


def test_failures_are_shown_at_their_files(step: Workflow) -> None:
    """What the store refused is annotated, counted and listed; the rest is stored."""
    step.rejected = {"faq.md"}
    assert step.run() == 1
    assert [one.properties["file"] for one in step.commands("error")] == ["faq.md"]
    assert (step.outputs["files-failed"], step.outputs["failure-reason"]) == ("1", "rejected")
    assert "### 1 failed\n\n- `faq.md` (upload): " in step.summary.read_text()


def test_ten_annotations_tell_of_many_failures(step: Workflow) -> None:
    """GitHub shows ten: the worst nine, and how many more there are."""
    names = {f"{number}.md": f"{number}\n" for number in range(30)}
    step.repo.commit(dict(names))
    step.rejected = set(names)
    step.run()
    errors = step.commands("error")
    assert len(errors) == 10
    assert errors[-1].message == "and 21 more; the summary lists them"


def test_a_refused_run_says_why(step: Workflow) -> None:
    """A brake is told in the log, the outputs and the summary."""
    assert step.run(max_files="1") == 3
    assert (step.outputs["status"], step.outputs["changed"]) == ("blocked", "false")
    assert len(step.commands("error")) == 1
    text = step.summary.read_text()
    assert text.startswith("## 🛑 Refused: nothing was changed\n\n**2 to be added**")
    assert "max-files" in text


def test_a_secret_is_shown_at_its_line(step: Workflow) -> None:
    """Each secret is an annotation and stands in the summary; its value is told to nobody."""
    token = KINDS["NPM_TOKEN"](Mint(1))
    step.repo.commit({"faq.md": f"# FAQ\n\nSet `{token}`.\n"})
    assert step.run() == 3
    shown = [(one.properties["file"], one.properties["line"]) for one in step.commands("error")[1:]]
    assert shown == [("faq.md", "3")]
    assert step.outputs["failure-reason"] == "secret-found"
    assert "### 1 secret\n\n- `faq.md:3` (" in step.summary.read_text()
    assert token[4:] not in step.log + step.summary.read_text() + step.output.read_text()


def test_a_pull_request_is_only_planned(step: Workflow) -> None:
    """Documents that may never be merged do not reach the store, but a comment tells of them."""
    step.open_pull_request()
    assert step.run() == 0
    assert step.outputs["status"] == "planned"
    assert step.store.shelves == {}
    assert "**2 to be added**" in step.forge.bodies[0]
    assert "So only a plan is made" in step.log


def test_a_comment_is_kept_up_to_date(step: Workflow) -> None:
    """The same plan changes nothing; one with nothing to do takes back what was said."""
    step.run()
    step.open_pull_request()
    step.run()
    assert step.forge.bodies == []
    step.repo.commit({"new.md": "# New\n"})
    step.run()
    step.run()
    assert [step.forge.count(method) for method in ("POST", "PATCH")] == [1, 0]
    step.repo.commit({"new.md": None})
    step.run()
    assert "Plan: nothing to do" in step.forge.bodies[0]


def test_a_pull_request_may_be_allowed(step: Workflow) -> None:
    """Who says so in the workflow syncs pull requests of the repository itself."""
    step.open_pull_request()
    assert step.run(allow_pull_request="true") == 0
    assert step.outputs["status"] == "synced"


@pytest.mark.parametrize(
    ("event", "is_fork"), [("pull_request", True), ("pull_request_target", False)]
)
def test_strangers_are_never_allowed(step: Workflow, event: str, *, is_fork: bool) -> None:
    """A fork, and an event that lends it our rights, change nothing, whatever the settings say."""
    step.open_pull_request(is_fork=is_fork, event=event)
    assert step.run(allow_pull_request="true") == 3
    assert step.outputs["failure-reason"] == "pull-request"
    assert step.run() == 0
    assert step.outputs["status"] == "planned"
    assert step.store.shelves == {}


def test_a_pull_request_can_not_allow_itself(step: Workflow) -> None:
    """The configuration that a pull request brings has no say in it."""
    step.open_pull_request()
    (step.repo.root / "vectornator.toml").write_text("allow-pull-request = true\n")
    assert step.run() == 2
    assert step.store.shelves == {}


def test_a_pull_request_adopts_nothing(step: Workflow) -> None:
    """Nothing is taken over for a pull request, whatever the job allows."""
    assert step.run(source_id="example.com/old") == 0
    [shelf] = step.store.shelves.values()
    before = dict(shelf.copies)
    step.open_pull_request()
    given = {"command": "adopt", "from": "example.com/old", "allow_pull_request": "true"}
    assert step.run(**given, source_id="example.com/new") == 3
    assert (before, "pull-request") == (shelf.copies, step.outputs["failure-reason"])
    assert step.run(**given, source_id="example.com/new", dry_run="true") == 0


def test_a_repair_of_a_pull_request_is_only_planned(step: Workflow) -> None:
    """A repair shows what it would do, too."""
    step.run()
    step.repo.commit({"new.md": "# New\n"})
    step.open_pull_request()
    before = step.store.contents(next(iter(step.store.shelves)))
    assert step.run(command="repair", force="true") == 0
    assert step.store.contents(next(iter(step.store.shelves))) == before
    assert " (repair)\n" in step.summary.read_text()
    assert "vectornator repair --dry-run --provider shelf" in step.summary.read_text()


def test_no_store_is_created_for_a_pull_request(step: Workflow) -> None:
    """Commands that can't be a plan are refused."""
    step.open_pull_request()
    assert step.run("create-store", "docs") == 3
    assert step.store.shelves == {}


def test_a_fork_is_planned_without_a_key(step: Workflow) -> None:
    """Where there are no secrets, the state alone is asked, and nobody complains."""
    step.open_pull_request(is_fork=True)
    step.forge.faults = {"POST /repos": (403, 9)}
    assert step.run(provider="openai") == 0
    assert step.outputs["files-added"] == "2"
    assert "a fork has no right to" in step.log
    assert step.commands("warning") == step.commands("notice") == []


@pytest.mark.parametrize(("wish", "level"), [("auto", "notice"), ("always", "warning")])
def test_a_comment_that_is_not_allowed_fails_nothing(step: Workflow, wish: str, level: str) -> None:
    """The permission that is missing is named; the plan counts all the same."""
    step.open_pull_request()
    step.forge.faults = {"POST /repos": (403, 9)}
    assert step.run(comment_on_pr=wish) == 0
    assert "`pull-requests: write`" in step.commands(level)[0].message


def test_nobody_is_asked_where_no_comment_is_wanted(step: Workflow) -> None:
    """With never, GitHub is not even asked."""
    step.open_pull_request()
    step.run(comment_on_pr="never")
    assert step.forge.requests == []


def test_secrets_are_masked_first(step: Workflow) -> None:
    """Before anything else is said, the runner learns what it must hide."""
    step.run(api_key=KEY)
    first = find_commands(step.log)[:2]
    assert {one.name for one in first} == {"add-mask"}
    assert {one.message for one in first} == {KEY, "ghs_token"}
    assert step.log.startswith("::add-mask::")


def test_a_key_reaches_nothing_that_is_kept(step: Workflow, tmp_path: Path) -> None:
    """Even a key in a commit shows in no output, summary, comment or report."""
    step.repo.commit({f"{KEY}.md": "# Key\n"})
    step.open_pull_request()
    report = tmp_path / "report.json"
    step.run(api_key=KEY, report_path=str(report))
    written = [step.output.read_text(), step.summary.read_text(), report.read_text()]
    assert KEY not in "".join([*written, *step.forge.bodies])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_report_belongs_to_whoever_has_the_workspace(step: Workflow) -> None:
    """Later steps are not root, and must be able to remove what the action has left."""
    os.chown(step.folder, 1234, 1234)
    report = step.folder / "report.json"
    for max_files in ("1", ""):
        step.run(report_path=str(report), max_files=max_files)
        assert report.stat().st_uid == 1234


def test_debugging_shows_everything(step: Workflow) -> None:
    """`RUNNER_DEBUG` is a wish for --verbose, in groups."""
    step.environ["RUNNER_DEBUG"] = "1"
    step.run()
    assert "provider comes from the input provider" in step.log
    assert any("Reading the whole tree" in one.message for one in step.commands("group"))
    assert len(step.commands("group")) == len(step.commands("endgroup"))
    assert "::group::Making 2 changes\nupload_file " in step.log


def test_a_report_that_can_not_be_told_fails_nothing(step: Workflow) -> None:
    """The store is what counts: with a file out of reach, the run is as good as before."""
    assert step.run(outputs_path=str(step.folder / "no folder" / "outputs")) == 0
    assert "note: The outputs could not be written" in step.log
    assert step.summary.read_text().startswith("## ✅ Synced")


def test_an_answer_is_shown_in_the_summary(step: Workflow) -> None:
    """A command that only asks shows there what it printed."""
    step.run()
    assert step.run(command="status") == 0
    assert step.summary.read_text().startswith("## vectornator status\n\n```text\nIn sync with ")


def test_a_step_of_ones_own_is_a_command_line(step: Workflow) -> None:
    """With arguments, stdout holds the answer alone, and no secret is printed to be masked."""
    environ = {key: value for key, value in step.environ.items() if "INPUT_" not in key}
    place = ("-C", str(step.repo.root), "--provider", "shelf", "--remote", "none")
    step.environ = {**environ, "VECTORNATOR_API_KEY": KEY, "VECTORNATOR_STORE_NAME": "docs"}
    assert step.run("sync", "--json", *place) == 0
    assert json.loads(step.stdout)["status"] == "synced"
    assert step.outputs["status"] == "synced"
    assert KEY not in step.log


def test_the_same_can_be_done_elsewhere(step: Workflow) -> None:
    """The summary ends with the command, as one would type it in a clone."""
    step.run(max_deletes="5", patterns="*.md\n!x y.md", dry_run="true")
    command = f"vectornator plan --provider shelf --commit {step.repo.head} --max-deletes 5"
    text = step.summary.read_text()
    assert f"{command} --patterns '*.md,!x y.md'" in text


def test_gitlab_is_told_in_its_own_way(step: Workflow, tmp_path: Path) -> None:
    """A merge request is planned and gets a note; outputs go to a file; no command is printed."""
    step.environ = {
        **ENVIRON,
        "GITLAB_CI": "true",
        "CI_SERVER_URL": step.forge.url,
        "CI_PROJECT_ID": "5",
        "CI_MERGE_REQUEST_IID": "12",
        "CI_MERGE_REQUEST_PROJECT_ID": "5",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "5",
        "VECTORNATOR_COMMAND": "sync",
        "VECTORNATOR_GITLAB_TOKEN": "glpat-token",
        "VECTORNATOR_OUTPUTS_PATH": str(tmp_path / "vectornator.env"),
        "VECTORNATOR_PROVIDER": "shelf",
        "VECTORNATOR_REMOTE": "none",
        "VECTORNATOR_REPOSITORY": str(step.repo.root),
    }
    assert step.run() == 0
    assert "VN_STATUS=planned\n" in (tmp_path / "vectornator.env").read_text()
    assert "**2 to be added**" in step.forge.bodies[0]
    assert step.forge.tokens == {"glpat-token"}
    assert find_commands(step.log) == []
    assert "COMMAND" not in step.log


def test_a_job_token_writes_no_notes(step: Workflow) -> None:
    """Without a token for them, GitLab users learn which one to make."""
    step.environ = {
        **ENVIRON,
        "GITLAB_CI": "true",
        "CI_MERGE_REQUEST_IID": "12",
        "VECTORNATOR_COMMAND": "plan",
        "VECTORNATOR_PROVIDER": "shelf",
        "VECTORNATOR_REMOTE": "none",
        "VECTORNATOR_REPOSITORY": str(step.repo.root),
    }
    assert step.run() == 0
    assert "VECTORNATOR_GITLAB_TOKEN" in step.log
