"""JSON that anybody may have written: checked as it is read, and refused in one line."""

import json
import re
from typing import Any, TypeAlias, TypeVar

from vectornator.errors import StateError, StateUnreadable
from vectornator.model import is_path, is_utf8

VERSION = "1.0.0"
"""The version of every JSON document written here; readers refuse another major version."""

MAX_BYTES = 8 << 20
"""The largest JSON document in git that is parsed: a shard of some 25,000 entries."""

_FEW = 5000
_SPARSE = 16
"""JSON of more than `_FEW` values, and one for each `_SPARSE` bytes, is none of ours.

A value takes a hundred bytes of memory; ours are mostly ids and hashes, which are longer.
"""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)

START_OVER = (
    "To start afresh, run `vectornator repair --rebuild`: what the store says of itself is enough "
    "to go on."
)
"""What to do about a ledger that can't be read."""

ADVICE = f"Nothing was changed. {START_OVER}"
"""How a refusal ends."""

JsonObject: TypeAlias = dict[str, Any]
_HEX = re.compile(r"[0-9a-f]*")
_VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,2}")
_Kind = TypeVar("_Kind")


def check_path(path: str, origin: str) -> None:
    """Refuse a path that can't name a document. Raises `StateUnreadable`."""
    if not is_path(path):
        raise StateUnreadable(
            f"{origin} names {path[:80]!r}, which is no path of a document. {ADVICE}"
        )


def parse_json(
    content: bytes, origin: str, *, is_versioned: bool = True, max_bytes: int = MAX_BYTES
) -> JsonObject:
    """A JSON object from somewhere that anybody may have written to.

    Raises `StateUnreadable` when it is too large, not JSON in UTF-8, nested too deeply, not an
    object, repeats a key or holds a number that is not finite; `StateError` for an unknown
    version, which another vectornator can read.
    """
    if len(content) > max_bytes:
        raise StateUnreadable(
            f"{origin} is {len(content)} bytes long; {max_bytes} is the limit. {ADVICE}"
        )
    if _is_crowded(content):
        raise StateUnreadable(f"{origin} holds more values than a ledger has. {ADVICE}")
    try:
        document = json.loads(
            content.decode(), object_pairs_hook=_refuse_repeats, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise StateUnreadable(f"{origin} is not readable as JSON ({error}). {ADVICE}") from error
    if not isinstance(document, dict):
        raise StateUnreadable(f"{origin} is not a JSON object. {ADVICE}")
    if is_versioned:
        _check_version(document.get("version"), origin)
    return document


def _is_crowded(content: bytes) -> bool:
    """Whether JSON would take far more memory than its size; what stands in strings is free."""
    most = _FEW + len(content) // _SPARSE
    values = _count_values(content)
    if values <= most:
        return False
    strings = (content.count(b'"') - content.count(b'\\"')) // 2
    in_strings = (_count_values(it[0]) for it in _STRING.finditer(content))
    return strings > 2 * most or values - sum(in_strings) > most


def _count_values(content: bytes) -> int:
    return content.count(b",") + content.count(b"[") + content.count(b"{")


def _refuse_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a key is repeated")
    return mapping


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _check_version(version: object, origin: str) -> None:
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise StateUnreadable(f"{origin} has no version. {ADVICE}")
    if version.split(".")[0] != VERSION.split(".", maxsplit=1)[0]:
        raise StateError(
            f"{origin} has version {version!r}; this vectornator reads {VERSION}. "
            "Nothing was changed. Use the vectornator that wrote it, or a newer one."
        )


class Form:
    """A JSON object whose fields are checked as they are read."""

    def __init__(self, value: object, origin: str) -> None:
        if not isinstance(value, dict):
            raise StateUnreadable(f"{origin} holds something that is not an object. {ADVICE}")
        self._value = value
        self._origin = origin

    def value(self, name: str, kind: type[_Kind]) -> _Kind:
        """A field of a type; a truth value is no number."""
        value = self._value.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise StateUnreadable(f"{self._origin}: {name!r} is missing or not valid. {ADVICE}")
        return value

    def text(self, name: str) -> str:
        """A string that can be encoded, at most 4096 characters."""
        value = self.value(name, str)
        is_valid = _is_text(value) and len(value) <= 4096  # noqa: PLR2004  (git's own path limit)
        return value if is_valid else self._refuse(name)

    def word(self, name: str) -> str:
        """Printable ASCII without a space, 512 characters at most: an id that others gave."""
        value = self.text(name)
        is_valid = value.isascii() and value.isprintable() and " " not in value
        return value if is_valid and 0 < len(value) <= 512 else self._refuse(name)  # noqa: PLR2004

    def hex(self, name: str) -> str:
        """Hexadecimal digits: an object id, a hash, or nothing."""
        value = self.value(name, str)
        is_valid = len(value) in {0, 40, 64} and _HEX.fullmatch(value)
        return value if is_valid else self._refuse(name)

    def count(self, name: str) -> int:
        """A whole number that is not negative and fits in 63 bits."""
        value = self.value(name, int)
        return value if 0 <= value < 1 << 63 else self._refuse(name)

    def texts(self, name: str) -> list[str]:
        """A list of strings."""
        values = self.value(name, list)
        return values if all(_is_text(value) for value in values) else self._refuse(name)

    def mapping(self, name: str) -> dict[str, str]:
        """Strings by string."""
        values = self.value(name, dict)
        is_valid = all(_is_text(key) and _is_text(value) for key, value in values.items())
        return values if is_valid else self._refuse(name)

    def _refuse(self, name: str) -> Any:  # noqa: ANN401  (never returns)
        raise StateUnreadable(f"{self._origin}: {name!r} is not valid. {ADVICE}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and is_utf8(value)
