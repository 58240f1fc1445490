"""Files on their way to the service: sent once, and looked for before they are sent again."""

import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from vectornator.errors import Rejected
from vectornator.providers.base import Stray
from vectornator.providers.openai.client import PAGE, Client, Json, need, scale_timeout
from vectornator.providers.openai.failures import Gone, Unanswered
from vectornator.providers.openai.names import UploadName

LARGE = 64_000_000
"""From this many bytes on, a file is sent in parts."""

_PART = 16_000_000
"""Bytes of a part; a lost one is all that must be sent again. The service takes up to 64 MB."""

_AT_ONCE = 4
"""Parts of one file that are under way at the same time."""

_MOST = 10_000
"""Files on a page of all of them."""

_SKEW = 3600.0
"""Seconds by which the service's clock may be behind ours; only bounds how far back we look."""


@dataclass(slots=True)
class _Parts:
    """A file that is being sent in parts: what a repeated call goes on with."""

    upload_id: str
    sent: dict[int, str] = field(default_factory=dict)
    """The id of each part that has arrived, by its number."""


class Uploads:
    """Sends files; remembers which sendings were never answered.

    The API has no idempotency keys, so that a repeated upload makes a second File. When the
    answer to one was lost, the Files of its name, which is this run's alone, are looked for
    before anything is sent again.
    """

    def __init__(self, client: Client, purpose: str) -> None:
        self._client = client
        self._purpose = purpose
        self._started = time.time()
        self._lock = threading.Lock()
        self._doubts: set[str] = set()
        self._claimed: set[str] = set()
        self._parts: dict[str, _Parts] = {}

    def send(self, name: UploadName, content: bytes) -> str:
        """Upload a file and return its id. Raises `Unanswered` if it may have arrived."""
        if name.text in self._doubts and (found := self._adopt(name, len(content))):
            return self._claim(name, found)
        try:
            send = self._send_parts if len(content) >= LARGE else self._send_whole
            return self._claim(name, send(name, content))
        except Unanswered:
            self._doubts.add(name.text)
            raise

    def knows(self, file_id: str) -> bool:
        """Tell whether a file was sent by this process."""
        return file_id in self._claimed

    def delete(self, file_id: str) -> None:
        """Remove a File; one that is gone is not an error, and none is refused for good."""
        what = "DELETE /files"
        try:
            answer = self._client.ask(what, lambda sdk: sdk.files.with_raw_response.delete(file_id))
        except Gone as error:
            if self.read_name(file_id):
                raise Unanswered(f"{error}, and yet it is there") from error
            return
        except Rejected as error:
            raise Unanswered(str(error)) from error
        if answer.get("deleted") is False:
            raise Unanswered(f"{what}: {file_id} was not deleted")

    def read_name(self, file_id: str) -> str:
        """The name of a File; empty when there is none."""
        with suppress(Gone):
            answer = self._client.ask(
                "GET /files", lambda sdk: sdk.files.with_raw_response.retrieve(file_id)
            )
            return str(answer.get("filename") or "")
        return ""

    def sweep(self) -> None:
        """Remove what lost answers left behind: Files of a doubted name that nobody claimed."""
        if not self._doubts:
            return
        for file in list(self._list_recent()):
            if file.get("filename") in self._doubts and file["id"] not in self._claimed:
                self.delete(file["id"])
        self._doubts.clear()

    def _claim(self, name: UploadName, file_id: str) -> str:
        with self._lock:
            self._claimed.add(file_id)
        self._parts.pop(name.text, None)
        return file_id

    def _adopt(self, name: UploadName, size: int) -> str:
        """The File that an earlier sending made after all; empty when it made none.

        Of several, one is taken; the others stay in doubt, and are swept in the end.
        """
        for file in self._list_recent():
            is_it = file.get("filename") == name.text and file.get("bytes") in {size, None}
            if is_it and file["id"] not in self._claimed:
                return str(file["id"])
        return ""

    def _list_recent(self) -> Iterator[Json]:
        """Files made since this run began, newest first."""
        for file in self._list(PAGE):
            if float(file.get("created_at") or math.inf) < self._started - _SKEW:
                return
            yield file

    def list_all(self) -> list[Json]:
        """Every File of the purpose, in pages as large as can be."""
        return list(self._list(_MOST))

    def _list(self, limit: int) -> Iterator[Json]:
        return self._client.list_pages(
            "GET /files",
            lambda sdk, after: sdk.files.with_raw_response.list(
                purpose=self._purpose, limit=limit, order="desc", **_from(after)
            ),
        )

    def _send_whole(self, name: UploadName, content: bytes) -> str:
        what = "POST /files"
        answer = self._client.ask(
            what,
            lambda sdk: sdk.files.with_raw_response.create(
                file=(name.text, content, name.type),
                purpose=self._purpose,  # type: ignore[arg-type]  # checked by the options
                timeout=scale_timeout(len(content)),
            ),
        )
        return need(answer, "id", what)

    def _send_parts(self, name: UploadName, content: bytes) -> str:
        """Send a large file in parts, several at once; a repeated call sends what is missing."""
        parts = self._parts.get(name.text) or self._open_upload(name, len(content))
        self._parts[name.text] = parts
        numbers = [n for n in range(math.ceil(len(content) / _PART)) if n not in parts.sent]
        view = memoryview(content)

        def send(number: int) -> None:
            piece = bytes(view[number * _PART : (number + 1) * _PART])
            parts.sent[number] = self._send_part(parts.upload_id, piece)

        try:
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="parts") as pool:
                list(pool.map(send, numbers))
            return self._complete(parts)
        except Gone as error:
            self._parts.pop(name.text)  # an upload lives for an hour; the next try begins anew
            raise Unanswered(str(error)) from error

    def _open_upload(self, name: UploadName, size: int) -> _Parts:
        what = "POST /uploads"
        answer = self._client.ask(
            what,
            lambda sdk: sdk.uploads.with_raw_response.create(
                filename=name.text,
                bytes=size,
                mime_type=name.type,
                purpose=self._purpose,  # type: ignore[arg-type]  # checked by the options
            ),
        )
        return _Parts(need(answer, "id", what))

    def _send_part(self, upload_id: str, piece: bytes) -> str:
        what = "POST /uploads/parts"
        answer = self._client.ask(
            what,
            lambda sdk: sdk.uploads.parts.with_raw_response.create(
                upload_id, data=piece, timeout=scale_timeout(len(piece))
            ),
        )
        return need(answer, "id", what)

    def _complete(self, parts: _Parts) -> str:
        what = "POST /uploads/complete"
        order = [parts.sent[number] for number in sorted(parts.sent)]
        answer = self._client.ask(
            what,
            lambda sdk: sdk.uploads.with_raw_response.complete(parts.upload_id, part_ids=order),
        )
        file = answer.get("file")
        return need(file if isinstance(file, dict) else {}, "id", what)


def to_stray(file: Json, *, is_ours: bool) -> Stray:
    """A File that is in no store in the words of the contract."""
    size, created = file.get("bytes"), file.get("created_at")
    return Stray(
        file_id=file["id"],
        name=str(file.get("filename") or ""),
        size=size if isinstance(size, int) else 0,
        created_at=float(created) if isinstance(created, int | float) else 0.0,
        is_ours=is_ours,
    )


def _from(after: str) -> dict[str, Any]:
    return {"after": after} if after else {}
