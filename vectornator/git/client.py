"""Smart HTTP: dulwich speaks the protocol, we send the requests, few of them and each bounded."""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import urllib3
from dulwich.client import AbstractHttpGitClient
from urllib3.exceptions import HTTPError, InvalidHeader, SSLError

from vectornator.git.credentials import Authorization, hide_credentials, to_origin
from vectornator.git.failures import (
    WRITE_HINT,
    AccessDenied,
    BadAnswer,
    PushDenied,
    Unreachable,
    heed_errors,
)
from vectornator.git.transport import Traffic

NO_REFS = b"refs/no-ref-is-asked-for"
"""A ref prefix that matches nothing: what a fetch by object id lists."""

# Hosts tell git from browsers by the first word.
_AGENT = "git/vectornator"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_CHUNK = 1 << 16
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _PROXY, _TOO_MANY = 401, 403, 404, 407, 429
_OK, _SERVER_ERROR = 200, 500


class Access:
    """What is sent along to one origin, and nowhere else."""

    def __init__(
        self,
        url: str,
        extra: Mapping[str, str],
        authorization: Authorization | None,
        ask: Callable[[], Authorization | None],
    ) -> None:
        self._origin = to_origin(url)
        self._extra = {name: value for name, value in extra.items() if name != "authorization"}
        self._authorization = authorization
        self._ask = ask
        self._has_asked = False

    @property
    def source(self) -> str:
        """Where the credential comes from, for messages."""
        return self._authorization.source if self._authorization else "no credential"

    def ask_once(self) -> bool:
        """Look for a credential when none was given; True when there is one to try now."""
        if self._authorization or self._has_asked:
            return False
        self._has_asked = True
        self._authorization = self._ask()
        return self._authorization is not None

    def headers_for(self, url: str) -> dict[str, str]:
        """The headers for a request, by lower-case name; none for another origin."""
        if to_origin(url) != self._origin:
            return {}
        mine = self._authorization
        return {**self._extra, **({"authorization": mine.value} if mine else {})}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response, read to its end."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes
    redirect_location: str = ""
    """Where the answer came from when that is not where it was asked for; dulwich's name."""

    @property
    def content_type(self) -> str | None:
        """Its media type."""
        return self.headers.get("Content-Type")

    def close(self) -> None:
        """Nothing is left open."""


