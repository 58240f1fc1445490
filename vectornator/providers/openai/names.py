"""Upload names: readable, told apart by a mark, and of a type that retrieval takes."""

import codecs
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from vectornator.model import path_key

VERSION = "1"
"""Changes when the same document would be named, or encoded, differently."""

TYPES: Mapping[str, str] = {
    ".c": "text/x-c",
    ".cpp": "text/x-c++",
    ".cs": "text/x-csharp",
    ".css": "text/css",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".go": "text/x-golang",
    ".html": "text/html",
    ".java": "text/x-java",
    ".js": "text/javascript",
    ".json": "application/json",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".php": "text/x-php",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".py": "text/x-python",
    ".rb": "text/x-ruby",
    ".sh": "application/x-sh",
    ".tex": "text/x-tex",
    ".ts": "application/typescript",
    ".txt": "text/plain",
}
"""What file search takes, with the media types it lists (OpenAI's guide to retrieval)."""

_STAND_INS = {
    **dict.fromkeys((".mdx", ".markdown", ".mdown", ".mkd"), ".md"),
    ".htm": ".html",
}
"""Refused suffixes that mean the same as one that is taken; any other becomes `.txt`."""

_NOT_TEXT = frozenset({".doc", ".docx", ".pdf", ".pptx"})

_LONGEST = 200
"""Bytes of a name; file systems behind such services seldom take more than 255."""

_PIECE = 1_000_000
"""Bytes that are decoded at a time."""

_MARK = re.compile(r"\.([0-9a-f]{10})[0-9a-f]{6}\.[a-z]+$")


@dataclass(frozen=True, slots=True)
class UploadName:
    """How a copy is called at the service, and the media type it is sent with."""

    text: str
    type: str


def name_upload(
    path: str, metadata: Mapping[str, str], scope: tuple[str, str], *, as_text: bool = False
) -> UploadName:
    """Name the copy of a document: `docs/a.mdx` becomes `docs__a.mdx.MARK.md`.

    `scope` is the store's id and a token of this run. The mark has 16 hexadecimal digits: ten
    tell source, target and store, six the path, its content and the run. So a File whose
    upload was never answered is found by its name, though Files carry no attributes; and what
    another run or target sent is never taken for it. `as_text` takes the type nothing refuses.
    """
    store_id, run = scope
    suffix = PurePosixPath(path).suffix.lower()
    served = ".txt" if as_text else find_suffix(path)
    stem = path[: len(path) - len(suffix)] if suffix == served else path
    mark = find_owner(metadata, store_id)
    mark += _digest(path_key(path), metadata.get("vn_sha"), run)[:6]
    ending = f".{mark}{served}"
    return UploadName(_flatten(stem, _LONGEST - len(ending)) + ending, TYPES[served])


def find_owner(metadata: Mapping[str, str], store_id: str) -> str:
    """The part of the mark that all copies of one source and target in one store share."""
    return _digest(metadata.get("vn_source"), metadata.get("vn_target"), store_id)[:10]


def read_owner(name: str) -> str:
    """The owner that a File's name tells; empty for a name that is not of our making."""
    found = _MARK.search(name)
    return found[1] if found else ""


def encode_text(content: bytes, name: UploadName) -> bytes:
    """Return `content` in an encoding that is accepted: what is not UTF-8 or 16 is re-encoded.

    Text of unknown encoding is read as Windows-1252, as browsers do.
    """
    if PurePosixPath(name.text).suffix in _NOT_TEXT:
        return content
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content
    return content if _is_utf8(content) else content.decode("cp1252", "replace").encode()


def _is_utf8(content: bytes) -> bool:
    """Tell whether content is UTF-8; decoded at once, it might take four times its room."""
    decoder, view = codecs.getincrementaldecoder("utf-8")(), memoryview(content)
    try:
        for start in range(0, len(content), _PIECE):
            decoder.decode(view[start : start + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def find_suffix(path: str) -> str:
    """The suffix that a document is served under: its own where that is taken."""
    suffix = PurePosixPath(path).suffix.lower()
    return suffix if suffix in TYPES else _STAND_INS.get(suffix, ".txt")


def _digest(*parts: str | None) -> str:
    return hashlib.sha256("\n".join(part or "" for part in parts).encode()).hexdigest()


def _flatten(path: str, limit: int) -> str:
    """A path as one file name of at most `limit` bytes; its end says most, so that is kept."""
    plain = re.sub(r"[/\\]+", "__", path.strip("./\\")) or "document"
    plain = "".join(
        char if char.isprintable() and char not in '"%<>:|?*' else "_" for char in plain
    )
    return plain.encode("utf-8", "replace")[-limit:].decode("utf-8", "ignore")
