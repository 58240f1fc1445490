"""What the commands that only look things up print: hits, files, status, log and metadata."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from vectornator.model import Hit, RemoteFile
from vectornator.report.escape import escape
from vectornator.report.paint import PLAIN, Paint
from vectornator.report.record import LogEntry, Status
from vectornator.report.words import count, join_parts, to_short, to_size

_SNIPPET_LINES = 3
_INDENT = "   "
_MARKUP = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]+|(?:```|~~~|///|:::).*$|\|[-:| \t]+\|?$)", re.MULTILINE
)
"""What Markdown puts before a line to say how it looks, fences, and the rules of tables."""

_ATTRIBUTES = re.compile(r"\{[ \t]*[#.:][^{}\n]*\}|\|")
"""Anchors and classes after a heading, and the bars between the cells of a table."""

_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
"""A link or an image, of which people read the text."""

_BULLET = re.compile(r"^[ \t]*[-*+][ \t]+", re.MULTILINE)


def render_hits(hits: Sequence[Hit], query: str, *, paint: Paint = PLAIN, width: int = 80) -> str:
    """Show each hit with its path, headings, score and the part that answers `query`.

    Lines are at most `width` columns wide, as far as words allow. No final line break.
    """
    words = _query_words(query)
    return "\n\n".join(_render_hit(hit, words, paint, width) for hit in hits)


def _render_hit(hit: Hit, words: re.Pattern[str] | None, paint: Paint, width: int) -> str:
    score = f"{hit.score:.3f}"
    heading = f" > {escape(' '.join(hit.heading.split()))}" if hit.heading else ""
    path = escape(hit.path)
    room = max(width - len(path) - len(score) - 2, 0)
    if len(heading) > room:
        heading = heading[: room - 1] + "…" if room > 4 else ""  # noqa: PLR2004  (" > x…" at least)
    gap = " " * max(width - len(path) - len(heading) - len(score), 2)
    title = f"{paint(path, 'strong')}{paint(heading, 'renamed')}{gap}{paint(score, 'faint')}"
    return "\n".join([title, *_wrap_snippet(_fold_passage(hit), words, paint, width)])


def _fold_passage(hit: Hit) -> str:
    """A passage as one line of prose: without the heading that the title shows, or markup."""
    linked = _LINK.sub(r"\1", hit.text)
    readable = _BULLET.sub("• ", _MARKUP.sub("", linked)).strip()
    last = hit.heading.rpartition(" > ")[2]
    body = readable[len(last) :] if last and readable.startswith(last) else readable
    return escape(" ".join(_ATTRIBUTES.sub(" ", body).split()))


def _wrap_snippet(
    text: str, words: re.Pattern[str] | None, paint: Paint, width: int
) -> Iterator[str]:
    """The part of a passage around its first matched word, in a few lines."""
    lines = textwrap.wrap(
        _cut_start(text, words, width),
        max(width, 20),
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        max_lines=_SNIPPET_LINES,
        break_on_hyphens=False,
        placeholder=" …",
    )
    for line in lines:
        yield words.sub(lambda found: paint(found[0], "updated"), line) if words else line


def _cut_start(text: str, words: re.Pattern[str] | None, width: int) -> str:
    """Leave out the start of a passage whose first matched word would not be shown."""
    found = words.search(text) if words else None
    if not found or found.start() < width * (_SNIPPET_LINES - 1):
        return text
    start = text.find(" ", max(found.start() - width, 0)) + 1
    return f"… {text[min(start, found.start()) :]}"


def _query_words(query: str) -> re.Pattern[str] | None:
    """Matches the words of a query, longer forms of them included."""
    words = {word for word in re.findall(r"\w+", query) if len(word) > 1}
    if not words:
        return None
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"\b(?:{pattern})\w*", re.IGNORECASE)


def render_file(file: RemoteFile) -> str:
    """Show one stored file as a line: size, path and id; a file without a mark is foreign."""
    size = to_size(file.size) if file.size else "-"
    foreign = "" if _is_marked(file) else "  (foreign)"
    return f"{size:>8}  {escape(file.path) or '-'}  {escape(file.file_id)}{foreign}"


def _is_marked(file: RemoteFile) -> bool:
    return bool(file.attributes.get("vn_key"))


def render_files(files: Iterable[RemoteFile]) -> str:
    """Show stored files, one a line. No final line break."""
    return "\n".join(render_file(file) for file in files)


def summarise_files(files: Sequence[RemoteFile]) -> str:
    """Say how many files there are, whose they are, and how large."""
    ours = sum(1 for file in files if _is_marked(file))
    size = sum(file.size for file in files)
    foreign = f"{count(len(files) - ours, 'foreign file')}" if len(files) > ours else ""
    return join_parts((count(ours, "document"), foreign, to_size(size) if size else ""))


def render_status(status: Status, *, paint: Paint = PLAIN) -> str:
    """Tell how a target stands, in a line and a few facts. No final line break."""
    facts = (
        ("store", f"{status.provider} {status.store_id}".strip()),
        ("target", status.target),
        ("documents", f"{status.documents:,}"),
        ("last sync", status.last_sync),
        ("state", status.storage),
        ("unfinished", count(status.ahead, "document") if status.ahead else ""),
        (
            "leftovers",
            count(status.leftovers, "replaced copy", "replaced copies") if status.leftovers else "",
        ),
    )
    return "\n".join([paint(_judge(status), "strong"), *render_facts(facts)])


def _judge(status: Status) -> str:
    commit, base = to_short(escape(status.commit)), to_short(escape(status.base))
    if status.in_sync:
        return f"In sync with {commit}." if commit else "In sync."
    if not status.last_sync:
        return "Never synced. Run `vectornator sync`."
    if status.in_sync is None:
        at = f"Synced at {base}" if base else "Synced before"
        return f"{at}; run `vectornator plan` to compare."
    at = f"the store is at {base}" if base else "the store holds part of an earlier one"
    return f"Not in sync with {commit}: {at}. Run `vectornator plan` to see the difference."


def render_facts(facts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Show the facts that say something, their names in one column."""
    known = [(name, value) for name, value in facts if value]
    width = max((len(escape(name)) for name, _ in known), default=0)
    return (f"  {escape(name):<{width}}  {escape(value)}" for name, value in known)


