"""What may go wrong with a remote, sorted by what the caller may still do."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dulwich.errors import GitProtocolError, HangupException, NotGitRepository, SendPackError

from vectornator.errors import StateConflict, StateError, VectornatorError
from vectornator.git.objects import MissingObject

WRITE_HINT = (
    "on GitHub set `permissions: contents: write`; on GitLab allow job tokens to push (Settings "
    "> CI/CD > Job token permissions) or give a token with `write_repository`"
)
"""Which permission a push needs, for messages."""

_LOST_RACE = re.compile(
    r"failed to update ref|cannot lock ref|fetch first|non-fast-forward|incorrect old value"
    r"|stale info|unable to set|already exists|but expected",
    re.IGNORECASE,
)
_TROUBLE = re.compile(r"internal server error|time-?out|timed out|unavailable", re.IGNORECASE)
_NO_ACCESS = re.compile(
    r"denied|not found|does not exist|verification failed|does not appear|not allowed"
    r"|authentication|publickey",
    re.IGNORECASE,
)
_GONE = re.compile(r"(?:not our ref |^b')([0-9a-f]{40})")
"""How upload-pack, and dulwich on a path, name an object that is not there."""

_MAX_WORDS = 300


class Unreachable(StateError):
    """The remote did not answer, or not in time, or asks for patience.

    A read may be repeated. A push may have landed all the same: list the refs again
    before pushing once more. `retry_after` is the server's wish in seconds.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AccessDenied(StateError):
    """The remote answered and will not let us in; repeating changes nothing."""


class PushDenied(AccessDenied):
    """The remote will not take this push; the message says which permission is missing."""


class StaleRef(StateConflict):
    """The ref is no longer where we saw it; nothing was written. Fetch, apply again, push."""


class BadAnswer(StateError):
    """The remote sent something that is damaged, hostile or larger than we accept."""


@contextmanager
def translating(where: str, denied: type[AccessDenied]) -> Iterator[None]:
    """Turn what dulwich raises about the remote `where` into the errors of this module.

    `denied` is the class for a remote that will not let us in.
    """
    try:
        yield
    except VectornatorError:
        raise
    except (NotGitRepository, GitProtocolError) as error:
        raise _explain_protocol(where, error, denied) from error
    except OSError as error:
        raise _explain_os_error(where, error, denied) from error
    # Dulwich parses what the other side sends with asserts, indexes and conversions.
    except (ArithmeticError, AssertionError, AttributeError, LookupError) as error:
        raise _explain_nonsense(where, error) from error
    except (TypeError, ValueError) as error:
        raise _explain_nonsense(where, error) from error


def heed_errors(read: Callable[..., bytes]) -> Callable[..., bytes]:
    """A reader of packets that raises the other side's error packets, which dulwich passes over."""

    def checked(size: int | None = -1) -> bytes:
        part = read(size)
        if part.startswith(b"ERR "):
            raise GitProtocolError(part[4:].decode("utf-8", "replace"))
        return part

    return checked


def _explain_nonsense(where: str, error: Exception) -> VectornatorError:
    if gone := _GONE.search(str(error)):
        return MissingObject(gone[1])
    return BadAnswer(f"{where} does not speak git's protocol ({_to_line(error)}).")


def _explain_protocol(
    where: str, error: NotGitRepository | GitProtocolError, denied: type[AccessDenied]
) -> VectornatorError:
    if isinstance(error, NotGitRepository):
        return denied(f"{where} is not a git repository. Check the remote's URL.")
    if isinstance(error, HangupException):
        return _explain_hangup(where, error, denied)
    if isinstance(error.__cause__, OSError):  # such as a pipe to an ssh that has ended
        return _explain_os_error(where, error.__cause__, denied)
    if isinstance(error, SendPackError):
        return PushDenied(
            f"{where} could not unpack what was pushed ({_to_line(error)}). Run again; if it "
            "stays so, check the server's size limits."
        )
    if gone := _GONE.search(str(error)):
        return MissingObject(gone[1])
    kind = denied if _NO_ACCESS.search(str(error)) else BadAnswer
    return kind(f"{where} refused: {_to_line(error)}. Check the URL and the credential.")


def _explain_hangup(
    where: str, error: HangupException, denied: type[AccessDenied]
) -> AccessDenied | Unreachable:
    words = b" ".join(error.stderr_lines or []).decode("utf-8", "replace")
    told = f": {_to_line(words)}" if words else ""
    if _NO_ACCESS.search(words):
        return denied(f"{where} will not let us in{told}. Check the URL and the key.")
    return Unreachable(f"{where} closed the connection{told}. Run again.")


def _explain_os_error(
    where: str, error: OSError, denied: type[AccessDenied]
) -> AccessDenied | Unreachable:
    if isinstance(error, (FileNotFoundError, PermissionError)):
        return denied(
            f"{where} can't be opened: {error.strerror} ({error.filename}). For ssh, install it "
            "or use an https URL with a token."
        )
    return Unreachable(f"{where} broke the connection: {error.strerror}. Run again.")


def explain_refusal(what: str, refusal: str, words: bytes) -> VectornatorError:
    """The error for a ref that the remote did not move."""
    if _LOST_RACE.search(refusal):
        return StaleRef(f"{what} was moved by somebody else ({_to_line(refusal)}); fetch it again.")
    if _TROUBLE.search(refusal):
        return Unreachable(f"{what} was not moved: {_to_line(refusal)}. Run again later.")
    told = _to_line(words.decode("utf-8", "replace"))
    return PushDenied(
        f"{what} was declined by the server: {_to_line(refusal)}{f' ({told})' if told else ''}. "
        f"A hook or a rule there forbids it; {WRITE_HINT}."
    )


def _to_line(words: object) -> str:
    """Words of the other side on one line, not too many."""
    return " ".join(str(words).split())[:_MAX_WORDS].rstrip(".")
