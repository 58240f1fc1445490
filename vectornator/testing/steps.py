"""What the tests of the provider suite have in common: storing, listing, watching."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NoReturn, Self, TypeAlias, TypeVar, cast

import pytest

from vectornator.errors import Rejected
from vectornator.model import Binding, Document, Entry, RemoteFile
from vectornator.providers.base import (
    DeletesStore,
    FindsStrays,
    Searches,
    StagesFiles,
    VectorStoreProvider,
)
from vectornator.providers.patience import Patience, await_files

T = TypeVar("T")

OpenProvider: TypeAlias = Callable[..., VectorStoreProvider]
"""Makes a provider and initialises it: the first argument is the store id, if there is one;
keyword arguments replace other fields of the config."""

BINDING = Binding("example.org/suite", "default")
"""The ownership mark of everything the suite stores."""

TEXT = b"The wombat digs its burrow at night.\n"
"""What a document says unless a test needs something else."""


def make_document(path: str, content: bytes) -> Document:
    """Describe `content` as the source would."""
    header = f"blob {len(content)}\0".encode()
    return Document(
        path,
        blob=hashlib.sha1(header + content, usedforsecurity=False).hexdigest(),
        size=len(content),
        hash=hashlib.sha256(content).hexdigest(),
    )


def to_entry(file_id: str, document: Document) -> Entry:
    """The entry of a copy that holds `document`."""
    return Entry(file_id, document.hash or "", document.blob, document.size or 0, 1, "suite")


def attributes(provider: VectorStoreProvider, path: str, content: bytes = TEXT) -> dict[str, str]:
    """The attributes that the engine gives a document."""
    return BINDING.attributes(make_document(path, content), provider.fingerprint)


def store(provider: VectorStoreProvider, path: str, content: bytes = TEXT) -> str:
    """Upload a document as the engine does, and return the new id."""
    document = make_document(path, content)
    return provider.upload_file(document, content, attributes(provider, path, content))


def stage(provider: StagesFiles, path: str, content: bytes = TEXT) -> tuple[str, dict[str, str]]:
    """Send a document without putting it into the store; return its id and its attributes."""
    document = make_document(path, content)
    metadata = BINDING.attributes(document, "suite")
    return provider.stage_file(document, content, metadata), metadata


def attach(provider: StagesFiles, copies: Mapping[str, Mapping[str, str]]) -> None:
    """Put staged copies into the store, and wait until a search finds them."""
    ticket = provider.attach_files(copies)
    settled = await_files(
        lambda: provider.settle_files(ticket), copies, patience=Patience(), wait=time.sleep
    )
    assert dict.fromkeys(copies) == settled


def find_stray(provider: FindsStrays, file_id: str, ownership: Mapping[str, str]) -> bool | None:
    """Tell whether a stray is of an ownership mark; None if there is no such stray."""
    strays = provider.find_strays(ownership, ())
    return next((stray.is_ours for stray in strays if stray.file_id == file_id), None)


def update(provider: VectorStoreProvider, file_id: str, path: str, content: bytes) -> str:
    """Update a document as the engine does, and return the new id."""
    document = make_document(path, content)
    entry = to_entry(file_id, make_document(path, TEXT))
    return provider.update_file(entry, document, content, attributes(provider, path, content))


def move(provider: VectorStoreProvider, file_id: str, path: str) -> str:
    """Store a document at `path`, remove the copy `file_id`, and return the new id."""
    new = store(provider, path)
    provider.delete_file(file_id)
    return new


def listing(provider: VectorStoreProvider) -> dict[str, RemoteFile]:
    """List the store, by id."""
    return {file.file_id: file for file in provider.list_files()}


def remove_store(provider: VectorStoreProvider) -> None:
    """Delete the store in use if the provider can."""
    if isinstance(provider, DeletesStore):
        provider.delete_store()


def is_found(provider: VectorStoreProvider, path: str, word: str) -> bool:
    """Tell whether a search for `word` finds `path`, or a listing where nothing searches."""
    if isinstance(provider, Searches):
        return any(hit.path == path for hit in provider.search(word, 10))
    return any(file.path == path for file in provider.list_files())


def needs(provider: VectorStoreProvider, ability: Callable[..., T]) -> T:
    """Return the provider as one that has `ability`; skip the test when it hasn't."""
    protocol = cast("type[Any]", ability)
    if not isinstance(provider, protocol):
        pytest.skip(f"{provider.name} has not the ability {protocol.__name__}")
    return cast("T", provider)


def in_threads(function: Callable[[int], T], times: int) -> list[T]:
    """Call `function` with each number below `times` on eight threads; results in order."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(function, range(times)))


class Watch:
    """Looks for a document all the time, on a thread of its own, while the block runs."""

    def __init__(self, provider: VectorStoreProvider, path: str, word: str) -> None:
        self.misses = 0
        """How often the document was not found."""

        self._look: Callable[[], bool] = lambda: is_found(provider, path, word)
        self._is_over = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self._looking: Future[None] = Future()

    def __enter__(self) -> Self:
        """Begin to look."""
        self._looking = self._pool.submit(self._look_around)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking; raises what went wrong while looking."""
        self._is_over.set()
        self._pool.shutdown()
        self._looking.result()

    def _look_around(self) -> None:
        while True:
            # A listing that an update overtakes may show neither copy: look twice.
            self.misses += not (self._look() or self._look())
            if self._is_over.is_set():
                return


class Unreadable(Mapping[str, str]):
    """Metadata that raise `Rejected` when they are read: an upload that fails half-way."""

    def __getitem__(self, key: str) -> str:
        """Refuse."""
        self._refuse()

    def __iter__(self) -> Iterator[str]:
        """Refuse."""
        self._refuse()

    def __len__(self) -> int:
        """Claim not to be empty, so that nobody skips reading it."""
        return 1

    def _refuse(self) -> NoReturn:
        raise Rejected("These metadata can't be read.")