def render_log(entries: Sequence[LogEntry], *, paint: Paint = PLAIN) -> str:
    """Show past syncs, each in two lines. No final line break."""
    if not entries:
        return "Never synced. Run `vectornator sync`."
    return "\n".join(_render_entry(entry, paint) for entry in entries)


def _render_entry(entry: LogEntry, paint: Paint) -> str:
    counts = join_parts(
        f"{number:,} {escape(name)}" if number else "" for name, number in entry.counts.items()
    )
    head = f"{paint(to_short(escape(entry.commit)), 'updated')}  {escape(entry.time)}"
    details = " · ".join(part for part in (escape(entry.status), counts) if part)
    return f"{head}  {escape(entry.subject)}\n{paint(f'            {details}', 'faint')}"


def render_metadata(metadata: Mapping[str, object]) -> str:
    """Show what a note or ledger holds: its facts, then its lists. No final line break."""
    facts = [(name, str(value)) for name, value in metadata.items() if _is_fact(value)]
    lines = list(render_facts(facts))
    for name, value in metadata.items():
        if not _is_fact(value):
            lines += ["", f"  {escape(name)}", *_list_items(value)]
    return "\n".join(lines)


def _is_fact(value: object) -> bool:
    return not isinstance(value, Mapping | list | tuple)


def _list_items(value: object) -> Iterator[str]:
    """The items of a list or mapping, one a line; what they hold in turn, in that line."""
    items = (
        value.items() if isinstance(value, Mapping) else ((item, "") for item in _to_list(value))
    )
    for name, item in items:
        yield f"    {escape(str(name))}  {escape(_flatten(item))}".rstrip()


def _to_list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _flatten(item: object) -> str:
    if isinstance(item, Mapping):
        return ", ".join(f"{name} {value}" for name, value in item.items())
    return str(item)
