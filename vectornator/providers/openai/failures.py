"""What a failed request means for whoever made it: an HTTP answer → one of our errors (pure)."""

import email.utils
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vectornator.errors import Fatal, ProviderError, Rejected, Throttled, Transient


class Unanswered(Transient):
    """Nobody knows whether the request was carried out: find out before it is made again."""


class Gone(Rejected):
    """What the request was about does not exist, or can't be seen yet."""


class Unsupported(Rejected):
    """The service does not take a file of this type; as plain text it may."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said that did not do what it was asked."""

    status: int
    message: str = ""
    code: str = ""
    type: str = ""
    param: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        status: int,
        body: object,
        headers: Mapping[str, str],
        mask: Callable[[str], str] = str,
    ) -> "Answer":
        """Read an error body of any known shape; what it says goes through `mask`.

        OpenAI's is `{"error": {message, type, param, code}}`, of which the SDK hands on the
        inner object; others leave fields out, answer a string or a page of HTML.
        """
        inner = body.get("error", body) if isinstance(body, dict) else body
        lower = {name.lower(): value for name, value in headers.items()}
        if not isinstance(inner, dict):
            return cls(status, _shorten(inner, mask), headers=lower)
        names = ("message", "code", "type", "param")
        texts = {name: _shorten(inner.get(name), mask) for name in names}
        return cls(status, headers=lower, **texts)

    def __str__(self) -> str:
        return f"HTTP {self.status}{f': {self.message}' if self.message else ''}"


_QUOTA = frozenset({"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"})
_NOT_FOUND = re.compile(r"no such|not found|cannot find|could not find|no \w+ found", re.IGNORECASE)
_STORE = re.compile(r"vector[ _]store", re.IGNORECASE)
_FILE = re.compile(r"\bfiles?\b|file-|file_id", re.IGNORECASE)
_URL = re.compile(r"invalid url|unknown request url", re.IGNORECASE)
_TYPE = re.compile(
    r"invalid extension|are not supported for retrieval|file type is not", re.IGNORECASE
)


def explain(
    answer: Answer, what: str, advice: str = "Check the API key and what it may do."
) -> ProviderError:
    """Return the error that an answer amounts to.

    `what` names the request, `advice` says what to check where it was not let in.
    """
    words = f"{what}: {answer}".rstrip(".")
    if answer.status in {402, 429}:
        return _explain_limit(answer, words)
    if _is_unclear(answer):
        return Unanswered(words, retry_after=read_wish(answer.headers))
    match answer.status:
        case 401 | 403:
            return Fatal(f"{words}. {advice}", reason="auth")
        case status if status < 400:  # noqa: PLR2004  (a redirect that leads nowhere)
            return Fatal(f"{words}. Check --base-url.")
        case _:
            return _explain_refusal(answer, words)


def _is_unclear(answer: Answer) -> bool:
    """Tell whether the same request may fare better, though it may have been carried out."""
    is_asked_for = answer.headers.get("x-should-retry") == "true"
    is_broken = answer.status >= 500 and answer.status != 501  # noqa: PLR2004  (not implemented)
    return is_asked_for or is_broken or answer.status in {408, 409, 425}


def _explain_limit(answer: Answer, words: str) -> ProviderError:
    if answer.status == 402 or _QUOTA & {answer.code, answer.type}:  # noqa: PLR2004
        return Fatal(f"{words}. Check the account's billing and limits.", reason="quota")
    return Throttled(words, retry_after=read_wish(answer.headers))


def _explain_refusal(answer: Answer, words: str) -> ProviderError:
    """What a 4xx means. Compatible servers answer 400 where OpenAI answers 404."""
    text = answer.message
    if answer.status == 404 and _URL.search(text):  # noqa: PLR2004  (there is no such route)
        return Fatal(f"{words}. Check --base-url.")
    if "storage quota" in text:
        return Fatal(f"{words}. Remove files that nothing uses.", reason="quota")
    if answer.code == "unsupported_file" or _TYPE.search(text):
        return Unsupported(words)
    if answer.status in {404, 410} or _NOT_FOUND.search(text) or is_bad_id(text):
        return Gone(words)
    return Rejected(words)


def is_about_store(error: Gone) -> bool:
    """Tell whether it is the store that does not exist, and not a file in it."""
    text = str(error).partition(": ")[2]
    return bool(_STORE.search(text)) and not _FILE.search(_STORE.sub("", text))


def is_bad_id(text: str) -> bool:
    """Tell whether a message refuses an id for its form: nothing can have such an id."""
    return "Expected an ID that begins with" in text


def read_wish(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """The seconds that a server wants to be left alone, from `Retry-After`; None without one.

    Understands milliseconds (`retry-after-ms`), seconds and dates; ignores anything else.
    """
    milliseconds = _to_seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    wish = headers.get("retry-after", "")
    seconds = _to_seconds(wish)
    if seconds is not None or not wish:
        return seconds
    try:
        moment = email.utils.parsedate_to_datetime(wish).timestamp()
    except (ValueError, OverflowError):
        return None
    return _within_reason(moment - (time.time() if now is None else now))


def _to_seconds(text: str) -> float | None:
    return _within_reason(float(text)) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", text) else None


def _within_reason(seconds: float) -> float:
    """No wait is negative, and none longer than an hour makes sense in CI."""
    return min(max(0.0, seconds), 3600.0)


def _shorten(value: object, mask: Callable[[str], str]) -> str:
    """One line of what a server said, masked before it is cut; LiteLLM spells None out."""
    if value is None or value == "None" or not isinstance(value, str | int):
        return ""
    text = str(value)
    if "<html" in text.lower():
        return "a page of HTML, perhaps from a proxy"
    return " ".join(mask(text).split())[:300]
