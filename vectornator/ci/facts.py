"""What is known of the CI job around this process: pure, from its variables and its event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from vectornator.settings import declarations

Host: TypeAlias = Literal["github", "gitlab", "none"]

_REVIEWS = ("pull_request", "pull_request_review", "pull_request_review_comment")
"""Events that run in the rights of the pull request: from a fork, without secrets."""

_LENDING = ("pull_request_target", "issue_comment")
"""Events that run in the rights of the repository, whoever caused them."""

_FORK = (
    "The pull request comes from a fork, or nobody can tell that it does not. Its author could "
    "fill the store with anything."
)
_LENT = (
    "The event {event} lends the rights of this repository to a pull request. Its author could "
    "fill the store with anything."
)
_UNMERGED = "This is a pull request: its documents may never be merged."


@dataclass(frozen=True, slots=True)
class Facts:
    """One job; the default is a command line outside CI."""

    host: Host = "none"
    is_debug: bool = False
    """Whether whoever started the job asked for everything to be shown."""

    repository: str = ""
    """As the API names it: `org/name` on GitHub, the number of the project on GitLab."""

    repository_url: str = ""
    """Where people find the repository; empty where it is unknown."""

    api_url: str = ""
    ca_file: str = ""
    """Certificates to trust for the API beside the usual ones; empty for those alone."""

    workspace: str = ""
    """The folder that paths of annotations are relative to."""

    number: int = 0
    """The pull request that can be commented on; 0 where there is none."""

    is_fork: bool = False
    """Whether the pull request comes from another repository, or nobody can tell."""

    refusal: str = ""
    """Why the store must not be changed, whatever the settings say."""

    caution: str = ""
    """Why the store must not be changed unless the settings allow it."""

    def find_objection(self, *, allows_unmerged: bool) -> str:
        """Why this job must not change the store; empty where it may."""
        return self.refusal or ("" if allows_unmerged else self.caution)


def find_command(environ: Mapping[str, str]) -> str | None:
    """The command that an action or a job names in its inputs, by default `sync`.

    None where nothing says that one of them started this process: the runner gives an action
    each of its inputs as `INPUT_NAME`, and a job on GitLab sets `VECTORNATOR_COMMAND`.
    """
    if environ.get("GITHUB_ACTIONS") == "true":
        keys = ("COMMAND", *(one.key.upper() for one in declarations()))
        names = {f"INPUT_{key}" for key in (*keys, *(key.replace("-", "_") for key in keys))}
        is_action = not names.isdisjoint(environ)
        return (environ.get("INPUT_COMMAND", "").strip() or "sync") if is_action else None
    if environ.get("GITLAB_CI") == "true" and "VECTORNATOR_COMMAND" in environ:
        return environ["VECTORNATOR_COMMAND"].strip() or "sync"
    return None


def read_facts(environ: Mapping[str, str], event: Mapping[str, Any]) -> Facts:
    """The facts of a job; `event` is what caused it, as GitHub describes it, or empty."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return _read_github(environ, event)
    if environ.get("GITLAB_CI") == "true":
        return _read_gitlab(environ)
    return Facts()


def _read_github(environ: Mapping[str, str], event: Mapping[str, Any]) -> Facts:
    repository = environ.get("GITHUB_REPOSITORY", "")
    server = environ.get("GITHUB_SERVER_URL") or "https://github.com"
    name = environ.get("GITHUB_EVENT_NAME", "")
    is_fork = _is_github_fork(name, event)
    caution = _UNMERGED if _is_unmerged(name, event) else ""
    refusal = _FORK if caution and is_fork else ""
    if caution and name in _LENDING:
        refusal = _LENT.format(event=name)
    return Facts(
        host="github",
        is_debug=environ.get("RUNNER_DEBUG") == "1",
        repository=repository,
        repository_url=f"{server.rstrip('/')}/{repository}" if repository else "",
        api_url=environ.get("GITHUB_API_URL") or "https://api.github.com",
        workspace=environ.get("GITHUB_WORKSPACE", ""),
        number=_find_number(name, event) if caution else 0,
        is_fork=bool(caution) and is_fork,
        refusal=refusal,
        caution=caution,
    )


def _is_unmerged(name: str, event: Mapping[str, Any]) -> bool:
    """Whether the job is about commits that are not merged yet."""
    if name == "issue_comment":
        return _dig(event, "issue", "pull_request") is not None
    if name == "workflow_run":
        cause = _dig(event, "workflow_run", "event")
        return cause in {*_REVIEWS, *_LENDING} or _is_github_fork(name, event)
    return name in {*_REVIEWS, *_LENDING, "merge_group"}


def _is_github_fork(name: str, event: Mapping[str, Any]) -> bool:
    """Whether the commits come from another repository; a deleted one is another one."""
    if name == "merge_group":  # the queue's own branch
        return False
    if name == "workflow_run":
        head = _dig(event, "workflow_run", "head_repository", "id")
        return head is None or head != _dig(event, "repository", "id")
    head = _dig(event, "pull_request", "head", "repo", "id")
    return head is None or head != _dig(event, "pull_request", "base", "repo", "id")


def _find_number(name: str, event: Mapping[str, Any]) -> int:
    found = _dig(event, "issue" if name == "issue_comment" else "pull_request", "number")
    if name == "workflow_run":
        causes = _dig(event, "workflow_run", "pull_requests")
        found = _dig(causes[0], "number") if isinstance(causes, list) and causes else None
    return found if isinstance(found, int) and found > 0 else 0


def _dig(value: object, *keys: str) -> Any:  # noqa: ANN401  (whatever JSON holds)
    """What lies under a chain of keys; None where it breaks off."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _read_gitlab(environ: Mapping[str, str]) -> Facts:
    number = environ.get("CI_MERGE_REQUEST_IID", "")
    is_mirrored = environ.get("CI_PIPELINE_SOURCE") == "external_pull_request_event"
    is_unmerged = bool(number) or is_mirrored
    is_fork = is_unmerged and _is_gitlab_fork(environ, is_mirrored=is_mirrored)
    return Facts(
        host="gitlab",
        is_debug=environ.get("CI_DEBUG_TRACE") == "true",
        repository=environ.get("CI_MERGE_REQUEST_PROJECT_ID") or environ.get("CI_PROJECT_ID", ""),
        repository_url=environ.get("CI_PROJECT_URL", ""),
        api_url=environ.get("CI_SERVER_URL", ""),
        ca_file=environ.get("CI_SERVER_TLS_CA_FILE", ""),
        workspace=environ.get("CI_PROJECT_DIR", ""),
        number=int(number) if number.isascii() and number.isdigit() else 0,
        is_fork=is_fork,
        refusal=_FORK if is_fork else "",
        caution=_UNMERGED if is_unmerged else "",
    )


def _is_gitlab_fork(environ: Mapping[str, str], *, is_mirrored: bool) -> bool:
    names = ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_ID")
    if is_mirrored:
        prefix = "CI_EXTERNAL_PULL_REQUEST"
        names = (f"{prefix}_SOURCE_REPOSITORY", f"{prefix}_TARGET_REPOSITORY")
    head, base = (environ.get(name) for name in names)
    return not head or head != base
