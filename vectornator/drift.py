"""What store and commit say, held against the manifest: findings, and the manifest repaired."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from vectornator.model import (
    Binding,
    Delete,
    Entry,
    Manifest,
    Plan,
    Relabel,
    RemoteFile,
    Rename,
    Update,
    Upload,
    is_path,
    is_utf8,
    path_key,
)

_HEX = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


class DriftKind(StrEnum):
    """In what way ledger, store and commit disagree; the worst comes first."""

    MISSING = "missing"
    UNSEARCHABLE = "not searchable"
    CHANGED = "changed"
    OUTDATED = "outdated"
    UNRECORDED = "unrecorded"
    EXTRA = "extra"
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"
    LEFTOVER = "leftover"
    STRAY = "stray"


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement, about one document or one copy."""

    kind: DriftKind
    path: str
    """The document's path; the service's name of a stray."""

    file_id: str = ""
    """The copy that it is about; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The difference between the manifest and a complete listing of the store."""

    manifest: Mapping[str, Entry]
    """The entries that the listing proves."""

    leftovers: Mapping[str, str]
    """Copies of ours beyond the one that each path needs: path by file id."""

    findings: tuple[Finding, ...]
    """Everything in which the two disagree."""

    copies: int
    """How many copies are ours."""

    foreign: int
    """Copies that are not ours; they are never touched."""


def reconcile(manifest: Manifest, listing: Iterable[RemoteFile], binding: Binding) -> Drift:
    """Rebuild the manifest from what the store lists, keeping what both agree on.

    Of several copies of a path, the newest is kept; one that no search finds is not kept at all,
    and neither kept nor left over while the store is at work on it: a run may be waiting for it.
    An entry whose copy carries another hash takes over what the copy's attributes say; a copy that
    says something untrue of itself loses its config, so that it is stored again. What is marked
    as ours but names no path that a document can have is one copy too many.
    """
    paths = {path_key(path): path for path in manifest}
    recorded = {entry.file_id: entry for entry in manifest.values()}
    copies, foreign = _group_copies(listing, binding, paths)
    repaired: dict[str, Entry] = {}
    leftovers: dict[str, str] = {}
    findings: list[Finding] = []
    for key, files in copies.items():
        path = paths.get(key) or (files[0].path if is_path(files[0].path) else "")
        known = manifest.get(path)
        kept = _choose_copy(files) if path else None
        others = (file for file in files if file is not kept and not file.is_pending)
        leftovers |= {file.file_id: path or file.path for file in others}
        if kept:
            is_true = _is_true(kept, path, recorded.get(kept.file_id))
            repaired[path] = _to_entry(kept, known, is_true=is_true)
            if not _is_known(repaired[path], known, files):
                kind = DriftKind.CHANGED if known else DriftKind.UNKNOWN
                findings.append(Finding(kind, path, kept.file_id))
        findings += _judge_others(path, files, kept)
    gone = manifest.keys() - {finding.path for finding in findings} - repaired.keys()
    findings += (Finding(DriftKind.MISSING, path, manifest[path].file_id) for path in gone)
    return Drift(
        manifest=repaired,
        leftovers=leftovers,
        findings=sort_findings(findings),
        copies=sum(len(files) for files in copies.values()),
        foreign=foreign,
    )


