"""What a job knows of itself, and when it must not change a store."""

from typing import Any

import pytest

from vectornator.ci.facts import Facts, find_command, read_facts

GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/docs"}
GITLAB = {"GITLAB_CI": "true", "CI_PROJECT_ID": "5"}
OWN, FORK = {"id": 1}, {"id": 2}


def read(name: str, event: dict[str, Any]) -> Facts:
    """The facts of a job on GitHub."""
    return read_facts({**GITHUB, "GITHUB_EVENT_NAME": name}, event)


def pull(head: dict[str, int] | None) -> dict[str, Any]:
    """An event about pull request 12."""
    return {"pull_request": {"number": 12, "head": {"repo": head}, "base": {"repo": OWN}}}


def cause(event: str, head: dict[str, int]) -> dict[str, Any]:
    """An event about a run of another workflow."""
    run = {"event": event, "head_repository": head, "pull_requests": [{"number": 12}]}
    return {"workflow_run": run, "repository": OWN}


@pytest.mark.parametrize(
    ("name", "event", "may", "may_if_allowed"),
    [
        ("push", {}, True, True),
        ("schedule", {}, True, True),
        ("workflow_dispatch", {}, True, True),
        ("pull_request", pull(OWN), False, True),
        ("pull_request_review", pull(OWN), False, True),
        ("pull_request", pull(FORK), False, False),
        ("pull_request", pull(None), False, False),
        ("pull_request", {}, False, False),
        ("pull_request", {"pull_request": "?"}, False, False),
        ("pull_request_target", pull(OWN), False, False),
        ("pull_request_target", pull(FORK), False, False),
        ("merge_group", {}, False, True),
        ("workflow_run", cause("push", OWN), True, True),
        ("workflow_run", cause("pull_request", OWN), False, True),
        ("workflow_run", cause("push", FORK), False, False),
        ("workflow_run", {}, False, False),
        ("issue_comment", {"issue": {"number": 3}}, True, True),
        ("issue_comment", {"issue": {"number": 3, "pull_request": {}}}, False, False),
    ],
)
def test_github_events(
    name: str, event: dict[str, Any], *, may: bool, may_if_allowed: bool
) -> None:
    """What is not merged needs leave; what a stranger can cause, or nobody can tell, gets none."""
    facts = read(name, event)
    assert (facts.find_objection(allows_unmerged=False) == "") is may
    assert (facts.find_objection(allows_unmerged=True) == "") is may_if_allowed


@pytest.mark.parametrize(
    ("variables", "may", "may_if_allowed"),
    [
        ({"CI_PIPELINE_SOURCE": "push"}, True, True),
        ({"CI_MERGE_REQUEST_IID": "12"}, False, False),
        (
            {
                "CI_MERGE_REQUEST_IID": "12",
                "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "5",
                "CI_MERGE_REQUEST_PROJECT_ID": "5",
            },
            False,
            True,
        ),
        (
            {
                "CI_MERGE_REQUEST_IID": "12",
                "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "6",
                "CI_MERGE_REQUEST_PROJECT_ID": "5",
            },
            False,
            False,
        ),
        (
            {
                "CI_PIPELINE_SOURCE": "external_pull_request_event",
                "CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY": "me/docs",
                "CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY": "acme/docs",
            },
            False,
            False,
        ),
    ],
)
def test_gitlab_pipelines(variables: dict[str, str], *, may: bool, may_if_allowed: bool) -> None:
    """Merge requests are judged as pull requests are."""
    facts = read_facts({**GITLAB, **variables}, {})
    assert (facts.find_objection(allows_unmerged=False) == "") is may
    assert (facts.find_objection(allows_unmerged=True) == "") is may_if_allowed


@pytest.mark.parametrize(
    ("name", "event", "number"),
    [
        ("pull_request", pull(OWN), 12),
        ("workflow_run", cause("pull_request", OWN), 12),
        ("issue_comment", {"issue": {"number": 3, "pull_request": {}}}, 3),
        ("issue_comment", {"issue": {"number": 3}}, 0),
        ("pull_request", {"pull_request": {"number": "12"}}, 0),
        ("push", pull(OWN), 0),
    ],
)
def test_the_number_of_the_pull_request(name: str, event: dict[str, Any], number: int) -> None:
    """Only a pull request that the job is about can be commented on."""
    assert read(name, event).number == number


def test_outside_of_ci_nothing_is_known() -> None:
    """A command line has no host, and nothing is held against it."""
    assert read_facts({"CI": "true", "GITHUB_EVENT_NAME": "pull_request"}, {}) == Facts()


def test_an_enterprise_server_is_found() -> None:
    """Links and the API follow the server that runs the job."""
    variables = {
        "GITHUB_SERVER_URL": "https://git.acme.example",
        "GITHUB_API_URL": "https://git.acme.example/api/v3",
    }
    facts = read_facts({**GITHUB, **variables}, {})
    assert facts.repository_url == "https://git.acme.example/acme/docs"
    assert facts.api_url == "https://git.acme.example/api/v3"


@pytest.mark.parametrize(
    ("variables", "command"),
    [
        ({"GITHUB_ACTIONS": "true", "INPUT_COMMAND": "plan"}, "plan"),
        ({"GITHUB_ACTIONS": "true", "INPUT_COMMAND": " "}, "sync"),
        ({"GITHUB_ACTIONS": "true", "INPUT_STORE-ID": "vs_1"}, "sync"),
        ({"GITHUB_ACTIONS": "true", "INPUT_STORE_ID": "vs_1"}, "sync"),
        ({"GITHUB_ACTIONS": "true", "INPUT_VERSION": "of another action"}, None),
        ({"GITHUB_ACTIONS": "true"}, None),
        ({"INPUT_COMMAND": "plan"}, None),
        ({"GITLAB_CI": "true", "VECTORNATOR_COMMAND": "plan"}, "plan"),
        ({"GITLAB_CI": "true", "VECTORNATOR_COMMAND": ""}, "sync"),
        ({"GITLAB_CI": "true"}, None),
        ({"VECTORNATOR_COMMAND": "plan"}, None),
    ],
)
def test_the_command_of_an_action(variables: dict[str, str], command: str | None) -> None:
    """Inputs say what to do only where an action or a job has set them."""
    assert find_command(variables) == command
