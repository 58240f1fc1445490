"""A client of the imitation server that shows what is on the wire, for its own tests."""

import json
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, Self, Unpack

import urllib3
from urllib3.exceptions import HTTPError

from tests.openai_server import Clock, Fault, OpenAIServer, make_fault
from tests.openai_server.catalogue import Selectors

Json = dict[str, Any]


class Caller:
    """A running server with a clock that stands still, and plain HTTP to it."""

    def __init__(self, like: Literal["openai", "azure", "compatible"] = "openai") -> None:
        self.server = OpenAIServer(like=like, clock=Clock(scale=0))
        self.pool = urllib3.PoolManager(
            retries=False, timeout=urllib3.Timeout(total=2), headers=self.bearer
        )

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pool.clear()
        self.server.__exit__(kind, error, trace)

    @property
    def bearer(self) -> Mapping[str, str]:
        """The header that lets a request in."""
        return {"Authorization": f"Bearer {self.server.key}"}

    def arm(self, name: str, **selectors: Unpack[Selectors]) -> Fault:
        """Let the next fitting request meet the fault `name`."""
        fault = make_fault(name, **selectors)
        self.server.add_fault(fault)
        return fault

    def connect(self) -> socket.socket:
        """A bare connection."""
        port = int(self.server.origin.rpartition(":")[2])
        return socket.create_connection(("127.0.0.1", port), timeout=2)

    def ask(self, method: str, path: str, body: object = None) -> urllib3.BaseHTTPResponse:
        """Send a request with a JSON body."""
        return self.pool.request(method, self.server.url + path, json=body, redirect=False)

    def try_ask(self, method: str, path: str, body: object = None) -> int:
        """The status of a request; 0 when the connection ended without an answer."""
        try:
            return self.ask(method, path, body).status
        except HTTPError:
            return 0

    def get(self, path: str) -> Json:
        """The JSON that a GET answers."""
        return self.read(self.ask("GET", path))

    def post(self, path: str, body: object = None) -> Json:
        """The JSON that a POST answers."""
        return self.read(self.ask("POST", path, body or {}))

    def read(self, answer: urllib3.BaseHTTPResponse) -> Json:
        """The JSON of a good answer."""
        assert answer.status == 200, answer.data
        value: Json = json.loads(answer.data)
        return value

    def send(
        self, filename: str = "a.md", content: bytes = b"hello", purpose: str = "assistants"
    ) -> urllib3.BaseHTTPResponse:
        """Upload a File."""
        part = (filename, content, "text/markdown")
        fields: dict[str, str | tuple[str, bytes, str]] = {"purpose": purpose, "file": part}
        return self.pool.request("POST", self.server.url + "/files", fields=fields)

    def upload(self, filename: str = "a.md", content: bytes = b"hello") -> str:
        """Upload a File; its id."""
        return str(self.read(self.send(filename, content))["id"])

    def create_store(self) -> str:
        """Make a store; its path."""
        return f"/vector_stores/{self.post('/vector_stores')['id']}"

    def attach(self, store: str, file_id: str, **attributes: object) -> Json:
        """Attach a File to the store at the path `store`."""
        return self.post(f"{store}/files", {"file_id": file_id, "attributes": attributes})

    def fill(self, count: int = 1) -> tuple[str, list[str]]:
        """A store with as many indexed files; its path and their ids."""
        store = self.create_store()
        ids = [self.upload(f"{number}.md") for number in range(count)]
        for number, file_id in enumerate(ids):
            self.attach(store, file_id, path=f"{number}.md")
        self.server.clock.advance(2)
        return store, ids

    def start_batch(self, count: int = 2) -> tuple[str, str]:
        """A store and a batch in it; the path of each."""
        store = self.create_store()
        files = [{"file_id": self.upload()} for _ in range(count)]
        batch = self.post(f"{store}/file_batches", {"files": files})
        return store, f"{store}/file_batches/{batch['id']}"

    def list_ids(self, path: str, query: str = "limit=100&order=asc") -> list[str]:
        """The ids on one page of a listing."""
        return [str(each["id"]) for each in self.get(f"{path}?{query}")["data"]]

    def kinds(self) -> list[str]:
        """The kinds of all side effects so far."""
        return [each.kind for each in self.server.side_effects]
