"""GitHub's side of identity tokens on loopback: a job asks with its bearer and is vouched for."""

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from tests.openai_server import OpenAIServer

AUDIENCE = "https://api.openai.com/v1"


class Issuer:
    """Vouches for whoever asks; the tokens it makes are trusted by `server`."""

    bearer = "request-bearer-of-this-very-job"

    def __init__(self, server: OpenAIServer) -> None:
        self.server = server
        self.audiences: list[str] = []
        self.tokens: list[str] = []
        self.answers: deque[tuple[int, bytes]] = deque()
        """What the next requests are answered instead."""

    def __enter__(self) -> Self:
        self._http = _Listener(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def environ(self) -> dict[str, str]:
        """What GitHub sets in a job with `id-token: write`."""
        port = self._http.server_address[1]
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{port}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.bearer,
        }

    def answer(self, path: str, bearer: str) -> tuple[int, bytes]:
        """Answer one request as GitHub does."""
        query = parse_qs(urlsplit(path).query)
        if self.answers:
            return self.answers.popleft()
        if bearer != f"Bearer {self.bearer}" or query.get("api-version") != ["2.0"]:
            return 401, b"{}"
        self.audiences += query["audience"]
        self.tokens.append(self.make_token())
        return 200, json.dumps({"count": 1, "value": self.tokens[-1]}).encode()

    def make_token(self) -> str:
        """A token that is trusted from now on."""
        with self.server.lock:
            token = f"eyJhbGciOiJSUzI1NiJ9.{self.server.state.make_id('claims-')}.signature"
            self.server.state.subjects.add(token)
        return token


class _Listener(ThreadingHTTPServer):
    def __init__(self, address: tuple[str, int], issuer: Issuer) -> None:
        super().__init__(address, _Answers)
        self.issuer = issuer


class _Answers(BaseHTTPRequestHandler):
    server: _Listener

    def do_GET(self) -> None:
        """Answer a request."""
        bearer = self.headers.get("authorization", "")
        status, body = self.server.issuer.answer(self.path, bearer)
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("location", body.decode())
            body = b""
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's name)
        """Say nothing."""
