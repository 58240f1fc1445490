"""The one comment of a pull request, on imitations of GitHub and of GitLab."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TypeAlias

import pytest

from tests.support.forge import Forge, open_forge
from vectornator.ci.facts import Facts
from vectornator.ci.github import WORKFLOW_AUTHOR, GitHubConversation, is_ancestor
from vectornator.ci.gitlab import GitLabConversation, to_dotenv
from vectornator.ci.sticky import CannotComment, Conversation, Fate, make_marker, post

MARKER = make_marker("memory", "default")
Open: TypeAlias = Callable[[], Conversation]


@pytest.fixture
def forge() -> Iterator[Forge]:
    """An imitation with pull request 12."""
    with open_forge() as forge:
        yield forge


@pytest.fixture(params=["github", "gitlab"])
def begin(request: pytest.FixtureRequest, forge: Forge) -> Open:
    """Opens the conversation of pull request 12."""
    if request.param == "gitlab":
        return lambda: GitLabConversation(at(forge.url), "token")
    return lambda: GitHubConversation(at(forge.url), "token")


def at(url: str) -> Facts:
    """The facts of a job about pull request 12 of a repository at `url`."""
    return Facts(repository="acme/docs", api_url=url, number=12)


def tell(begin: Open, body: str, *, is_news: bool = True) -> Fate:
    """Post one comment."""
    with closing(begin()) as conversation:
        return post(conversation, MARKER, body, is_news=is_news)


def test_a_comment_is_written_once_and_changed_then(forge: Forge, begin: Open) -> None:
    """However often a plan is made, there is one comment, and it tells the last plan."""
    fates = [tell(begin, body) for body in ("one", "one", "two\r\n")]
    assert fates == ["created", "unchanged", "updated"]
    assert forge.bodies == [f"{MARKER}\ntwo\r\n"]


def test_an_empty_plan_begins_no_comment(forge: Forge, begin: Open) -> None:
    """Who has nothing to say stays silent, but takes back what was said."""
    assert tell(begin, "nothing", is_news=False) == "silent"
    assert forge.bodies == []
    tell(begin, "something")
    assert tell(begin, "nothing", is_news=False) == "updated"


def test_a_marker_of_somebody_else_is_left_alone(forge: Forge, begin: Open) -> None:
    """Everybody can write the marker; only our own comment is changed."""
    forge.say("mallory", f"{MARKER}\nmine")
    assert tell(begin, "ours") == "created"
    assert tell(begin, "ours, too") == "updated"
    assert forge.bodies == [f"{MARKER}\nmine", f"{MARKER}\nours, too"]


def test_a_comment_is_found_on_a_late_page(forge: Forge, begin: Open) -> None:
    """Long conversations are read to their end."""
    for number in range(230):
        forge.say("ada", f"comment {number}")
    forge.say(forge.login, f"{MARKER}\nold")
    assert tell(begin, "new") == "updated"
    assert len(forge.bodies) == 231


def test_a_first_comment_costs_two_requests(forge: Forge, begin: Open) -> None:
    """Nobody is asked for who we are unless there is somebody to be told apart from."""
    tell(begin, "one")
    assert len(forge.requests) == 2
    assert forge.tokens == {"token"}


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_want_of_rights_is_told_apart(forge: Forge, begin: Open, method: str, status: int) -> None:
    """A token that may not comment is no failure, but has a remedy."""
    forge.faults = {f"{method} /repos": (status, 9), f"{method} /projects": (status, 9)}
    with pytest.raises(CannotComment, match=str(status)) as caught:
        tell(begin, "one")
    assert caught.value.is_denied


def test_a_lost_answer_writes_no_second_comment(forge: Forge, begin: Open) -> None:
    """What may have been written is not written again."""
    forge.faults = {"POST /repos": (502, 1), "POST /projects": (502, 1)}
    with pytest.raises(CannotComment, match="502") as caught:
        tell(begin, "one")
    assert not caught.value.is_denied
    assert forge.count("POST") == 1


def test_a_forge_that_is_gone_is_named() -> None:
    """Without a server there is one sentence, no trace."""
    with open_forge() as gone:
        url = gone.url
    for conversation in (
        GitHubConversation(at(url), ""),
        GitLabConversation(at(url), ""),
    ):
        with closing(conversation), pytest.raises(CannotComment, match="can't be reached"):
            list(conversation.list_notes())


def test_github_is_asked_once_more_after_an_outage(forge: Forge) -> None:
    """Questions are repeated; they change nothing."""
    forge.faults = {"GET /repos": (503, 1)}
    with closing(GitHubConversation(at(forge.url), "token")) as conversation:
        assert post(conversation, MARKER, "one", is_news=True) == "created"


def test_a_limit_of_requests_holds_up_no_job(forge: Forge) -> None:
    """Where the server wants us to wait an hour, there is no comment."""
    forge.faults = {"GET /repos": (429, 9)}
    with (
        closing(GitHubConversation(at(forge.url), "token")) as conversation,
        pytest.raises(CannotComment, match="limit of requests"),
    ):
        post(conversation, MARKER, "one", is_news=True)


def test_an_enterprise_server_is_asked_below_its_path(forge: Forge) -> None:
    """The base URL of the API is the job's own."""
    forge.say(forge.login, f"{MARKER}\nold")
    url = f"{forge.url}/api/v3"
    with closing(GitHubConversation(at(url), "token")) as conversation:
        post(conversation, MARKER, "new", is_news=True)
    assert {path.partition("/repos")[0] for path in forge.paths} == {"/api/v3", "/api/graphql"}


def test_a_token_without_a_name_is_the_workflow(forge: Forge) -> None:
    """Where nobody tells who we are, we are who a workflow's token makes us."""
    forge.faults = {"POST /graphql": (403, 1)}
    with closing(GitHubConversation(at(forge.url), "token")) as conversation:
        assert conversation.find_author() == WORKFLOW_AUTHOR


@pytest.mark.parametrize(
    ("relation", "known"),
    [("ahead", True), ("identical", True), ("behind", False), ("diverged", False)],
)
def test_github_knows_how_commits_are_related(forge: Forge, relation: str, *, known: bool) -> None:
    """A commit is an ancestor of what is ahead of it."""
    forge.relation = relation
    assert is_ancestor(at(forge.url), "token", "a" * 40, "b" * 40) is known


def test_github_may_not_know(forge: Forge) -> None:
    """A commit that GitHub does not have leaves the question open."""
    forge.faults = {"GET /repos": (404, 1)}
    assert is_ancestor(at(forge.url), "token", "a" * 40, "b" * 40) is None


def test_dotenv_takes_plain_values_only() -> None:
    """A value that could be more than one line, or a variable, is left empty."""
    outputs = {"status": "synced", "store-id": "vs_1\nPATH=/evil", "report-path": "$HOME/r"}
    assert to_dotenv(outputs) == "VN_STATUS=synced\nVN_STORE_ID=\nVN_REPORT_PATH=\n"
