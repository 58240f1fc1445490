"""Commits and what a clone lacks of them: told apart by age, fetched when they are needed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from vectornator.errors import StateError
from vectornator.git import Repository
from vectornator.git.objects import Kind, MissingObject, Oid, parse_commit
from vectornator.git.remote import Remote
from vectornator.git.repository import Relation

IsAncestor: TypeAlias = Callable[[Oid, Oid], bool | None]
"""Asks somebody else whether one commit is an ancestor of another; None if they can't tell."""


def ask_nobody(_one: Oid, _other: Oid) -> bool | None:
    """Leave the question open: an `IsAncestor` for where git is all there is."""
    return None


@dataclass(frozen=True, slots=True)
class Commits:
    """The commits of a repository, and through `find_remote` those it was not cloned with.

    What is fetched stays in memory; the remote is opened only when something is missing.
    """

    repository: Repository
    find_remote: Callable[[], Remote | None]
    is_ancestor: IsAncestor = ask_nobody

    def is_older(self, one: Oid, other: Oid) -> bool:
        """Tell whether commit `one` is an ancestor of `other`, as far as anybody can tell.

        A shallow clone knows too little: the remote is asked for what `other` has beyond
        `one`, commits only. Somewhere in there, `one` is a parent if it is an ancestor.
        """
        relation = self.repository.relate(one, other)
        if relation is not Relation.UNKNOWN:
            return relation is Relation.ANCESTOR
        if other in self.repository.read_commit(one).parents:
            return False
        remote = self.find_remote()
        if remote is None:
            return bool(self.is_ancestor(one, other))
        try:
            beyond = remote.fetch([other], haves=[one], filter_spec="tree:0")
        except MissingObject:
            # History was rewritten and the other commit is gone, unless the forge still has it.
            return bool(self.is_ancestor(one, other))
        return any(
            one in parse_commit(oid.hex(), content).parents
            for oid, (kind, content) in beyond.items()
            if kind == Kind.COMMIT
        )

    def has(self, commit: Oid) -> bool:
        """Tell whether a commit is at hand."""
        return self.repository.store.has(bytes.fromhex(commit))

    def fetch(self, commit: Oid) -> None:
        """See to it that a commit and its trees are at hand. Raises `StateError`."""
        if not self.has(commit) and (remote := self.find_remote()):
            self.repository.store.add(remote.fetch([commit], depth=1, filter_spec="blob:none"))

    def try_fetch(self, commit: Oid) -> bool:
        """Fetch a commit as `fetch` does; False when it can't be had."""
        try:
            self.fetch(commit)
        except (StateError, MissingObject):
            return False
        return self.has(commit)

    def fetch_base(self, base: Oid, commit: Oid) -> bool:
        """Fetch the trees of `base` that `commit` does not have; False when they can't be had."""
        remote = self.find_remote()
        if remote is None:
            return False
        try:
            objects = remote.fetch(
                [base],
                haves=[commit],
                shallow=[commit],
                depth=1,
                filter_spec="blob:none",
                base=self.repository.store.read,
            )
        except (StateError, MissingObject):
            return False
        self.repository.store.add(objects)
        return True

    def fetch_blobs(self, blobs: Iterable[Oid]) -> None:
        """Fetch the contents that a partial clone left out, in one request."""
        store = self.repository.store
        missing = [blob for blob in sorted(set(blobs)) if not store.has(bytes.fromhex(blob))]
        if missing and (remote := self.find_remote()):
            store.add(remote.fetch(missing))
