"""What a notes ref leads to: objects, fetched when needed and judged before they are used."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from vectornator.errors import SourceError, StateUnreadable
from vectornator.git.objects import Commit, Kind, Oid, Stored, parse_commit
from vectornator.git.remote import Remote
from vectornator.git.repository import Repository
from vectornator.git.wire import PackedObject, SizeLimits
from vectornator.state.forms import MAX_BYTES, START_OVER

SIZES = SizeLimits(pack=64 << 20, item=MAX_BYTES, growth=32)
"""How much a remote may send of the state: hashes don't pack well, so what grows is no ledger."""


class Objects:
    """The objects below one ref, of a remote or of this repository alone.

    What is fetched stays in memory. Whatever is not as it should be is `StateUnreadable`, with
    the way out.
    """

    def __init__(self, repository: Repository, ref: str, remote: Remote | None) -> None:
        self._repository = repository
        self._ref = ref
        self._remote = remote

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Let whatever is damaged below the ref be an error of the state."""
        try:
            yield
        except SourceError as error:
            raise StateUnreadable(f"{self._ref} can't be read: {error} {START_OVER}") from error

    def read(self, oid: bytes) -> Stored:
        """An object that is not too large, which is known before it is inflated."""
        size = self._repository.store.size(oid)
        if size > MAX_BYTES:
            raise StateUnreadable(
                f"{self._ref} holds an object of {size} bytes; {MAX_BYTES} is the limit. Nothing "
                f"was changed. {START_OVER}"
            )
        return self._repository.store.read(oid)

    def read_blob(self, oid: bytes) -> bytes:
        """The content of a blob that is at hand."""
        return self._read_as(Kind.BLOB, oid)

    def read_commit(self, oid: Oid) -> Commit:
        """A commit, fetched without its tree where it is not at hand."""
        raw = bytes.fromhex(oid)
        if not self.has(raw):
            self.fetch([oid], depth=1, filter_spec="tree:0")
        return parse_commit(oid, self._read_as(Kind.COMMIT, raw))

    def _read_as(self, kind: Kind, oid: bytes) -> bytes:
        found, content = self.read(oid)
        if found != kind:
            raise StateUnreadable(
                f"{self._ref} leads to something that is no {kind.name.lower()}. Nothing was "
                f"changed. {START_OVER}"
            )
        return content

    def has(self, oid: bytes) -> bool:
        """Tell whether an object is at hand."""
        return self._repository.store.has(oid)

    def add(self, objects: Iterable[PackedObject]) -> None:
        """Keep objects at hand."""
        self._repository.store.add({item.oid: (item.kind, item.content) for item in objects})

    def fetch_trees(self, tip: Oid, tree: bytes) -> None:
        """See to it that all trees of a commit are at hand."""
        if not self.has(tree):
            self.fetch([tip], depth=1, filter_spec="blob:none")

    def fetch_blobs(self, oids: Iterable[bytes]) -> None:
        """See to it in one request that blobs are at hand."""
        missing = {oid for oid in oids if not self.has(oid)}
        if missing:
            self.fetch([oid.hex() for oid in sorted(missing)])

    def fetch(self, wants: list[Oid], *, depth: int | None = None, filter_spec: str = "") -> None:
        """Fetch what `wants` lead to; `depth` and `filter_spec` are git's own."""
        if self._remote is None:
            raise StateUnreadable(
                f"{self._ref} is incomplete in this repository: {wants[0]} is missing. "
                f"Fetch the ref again. {START_OVER}"
            )
        objects = self._remote.fetch(
            wants, depth=depth, filter_spec=filter_spec, base=self.read, sizes=SIZES
        )
        self._repository.store.add(objects)
