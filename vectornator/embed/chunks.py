"""Cuts a document's text into the passages that are embedded and found."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import PurePosixPath

from vectornator.embed.code import split_definitions, split_python
from vectornator.embed.markup import Section, split_html, split_markdown, split_notebook

VERSION = 1
"""Counts the rules of this module; a new number makes every stored document be cut again."""

SIZE = 800
"""The longest chunk in characters: about 200 tokens, which leaves the model room for headings."""

_WINDOW = 32_000
"""In characters; the splitters' time grows with the square of what they are given at once."""

_LONGEST_HEADING = 200
_MARKDOWN = frozenset({".md", ".mdx", ".markdown", ".mdown", ".qmd", ".rmd"})
_HTML = frozenset({".htm", ".html", ".xhtml"})
_PYTHON = frozenset({".py", ".pyi"})
_CODE = frozenset(
    """
    .bash .c .cc .clj .cpp .cs .css .cxx .dart .ex .exs .fs .go .groovy .h .hpp .hs .java .jl .js
    .jsx .kt .kts .less .lua .m .mjs .ml .php .pl .pm .proto .ps1 .r .rb .rs .sass .scala .scss .sh
    .sql .svelte .swift .tf .ts .tsx .vb .vue .zig .zsh
    """.split()  # noqa: SIM905  (as a list it is a page)
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document; equal passages are embedded once."""

    text: str
    """As it stands in the document, without blank lines around it."""

    heading: str = ""
    """The headings above it, outermost first, joined by ` > `; in Python the qualified name."""

    @property
    def input(self) -> str:
        """What is embedded: the heading says what a passage from the middle is about."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text


def describe_rules() -> str:
    """Name the rules that chunks are cut by here: without the splitters they are others."""
    return f"{VERSION}" if find_spec("semantic_text_splitter") else f"{VERSION}-plain"


def decode_text(content: bytes) -> str:
    """Decode a document: by its byte order mark, else as UTF-8; what can't be read is replaced."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8-sig", "replace")


def split_document(path: str, text: str) -> list[Chunk]:
    """Cut `text` into chunks of at most `SIZE` characters, in order; `path` tells what it is.

    All text is kept, but for tags, scripts and styles of HTML and outputs of notebooks.
    Sections (of Markdown, HTML and notebooks) and definitions (of code) are cut each by
    itself, so that a change to one leaves the chunks of the others as they were.
    """
    suffix = PurePosixPath(path).suffix.lower()
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    is_markdown = suffix in _MARKDOWN or suffix == ".ipynb"
    return [
        Chunk(piece, heading[:_LONGEST_HEADING])
        for heading, body in _split_sections(suffix, lines)
        for piece in _cut(body, is_markdown=is_markdown)
    ]


def _split_sections(suffix: str, text: str) -> list[Section]:
    if suffix in _MARKDOWN:
        return split_markdown(text)
    if suffix == ".ipynb":
        return split_notebook(text)
    if suffix in _HTML:
        return split_html(text)
    if suffix in _PYTHON:
        return split_python(text, SIZE)
    if suffix in _CODE:
        return split_definitions(text)
    return [("", text)]


def _cut(body: str, *, is_markdown: bool) -> Iterator[str]:
    split = _open_splitter(is_markdown)
    for window in _pack_lines(body, _WINDOW):
        for piece in [window] if len(window) <= SIZE else split(window):
            if piece.strip():
                yield piece.strip("\n")


@cache
def _open_splitter(is_markdown: bool) -> Callable[[str], list[str]]:
    """Open the splitter for one kind of text, or our plain one where the library is missing."""
    try:
        import semantic_text_splitter as library  # noqa: PLC0415  (an extra)
    except ImportError:
        return partial(_pack_lines, size=SIZE)
    splitter = library.MarkdownSplitter if is_markdown else library.TextSplitter
    return splitter(SIZE, trim=False).chunks


def _pack_lines(text: str, size: int) -> list[str]:
    """Fill each piece with whole lines, up to `size` characters; only a longer line is cut."""
    pieces: list[list[str]] = [[]]
    filled = 0
    for line in re.findall(r".*\n|.+\Z", text):
        for part in (line[at : at + size] for at in range(0, len(line), size)):
            if filled + len(part) > size:
                pieces.append([])
                filled = 0
            pieces[-1].append(part)
            filled += len(part)
    return ["".join(piece) for piece in pieces]
