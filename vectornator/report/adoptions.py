"""What an adoption takes over, leaves alone and could not do, as text."""

from collections.abc import Iterator, Mapping, Sequence

from vectornator.adoption import Claim, Fate
from vectornator.report.escape import escape
from vectornator.report.paint import PLAIN, Paint
from vectornator.report.record import Adopted
from vectornator.report.words import count, join_parts

MAX_LISTED = 20
"""How many copies of one fate are listed unless everything was asked for."""

_MEANINGS: Mapping[Fate, str] = {
    Fate.KEPT: "becomes ours as it is",
    Fate.SENT: "becomes ours; the next sync sends the document anew",
    Fate.REMOVED: "becomes ours; the commit has no such document, so the next sync removes it",
}


def summarise_adoption(adopted: Adopted) -> str:
    """Say in one line what is about to happen."""
    claims = adopted.adoption.claims
    parts = (
        f"{sum(one.fate is fate for one in claims):,} {fate}"
        for fate in Fate
        if any(one.fate is fate for one in claims)
    )
    details = join_parts(parts)
    copies = count(len(claims), "copy", "copies")
    return f"{copies} of {adopted.former}{f' ({details})' if details else ''}"


def render_adoption(adopted: Adopted, *, paint: Paint = PLAIN, is_whole: bool = False) -> str:
    """Show what becomes ours, what conflicts and what is left alone. No final line break."""
    lines = [paint(_judge(adopted), "strong" if adopted.is_whole else "failed")]
    for fate, meaning in _MEANINGS.items():
        some = [one for one in adopted.adoption.claims if one.fate is fate]
        if some:
            lines.append(f"  {paint(f'{len(some):,} {fate}', 'updated')}: {meaning}")
            lines += _list_claims(some, paint, is_whole)
    if conflicts := adopted.adoption.conflicts:
        words = "left alone, as another copy has the path already"
        lines.append(f"  {paint(f'{len(conflicts):,} in conflict', 'failed')}: {words}")
        lines += _list_claims(conflicts, paint, is_whole)
    lines += _list_others(adopted)
    for path, message in sorted(adopted.failed.items()):
        lines.append(f"  {paint('failed', 'failed')} {escape(path)}: {escape(message)}")
    return "\n".join(lines)


def _judge(adopted: Adopted) -> str:
    into = f"{escape(adopted.source)}/{escape(adopted.target)}"
    summary = escape(summarise_adoption(adopted))
    if adopted.is_dry:
        return f"Would be adopted into {into}: {summary}."
    if not adopted.is_whole:
        return f"Not all is adopted into {into}: {summary}. Run it again."
    return f"Adopted into {into}: {summary}. Now run `vectornator sync`."


def _list_claims(some: Sequence[Claim], paint: Paint, is_whole: bool) -> Iterator[str]:
    shown = some if is_whole else some[:MAX_LISTED]
    for one in shown:
        old = one.file.path
        path = one.path if old == one.path else f"{old} -> {one.path}"
        yield f"    {escape(path)}  {paint(escape(one.file.file_id), 'faint')}"
    if len(some) > len(shown):
        yield paint(f"    and {len(some) - len(shown):,} more (--verbose shows all)", "faint")


def _list_others(adopted: Adopted) -> Iterator[str]:
    for name, number in sorted(adopted.adoption.others.items()):
        owner = f"of {escape(name)}" if name else "of nobody that is named"
        yield f"  left alone: {count(number, 'copy', 'copies')} {owner}"
