"""What a job hands on to the next: the outputs of the action, by name."""

from collections.abc import Mapping

from vectornator.errors import Interrupted, OutOfTime, Refused, VectornatorError
from vectornator.report.record import Record

OUTPUTS: Mapping[str, str] = {
    "status": "How it ended: synced, no-changes, planned, partial, superseded, blocked, failed or "
    "interrupted.",
    "changed": "Whether the store was changed; of a plan, whether it would be.",
    "failure-reason": "One word for what went wrong, such as auth, delete-limit or unavailable.",
    "files-added": "How many documents were added; of a plan, how many would be.",
    "files-updated": "How many documents were updated.",
    "files-renamed": "How many documents moved without being sent again.",
    "files-relabelled": "How many documents have other attributes now.",
    "files-deleted": "How many documents were deleted.",
    "files-failed": "How many documents failed.",
    "files-uploaded": "The same as files-added.",
    "files-unchanged": "How many documents were right already.",
    "files-skipped": "How many files were not taken, such as binary ones.",
    "store-id": "The store; empty if there is none yet, or if it is a secret.",
    "synced-commit": "The commit that the store is in line with now.",
    "base-commit": "The commit that it was in line with before.",
    "state-commit": "The commit of the notes that holds the state.",
    "report-path": "The JSON report, if one was asked for.",
}
"""Every output with a sentence for people. None lists files: their names are not to be trusted."""

_COUNTS = ("added", "updated", "renamed", "relabelled", "deleted", "failed", "unchanged", "skipped")


def to_outputs(
    record: Record | None, error: Exception | None = None, *, report: str = ""
) -> dict[str, str]:
    """All outputs of a command that made `record`, or ended with `error` before it could."""
    counts = record.counts if record else dict.fromkeys(_COUNTS, 0)
    return {
        "status": _find_status(record, error),
        "changed": "true" if record and record.changed else "false",
        "failure-reason": _find_reason(record, error),
        **{f"files-{name}": str(counts[name]) for name in _COUNTS},
        "files-uploaded": str(counts["added"]),
        "store-id": record.store_id if record else "",
        "synced-commit": _find_synced(record),
        "base-commit": record.base if record else "",
        "state-commit": record.state_commit if record else "",
        "report-path": report,
    }


def _find_status(record: Record | None, error: Exception | None) -> str:
    if record:
        return record.status
    match error:
        case None:
            return ""
        case Refused():
            return "blocked"
        case Interrupted() | OutOfTime():
            return "interrupted"
        case _:
            return "failed"


def _find_reason(record: Record | None, error: Exception | None) -> str:
    """The reason of the error that ended the run, or of the first document that failed."""
    if error:
        return error.reason if isinstance(error, VectornatorError) else "internal"
    return record.failures[0].error.reason if record and record.failures else ""


def _find_synced(record: Record | None) -> str:
    is_whole = record and not record.is_plan and record.status in {"synced", "no-changes"}
    return record.commit if record and is_whole else ""
