"""What must change in the store: documents compared with the manifest, and the brakes on it."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TypeAlias

from vectornator.errors import Refused
from vectornator.model import (
    Delete,
    Document,
    Entry,
    Leak,
    Manifest,
    Plan,
    Relabel,
    Rename,
    Skip,
    SkipReason,
    Update,
    Upload,
    is_stored_alike,
)

Candidates: TypeAlias = Mapping[str, Document | Skip | None]
"""What the source says of each path in question; None where it has no such document."""

_MOST_NAMED = 5
"""How many leaks an error names; a report lists them all."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a plan may go before a brake stops it."""

    allows_deletes: Callable[[int, int], bool]
    """Whether so many deletes out of so many known documents are allowed."""

    max_deletes: str
    """The limit on deletes as the user wrote it."""

    max_files: int | None = None
    """The most documents to send; None for no limit."""

    max_bytes: int | None = None
    """The most bytes to send; None for no limit."""

    allow_empty: bool = False
    """Whether the store may end up without a single document."""

    allow_leaks: bool = False
    """Whether documents may be sent that give secrets away."""


def make_plan(
    candidates: Candidates,
    manifest: Manifest,
    *,
    known: int,
    config: str,
    force: bool = False,
    max_size: int | None = None,
    form_of: Callable[[str], str] | None = None,
) -> Plan:
    """Compare what should be stored with what is, and list the difference.

    `manifest` holds the entries of the candidates; `known` counts all entries, and is not
    believed where it says less than `manifest` holds. A document is left alone when both its
    blob and the `config` fingerprint are what they were at upload; one that is stored but has
    more than `max_size` bytes leaves. `force` updates every candidate, changed or not.
    `form_of` tells what the stored bytes depend on of a path; it is given where attributes can
    be changed without an upload. Then an upload is paired with a delete of the same blob and
    form, and what only needs other attributes is relabelled. The same arguments always give
    the same plan.
    """
    uploads, changes, deletes, skipped = [], [], [], []
    known = max(known, len(manifest))
    for path in sorted(candidates):
        found, entry = candidates[path], manifest.get(path)
        if isinstance(found, Skip):
            skipped.append(found)
        if not isinstance(found, Document):
            if entry is not None:
                deletes.append(Delete(path, entry, found.reason if found else "removed"))
        elif entry is None:
            uploads.append(Upload(found))
        elif max_size is not None and found.blob == entry.blob and entry.size > max_size:
            skipped.append(Skip(path, SkipReason.TOO_LARGE))
            deletes.append(Delete(path, entry, SkipReason.TOO_LARGE))
        elif reason := _find_reason(found, entry, config, force=force):
            changes.append(_to_change(found, entry, reason, can_relabel=form_of is not None))
    renames = _pair_renames(uploads, deletes, config, form_of) if form_of and not force else ()
    paired = {rename.path for rename in renames} | {rename.old_path for rename in renames}
    deletes = [delete for delete in deletes if delete.path not in paired]
    return Plan(
        uploads=tuple(upload for upload in uploads if upload.path not in paired),
        updates=tuple(change for change in changes if isinstance(change, Update)),
        renames=renames,
        relabels=tuple(change for change in changes if isinstance(change, Relabel)),
        deletes=tuple(deletes),
        unchanged=known - len(changes) - len(renames) - len(deletes),
        skipped=tuple(skipped),
    )


def _find_reason(document: Document, entry: Entry, config: str, *, force: bool) -> str:
    """Why a known document is not right as it is stored; empty when it is."""
    if force:
        return "forced"
    if not is_stored_alike(entry.config, config):
        return "config"
    if document.blob != entry.blob:
        return "content"
    return "attributes" if entry.config != config else ""


def _to_change(
    document: Document, entry: Entry, reason: str, *, can_relabel: bool
) -> Update | Relabel:
    if reason == "attributes" and can_relabel and entry.hash:
        return Relabel(_complete(document, entry), entry)
    return Update(document, entry, reason)


def _pair_renames(
    uploads: Sequence[Upload],
    deletes: Iterable[Delete],
    config: str,
    form_of: Callable[[str], str],
) -> tuple[Rename, ...]:
    """Match new paths with removed ones of the same blob; the same file name is preferred.

    As git does with `-M100%`, every removed path serves one new path at most.
    """
    removed = [d for d in deletes if is_stored_alike(d.entry.config, config) and d.entry.blob]
    renames: dict[str, Rename] = {}
    for name_of in (_name_of, lambda _: ""):
        taken = {rename.old_path for rename in renames.values()}
        sources: dict[tuple[str, str, str], deque[Delete]] = defaultdict(deque)
        for delete in removed:
            if delete.path not in taken:
                key = (delete.entry.blob, form_of(delete.path), name_of(delete.path))
                sources[key].append(delete)
        for upload in uploads:
            path = upload.path
            source = sources.get((upload.document.blob, form_of(path), name_of(path)))
            if source and path not in renames:
                gone = source.popleft()
                document = _complete(upload.document, gone.entry)
                renames[path] = Rename(document, gone.entry, gone.path)
    return tuple(renames[path] for path in sorted(renames))


