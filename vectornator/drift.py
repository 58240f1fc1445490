"""What the store says of itself, held against the manifest: repaired entries, copies too many."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from vectornator.model import Binding, Entry, Manifest, RemoteFile, is_path, is_utf8, path_key

_HEX = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Drift:
    """The difference between the manifest and a complete listing of the store."""

    manifest: Mapping[str, Entry]
    """The entries that the listing proves."""

    leftovers: Mapping[str, str]
    """Copies of ours beyond the one that each path needs: path by file id."""

    adopted: int
    """Entries that only the store knew of."""

    missing: int
    """Entries whose copy is gone."""

    foreign: int
    """Copies that are not ours; they are never touched."""

    @property
    def is_clean(self) -> bool:
        """Whether the manifest was right as it stood."""
        return not (self.leftovers or self.adopted or self.missing)


def needs_listing(refresh: str, mark: Mapping[str, str] | None, sequence: int | None) -> bool:
    """Tell whether the store must be listed before the manifest is believed.

    `mark` is what the store remembers of the last run, None where it can't remember anything;
    `sequence` is the ledger's, None where there is no ledger. Whatever the two don't agree on
    is a reason, and so is a ledger of a store that forgot it; a store that can't remember is
    listed when there is no ledger, as it may hold what a lost one described.
    """
    if refresh != "auto":
        return refresh == "always"
    if mark is None:
        return sequence is None
    if not mark:
        return sequence is not None
    return mark.get("state") != "clean" or mark.get("sequence") != str(sequence or 0)


def reconcile(manifest: Manifest, listing: Iterable[RemoteFile], binding: Binding) -> Drift:
    """Rebuild the manifest from what the store lists, keeping what both agree on.

    Of several copies of a path, the one the manifest names is kept, else the newest; one that
    no search finds is not kept at all. An entry whose copy carries another hash takes over what
    the copy's attributes say. What is marked as ours but names no path that a document can have
    is one copy too many.
    """
    copies: dict[str, list[RemoteFile]] = defaultdict(list)
    paths = {path_key(path): path for path in manifest}
    foreign = 0
    for file in listing:
        if binding.owns(file.attributes) and is_utf8(file.path):
            copies[file.attributes["vn_key"]].append(file)
        else:
            foreign += 1
    repaired: dict[str, Entry] = {}
    leftovers: dict[str, str] = {}
    for key, files in copies.items():
        named = (file.path for file in files if path_key(file.path) == key and is_path(file.path))
        path = paths.get(key) or next(named, "")
        known = manifest.get(path)
        usable = [file for file in files if file.is_searchable]
        kept = _choose_copy(usable, known) if path and usable else None
        leftovers |= {file.file_id: path or file.path for file in files if file is not kept}
        if kept:
            repaired[path] = _to_entry(kept, known)
    return Drift(
        manifest=repaired,
        leftovers=leftovers,
        adopted=sum(_is_news(entry, manifest.get(path)) for path, entry in repaired.items()),
        missing=sum(path not in repaired for path in manifest),
        foreign=foreign,
    )


def _choose_copy(files: list[RemoteFile], known: Entry | None) -> RemoteFile:
    named = (file for file in files if known and file.file_id == known.file_id)
    return next(named, None) or max(files, key=lambda file: (file.created_at, file.file_id))


def _to_entry(file: RemoteFile, known: Entry | None) -> Entry:
    digest = _read_hex(file, "vn_sha")
    if known and known.file_id == file.file_id and known.hash == digest:
        return replace(known, config=file.attributes.get("vn_config", ""))
    return Entry(
        file_id=file.file_id,
        hash=digest,
        blob=_read_hex(file, "vn_blob"),
        size=file.size,
        version=known.version + 1 if known else 1,
        config=file.attributes.get("vn_config", ""),
    )


def _read_hex(file: RemoteFile, name: str) -> str:
    """An id or a hash that the attributes give; empty for anything else that stands there."""
    value = file.attributes.get(name, "")
    return value if _HEX.fullmatch(value) else ""


def _is_news(entry: Entry, known: Entry | None) -> bool:
    return known is None or entry != known
