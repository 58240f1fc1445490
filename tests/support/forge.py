"""An imitation of the few routes of GitHub and GitLab that comments need, on loopback."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAGE = 100


class Forge:
    """The comments of one pull request, who asks, and what was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.login = "github-actions[bot]"
        self.comments: list[dict[str, Any]] = []
        self.relation = "ahead"
        self.requests: list[str] = []
        self.paths: list[str] = []
        self.tokens: set[str] = set()
        self.faults: dict[str, tuple[int, int]] = {}
        """By method and start of the path: a status, and how often it is answered."""

    def say(self, author: str, body: str) -> int:
        """Let somebody write a comment, and return its id."""
        key = 1000 + len(self.comments)
        person = {"login": author, "username": author, "id": 7, "url": f"{self.url}/users/x"}
        comment = {"id": key, "body": body, "user": person, "author": person, "system": False}
        self.comments.append(comment)
        return key

    @property
    def bodies(self) -> list[str]:
        """What the comments say, oldest first."""
        return [str(comment["body"]) for comment in self.comments]

    def count(self, method: str) -> int:
        """How many requests with a method there were; questions of identity left out."""
        return sum(one.startswith(f"{method} ") and "graphql" not in one for one in self.requests)

    def find_fault(self, request: str) -> int:
        """The status that a request is to be answered with; 0 for its own."""
        for start, (status, left) in self.faults.items():
            if request.startswith(start) and left:
                self.faults[start] = (status, left - 1)
                return status
        return 0

    def answer(self, request: str, page: int, given: dict[str, Any]) -> Any:  # noqa: ANN401  (JSON)
        """What a request is answered with; None for what is not there."""
        if request == "POST /graphql":
            return {"data": {"viewer": {"login": self.login}}}
        if request == "GET /user":
            return {"id": 7, "username": self.login}
        if re.match(r"GET /repos/[^/]+/[^/]+/compare/", request):
            return {"status": self.relation, "url": f"{self.url}/compare"}
        if re.search(r"/(issues|merge_requests)/12/(comments|notes)$", request):
            if request.startswith("POST"):
                self.say(self.login, given["body"])
                return self.comments[-1]
            return self.comments[(page - 1) * PAGE : page * PAGE]
        return self._answer_one(request, given)

    def _answer_one(self, request: str, given: dict[str, Any]) -> Any:  # noqa: ANN401  (JSON)
        found = re.search(r"/(?:comments|notes)/([0-9]+)$", request)
        for comment in self.comments:
            if found and comment["id"] == int(found[1]):
                comment.update(given)
                return comment
        return None


@contextmanager
def open_forge() -> Iterator[Forge]:
    """An imitation that answers below `/api/v3` too, as an Enterprise Server does."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            path, _, query = self.path.partition("?")
            length = int(self.headers.get("Content-Length") or 0)
            given = json.loads(self.rfile.read(length) or b"{}")
            bare = re.sub(r"^/api(/v[34])?", "", path)
            forge.paths.append(path)
            request = f"{self.command} {bare}"
            forge.requests.append(request)
            token = self.headers.get("Authorization") or self.headers.get("Private-Token") or ""
            forge.tokens.add(token.removeprefix("token ").removeprefix("Bearer "))
            pages = re.search(r"(?:^|&)page=([0-9]+)", query)
            page = int(pages[1]) if pages else 1
            status = forge.find_fault(request)
            answer = {"message": "no"} if status else forge.answer(request, page, given)
            self.reply(status or (200 if answer is not None else 404), answer, path, page)

        def reply(self, status: int, answer: object, path: str, page: int) -> None:
            limited = status == 429
            content = json.dumps(
                {"message": "API rate limit exceeded"} if limited else answer
            ).encode()
            self.send_response(403 if limited else status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if limited:
                self.send_header("Retry-After", "3600")
            if isinstance(answer, list) and len(forge.comments) > page * PAGE:
                following = f'<{forge.url}{path}?per_page={PAGE}&page={page + 1}>; rel="next"'
                self.send_header("Link", following)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = handle_any  # noqa: N815  (http.server's names)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name)
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    forge = Forge(f"http://127.0.0.1:{server.server_port}")
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