class HttpClient(AbstractHttpGitClient):
    """Dulwich's client on our own pool.

    Only `_http_request` is ours, the one method dulwich leaves to a subclass. An advertisement
    of protocol version 2 names abilities and no refs, so it is asked for once; listing `NO_REFS`
    is answered on the spot. So the first listing costs two requests, every later one and every
    fetch costs one, and a push costs two.
    """

    def __init__(
        self,
        url: str,
        pool: urllib3.PoolManager,
        access: Access,
        traffic: Traffic,
        max_bytes: int,
    ) -> None:
        super().__init__(hide_credentials(url))
        self._pool = pool
        self._access = access
        self._traffic = traffic
        self._max_bytes = max_bytes
        self._advertised: dict[str, Answer] = {}

    @property
    def credential(self) -> str:
        """Where the credential in use comes from, in words."""
        return self._access.source

    def close(self) -> None:
        """Close every connection."""
        self._pool.clear()

    def _http_request(  # type: ignore[override]  # `Answer` has all of the response it uses
        self,
        url: str,
        headers: dict[str, str] | None = None,
        data: bytes | Iterator[bytes] | None = None,
        raise_for_status: bool = True,  # noqa: ARG002  (only dulwich's dumb protocol asks for less)
    ) -> tuple[Answer, Callable[..., bytes]]:
        body = data if data is None or isinstance(data, bytes) else b"".join(data)
        answer = self._answer_here(url, body) or self._ask(url, headers or {}, body)
        if body is None and b"version 2\n" in answer.body[:64]:
            self._advertised[url] = answer
        return answer, heed_errors(io.BytesIO(answer.body).read)

    def _answer_here(self, url: str, body: bytes | None) -> Answer | None:
        """What needs no request: an advertisement seen before, or a list of no refs."""
        if body is None:
            return self._advertised.get(url)
        if b"command=ls-refs" in body and NO_REFS in body:
            kind = f"application/x-{url.rpartition('/')[2]}-result"
            return Answer(_OK, url, {"Content-Type": kind}, b"0000")
        return None

    def _ask(self, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """One good answer. A GET follows redirects, as in git; a POST never does."""
        answer = self._send(url, headers, body)
        if answer.status == _UNAUTHORIZED and self._access.ask_once():
            answer = self._send(url, headers, body)
        for _ in range(_MAX_REDIRECTS):
            if answer.status not in _REDIRECTS or body is not None:
                break
            answer = self._send(_follow(answer), headers, body)
        if answer.status != _OK:
            raise explain_status(answer, self._access.source)
        moved = answer.url if answer.url != url else ""
        return Answer(answer.status, answer.url, answer.headers, answer.body, moved)

    def _send(self, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """One request and the whole answer to it."""
        self._traffic.requests += 1
        self._traffic.count(len(body or b""), "write")
        lowered = {name.lower(): value for name, value in headers.items()}
        try:
            response = self._pool.request(
                "GET" if body is None else "POST",
                url,
                body=body,
                headers={"user-agent": _AGENT, **self._access.headers_for(url), **lowered},
                preload_content=False,
                redirect=False,
            )
            content = self._read(response)
        except SSLError as error:
            raise AccessDenied(
                f"The certificate of {hide_credentials(url)} is not trusted ({error}). Name your "
                "authority's certificates in GIT_SSL_CAINFO or http.sslCAInfo."
            ) from error
        except HTTPError as error:
            raise Unreachable(
                f"{hide_credentials(url)} did not answer ({type(error).__name__}). Check the "
                "network, the proxy and the server, then run again."
            ) from error
        return Answer(response.status, url, response.headers, content)

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        """A body, as long as it is not larger than we accept."""
        parts, size = [], 0
        while part := response.read(_CHUNK):
            parts.append(part)
            size += len(part)
            self._traffic.count(len(part), "read")
            if size > self._max_bytes:
                response.close()
                raise BadAnswer(f"The remote sent more than the {self._max_bytes} bytes we accept.")
        response.release_conn()
        return b"".join(parts)


def explain_status(answer: Answer, source: str) -> AccessDenied | Unreachable:
    """The error a status stands for; `source` says which credential was used."""
    where = hide_credentials(answer.url)
    wait = _read_wait(answer.headers.get("Retry-After", ""))
    is_push = "git-receive-pack" in answer.url
    denied = PushDenied if is_push else AccessDenied
    match answer.status:
        case status if status == _TOO_MANY or status >= _SERVER_ERROR or wait is not None:
            return Unreachable(f"{where} answered {status}. Run again later.", retry_after=wait)
        case 401:
            return denied(
                f"{where} wants a valid credential (401; tried {source}). Give a token that may "
                f"{'write' if is_push else 'read'}{'; ' + WRITE_HINT if is_push else ''}."
            )
        case 403:
            return denied(
                f"{where} forbids this (403; tried {source}). "
                + (f"To push, {WRITE_HINT}." if is_push else "Give a token that may read it.")
            )
        case 404:
            return denied(
                f"{where} was not found, or the credential may not see it (404; tried {source}). "
                "Check the URL and give a token with access."
            )
        case 407:
            return denied(f"The proxy on the way to {where} wants a user and a password (407).")
        case status:
            return denied(f"{where} answered {status}, which git's protocol does not expect.")


def _follow(answer: Answer) -> str:
    """Where a redirect leads. Raises `AccessDenied` for one that leaves https or makes no sense."""
    there = urljoin(answer.url, answer.headers.get("Location", ""))
    scheme = urlsplit(there).scheme
    if scheme not in {"http", "https"} or (answer.url.startswith("https:") and scheme != "https"):
        raise AccessDenied(
            f"{hide_credentials(answer.url)} redirects to {hide_credentials(there)}, where it is "
            "not safe to go. Correct the remote's URL."
        )
    return there


def _read_wait(value: str) -> float | None:
    """The seconds of a Retry-After header, given as a number or as a date."""
    if not value:
        return None
    try:
        return float(urllib3.Retry().parse_retry_after(value))
    except InvalidHeader:
        return None