def _name_of(path: str) -> str:
    return PurePosixPath(path).name


def _complete(document: Document, entry: Entry) -> Document:
    """A document of the same blob as a stored copy, with what is known of that."""
    return replace(document, size=entry.size, hash=entry.hash)


def screen_plan(plan: Plan, inspected: Mapping[str, Document | Skip], config: str) -> Plan:
    """Bring into `plan` what reading the documents to send has shown.

    A document that turned out not to be storable becomes a skip, and a delete if the store
    holds an earlier version. One whose content and config are stored already becomes known.
    """
    uploads, updates = [], []
    deletes, skipped, known = list(plan.deletes), list(plan.skipped), dict(plan.known)
    for change in plan.sends:
        found = inspected.get(change.path, change.document)
        if isinstance(found, Skip):
            skipped.append(found)
            if isinstance(change, Update):
                deletes.append(Delete(change.path, change.entry, found.reason))
        elif isinstance(change, Upload):
            uploads.append(Upload(found))
        elif change.reason == "content" and _is_known(found, change.entry, config):
            known[change.path] = replace(change.entry, blob=found.blob)
        else:
            updates.append(replace(change, document=found))
    return replace(
        plan,
        uploads=tuple(uploads),
        updates=tuple(updates),
        deletes=tuple(sorted(deletes, key=lambda delete: delete.path)),
        unchanged=plan.unchanged + len(known) - len(plan.known),
        skipped=tuple(sorted(skipped, key=lambda skip: skip.path)),
        known=known,
    )


def _is_known(document: Document, entry: Entry, config: str) -> bool:
    """Tell whether a document is what its copy says; one that names another blob says a lie."""
    is_true = entry.blob in {"", document.blob}
    return is_true and (document.hash, config) == (entry.hash, entry.config)


def check_plan(plan: Plan, limits: Limits) -> None:
    """Apply the brakes. Raises `Refused` with the numbers and the way past it."""
    kept = plan.unchanged + len(plan.updates) + len(plan.attribute_changes)
    known = kept + len(plan.deletes)
    after = known + len(plan.uploads) - len(plan.deletes)
    if after <= 0 and not limits.allow_empty:
        raise Refused(_explain_empty(plan), reason="empty-source")
    if plan.deletes and not limits.allows_deletes(len(plan.deletes), known):
        share = 100 * len(plan.deletes) / known
        raise Refused(
            f"{len(plan.deletes)} of {known} documents ({share:.0f} %) would be deleted, over the "
            f"limit of {limits.max_deletes}. Check the directory and the patterns; if it is meant, "
            f"pass --max-deletes={len(plan.deletes)}.",
            reason="delete-limit",
        )
    _check_size(plan, limits)
    if plan.leaks and not limits.allow_leaks:
        raise Refused(f"Nothing was sent. {explain_leaks(plan.leaks)}", reason="secret-found")


def hold_leaks(plan: Plan, leaks: Iterable[Leak]) -> Plan:
    """Bring the leaks of what is still to be sent into `plan`."""
    sent = {change.path for change in plan.sends}
    kept = (leak for leak in leaks if leak.path in sent)
    return replace(plan, leaks=tuple(sorted(kept, key=lambda leak: (leak.path, leak.line))))


def explain_leaks(leaks: Sequence[Leak]) -> str:
    """Say where secrets are and what to do about them; their values are told nowhere."""
    shown = ", ".join(f"{leak.place} ({leak.rule})" for leak in leaks[:_MOST_NAMED])
    more = f" and {len(leaks) - _MOST_NAMED} more" if len(leaks) > _MOST_NAMED else ""
    prints = ",".join(sorted({leak.fingerprint for leak in leaks[:_MOST_NAMED]}))
    return (
        f"{len(leaks)} {'secret is' if len(leaks) == 1 else 'secrets are'} in documents to send: "
        f"{shown}{more}. Take them out and replace them where they are valid; what is no secret "
        f"goes with --allow-secrets={prints}."
    )


def _check_size(plan: Plan, limits: Limits) -> None:
    sent = [change.document for change in plan.sends]
    if limits.max_files is not None and len(sent) > limits.max_files:
        raise Refused(
            f"{len(sent)} documents would be sent, over the limit of {limits.max_files}. "
            f"If it is meant, pass --max-files={len(sent)}.",
            reason="file-limit",
        )
    size = sum(document.size or 0 for document in sent)
    if limits.max_bytes is not None and size > limits.max_bytes:
        raise Refused(
            f"{size} bytes would be sent, over the limit of {limits.max_bytes}. "
            f"If it is meant, pass --max-bytes={size}.",
            reason="byte-limit",
        )


def _explain_empty(plan: Plan) -> str:
    if plan.deletes:
        return (
            f"No document would be left: all {len(plan.deletes)} would be deleted. Check the "
            "directory and the patterns; if it is meant, pass --allow-empty."
        )
    skipped = f" ({len(plan.skipped)} skipped)" if plan.skipped else ""
    return (
        f"No document matches{skipped}. Check the directory and the patterns, for example "
        "--patterns '**/*.md'; if it is meant, pass --allow-empty."
    )
