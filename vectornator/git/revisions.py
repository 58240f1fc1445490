"""Finds the commit that a revision names, by the rules of gitrevisions(7)."""

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from vectornator.errors import SourceError
from vectornator.git.objects import Commit, Kind, Oid, parse_commit
from vectornator.git.store import ObjectStore

_SHAPE = re.compile(
    r"(?!-)([^~^:\\*?\[\s\x00-\x1f\x7f]+)((?:~[0-9]{0,9}|\^[0-9]{0,9}|\^\{(?:commit)?\})*)"
)
"""A name and the steps to take from it."""

_STEP = re.compile(r"([~^])([0-9]*)(\{)?")
_ID = re.compile(r"[0-9a-f]{40}")
_ABBREVIATION = re.compile(r"(?:.+-g)?([0-9a-f]{4,40})")
"""Some digits of an id, perhaps at the end of what `git describe` prints."""

_PLACES = ("refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")
_TOP = re.compile(r"refs/.+|[A-Z_]+")
"""A ref that is named in full; anything else outside refs/ is a file that is none."""

ReadRef: TypeAlias = Callable[[str], Oid | None]
"""The object a ref is on; None when there is no such ref."""


class UnknownRevision(SourceError):
    """A revision that names no commit of the repository."""

    def __init__(self, revision: str, reason: str, *, is_shallow: bool = False) -> None:
        hint = " This clone is shallow: fetch more of its history." if is_shallow else ""
        super().__init__(f"{revision!r} {reason}{hint}")


class Finder:
    """Looks revisions up in one repository."""

    def __init__(self, store: ObjectStore, read_ref: ReadRef, *, is_shallow: bool) -> None:
        self._store = store
        self._read_ref = read_ref
        self._is_shallow = is_shallow

    def find(self, revision: str) -> Oid:
        """The id of the commit that `revision` names. Raises `SourceError`.

        That is a branch, a tag, another ref, or an id, which may be abbreviated, and after it
        any of `~N`, `^N`, `^{}` and `^{commit}`.
        """
        shape = _SHAPE.fullmatch(revision)
        if shape is None or "@{" in revision:
            raise UnknownRevision(
                revision,
                "is no revision that can be synced. Give a branch, a tag or the id of a commit, "
                "or one of these with ~N or ^N behind it.",
            )
        commit = self._peel(self._find_object(shape[1], revision), revision)
        for sign, digits, brace in _STEP.findall(shape[2]):
            number = int(digits or "1")
            if sign == "~":
                for _ in range(number):
                    commit = self._find_parent(commit, 1, revision)
            elif number and not brace:
                commit = self._find_parent(commit, number, revision)
        return commit.oid

    def _find_object(self, name: str, revision: str) -> Oid:
        if _ID.fullmatch(name.lower()):
            return name.lower()
        name = "HEAD" if name == "@" else name
        places = [place.format(name) for place in _PLACES]
        for place in [name, *places] if _TOP.fullmatch(name) else places:
            if oid := self._read_ref(place):
                return oid
        if digits := _ABBREVIATION.fullmatch(name.lower()):
            return self._complete(digits[1], revision)
        raise self._explain(revision)

    def _complete(self, digits: str, revision: str) -> Oid:
        """The only commit, or tag of a commit, whose id starts with some digits."""
        found = sorted(self._list_commits(digits))
        if len(found) > 1:
            raise UnknownRevision(revision, f"fits several commits: {', '.join(found[:4])}.")
        if not found:
            raise self._explain(revision)
        return found[0]

    def _list_commits(self, digits: str) -> Iterator[Oid]:
        for oid in self._store.list_ids(digits):
            if self._store.read(oid)[0] in {Kind.COMMIT, Kind.TAG}:
                yield oid.hex()

    def _find_parent(self, commit: Commit, number: int, revision: str) -> Commit:
        if len(commit.parents) < number:
            raise UnknownRevision(
                revision, f"goes beyond commit {commit.oid[:10]}, which has no such parent."
            )
        return self._peel(commit.parents[number - 1], revision)

    def _peel(self, oid: Oid, revision: str) -> Commit:
        """The commit that an object is, or that a tag is of."""
        if not self._store.has(bytes.fromhex(oid)):
            raise self._explain(revision)
        kind, content = self._store.read(bytes.fromhex(oid))
        if kind == Kind.COMMIT:
            return parse_commit(oid, content)
        tagged = content[7:47].decode("ascii", "replace")
        if kind == Kind.TAG and _ID.fullmatch(tagged):
            return self._peel(tagged, revision)
        raise UnknownRevision(
            revision, f"is a {Kind(kind).name.lower()}, not a commit. Give a commit to sync."
        )

    def _explain(self, revision: str) -> UnknownRevision:
        return UnknownRevision(
            revision,
            "names no commit of this repository. Check the spelling, or fetch the branch or tag "
            "first.",
            is_shallow=self._is_shallow,
        )
