"""The record of a run as Markdown: the summary of a job, and the comment on a pull request."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from vectornator import __version__
from vectornator.drift import Finding
from vectornator.errors import (
    Fatal,
    Foreign,
    ProviderError,
    Rejected,
    Transient,
    Withheld,
)
from vectornator.model import (
    Change,
    Delete,
    Failed,
    Leak,
    Relabel,
    Rename,
    SkipReason,
    Update,
    Upload,
)
from vectornator.report.markdown import (
    join_blocks,
    link_commit,
    list_items,
    to_block,
    to_code,
    to_fold,
    to_prose,
    to_section,
    to_url,
)
from vectornator.report.record import Record, RunStatus
from vectornator.report.words import count, join_parts, to_duration, to_size

COMMENT_LIMIT = 60_000
"""In bytes; GitHub takes 65,536 characters."""

_MOST_OPEN, _MOST_FOLDED, _MOST_FAILED = 50, 200, 100
_EXAMPLES = 10
_CHART_FROM = 10
"""With fewer changes, the numbers alone are as easy to read."""

_VERDICTS: dict[RunStatus, str] = {
    "synced": "✅ Synced",
    "no-changes": "✅ Nothing to do",
    "planned": "📋 Plan: nothing was changed",
    "partial": "⚠️ Synced in part",
    "superseded": "⏭️ Nothing to do: a newer commit is synced already",
    "interrupted": "⏹️ Stopped early; what was done is saved",
    "failed": "❌ Nothing was synced",
    "blocked": "🛑 Refused: nothing was changed",
}

_CHANGED = ("added", "updated", "renamed", "relabelled", "deleted", "failed")

_ADVICE: Sequence[tuple[type[ProviderError], str]] = (
    (Foreign, "It is not ours and was left alone."),
    (Rejected, "It will fail again until the document changes or is excluded."),
    (Withheld, "The next run does it."),
    (Transient, "The next run tries again."),
    (Fatal, "No further call could work; this must be fixed first."),
)


@dataclass(frozen=True, slots=True)
class Context:
    """What a summary tells beside the record."""

    repository_url: str = ""
    """Where commits can be looked at; empty where nowhere."""

    is_gitlab: bool = False
    error: str = ""
    """What ended the run, if something did."""

    notice: str = ""
    """Why the job did less than was asked for."""

    command: str = ""
    """What to type to do the same elsewhere."""

    report: str = ""
    """The file with the whole report, if one is written."""

    def link(self, *parts: str) -> str:
        """A URL of the repository, such as that of `commit`, `OID`; empty where unknown."""
        return to_url(self.repository_url, *(("-",) if self.is_gitlab else ()), *parts)

    @property
    def rest(self) -> str:
        """Where to find what is left out, as the end of a sentence."""
        return f"; all are in {to_code(self.report)}" if self.report else ""


def render_summary(record: Record, context: Context, limit: int) -> str:
    """Tell everything about a run in at most `limit` bytes."""
    share = limit // 12
    blocks = [
        f"## {_head(record)}",
        _count(record, with_cost=True),
        _tell_error(context),
        f"> {to_prose(context.notice)}" if context.notice else "",
        _chart(record),
        *_list_changes(record, context, share),
        to_section("Notes", _list_remarks(record, share)),
        to_section("Run", _list_facts(record, context)),
        to_fold("Do the same on your machine", _reproduce(record, context)),
    ]
    return join_blocks(blocks, limit, _cut(context))


def render_comment(record: Record, context: Context, limit: int = COMMENT_LIMIT) -> str:
    """Tell what matters to those who review; the same text for the same plan of one commit."""
    at = link_commit(record.commit, context.link("commit", record.commit))
    store = to_code(record.store_id) if record.store_id else "a new store"
    blocks = [
        f"### {_head(record)}",
        _count(record, with_cost=False),
        _tell_error(context),
        *_list_changes(record, replace(context, report=""), limit // 8),
        *(f"> {to_prose(remark)}" for remark in record.remarks[:_EXAMPLES]),
        f"For {at if record.commit else 'the work tree'} in {record.provider}, {store}.",
    ]
    return join_blocks(blocks, limit, _cut(context))


def render_answer(command: str, text: str, context: Context, limit: int) -> str:
    """Show what a command that changes nothing has found, as it printed it."""
    lines = text.splitlines()
    if len(text.encode(errors="replace")) > limit // 4:  # escaping may spell one byte with four
        lines = [*lines[: limit // 4000], "…"]
    answer = to_block(lines) if text else ""
    blocks = [f"## vectornator {command}", _tell_error(context), answer]
    return join_blocks(blocks, limit, _cut(context))


def _cut(context: Context) -> str:
    return f"*Cut here, because it would be too long{context.rest}.*"


def _head(record: Record) -> str:
    verdict = _VERDICTS[record.status]
    if record.is_plan and record.status == "no-changes":
        verdict = "📋 Plan: nothing to do"
    if record.command == "repair":
        verdict = f"{verdict} (repair)"
    return verdict if record.target == "default" else f"{verdict} · {to_code(record.target)}"


def _count(record: Record, *, with_cost: bool) -> str:
    """One line: what changed in bold, then what did not, and what it took."""
    counts = _counts(record)
    future = "to be " if _is_foreseen(record) else ""
    changed = [f"{counts[name]:,} {future}{name}" for name in _CHANGED if counts[name]]
    rest = [f"{counts[name]:,} {name}" for name in ("unchanged", "skipped") if counts[name]]
    sent = record.bytes_uploaded
    if future:
        sent = sum(change.document.size or 0 for change in record.plan.sends)
    size = f"{to_size(sent)} {'to send' if future else 'sent'}" if sent else ""
    spent = to_duration(record.seconds) if with_cost else ""
    bold = f"**{' · '.join(changed)}**" if changed else ""
    return " · ".join(part for part in (bold, *rest, size, spent) if part)


def _counts(record: Record) -> Mapping[str, int]:
    return replace(record, is_dry=True).counts if _is_foreseen(record) else record.counts


def _chart(record: Record) -> str:
    """A pie of the changes, where there are enough of more than one kind."""
    counts = _counts(record)
    slices = [f'    "{name}" : {counts[name]}' for name in _CHANGED if counts[name]]
    if len(slices) < 2 or sum(counts[name] for name in _CHANGED) < _CHART_FROM:  # noqa: PLR2004  (a pie of one slice is a circle)
        return ""
    return "\n".join(["```mermaid", "pie showData title Changes", *slices, "```"])


def _tell_error(context: Context) -> str:
    return f"> **{to_prose(context.error)}**" if context.error else ""


def _list_changes(record: Record, context: Context, share: int) -> Iterator[str]:
    """Failures and deletes open, all else folded; what was done, or would be."""
    failures = record.failures
    lines = _list(map(_describe_failure, failures), len(failures), _MOST_FAILED, context, share)
    yield to_section(f"{len(failures):,} failed", lines)
    leaks = record.plan.leaks
    lines = _list(map(_describe_leak, leaks), len(leaks), _MOST_FAILED, context, share)
    yield to_section(count(len(leaks), "secret"), lines)
    changes = _changes(record)
    future = "to be " if _is_foreseen(record) else ""
    for kind, name, most in (
        (Delete, "deleted", _MOST_OPEN),
        (Upload, "added", _MOST_FOLDED),
        (Update, "updated", _MOST_FOLDED),
        (Rename, "renamed", _MOST_FOLDED),
        (Relabel, "relabelled", _MOST_FOLDED),
    ):
        some = [change for change in changes if isinstance(change, kind)]
        lines = _list(map(describe_change, some), len(some), most, context, share)
        show = to_section if kind is Delete else to_fold
        yield show(f"{len(some):,} {future}{name}", lines)
    found = record.findings
    lines = _list(map(_describe_finding, found), len(found), _MOST_FOLDED, context, share)
    yield to_fold(f"{len(found):,} in disarray", lines)
    skipped = len(record.plan.skipped)
    yield to_fold(f"{skipped:,} skipped", _list_skips(record, share))


def _is_foreseen(record: Record) -> bool:
    """Whether the changes of a record are those that would be made, not those that were."""
    return record.is_plan or record.status == "blocked"


def _changes(record: Record) -> list[Change]:
    if _is_foreseen(record):
        return list(record.plan)
    done = (one.change for one in record.outcomes if not isinstance(one, Failed))
    return sorted(done, key=lambda change: change.path)  # they settled in any order


def _list(
    items: Iterator[str], total: int, most: int, context: Context, share: int
) -> Iterator[str]:
    return list_items(items, total, most=most, limit=share, rest=context.rest)


def describe_change(change: Change) -> str:
    """One change as an item: the path and what there is to say of it."""
    path = to_code(change.path)
    match change:
        case Upload(document):
            return _note(path, "", document.size)
        case Update(document):
            # New content is what an update is for, and needs no words.
            reason = "" if change.reason == "content" else to_prose(change.reason)
            return _note(path, reason, document.size)
        case Rename():
            return f"{to_code(change.old_path)} → {path}"
        case Relabel():
            return path
        case Delete():
            return f"{path} ({to_prose(change.reason)})"
        case _:
            assert_never(change)


def _note(path: str, reason: str, size: int | None) -> str:
    known = join_parts((reason, "" if size is None else to_size(size)))
    return f"{path} ({known})" if known else path


def _describe_failure(failed: Failed) -> str:
    verb = type(failed.change).__name__.lower()
    advice = next((words for kind, words in _ADVICE if isinstance(failed.error, kind)), "")
    cause = to_prose(failed.message)
    stop = "" if cause.endswith((".", "`")) else "."
    return f"{to_code(failed.change.path)} ({verb}): {cause}{stop} {advice}".rstrip()


def _describe_leak(leak: Leak) -> str:
    return f"{to_code(leak.place)} ({to_prose(leak.rule)}, fingerprint {to_code(leak.fingerprint)})"


def _describe_finding(finding: Finding) -> str:
    copy = f", {to_code(finding.file_id)}" if finding.file_id else ""
    return f"{to_code(finding.path)} ({finding.kind}{copy})"


def _list_skips(record: Record, share: int) -> Iterator[str]:
    """One item per reason, with examples."""
    paths: dict[SkipReason, list[str]] = defaultdict(list)
    for skip in record.plan.skipped:
        paths[skip.reason].append(skip.path)
    for reason, some in sorted(paths.items()):
        examples = ", ".join(map(to_code, some[:_EXAMPLES]))
        more = f" and {len(some) - _EXAMPLES:,} more" if len(some) > _EXAMPLES else ""
        line = f"- {reason}, {len(some):,}: {examples}{more}"
        is_short = len(line.encode(errors="replace")) * len(paths) <= share
        yield line if is_short else f"- {reason}, {len(some):,}"


def _list_remarks(record: Record, share: int) -> Iterator[str]:
    remarks = record.remarks
    return list_items(map(to_prose, remarks), len(remarks), most=50, limit=share, rest="")


def _list_facts(record: Record, context: Context) -> Iterator[str]:
    holds = count(record.documents, "document")
    store = to_code(record.store_id) if record.store_id else "no store yet"
    yield f"- Store: {record.provider}, {store}, {holds}"
    if record.commit:
        yield f"- Commits: {_range(record, context)}"
    if record.saved_to:
        state = f" at {to_code(record.state_commit[:10])}" if record.state_commit else ""
        yield f"- State: {to_code(record.saved_to)}{state}"
    if record.requests:
        retries = f", {count(record.retries, 'retry', 'retries')}" if record.retries else ""
        yield f"- Cost: {count(record.requests, 'request')}{retries}"
    yield f"- Version: vectornator {__version__}"


def _range(record: Record, context: Context) -> str:
    """The commits from the base to the one that was synced, each with a link."""
    base, head = record.base, record.commit
    end = link_commit(head, context.link("commit", head))
    if not base or base == head:
        return end
    url = context.link("compare", f"{base}...{head}")
    compare = f" ([compare]({url}))" if url else ""
    return f"{link_commit(base, context.link('commit', base))}..{end}{compare}"


def _reproduce(record: Record, context: Context) -> Iterator[str]:
    """The commands to type in a clone."""
    if not context.command:
        return
    fetch = [f"git fetch origin {record.commit}"] if record.commit else []
    yield to_block([*fetch, context.command], "sh")