def _group_copies(
    listing: Iterable[RemoteFile], binding: Binding, paths: Collection[str]
) -> tuple[dict[str, list[RemoteFile]], int]:
    """Our copies by key, and how many others there are.

    A key proves nothing unless it is that of the copy's own path or of one in `paths`.
    """
    copies: dict[str, list[RemoteFile]] = defaultdict(list)
    foreign = 0
    for file in listing:
        key = file.attributes.get("vn_key", "")
        is_ours = binding.owns(file.attributes) and is_utf8(file.path)
        if is_ours and (key in paths or key == path_key(file.path)):
            copies[key].append(file)
        else:
            foreign += 1
    return copies, foreign


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Put findings in order: the worst kind first, then by path."""
    order = {kind: number for number, kind in enumerate(DriftKind)}
    return tuple(sorted(findings, key=lambda one: (order[one.kind], one.path, one.file_id)))


def summarise_findings(findings: Iterable[Finding]) -> str:
    """Count findings by kind: `3 missing, 1 duplicate`; empty when there are none."""
    counts = Counter(finding.kind for finding in findings)
    return ", ".join(f"{counts[kind]:,} {kind}" for kind in DriftKind if counts[kind])


def compare_plan(plan: Plan) -> Iterator[Finding]:
    """What a plan for the commit that the manifest should match says of the manifest.

    A copy that would be stored differently today is no disagreement with the commit.
    """
    for change in plan:
        match change:
            case Upload():
                yield Finding(DriftKind.UNRECORDED, change.path)
            case Update() if change.reason == "content":
                yield Finding(DriftKind.OUTDATED, change.path, change.entry.file_id)
            case Delete():
                yield Finding(DriftKind.EXTRA, change.path, change.entry.file_id)
            case Rename():
                yield Finding(DriftKind.UNRECORDED, change.path)
                yield Finding(DriftKind.EXTRA, change.old_path, change.entry.file_id)
            case Update() | Relabel():
                pass
            case _:
                assert_never(change)


def _judge_others(
    path: str, files: Iterable[RemoteFile], kept: RemoteFile | None
) -> Iterator[Finding]:
    """The findings about the copies of one key beside the one that is `kept`, if one is."""
    unkept = DriftKind.UNSEARCHABLE if path else DriftKind.LEFTOVER
    kind = DriftKind.DUPLICATE if kept else unkept
    return (Finding(kind, path or file.path, file.file_id) for file in files if file is not kept)


def _choose_copy(files: Iterable[RemoteFile]) -> RemoteFile | None:
    """The newest copy that a search finds, of those stored in one second the last listed.

    A run removes a copy only once it has stored a newer one. As long as a listing leaves the
    newest too, no two runs can remove each other's, whatever their ledgers name.
    """
    usable = (file for file in enumerate(files) if file[1].is_searchable)
    newest = max(usable, key=lambda file: (file[1].created_at, file[0]), default=None)
    return newest[1] if newest else None


def _is_known(entry: Entry, known: Entry | None, files: Iterable[RemoteFile]) -> bool:
    """Tell whether an entry says what is known, be it of a second copy of the same."""
    if known is None or known.file_id not in {file.file_id for file in files}:
        return False
    return replace(entry, file_id=known.file_id, version=known.version) == known


def _to_entry(file: RemoteFile, known: Entry | None, *, is_true: bool) -> Entry:
    config = file.attributes.get("vn_config", "") if is_true else ""
    if known and known.file_id == file.file_id and is_true:
        return replace(known, config=config)
    return Entry(
        file_id=file.file_id,
        hash=_read_hex(file, "vn_sha"),
        blob=_read_hex(file, "vn_blob"),
        size=file.size,
        version=known.version + 1 if known else 1,
        config=config,
    )


def _is_true(file: RemoteFile, path: str, recorded: Entry | None) -> bool:
    """Tell whether what a copy says of itself can be so.

    The content of a copy never changes, so it must be what was recorded when it was stored, be
    it of another path. A path that was too long may be cut.
    """
    digest, blob = _read_hex(file, "vn_sha"), _read_hex(file, "vn_blob")
    if not digest or not file.path or not path.startswith(file.path):
        return False
    if recorded is None:
        return True
    return digest == recorded.hash and blob in {"", recorded.blob}


def _read_hex(file: RemoteFile, name: str) -> str:
    """An id or a hash that the attributes give; empty for anything else that stands there."""
    value = file.attributes.get(name, "")
    return value if _HEX.fullmatch(value) else ""
