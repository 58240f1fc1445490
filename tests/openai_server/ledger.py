"""The record of every request, for assertions."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from tests.openai_server.call import Request
from tests.openai_server.errors import ApiError


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that came in a form."""

    filename: str
    content_type: str
    size: int
    sha256: str


@dataclass(slots=True)
class Record:
    """One request as the server saw it."""

    number: int
    """1 for the first."""

    method: str
    path: str
    """Without the base path, for example `/files/file-abc`."""

    route: str
    """Named after the SDK's method, for example `vector_stores.files.create`; may be empty."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By lower-case name."""

    time: float
    """Simulated seconds since 1970."""

    size: int
    """Of the body, in bytes."""

    sha256: str
    """Of the body; empty for an empty one."""

    body: object = None
    """The JSON body, or the plain fields of a form."""

    file: SentFile | None = None
    status: int = 0
    """Of the answer; 0 when the connection ended without one."""

    request_id: str = ""
    faults: list[str] = field(default_factory=list)
    """The names of the faults that were met."""


class Ledger:
    """All requests in the order they came; routes are given as names or as patterns with `*`."""

    def __init__(self) -> None:
        self.requests: list[Record] = []
        self._number = 0

    def of(self, route: str = "*") -> list[Record]:
        """The requests of the routes that fit."""
        return [each for each in self.requests if fnmatchcase(each.route, route)]

    def count(self, route: str = "*") -> int:
        """How many requests went to the routes that fit."""
        return len(self.of(route))

    def counts(self) -> dict[str, int]:
        """How many requests went to each route that had any."""
        return dict(Counter(each.route for each in self.requests))

    def clear(self) -> None:
        """Forget all requests; numbers go on."""
        self.requests.clear()

    def make_number(self) -> int:
        """The number of the next request."""
        self._number += 1
        return self._number


def read_for_record(request: Request) -> tuple[object, SentFile | None]:
    """The body as the ledger keeps it: JSON or plain fields, and the file of a form."""
    if not request.body:
        return None, None
    if request.headers.get("content-type", "").startswith("multipart/"):
        return _read_form(request)
    try:
        return json.loads(request.body), None
    except ValueError:
        return None, None


def _read_form(request: Request) -> tuple[object, SentFile | None]:
    try:
        form = request.form
    except ApiError:
        return None, None
    fields: dict[str, str] = {}
    sent = None
    for name, part in form.items():
        if not part.filename:
            fields[name] = part.content.decode("utf-8", "replace")
            continue
        digest = hashlib.sha256(part.content).hexdigest()
        sent = SentFile(part.filename, part.content_type, len(part.content), digest)
    return fields, sent
