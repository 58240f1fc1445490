"""What a copy says of itself: title, URL and front matter within the service's limits (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from pathspec import GitIgnoreSpec

from vectornator.model import Condition, Document, path_key
from vectornator.providers.openai.options import Options, StaticAttribute

VERSION = "1"
"""Changes when the same document would be given other attributes by the same options."""

MOST_KEYS = 16
LONGEST_KEY = 64
LONGEST_VALUE = 256
"""In characters; the API's schema says 512, its guide 256: what both allow is safe."""

_HEAD = 65_536
"""Bytes of a document in which its front matter and title are looked for."""

_PART = "__"
"""What tells the second part of a long value from the first: `path`, `path__2`, …"""


@dataclass(frozen=True, slots=True)
class Enriched:
    """Attributes with whatever was added, and what did not fit."""

    attributes: Mapping[str, str]
    cut: tuple[str, ...] = ()
    """Keys whose value was shortened or that found no place."""


@dataclass(frozen=True)
class Rules:
    """Which attributes documents get beside the ownership mark; equal rules, equal attributes."""

    front_matter: tuple[str, ...] = ()
    url_template: str = ""
    static: tuple[StaticAttribute, ...] = ()

    @classmethod
    def from_options(cls, options: Options) -> "Rules":
        """Take from the options what is about attributes."""
        return cls(options.front_matter, options.url_template, options.attributes)

    @cached_property
    def _specs(self) -> Mapping[str, GitIgnoreSpec]:
        patterns = {one.pattern for one in self.static}
        return {pattern: GitIgnoreSpec.from_lines([pattern]) for pattern in patterns}

    def enrich(self, document: Document, content: bytes, given: Mapping[str, str]) -> Enriched:
        """Add title, URL, static attributes and front matter, in this order, while they fit.

        What is `given` stays as it is. The order is fixed so that equal documents get equal
        attributes on every machine.
        """
        attributes, cut = dict(given), []
        room = MOST_KEYS - len(to_wire(given))
        for key, value in self._offer(document, content):
            if key in attributes:
                continue
            if room < 1 or len(key) > LONGEST_KEY:
                cut.append(key)
                continue
            if len(value) > LONGEST_VALUE:
                cut.append(key)
            attributes[key] = _shorten(value)
            room -= 1
        return Enriched(attributes, tuple(dict.fromkeys(cut)))

    def _offer(self, document: Document, content: bytes) -> Iterator[tuple[str, str]]:
        text = content[:_HEAD].decode("utf-8", "ignore")
        matter = read_front_matter(text)
        if title := _to_text(matter.get("title")) or find_title(document.path, text):
            yield "title", title
        if self.url_template:
            yield "url", fill_template(self.url_template, document.path)
        for one in self.static:
            if not one.pattern or self._specs[one.pattern].match_file(document.path):
                yield one.key, one.value
        for key in self.front_matter:
            if value := _to_text(matter.get(key)):
                yield key, value


def read_front_matter(text: str) -> Mapping[str, object]:
    """The front matter of a document; empty where there is none that can be read."""
    if not text.startswith(("---", "+++", "\ufeff---")):
        return {}
    import frontmatter  # noqa: PLC0415  (brings YAML along, and few documents have any)
    from yaml import YAMLError  # noqa: PLC0415

    try:
        found, _ = frontmatter.parse(text.removeprefix("\ufeff"))
    except (YAMLError, ValueError, TypeError, AttributeError, RecursionError):
        return {}  # a document need not be well-formed to be stored
    return {str(key): value for key, value in found.items()}


def find_title(path: str, text: str) -> str:
    """The first heading of a document in Markdown; empty where there is none."""
    if PurePosixPath(path).suffix.lower() not in {".md", ".mdx", ".markdown"}:
        return ""
    is_code = False
    for line in text.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            is_code = not is_code
        elif not is_code and line.startswith("# "):
            return line[2:].strip().rstrip("#").strip()
    return ""


def fill_template(template: str, path: str) -> str:
    """Put the parts of a path into a URL template, escaped as URLs need it."""
    pure = PurePosixPath(path)
    folder = "" if str(pure.parent) == "." else str(pure.parent)
    parts = {
        "path": path,
        "path_without_suffix": str(pure.with_suffix("")),
        "dir": folder,
        "name": pure.name,
        "stem": pure.stem,
    }
    return template.format_map({name: quote(part, safe="/") for name, part in parts.items()})


def to_wire(attributes: Mapping[str, str]) -> dict[str, str]:
    """Attributes as the service keeps them: a long value takes several keys, while there is room.

    What does not fit is cut; `vn_key` still tells which path a copy is of.
    """
    wire = {key[:LONGEST_KEY]: value[:LONGEST_VALUE] for key, value in attributes.items()}
    for key, value in attributes.items():
        starts = range(LONGEST_VALUE, len(value), LONGEST_VALUE)
        for number, start in enumerate(starts, 2):
            if len(wire) < MOST_KEYS:
                wire[f"{key}{_PART}{number}"] = value[start : start + LONGEST_VALUE]
    return dict(list(wire.items())[:MOST_KEYS])


def to_filter(where: Iterable[Condition]) -> dict[str, Any]:
    """The filter of a search as a request says it; empty for no condition.

    A path too long for one attribute is asked for by its hash, as part of it may be cut off.
    """
    parts = [_to_comparison(condition) for condition in where]
    return {"type": "and", "filters": parts} if len(parts) > 1 else dict(*parts)


def _to_comparison(condition: Condition) -> dict[str, Any]:
    key, value, kind = condition.key, condition.value, "ne" if condition.is_negated else "eq"
    if key == "path" and len(value) >= LONGEST_VALUE:
        key, value = "vn_key", path_key(value)
    parts = [
        {"type": kind, "key": name, "value": part} for name, part in to_wire({key: value}).items()
    ]
    compound = "or" if condition.is_negated else "and"
    return {"type": compound, "filters": parts} if len(parts) > 1 else parts[0]


def from_wire(wire: object) -> dict[str, str]:
    """Attributes as they were given, from what the service lists; numbers become text."""
    if not isinstance(wire, Mapping):
        return {}
    texts = {str(key): _spell(value) for key, value in wire.items() if value is not None}
    whole: dict[str, str] = {}
    for key, value in texts.items():
        stem, sign, number = key.rpartition(_PART)
        is_part = sign and number.isdecimal() and len(texts.get(stem, "")) == LONGEST_VALUE
        if not is_part:
            whole[key] = value + "".join(_list_parts(texts, key)) * (len(value) == LONGEST_VALUE)
    return whole


def has_attributes(item: Mapping[str, object], wanted: Mapping[str, str]) -> bool:
    """Tell whether what the service shows of a file has all attributes that were sent for it."""
    return from_wire(wanted).items() <= from_wire(item.get("attributes")).items()


def _list_parts(texts: Mapping[str, str], key: str) -> Iterator[str]:
    for number in range(2, MOST_KEYS):
        if (name := f"{key}{_PART}{number}") not in texts:
            return
        yield texts[name]


def _spell(value: object) -> str:
    """A scalar as text. Whole numbers come back as floats from services that know no others."""
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case str() | int() | float() | date():
            return str(value)
        case _:
            return ""


def _to_text(value: object) -> str:
    """One line for a scalar or a list of scalars; empty for anything else."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_spell, value[:100])))
    return " ".join(_spell(value).split())


def _shorten(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…"
