"""GitHub's Markdown made of text from outside: nothing in it is obeyed, linked or mentioned."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from urllib.parse import quote, urlsplit

from vectornator.report.escape import escape

LONGEST_MESSAGE = 1000
"""In characters; whole messages are in the JSON report."""

_PROSE = re.compile(r"""(?:[A-Za-z0-9 ,;()'"=/+?-]|%(?![\w"])|:(?= )|\.(?= |$|[0-9]))*""")
_LINKED = re.compile(r"www\.|\b[0-9a-f]{7,}\b|\bGH-[0-9]|^(?:[0-9]+[.)]|[+=-])", re.IGNORECASE)
"""What GitHub makes links of without any markup, and what would begin a list or a rule."""

_OID = "[0-9a-f]{40}(?:[0-9a-f]{24})?"
_URL_PART = re.compile(rf"-|[a-z]+|{_OID}(?:\.\.\.{_OID})?")


def to_code(text: str) -> str:
    """Text as a code span: the one form in which Markdown leaves every character alone."""
    visible = escape(text)
    if not visible.strip():
        visible = f"'{visible}'"  # a span of nothing is no span
    fence = "`" * (_longest_run(visible) + 1)
    # One space at each end is taken away again, if both ends have one.
    is_touching = visible[0] in "` " or visible[-1] in "` "
    pad = " " if is_touching else ""
    return f"{fence}{pad}{visible}{pad}{fence}"


def to_prose(text: str) -> str:
    """A sentence as it is where nothing in it could mean something to Markdown, else as code."""
    visible = escape(" ".join(text.split()))
    if len(visible) > LONGEST_MESSAGE:
        visible = f"{visible[:LONGEST_MESSAGE]}…"
    is_plain = _PROSE.fullmatch(visible) and not _LINKED.search(visible)
    return visible if is_plain else to_code(visible)


def to_block(lines: Iterable[str], language: str = "text") -> str:
    """Lines as a block of code."""
    text = "\n".join(escape(line) for line in lines)
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def link_commit(oid: str, url: str) -> str:
    """A commit by its short id, linked where a URL is known."""
    shown = to_code(oid[:10])
    return f"[{shown}]({url})" if url else shown


def to_url(base: str, *parts: str) -> str:
    """A URL below `base` that can't end a Markdown link; empty where there is none.

    `base` must be a web address, and each of `parts` a word, an object id or two with `...`
    between.
    """
    try:
        is_web = urlsplit(base).scheme in {"http", "https"}
    except ValueError:
        return ""
    if not is_web or not all(_URL_PART.fullmatch(part) for part in parts):
        return ""
    return "/".join((quote(base, safe=":/-._~%").rstrip("/"), *parts))


def list_items(
    items: Iterable[str], total: int, *, most: int, limit: int, rest: str
) -> Iterator[str]:
    """Yield items of a list as lines: at most `most` of them, and about `limit` bytes.

    The last line says how many of `total` are left out and, in `rest`, where they are.
    """
    shown = size = 0
    for item in islice(items, most):
        line = f"- {item}"
        size += len(line.encode(errors="replace")) + 1
        if size > limit:
            break
        shown += 1
        yield line
    if total > shown:
        yield f"- and {total - shown:,} more{rest}"


def to_section(title: str, lines: Iterable[str]) -> str:
    """A list under a heading; empty without lines."""
    found = "\n".join(lines)
    return f"### {title}\n\n{found}" if found else ""


def to_fold(title: str, lines: Iterable[str]) -> str:
    """A list, or any other block, that opens at a click; empty without lines."""
    found = "\n".join(lines)
    return f"<details><summary>{title}</summary>\n\n{found}\n\n</details>" if found else ""


def join_blocks(blocks: Sequence[str], limit: int, ending: str) -> str:
    """Join blocks with blank lines between; what is above `limit` bytes is cut between two.

    `ending` is then the last block and says so; it has room in any case.
    """
    found = [block for block in blocks if block]
    text = "\n\n".join(found) + "\n"
    if _measure(text) <= limit:
        return text
    room, kept = limit - _measure(ending) - 3, list[str]()
    for block in found:
        room -= _measure(block) + 2
        if room < 0:
            break
        kept.append(block)
    return "\n\n".join([*kept, ending]) + "\n"


def _measure(text: str) -> int:
    return len(text.encode(errors="replace"))
