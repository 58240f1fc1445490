"""Cuts Markdown, HTML and notebooks into sections, one under each heading."""

import json
import re
from collections.abc import Mapping
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Section: TypeAlias = tuple[str, str]
"""The headings that stand above a text, joined by ` > `, and the text with its own heading."""

_FRONT_MATTER = re.compile(r"(---|\+\+\+)[ \t]*\n(?:.*\n)*?\1[ \t]*(?:\n|\Z)")
_TITLE = re.compile(r"""^title\s*[:=]\s*["']?(.+?)["']?\s*$""", re.MULTILINE)
_ATTRIBUTES = re.compile(r"\s*\{\s*[#.:][^{}]*\}\s*$")
"""What MkDocs, Pandoc and kramdown allow after a heading: `{ #anchor .class }`."""

_BLANK_LINES = re.compile(r"\n\s*\n")
_HEADING_TAGS = ("title", "h1", "h2", "h3", "h4", "h5", "h6")
_UNSEEN_TAGS = frozenset({"script", "style", "template"})
_INLINE_TAGS = frozenset(
    """
    a abbr b bdi bdo cite code data dfn em font i kbd label mark q s samp small span strong sub sup
    time tt u var wbr
    """.split()  # noqa: SIM905  (as a list it is a page)
)


def split_markdown(text: str) -> list[Section]:
    """Cut Markdown at its headings; those inside fences, lists and quotes are no headings.

    Front matter is a section of its own, and its title stands above all headings. A
    heading with nothing under it goes to the section that follows.
    """
    front = _FRONT_MATTER.match(text)
    start = front.end() if front else 0
    title = _TITLE.search(text, 0, start)
    outline = _Outline(title[1] if title else "")
    sections = [(outline.path, text[:start])] if front else []
    lines = text[start:].split("\n")
    first = content = 0
    for line, end, level, heading in _list_headings(text[start:]):
        if any(map(str.strip, lines[content:line])):
            sections.append((outline.path, "\n".join(lines[first:line])))
            first = line
        outline.enter(level, heading)
        content = end
    return [*sections, (outline.path, "\n".join(lines[first:]))]


def split_notebook(text: str) -> list[Section]:
    """Cut a Jupyter notebook as the Markdown its cells make: code is fenced, outputs are left out.

    What is not a notebook is one section.
    """
    try:
        notebook = json.loads(text)
        language = notebook.get("metadata", {}).get("kernelspec", {}).get("language", "")
        cells = [_to_markdown(cell, str(language)) for cell in notebook["cells"]]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return [("", text)]
    return split_markdown("\n\n".join(cells))


def split_html(text: str) -> list[Section]:
    """Cut HTML at its headings, without tags, scripts and styles; its title stands above all."""
    reader = _HtmlReader()
    try:
        reader.feed(text)
        reader.close()
    except AssertionError:  # html.parser's answer to some broken declarations
        return [("", text)]
    return reader.to_sections()


class _Outline:
    """The headings that stand above the place a reader has come to."""

    def __init__(self, title: str = "") -> None:
        self._open = [(0, title)] if title else []

    @property
    def path(self) -> str:
        return " > ".join(heading for _, heading in self._open if heading)

    def enter(self, level: int, heading: str) -> None:
        above = [(other, name) for other, name in self._open if other < level]
        self._open = [*above, (level, heading)]


@cache
def _open_parser() -> "MarkdownIt":
    """Open a parser that finds blocks only: what is inside a paragraph tells nothing here."""
    from markdown_it import MarkdownIt  # noqa: PLC0415  (only needed where documents are stored)

    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def _list_headings(text: str) -> list[tuple[int, int, int, str]]:
    """List the headings of Markdown: first line, line after the last, level and words."""
    tokens = _open_parser().parse(text)
    return [
        (token.map[0], token.map[1], int(token.tag[1]), _plain_heading(inline.content))
        for token, inline in pairwise(tokens)
        if token.type == "heading_open" and token.level == 0 and token.map
    ]


def _plain_heading(markdown: str) -> str:
    """Reduce a heading to its words: no emphasis, link targets, code marks and anchors."""
    inline = _open_inline_parser().parseInline(_ATTRIBUTES.sub("", markdown))[0]
    words = "".join(token.content or " " for token in inline.children or () if _is_seen(token))
    return " ".join(words.split())


def _is_seen(token: "Token") -> bool:
    return token.type in {"text", "code_inline", "image", "softbreak"}


@cache
def _open_inline_parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415  (only needed where documents are stored)

    return MarkdownIt("commonmark")


def _to_markdown(cell: Mapping[str, Any], language: str) -> str:
    """Write one cell as Markdown; a cell's source is a text or a list of its lines."""
    source = "".join(cell["source"])
    if cell["cell_type"] != "code":
        return source
    longest = max((len(run) for run in re.findall("`+", source)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{source}\n{fence}"


class _HtmlReader(HTMLParser):
    """Collects what a browser would show, in parts: each a level, a heading and a text."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[tuple[int, list[str], list[str]]] = [(0, [], [])]
        self._hidden = 0
        self._heading = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self._hidden += tag in _UNSEEN_TAGS
        if tag in _HEADING_TAGS and (tag != "title" or len(self._parts) == 1):
            self._heading = tag
            self._parts.append((_HEADING_TAGS.index(tag), [], []))
        elif tag not in _INLINE_TAGS:
            self._parts[-1][2].append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN_TAGS:
            self._hidden = max(0, self._hidden - 1)
        if tag == self._heading:
            self._heading = ""
        if tag not in _INLINE_TAGS:
            self._parts[-1][2].append("\n")

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        _, heading, text = self._parts[-1]
        text.append(data)
        if self._heading:
            heading.append(data)

    def to_sections(self) -> list[Section]:
        """Return what was read; a heading with nothing under it goes to what follows."""
        outline, sections, carried = _Outline(), [], ""
        for level, heading, text in self._parts:
            words = " ".join("".join(heading).split())
            shown = carried + "".join(text)
            outline.enter(level, words)
            carried = shown if words and " ".join("".join(text).split()) == words else ""
            if not carried:
                sections.append((outline.path, _BLANK_LINES.sub("\n\n", shown)))
        return [*sections, (outline.path, carried)] if carried else sections
