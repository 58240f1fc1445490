"""The only door to OpenAI's SDK: requests go out through its client, answers come in checked.

The SDK's own parsing is passed over: it hands out strings, lists and half-empty models for
answers that are no JSON objects, and raises `JSONDecodeError` for broken ones.
"""

import json
import logging
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from vectornator.errors import Fatal, NoCredentials, ProviderError, Transient
from vectornator.providers.openai.access import Access
from vectornator.providers.openai.failures import Answer, Unanswered, explain
from vectornator.providers.openai.options import Options

if TYPE_CHECKING:
    import openai

Json: TypeAlias = Mapping[str, Any]
"""A JSON object."""

PAGE = 100
"""Items on a page of any list of vector stores: the most that is allowed."""

_SECONDS = 60.0
"""How long one answer may take; what uploads need comes on top."""


class Response(Protocol):
    """As much of the SDK's raw responses as is looked at."""

    @property
    def content(self) -> bytes:
        """The body."""


class Client:
    """Makes requests; opened by the first one, so that a run without any imports no SDK."""

    def __init__(self, options: Options, access: Access | None) -> None:
        self._options = options
        self._access = access
        self._lock = threading.Lock()
        self._sdk: openai.OpenAI | None = None
        self.requests = 0
        """How many requests were sent so far."""

    def ask(self, what: str, send: Callable[["openai.OpenAI"], Response]) -> Json:
        """Make one request, called `what` in messages, and return the object it is answered with.

        Raises `Unanswered` when the request may or may not have been carried out, and
        whatever else `failures.explain` makes of the answer.
        """
        sdk = self._open()
        import openai  # noqa: PLC0415  (half a second, spent when the client was opened)

        try:
            answer = self._send(sdk, send)
        except openai.OpenAIError as error:
            raise self._translate(error, what) from self._find_cause(error)
        return _read_object(answer.content, what)

    def mask(self, text: str) -> str:
        """What a server said, without the secrets that it may repeat."""
        return self._access.mask(text) if self._access else text

    def list_pages(
        self, what: str, turn: Callable[["openai.OpenAI", str], Response]
    ) -> Iterator[Json]:
        """Yield every item of a list once; `turn` asks for the page after an id, or the first.

        Raises `Transient` when a page brings nothing new though more are promised: then the
        list can't be read to its end.
        """
        seen: set[str] = set()
        after = ""
        while True:
            page = self.ask(what, lambda sdk, after=after: turn(sdk, after))  # type: ignore[misc]  # bound now, called now
            items = _read_items(page, what)
            fresh = [item for item in items if item["id"] not in seen]
            seen.update(item["id"] for item in fresh)
            yield from fresh
            if page.get("has_more") is False or (not items and not page.get("has_more")):
                return
            if not fresh:
                raise Transient(f"{what}: the listing does not get on after {len(seen)} items")
            after = items[-1]["id"]

    def _send(self, sdk: "openai.OpenAI", send: Callable[["openai.OpenAI"], Response]) -> Response:
        """Send once, and once more with another key where one has expired."""
        import openai  # noqa: PLC0415  (loaded by now)

        try:
            return self._send_counted(sdk, send)
        except openai.AuthenticationError as error:
            refused = error.request.headers.get("authorization", "").removeprefix("Bearer ")
            if not (self._access and self._access.renew(refused)):
                raise
        return self._send_counted(sdk, send)

    def _send_counted(
        self, sdk: "openai.OpenAI", send: Callable[["openai.OpenAI"], Response]
    ) -> Response:
        with self._lock:
            self.requests += 1
        return send(sdk)

    def _find_cause(self, error: "openai.OpenAIError") -> "openai.OpenAIError | None":
        """What to show as the cause: nothing where the trace would show a secret."""
        trace = "".join(traceback.format_exception(error))
        return error if self.mask(trace) == trace else None

    def _translate(self, error: "openai.OpenAIError", what: str) -> ProviderError:
        import openai  # noqa: PLC0415  (loaded by now)

        match error:
            case openai.APIStatusError():
                headers = error.response.headers
                answer = Answer.read(error.status_code, error.body, headers, self.mask)
                return explain(answer, what, self._access.advice if self._access else "")
            case openai.APITimeoutError():
                return Unanswered(f"{what}: no answer in time")
            case openai.APIConnectionError():
                return _explain_connection(error, what, self.mask)
            case _:
                return Fatal(f"{what}: {self.mask(str(error))}", reason="auth")

    def _open(self) -> "openai.OpenAI":
        with self._lock:
            if self._sdk is None:
                self._sdk = _make_sdk(self._options, self._access)
            return self._sdk

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._sdk:
                self._sdk.close()
            self._sdk = None


def _make_sdk(options: Options, access: Access | None) -> "openai.OpenAI":
    if access is None:
        raise NoCredentials(
            "There is no API key: set OPENAI_API_KEY, in CI as a secret (api-key in the action)."
        )
    import openai  # noqa: PLC0415  (half a second; not paid by runs that ask nothing)

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # a layer writes the log of requests
    return openai.OpenAI(
        api_key=access.open(),
        base_url=options.base_url,
        organization=options.organization or None,
        project=options.project or None,
        timeout=_SECONDS,
        max_retries=0,  # the layers retry; the SDK would repeat an upload blindly
        http_client=openai.DefaultHttpxClient(follow_redirects=False),  # documents stay where told
    )


def scale_timeout(size: int) -> float:
    """The seconds that sending `size` bytes may take: at least 100 kB arrive in each."""
    return _SECONDS + size / 100_000


def need(answer: Json, key: str, what: str) -> str:
    """Return a text that an answer must have. Raises `Unanswered` where it is missing."""
    value = answer.get(key)
    if not isinstance(value, str) or not value:
        raise Unanswered(f"{what}: the answer has no {key}")
    return value


def _explain_connection(
    error: "openai.APIConnectionError", what: str, mask: Callable[[str], str]
) -> ProviderError:
    """Tell a connection that was never made from one that was lost."""
    cause = error.__cause__
    words = f"{what}: {type(cause).__name__ if cause else 'no connection'}"
    if type(cause).__name__ in {"ConnectError", "ConnectTimeout", "PoolTimeout"}:
        return Transient(f"{words}: {mask(str(cause))}")
    return Unanswered(f"{words}: the connection was lost")


def _read_object(body: bytes, what: str) -> Json:
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise Unanswered(f"{what}: the answer is no JSON, perhaps from a proxy") from error
    if not isinstance(answer, dict):
        raise Unanswered(f"{what}: the answer is no JSON object")
    return answer


def _read_items(page: Json, what: str) -> list[Json]:
    items = page.get("data")
    if not isinstance(items, list):
        raise Unanswered(f"{what}: the answer has no list")
    if any(not isinstance(item, dict) or not isinstance(item.get("id"), str) for item in items):
        raise Unanswered(f"{what}: the list holds something without an id")
    return items
