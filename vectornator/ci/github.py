"""GitHub's API: comments on pull requests, the relation of commits; the door to PyGithub."""

import contextlib
from collections.abc import Iterator
from functools import cached_property

from github import Auth, Github, GithubException, RateLimitExceededException
from github.Issue import Issue
from urllib3 import Retry

from vectornator.ci.facts import Facts
from vectornator.ci.sticky import CannotComment, Note

TIMEOUT = 15
"""In seconds per request: reporting must not hold up a job."""

WORKFLOW_AUTHOR = "github-actions[bot]"
"""Who writes with the token that a workflow is given."""

_UNAUTHORIZED, _FORBIDDEN, _MISSING = 401, 403, 404

_RETRY = Retry(
    total=2,
    backoff_factor=0.5,
    status_forcelist=(500, 502, 503, 504),
    allowed_methods={"GET"},  # a comment whose answer was lost may be there all the same
    respect_retry_after_header=False,  # it may be an hour
    raise_on_status=False,
)


class GitHubConversation:
    """The comments of one pull request on GitHub; see `sticky.Conversation`."""

    def __init__(self, facts: Facts, token: str) -> None:
        self._facts = facts
        self._hub = _connect(facts, token)

    @cached_property
    def _issue(self) -> Issue:
        return self._hub.get_repo(self._facts.repository).get_issue(self._facts.number)

    def list_notes(self) -> Iterator[Note]:
        """Yield all comments, oldest first, a hundred per request."""
        with _translate():
            for comment in self._issue.get_comments():
                yield Note(comment.id, comment.user.login, comment.body or "")

    def find_author(self) -> str:
        """The login of the token; an app has one too, which REST does not tell."""
        try:
            _, answer = self._hub.requester.graphql_query("query { viewer { login } }", {})
            login = answer["data"]["viewer"]["login"]
        except (GithubException, OSError, KeyError, TypeError):
            return WORKFLOW_AUTHOR
        return str(login)

    def create(self, body: str) -> None:
        """Write a new comment."""
        with _translate():
            self._issue.create_comment(body)

    def update(self, note: Note, body: str) -> None:
        """Change one of our comments."""
        with _translate():
            self._issue.get_comment(note.key).edit(body)

    def close(self) -> None:
        """Let go of connections."""
        self._hub.close()


def is_ancestor(facts: Facts, token: str, one: str, other: str) -> bool | None:
    """Tell whether commit `one` is an ancestor of `other`; None where GitHub can't."""
    hub = _connect(facts, token)
    try:
        found = hub.get_repo(facts.repository).compare(one, other, comparison_commits_per_page=1)
        relation = found.status
    except (GithubException, OSError):
        return None
    finally:
        hub.close()
    return relation in {"ahead", "identical"}


def _connect(facts: Facts, token: str) -> Github:
    """The API of the server that runs the job; nothing is asked yet."""
    return Github(
        base_url=facts.api_url,
        auth=Auth.Token(token) if token else None,
        timeout=TIMEOUT,
        retry=_RETRY,
        per_page=100,
        seconds_between_requests=None,
        seconds_between_writes=None,
        lazy=True,
    )


@contextlib.contextmanager
def _translate() -> Iterator[None]:
    """Raise `CannotComment` for whatever PyGithub, or requests below it, raises."""
    try:
        yield
    except RateLimitExceededException as error:
        raise CannotComment("GitHub's limit of requests is used up") from error
    except GithubException as error:
        is_denied = error.status in {_UNAUTHORIZED, _FORBIDDEN, _MISSING}
        raise CannotComment(f"GitHub answered {error.status}", is_denied=is_denied) from error
    except OSError as error:
        raise CannotComment(f"GitHub can't be reached ({type(error).__name__})") from error
