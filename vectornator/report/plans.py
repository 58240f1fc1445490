"""A plan and the record of a run as text, in Terraform's manner."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from vectornator.drift import DriftKind, summarise_findings
from vectornator.model import (
    Change,
    Delete,
    Document,
    Leak,
    Plan,
    Relabel,
    Rename,
    Skip,
    SkipReason,
    Update,
    Upload,
)
from vectornator.report.escape import escape
from vectornator.report.findings import render_findings
from vectornator.report.paint import PLAIN, Paint
from vectornator.report.record import Record
from vectornator.report.words import count, join_parts, to_duration, to_short, to_size

MAX_LISTED = 20
"""How many changes of one kind are listed unless everything was asked for."""

_EXAMPLES = 3


def render_plan(plan: Plan, *, paint: Paint = PLAIN, is_whole: bool = False) -> str:
    """List the changes of `plan` kind by kind, what is skipped and why, secrets, and the sum.

    At most `MAX_LISTED` changes of a kind are listed unless `is_whole`. No final line break.
    """
    kinds: Sequence[tuple[Sequence[Change], str]] = (
        (plan.uploads, "upload"),
        (plan.updates, "update"),
        (plan.renames, "rename"),
        (plan.relabels, "relabel"),
        (plan.deletes, "delete"),
    )
    lines = [
        line for changes, verb in kinds for line in _list_changes(changes, verb, paint, is_whole)
    ]
    skips = list(_list_skips(plan.skipped, paint, is_whole))
    leaks = list(_list_leaks(plan.leaks, paint, is_whole))
    total = [paint(summarise_plan(plan), "strong")]
    blocks = ("\n".join(block) for block in (lines, skips, leaks, total))
    return "\n\n".join(block for block in blocks if block)


def summarise_plan(plan: Plan) -> str:
    """Sum a plan up in one line: `Plan: 3 to upload, 1 to delete; 120 unchanged, 4 skipped`."""
    changes = join_parts(
        f"{len(some):,} to {verb}" if some else ""
        for some, verb in (
            (plan.uploads, "upload"),
            (plan.updates, "update"),
            (plan.renames, "rename"),
            (plan.relabels, "relabel"),
            (plan.deletes, "delete"),
        )
    )
    rest = join_parts(
        f"{number:,} {word}" if number else ""
        for number, word in ((plan.unchanged, "unchanged"), (len(plan.skipped), "skipped"))
    )
    return "; ".join(part for part in (f"Plan: {changes or 'nothing to do'}", rest) if part)


def render_change(change: Change, paint: Paint = PLAIN) -> str:
    """Show one change as a line: a sign, the path, and why."""
    path = escape(change.path)
    match change:
        case Upload():
            return f"{paint(f'+ {path}', 'added')} {_note('new', change.document, paint)}"
        case Update():
            return f"{paint(f'~ {path}', 'updated')} {_note(change.reason, change.document, paint)}"
        case Rename():
            moved = paint(f"> {escape(change.old_path)} -> {path}", "renamed")
            return f"{moved} {paint('(renamed)', 'faint')}"
        case Relabel():
            return f"{paint(f'= {path}', 'renamed')} {paint('(attributes)', 'faint')}"
        case Delete():
            return f"{paint(f'- {path}', 'deleted')} {paint(f'({escape(change.reason)})', 'faint')}"
        case _:
            assert_never(change)


def _note(reason: str, document: Document, paint: Paint) -> str:
    size = "" if document.size is None else to_size(document.size)
    return paint(f"({join_parts((escape(reason), size))})", "faint")


def _list_changes(
    changes: Sequence[Change], verb: str, paint: Paint, is_whole: bool
) -> Iterator[str]:
    shown = changes if is_whole else changes[:MAX_LISTED]
    for change in shown:
        yield f"  {render_change(change, paint)}"
    if len(changes) > len(shown):
        rest = f"  and {len(changes) - len(shown):,} more to {verb} (--verbose shows all)"
        yield paint(rest, "faint")


def _list_skips(skips: Iterable[Skip], paint: Paint, is_whole: bool) -> Iterator[str]:
    """One line per reason, with a few examples."""
    paths: dict[SkipReason, list[str]] = defaultdict(list)
    for skip in skips:
        paths[skip.reason].append(skip.path)
    for reason, some in sorted(paths.items()):
        shown = some if is_whole else some[:_EXAMPLES]
        more = f" and {len(some) - len(shown):,} more" if len(some) > len(shown) else ""
        examples = ", ".join(escape(path) for path in shown)
        yield paint(f"  {len(some):,} skipped ({reason}): {examples}{more}", "faint")


def _list_leaks(leaks: Sequence[Leak], paint: Paint, is_whole: bool) -> Iterator[str]:
    """One line per secret: where, by which rule, and what allows it."""
    shown = leaks if is_whole else leaks[:MAX_LISTED]
    for leak in shown:
        place = paint(f"! {escape(leak.place)}", "failed")
        yield f"  {place} (secret: {escape(leak.rule)}, fingerprint {leak.fingerprint})"
    if len(leaks) > len(shown):
        rest = f"  and {count(len(leaks) - len(shown), 'more secret')} (--verbose shows all)"
        yield paint(rest, "faint")


_OPENINGS = {
    "synced": "Synced",
    "repaired": "Repaired",
    "no-changes": "Nothing to do",
    "partial": "Synced in part",
    "superseded": "Nothing to do: a newer commit is synced already",
    "interrupted": "Stopped early; what was done is saved",
    "failed": "Nothing was synced",
}


_REPAIR_OPENINGS = {
    "no-changes": "Nothing to repair",
    "partial": "Repaired in part",
    "failed": "Nothing was repaired",
}
"""What is said of a repair in other words than of a sync."""


def render_record(record: Record, *, paint: Paint = PLAIN, is_whole: bool = False) -> str:
    """Tell how a run ended: the counts, what failed, the cost. No final line break.

    Of a run that was only a plan, or was refused for its plan, the plan is shown.
    """
    if record.is_plan or record.status == "blocked":
        plan = render_plan(record.plan, paint=paint, is_whole=is_whole)
        findings = render_findings(
            record.findings, paint=paint, is_whole=is_whole, with_remedies=True
        )
        return "\n\n".join(part for part in ("\n".join(findings), plan) if part)
    lines = [paint(_headline(record), "failed" if record.failures else "strong")]
    lines += _list_failures(record, paint, is_whole)
    if is_whole:
        lines += render_findings(record.findings, paint=paint, is_whole=True)
    lines += [f"  {line}" for line in (_describe_store(record), _describe_state(record)) if line]
    return "\n".join(lines)


def render_failure(path: str, message: str, paint: Paint = PLAIN) -> str:
    """Show one failed change as a line."""
    return f"{paint(f'! {escape(path)}', 'failed')}: {escape(message)}"


def _headline(record: Record) -> str:
    """How it ended, with the counts that say something."""
    counts = record.counts
    done = join_parts(
        f"{counts[name]:,} {name}" if counts[name] else ""
        for name in ("added", "updated", "renamed", "relabelled", "deleted", "failed")
    )
    rest = join_parts(
        f"{counts[name]:,} {name}" if counts[name] else "" for name in ("unchanged", "skipped")
    )
    numbers = "; ".join(part for part in (done, _tell_excess(record), rest) if part)
    openings = {**_OPENINGS, **_REPAIR_OPENINGS} if record.command == "repair" else _OPENINGS
    opening = openings[record.status]
    return f"{opening}: {numbers}" if numbers else opening


def _tell_excess(record: Record) -> str:
    """What a repair found too much of, which no document counts."""
    kinds = {DriftKind.DUPLICATE, DriftKind.LEFTOVER, DriftKind.STRAY}
    found = summarise_findings(one for one in record.findings if one.kind in kinds)
    return f"{found} found" if found else ""


def _list_failures(record: Record, paint: Paint, is_whole: bool) -> Iterator[str]:
    failures = record.failures
    shown = failures if is_whole else failures[:MAX_LISTED]
    for failed in shown:
        yield f"  {render_failure(failed.change.path, failed.message, paint)}"
    if len(failures) > len(shown):
        yield paint(f"  and {len(failures) - len(shown):,} more (--verbose shows all)", "faint")


def _describe_store(record: Record) -> str:
    """What the store holds now, and what that cost."""
    store = f" in {escape(record.store_id)}" if record.store_id else ""
    retries = f" ({count(record.retries, 'retry', 'retries')})" if record.retries else ""
    parts = (
        f"{count(record.documents, 'document')}{store}",
        f"{to_size(record.bytes_uploaded)} uploaded" if record.bytes_uploaded else "",
        f"{count(record.requests, 'request')}{retries}" if record.requests else "",
        to_duration(record.seconds),
    )
    return " · ".join(part for part in parts if part)


def _describe_state(record: Record) -> str:
    if not record.saved_to:
        return ""
    commit = f" for commit {to_short(escape(record.commit))}" if record.commit else ""
    return f"State saved in {escape(record.saved_to)}{commit}"
