"""Multipart forms as the SDK sends them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from tests.openai_server.errors import refuse

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


@dataclass(slots=True)
class Part:
    """One part of a form."""

    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def options(self) -> Mapping[bytes, bytes]:
        """The parameters of `Content-Disposition`."""
        return parse_options_header(self.headers.get("content-disposition", ""))[1]

    @property
    def name(self) -> str:
        """The name of the form's field."""
        return self.options.get(b"name", b"").decode("utf-8", "replace")

    @property
    def filename(self) -> str:
        """The name of the file; empty for a plain field."""
        raw = self.options.get(b"filename", b"").decode("utf-8", "replace")
        return raw.replace("%22", '"').replace("%0A", "\n").replace("%0D", "\r")

    @property
    def content_type(self) -> str:
        """The media type that was sent; empty when none was."""
        return self.headers.get("content-type", "")


def read_form(content_type: str, body: bytes) -> dict[str, Part]:
    """The parts of a multipart body by field name. Raises `ApiError`."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise refuse("Invalid content type: expected multipart/form-data with a boundary.")
    collector = _Collector()
    parser = MultipartParser(options[b"boundary"], collector.callbacks)
    try:
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        raise refuse("Could not parse multipart form.") from error
    return {part.name: part for part in collector.parts}


class _Collector:
    """Puts together what the parser calls out."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._chunks: list[bytes] = []
        self._name = b""
        self._value = b""
        self.callbacks: MultipartCallbacks = {
            "on_part_begin": self.begin,
            "on_header_field": self.add_name,
            "on_header_value": self.add_value,
            "on_header_end": self.end_header,
            "on_part_data": self.add_content,
            "on_part_end": self.end,
        }

    def begin(self) -> None:
        self.parts.append(Part())
        self._chunks = []

    def add_name(self, text: bytes, start: int, end: int) -> None:
        self._name += text[start:end]

    def add_value(self, text: bytes, start: int, end: int) -> None:
        self._value += text[start:end]

    def end_header(self) -> None:
        self.parts[-1].headers[self._name.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._name = self._value = b""

    def add_content(self, content: bytes, start: int, end: int) -> None:
        self._chunks.append(content[start:end])

    def end(self) -> None:
        self.parts[-1].content = b"".join(self._chunks)
