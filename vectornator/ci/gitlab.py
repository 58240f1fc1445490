"""GitLab: notes of merge requests, outputs as a dotenv report; the door to python-gitlab."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from vectornator.ci.facts import Facts
from vectornator.ci.sticky import CannotComment, Note

if TYPE_CHECKING:
    from gitlab import Gitlab

TIMEOUT = 15
"""In seconds per request: reporting must not hold up a job."""

_DENIED = {401, 403, 404}
_ONCE: dict[str, Any] = {"obey_rate_limit": False}
"""The client would wait as long as the server likes."""

_PLAIN = re.compile(r"[\w.:/@+-]{0,255}", re.ASCII)
"""Values that a dotenv report carries as they are: no line break, quote or dollar sign."""


class GitLabConversation:
    """The notes of one merge request; see `sticky.Conversation`."""

    def __init__(self, facts: Facts, token: str) -> None:
        self._lab = _connect(facts, token)
        lazy = self._lab.projects.get(facts.repository, lazy=True)
        self._request = lazy.mergerequests.get(facts.number, lazy=True)

    def list_notes(self) -> Iterator[Note]:
        """Yield all notes of people, oldest first, a hundred per request."""
        with _translate():
            for note in self._request.notes.list(
                iterator=True, per_page=100, sort="asc", order_by="created_at", **_ONCE
            ):
                if not note.attributes.get("system"):
                    yield Note(int(note.attributes["id"]), note.author["username"], note.body or "")

    def find_author(self) -> str:
        """The name of the token's user."""
        with _translate():
            user = self._lab.http_get("/user", **_ONCE)
            return str(user["username"]) if isinstance(user, dict) else ""

    def create(self, body: str) -> None:
        """Write a new note."""
        with _translate():
            self._request.notes.create({"body": body}, **_ONCE)

    def update(self, note: Note, body: str) -> None:
        """Change one of our notes."""
        with _translate():
            self._request.notes.update(note.key, {"body": body}, **_ONCE)

    def close(self) -> None:
        """Let go of connections."""
        self._lab.session.close()


def to_dotenv(outputs: Mapping[str, str]) -> str:
    """Outputs as lines of a dotenv report: `files-added` is `VN_FILES_ADDED`.

    GitLab takes ASCII names of letters, digits and underscores, and plain values on one line;
    another value is left empty. The prefix keeps them from being taken for settings.
    """
    return "".join(
        f"VN_{name.replace('-', '_').upper()}={value if _PLAIN.fullmatch(value) else ''}\n"
        for name, value in outputs.items()
    )


def _connect(facts: Facts, token: str) -> "Gitlab":
    try:
        from gitlab import Gitlab  # noqa: PLC0415  (an extra, and 0.3 s)
    except ImportError as error:
        raise CannotComment(
            "python-gitlab is not installed; pip install 'vectornator[gitlab]'"
        ) from error
    return Gitlab(
        facts.api_url,
        private_token=token,
        ssl_verify=facts.ca_file or True,
        timeout=TIMEOUT,
        retry_transient_errors=False,
    )


@contextlib.contextmanager
def _translate() -> Iterator[None]:
    """Raise `CannotComment` for whatever python-gitlab, or requests below it, raises."""
    from gitlab.exceptions import GitlabError  # noqa: PLC0415  (see above)

    try:
        yield
    except GitlabError as error:
        is_denied = error.response_code in _DENIED
        raise CannotComment(
            f"GitLab answered {error.response_code}", is_denied=is_denied
        ) from error
    except OSError as error:
        raise CannotComment(f"GitLab can't be reached ({type(error).__name__})") from error
