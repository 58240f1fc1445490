"""Which copies of another source become ours, and as which documents (pure)."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

from vectornator.model import Binding, Document, RemoteFile, is_path, path_key

ORIGINAL = "original"
"""What the copies of the original vectornator are asked for by: it wrote no source."""

_HASH = re.compile("[0-9a-f]{32}|[0-9a-f]{64}")
_WRITTEN = ("path", "hash", "uploadedAt")
"""The attributes by which copies of the original are known, as far as anything is."""


class Fate(StrEnum):
    """What becomes of a copy that is adopted."""

    KEPT = "kept"
    SENT = "sent anew"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Claim:
    """A copy of another source, and the path that it is, or would be, adopted under."""

    file: RemoteFile
    path: str
    fate: Fate = Fate.KEPT
    """What this run, or the sync after it, does with the copy."""

    document: Document | None = None
    """The document of `path`, if the content of the copy is proved to be its content."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """What a listing of the store comes to for whoever adopts."""

    claims: tuple[Claim, ...] = ()
    conflicts: tuple[Claim, ...] = ()
    """Copies whose path another copy has already; they stay with whom they are of."""

    ours: int = 0
    """How many copies are ours without this."""

    others: Mapping[str, int] = field(default_factory=dict)
    """How many copies stay with each other owner, by its name."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A document whose content was read, and what the content is known by."""

    document: Document
    digests: frozenset[str]
    """Its SHA-256 and its MD5, which is what the original wrote."""


Former: TypeAlias = Binding | None
"""Whose copies are adopted; None for the original's, which name nobody."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What copies are held against."""

    ours: Binding
    former: Former
    evidence: Mapping[str, Evidence]
    """The documents of the commit that a copy may be of, by path."""

    is_stored_alike: Callable[[RemoteFile], bool]
    """Whether the same bytes would be stored today as those of a copy were."""

    form_of: Callable[[str], str]
    directory: str = ""
    """The folder that paths of the original are relative to."""

    def find_path(self, file: RemoteFile) -> str:
        """The path that a copy of `former` is of; empty for every other copy."""
        attributes = file.attributes
        if self.former is None:
            return self._place(file.path) if is_original(attributes) else ""
        is_theirs = self.former.owns(attributes, file.path) and is_path(file.path)
        return file.path if is_theirs else ""

    def _place(self, path: str) -> str:
        """Where the commit has what the original called `path`, if it does.

        The original's copies name no source, so only those of documents we have can be ours.
        """
        places = (f"{self.directory}/{path}" if self.directory else path, path)
        return next((place for place in places if place in self.evidence), "")

    def prove(self, file: RemoteFile, path: str) -> Document | None:
        """The document of `path`, if a copy is proved to be of its content and stored alike."""
        found = self.evidence.get(path)
        if found is None or not (file.is_searchable and self.is_stored_alike(file)):
            return None
        attributes, document = file.attributes, found.document
        if self.former is None:
            is_same = attributes.get("hash", "") in found.digests
            is_same = is_same and attributes.get("size", "") in {"", str(document.size)}
        else:
            is_blob = attributes.get("vn_blob") == document.blob
            is_same = is_blob or attributes.get("vn_sha") == document.hash
        return document if is_same else None


def is_original(attributes: Mapping[str, str]) -> bool:
    """Tell whether a copy carries what the original wrote, and no mark of ours."""
    is_marked = any(key.startswith("vn_") for key in attributes)
    is_whole = all(attributes.get(name) for name in _WRITTEN)
    is_known = is_whole and bool(_HASH.fullmatch(attributes["hash"]))
    return is_known and not is_marked and is_path(attributes["path"])


def name_owner(attributes: Mapping[str, str]) -> str:
    """Whose a copy says it is: `SOURCE/TARGET`, `original`, or nobody's."""
    if attributes.get("vn_source") and attributes.get("vn_target"):
        return f"{attributes['vn_source']}/{attributes['vn_target']}"
    return ORIGINAL if is_original(attributes) else ""


