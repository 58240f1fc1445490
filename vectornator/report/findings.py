"""What was found in disarray, as text: the verdict of a verification, and findings kind by kind."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from vectornator.drift import DriftKind, Finding, summarise_findings
from vectornator.providers.base import Stray
from vectornator.report.answers import render_facts
from vectornator.report.escape import escape
from vectornator.report.paint import PLAIN, Paint
from vectornator.report.record import Verification
from vectornator.report.words import count, join_parts, to_duration, to_short, to_size

MAX_LISTED = 20
"""How many findings of one kind are listed unless everything was asked for."""

_MEANINGS: Mapping[DriftKind, str] = {
    DriftKind.MISSING: "in the ledger, not in the store",
    DriftKind.UNSEARCHABLE: "in the store, where no search finds it (yet)",
    DriftKind.CHANGED: "the store says something else of the copy than the ledger",
    DriftKind.OUTDATED: "the ledger has other content than the commit",
    DriftKind.UNRECORDED: "in the commit, not in the ledger",
    DriftKind.EXTRA: "in the ledger, not in the commit",
    DriftKind.UNKNOWN: "in the store, not in the ledger",
    DriftKind.DUPLICATE: "one more copy of a stored document",
    DriftKind.LEFTOVER: "marked as ours, and no copy of a document",
    DriftKind.STRAY: "sent to the service, and never put into the store",
}

_REMEDIES: Mapping[DriftKind, str] = {
    DriftKind.UNKNOWN: "to be adopted, if the commit has it",
    DriftKind.DUPLICATE: "to be removed",
    DriftKind.LEFTOVER: "to be removed",
    DriftKind.STRAY: "to be removed",
}
"""What a repair does about a finding, where its plan does not say so."""


def render_verification(
    found: Verification, *, paint: Paint = PLAIN, is_whole: bool = False
) -> str:
    """Show the verdict, the facts and the findings, `MAX_LISTED` of a kind unless `is_whole`.

    No final line break.
    """
    foreign = f" and {found.foreign:,} foreign" if found.foreign else ""
    facts = (
        ("store", f"{found.provider} {found.store_id}".strip()),
        ("target", found.target),
        ("commit", to_short(found.base)),
        ("ledger", f"{count(found.documents, 'document')} in {found.storage}"),
        ("copies", f"{found.copies:,} ours{foreign}"),
    )
    lines = [_judge(found, paint), *render_facts(facts)]
    if found.findings:
        lines += ["", *render_findings(found.findings, paint=paint, is_whole=is_whole)]
    return "\n".join(lines)


def _judge(found: Verification, paint: Paint) -> str:
    if found.findings:
        words = f"Not in line: {summarise_findings(found.findings)}. Run `vectornator repair`."
        return paint(words, "failed")
    commit = f", and with commit {to_short(escape(found.base))}" if found.is_compared else ""
    return paint(f"In line: the ledger agrees with the store{commit}.", "strong")


def render_findings(
    findings: Iterable[Finding],
    *,
    paint: Paint = PLAIN,
    is_whole: bool = False,
    with_remedies: bool = False,
) -> Iterator[str]:
    """Show sorted findings in lines, a kind under one heading with what it means.

    `with_remedies` adds what a repair is about to do.
    """
    for kind, group in groupby(findings, key=lambda finding: finding.kind):
        some = list(group)
        remedy = _REMEDIES.get(kind, "") if with_remedies else ""
        meaning = "; ".join(part for part in (_MEANINGS[kind], remedy) if part)
        yield f"  {paint(f'{len(some):,} {kind}', 'updated')}: {meaning}"
        yield from _list_findings(some, paint, is_whole)


def _list_findings(some: Sequence[Finding], paint: Paint, is_whole: bool) -> Iterator[str]:
    shown = some if is_whole else some[:MAX_LISTED]
    width = max(len(escape(finding.path)) for finding in shown)
    for finding in shown:
        path = f"    {escape(finding.path):<{width}}"
        yield f"{path}  {paint(escape(finding.file_id), 'faint')}".rstrip()
    if len(some) > len(shown):
        yield paint(f"    and {len(some) - len(shown):,} more (--verbose shows all)", "faint")


def render_orphans(orphans: Sequence[Stray], *, now: float | None = None) -> str:
    """Show files that nobody's store holds, one a line: size, age, id and name.

    `now` is in seconds since the epoch, by default the present. No final line break.
    """
    moment = time.time() if now is None else now
    rows = [(to_size(one.size), _tell_age(one, moment), one.file_id, one.name) for one in orphans]
    ages = max((len(age) for _, age, _, _ in rows), default=0)
    ids = max((len(escape(file_id)) for _, _, file_id, _ in rows), default=0)
    return "\n".join(
        f"{size:>8}  {age:>{ages}}  {escape(file_id):<{ids}}  {escape(name)}"
        for size, age, file_id, name in rows
    )


def _tell_age(stray: Stray, now: float) -> str:
    if not stray.created_at:
        return "-"
    days = int((now - stray.created_at) // 86_400)
    return count(days, "day") if days > 0 else to_duration(max(now - stray.created_at, 0.0))


def summarise_orphans(orphans: Sequence[Stray]) -> str:
    """Say how many there are, how large, and that they stay."""
    if not orphans:
        return "There are no orphans."
    size = to_size(sum(one.size for one in orphans))
    return f"{join_parts((count(len(orphans), 'orphan'), size))}; none was removed."
