"""What machines read: every answer as one JSON document with keys in kebab-case."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, TypeAlias

from vectornator.adoption import Claim
from vectornator.drift import Finding
from vectornator.model import Hit, Plan, RemoteFile
from vectornator.providers.base import Stray
from vectornator.report.diagnosis import Diagnosis
from vectornator.report.record import Adopted, LogEntry, Record, Status, Verification
from vectornator.report.shape import FindingDocument, PlanDocument, RunDocument

SCHEMA_VERSION = 1
"""Counts up when a key changes its meaning or goes; new keys may come at any time."""

JsonDocument: TypeAlias = dict[str, Any]


def to_json_document(record: Record) -> RunDocument:
    """The record of a run, its plan included."""
    started = datetime.fromtimestamp(record.started, UTC).isoformat(timespec="seconds")
    return {
        "schema-version": SCHEMA_VERSION,
        "command": record.command,
        "status": record.status,
        "dry-run": record.is_plan,
        "changed": record.changed,
        "provider": record.provider,
        "store-id": record.store_id,
        "target": record.target,
        "commit": record.commit,
        "base": record.base,
        "counts": dict(record.counts),
        "findings": findings_to_json(record.findings),
        "plan": plan_to_json(record.plan),
        "failed": {failed.change.path: failed.message for failed in record.failures},
        "documents": record.documents,
        "started": started,
        "seconds": round(record.seconds, 3),
        "bytes-uploaded": record.bytes_uploaded,
        "requests": record.requests,
        "retries": record.retries,
        "saved-to": record.saved_to,
        "state-commit": record.state_commit,
        "remarks": list(record.remarks),
    }


def plan_to_json(plan: Plan) -> PlanDocument:
    """A plan with every change in it."""
    return {
        "digest": plan.digest,
        "uploads": [{"path": one.path, "size": one.document.size} for one in plan.uploads],
        "updates": [
            {"path": one.path, "size": one.document.size, "reason": one.reason}
            for one in plan.updates
        ],
        "renames": [{"path": one.path, "old-path": one.old_path} for one in plan.renames],
        "relabels": [{"path": one.path} for one in plan.relabels],
        "deletes": [{"path": one.path, "reason": one.reason} for one in plan.deletes],
        "unchanged": plan.unchanged,
        "skipped": [{"path": one.path, "reason": str(one.reason)} for one in plan.skipped],
        "secrets": [
            {
                "path": one.path,
                "rule": one.rule,
                "line": one.line,
                "fingerprint": one.fingerprint,
            }
            for one in plan.leaks
        ],
    }


def findings_to_json(findings: Iterable[Finding]) -> list[FindingDocument]:
    """Findings in their order."""
    return [{"kind": str(one.kind), "path": one.path, "file-id": one.file_id} for one in findings]


def verification_to_json(found: Verification) -> JsonDocument:
    """The verdict of a verification, with every finding."""
    return _wrap(
        {
            "in-line": found.is_in_line,
            "provider": found.provider,
            "store-id": found.store_id,
            "target": found.target,
            "base": found.base,
            "compared-with-commit": found.is_compared,
            "documents": found.documents,
            "copies": found.copies,
            "foreign": found.foreign,
            "counts": dict(Counter(str(one.kind) for one in found.findings)),
            "findings": findings_to_json(found.findings),
            "storage": found.storage,
            "remarks": list(found.remarks),
        }
    )


def adopted_to_json(adopted: Adopted) -> JsonDocument:
    """What was taken over of another source, or would be, copy by copy."""
    adoption = adopted.adoption
    return _wrap(
        {
            "dry-run": adopted.is_dry,
            "provider": adopted.provider,
            "store-id": adopted.store_id,
            "source": adopted.source,
            "target": adopted.target,
            "from": adopted.former,
            "adopted": [_claim_to_json(one) for one in adoption.claims],
            "conflicts": [_claim_to_json(one) for one in adoption.conflicts],
            "ours": adoption.ours,
            "others": dict(adoption.others),
            "failed": dict(adopted.failed),
            "documents": adopted.documents,
            "saved-to": adopted.saved_to,
            "remarks": list(adopted.remarks),
        }
    )


def _claim_to_json(claim: Claim) -> JsonDocument:
    file = claim.file
    return {
        "path": claim.path,
        "old-path": file.path,
        "file-id": file.file_id,
        "fate": str(claim.fate),
    }


def orphans_to_json(orphans: Iterable[Stray]) -> JsonDocument:
    """Files that no store holds and nothing proves to be ours."""
    return _wrap({"orphans": [_to_object(one) for one in orphans]})


def status_to_json(status: Status) -> JsonDocument:
    """How a target stands."""
    return _wrap(_to_object(status))


def hits_to_json(hits: Iterable[Hit]) -> JsonDocument:
    """The answers of a search, best first."""
    return _wrap({"hits": [_to_object(hit) for hit in hits]})


def files_to_json(files: Iterable[RemoteFile]) -> JsonDocument:
    """The files of a store."""
    return _wrap({"files": [{"path": file.path, **_to_object(file)} for file in files]})


def log_to_json(entries: Iterable[LogEntry]) -> JsonDocument:
    """The syncs of the past, newest first."""
    return _wrap({"log": [_to_object(entry) for entry in entries]})


def store_to_json(store_id: str) -> JsonDocument:
    """The id of a new store."""
    return _wrap({"store-id": store_id})


def diagnoses_to_json(diagnoses: Iterable[Diagnosis]) -> JsonDocument:
    """What a checkup found, in the order of its checks."""
    shown = ("name", "verdict", "found", "advice", "reason")
    return _wrap({"checks": [{name: getattr(one, name) for name in shown} for one in diagnoses]})


def texts_to_json(texts: Mapping[str, str]) -> JsonDocument:
    """The files that `init` would write, by path."""
    return _wrap({"files": dict(texts)})


def start_to_json(
    written: Sequence[str], remarks: Sequence[str], steps: Sequence[str]
) -> JsonDocument:
    """What `init` wrote, what it left alone, and what is left to do."""
    return _wrap({"written": [*written], "remarks": [*remarks], "steps": [*steps]})


def error_to_json(reason: str, message: str) -> JsonDocument:
    """Why a command ended without an answer."""
    return _wrap({"error": {"reason": reason, "message": message}})


def dump_json(document: Mapping[str, Any]) -> str:
    r"""Write a document as indented JSON that any terminal and any CI log can take.

    Only ASCII is written, and `##[` is written as `#\u0023[`, for the reasons that
    `escape` gives. Numbers and names are what they would be without it.
    """
    return json.dumps(document, indent=2, default=str).replace("##[", r"#\u0023[")


def _wrap(answer: JsonDocument) -> JsonDocument:
    return {"schema-version": SCHEMA_VERSION, **answer}


def _to_object(value: Status | Hit | RemoteFile | LogEntry | Stray) -> JsonDocument:
    """A flat dataclass, its mappings as objects."""
    return {
        field.name.replace("_", "-"): _to_plain(getattr(value, field.name))
        for field in fields(value)
    }


def _to_plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else value