def find_former(text: str, ours: Binding, known: Iterable[Binding]) -> list[Binding]:
    """Those of `known` that `text` names: SOURCE with our target, or SOURCE/TARGET."""
    return [
        one
        for one in dict.fromkeys(known)
        if one != ours
        and (
            text == f"{one.source}/{one.target}" or (text, ours.target) == (one.source, one.target)
        )
    ]


def decide_adoption(listing: Iterable[RemoteFile], ground: Ground) -> Adoption:
    """Tell which copies become ours, and which can't.

    A copy keeps its path, unless the commit has its content under another one only. No path is
    given to two copies: one that is ours already, then one of the right content, then the newest
    is preferred.
    """
    taken: set[str] = set()
    theirs: list[tuple[RemoteFile, str]] = []
    others: Counter[str] = Counter()
    ours = 0
    for file in listing:
        if ground.ours.owns(file.attributes):
            ours += 1
            taken.add(file.path)
        elif path := ground.find_path(file):
            theirs.append((file, path))
        else:
            others[name_owner(file.attributes)] += 1
    claims, conflicts = _settle_claims(theirs, taken, ground)
    return Adoption(
        claims=tuple(sorted(claims, key=lambda claim: claim.path)),
        conflicts=tuple(sorted(conflicts, key=lambda claim: claim.path)),
        ours=ours,
        others=dict(others),
    )


def _settle_claims(
    theirs: Iterable[tuple[RemoteFile, str]], taken: set[str], ground: Ground
) -> tuple[list[Claim], list[Claim]]:
    """Give each copy a path of its own, those first that are where the commit has them."""
    claims: list[Claim] = []
    conflicts: list[Claim] = []
    homeless = _by_blob(ground.evidence)

    def rank(item: tuple[RemoteFile, str]) -> tuple[bool, bool, float, str]:
        file, path = item
        is_proved = ground.prove(file, path) is not None
        return path not in ground.evidence, not is_proved, -file.created_at, file.file_id

    for file, path in sorted(theirs, key=rank):
        claim = _claim(file, path, taken, ground, homeless)
        if claim:
            taken.add(claim.path)
            claims.append(claim)
        else:
            conflicts.append(Claim(file, path))
    return claims, conflicts


def _claim(
    file: RemoteFile,
    path: str,
    taken: Collection[str],
    ground: Ground,
    homeless: Mapping[str, list[str]],
) -> Claim | None:
    is_wanted = path in ground.evidence
    if is_wanted and path not in taken:
        document = ground.prove(file, path)
        return Claim(file, path, Fate.KEPT if document else Fate.SENT, document)
    for place in _list_places(file, path, taken, ground, homeless):
        if document := ground.prove(file, place):
            return Claim(file, place, Fate.KEPT, document)
    return None if path in taken else Claim(file, path, Fate.REMOVED)


def _list_places(
    file: RemoteFile,
    path: str,
    taken: Collection[str],
    ground: Ground,
    homeless: Mapping[str, list[str]],
) -> Iterator[str]:
    """Where else the commit has the content of a copy, in a form that it was stored in."""
    for place in homeless.get(file.attributes.get("vn_blob", ""), ()):
        if place not in taken and ground.form_of(place) == ground.form_of(path):
            yield place


def _by_blob(evidence: Mapping[str, Evidence]) -> Mapping[str, list[str]]:
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(evidence):
        places[evidence[path].document.blob].append(path)
    return dict(places)


def to_adopted(claim: Claim, ours: Binding) -> RemoteFile:
    """The copy of a claim with our mark, and all else it says of itself as it was.

    What the original said goes: a copy has room for few attributes.
    """
    given = claim.file.attributes
    kept = {} if is_original(given) else given
    attributes = {
        **kept,
        "path": claim.path,
        "vn_key": path_key(claim.path),
        **ours.ownership,
    }
    return replace(claim.file, attributes=attributes)
