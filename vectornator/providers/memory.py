"""A store in memory: the reference that every test is run against."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from vectornator.errors import Fatal, Rejected
from vectornator.model import Condition, Document, Entry, Hit, RemoteFile
from vectornator.providers.base import BaseVectorStoreProvider, ProviderConfig
from vectornator.providers.marking import change_words


@dataclass(frozen=True, slots=True)
class Copy:
    """One stored copy, content and all."""

    file: RemoteFile
    content: bytes


@dataclass(slots=True)
class Shelf:
    """One store: its copies by id, oldest first, and its mark."""

    copies: dict[str, Copy] = field(default_factory=dict)
    mark: Mapping[str, str] = field(default_factory=dict)


class MemoryStore:
    """The far side: what a server would keep, shared by the providers that are given it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.numbers = count(1)
        """Numbers for ids; never the same twice, so that ids aren't either."""

        self.shelves: dict[str, Shelf] = {}
        """The stores by id."""

        self.calls: list[tuple[str, str]] = []
        """Every call made, in order: its method, and the path, id or name it was about."""

    def contents(self, store_id: str) -> dict[str, bytes]:
        """The content of every copy in a store by its path; the newest copy of each wins."""
        with self.lock:
            return {c.file.path: c.content for c in self.shelves[store_id].copies.values()}


class MemoryProvider(BaseVectorStoreProvider):
    """Keeps copies in a `MemoryStore`, its own unless one is given."""

    name = "memory"

    def __init__(self, store: MemoryStore | None = None, *, is_shared: bool = True) -> None:
        super().__init__()
        self.store = store or MemoryStore()
        self.is_shared = is_shared
        self._store_id = ""

    def initialize(self, config: ProviderConfig) -> None:
        """Keep the settings; there are no options."""
        super().initialize(config)
        self._store_id = config.store_id

    @property
    def store_id(self) -> str:
        """The id of the store in use; empty as long as there is none."""
        return self._store_id

    def verify_store(self) -> bool:
        """Tell whether the store in use exists."""
        with self.store.lock:
            self._note("verify_store", self._store_id)
            return self._store_id in self.store.shelves

    def create_store(self, name: str) -> str:
        """Create an empty store; its name is forgotten."""
        with self.store.lock:
            self._note("create_store", name)
            self._store_id = f"store-{next(self.store.numbers)}"
            self.store.shelves[self._store_id] = Shelf()
            return self._store_id

    def list_files(self) -> Iterator[RemoteFile]:
        """Yield the copies there were when the listing began, oldest first."""
        with self.store.lock:
            self._note("list_files")
            files = [copy.file for copy in self._shelf().copies.values()]
        yield from files

    def upload_file(self, document: Document, content: bytes, metadata: Mapping[str, str]) -> str:
        """Store a copy under a new id; it can be found at once."""
        with self.store.lock:
            self._note("upload_file", document.path)
            return self._add(content, metadata)

    def update_file(
        self, entry: Entry, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> str:
        """Store a new copy and leave the old one to the caller."""
        del entry
        with self.store.lock:
            self._note("update_file", document.path)
            return self._add(content, metadata)

    def delete_file(self, file_id: str) -> None:
        """Remove one copy, if it is there."""
        with self.store.lock:
            self._note("delete_file", file_id)
            self._shelf().copies.pop(file_id, None)

    def search(self, query: str, limit: int, where: Sequence[Condition] = ()) -> list[Hit]:
        """Find copies by the words they share with `query`, ignoring case; score by how many."""
        wanted = set(query.casefold().split())
        with self.store.lock:
            self._note("search")
            hits = [
                _to_hit(copy, wanted)
                for copy in self._shelf().copies.values()
                if all(condition.is_met(copy.file.attributes) for condition in where)
            ]
        found = sorted((hit for hit in hits if hit.score), key=lambda hit: -hit.score)
        return found[:limit]

    def search_by_metadata(self, wanted: Mapping[str, str]) -> Iterator[RemoteFile]:
        """Yield every copy whose attributes include all of `wanted`."""
        with self.store.lock:
            self._note("search_by_metadata")
            files = [copy.file for copy in self._shelf().copies.values()]
        yield from (file for file in files if wanted.items() <= file.attributes.items())

    def describe_file(self, file_id: str) -> RemoteFile | None:
        """Look one copy up."""
        with self.store.lock:
            self._note("describe_file", file_id)
            copy = self._shelf().copies.get(file_id)
            return copy.file if copy else None

    def change_attributes(self, file_id: str, metadata: Mapping[str, str]) -> None:
        """Replace all attributes of one copy."""
        with self.store.lock:
            self._note("change_attributes", file_id)
            copies = self._shelf().copies
            if file_id not in copies:
                raise Rejected(f"There is no copy {file_id!r} in store {self._store_id!r}.")
            file = replace(copies[file_id].file, attributes=dict(metadata))
            copies[file_id] = replace(copies[file_id], file=file)

    def read_mark(self) -> Mapping[str, str]:
        """Return the last mark written."""
        with self.store.lock:
            self._note("read_mark")
            return self._shelf().mark

    def change_mark(
        self, name: str, change: Callable[[str], str], *, must_stay: bool = False
    ) -> str:
        """Change the words under a name at one stroke."""
        del must_stay
        with self.store.lock:
            mark = self.read_mark()
            changed = change_words(mark, name, change)
            if changed != mark:
                self._note("write_mark")
                self._shelf().mark = changed
        return changed.get(name, "")

    def delete_store(self) -> None:
        """Forget the store in use."""
        with self.store.lock:
            self._note("delete_store", self._store_id)
            self.store.shelves.pop(self._store_id, None)

    def _note(self, method: str, subject: str = "") -> None:
        self.store.calls.append((method, subject))

    def _shelf(self) -> Shelf:
        try:
            return self.store.shelves[self._store_id]
        except KeyError:
            raise Fatal(
                f"There is no store {self._store_id!r} in memory. Create one first.",
                reason="store-not-found",
            ) from None

    def _add(self, content: bytes, metadata: Mapping[str, str]) -> str:
        shelf = self._shelf()
        number = next(self.store.numbers)
        file = RemoteFile(f"file-{number}", dict(metadata), len(content), float(number))
        shelf.copies[file.file_id] = Copy(file, content)
        return file.file_id


def _to_hit(copy: Copy, wanted: set[str]) -> Hit:
    text = copy.content.decode(errors="replace")
    score = len(wanted & set(text.casefold().split()))
    return Hit(copy.file.path, float(score), text, file_id=copy.file.file_id)
