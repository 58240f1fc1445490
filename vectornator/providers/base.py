"""The contract between the engine and a vector store, and the abilities a store may add to it.

Every sentence of these docstrings is checked by `vectornator.testing.ProviderSuite`.
A provider is finished when it passes.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol, runtime_checkable

from vectornator.errors import ProviderError
from vectornator.model import Condition, Document, Entry, Hit, RemoteFile


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """What a provider is told when it is opened."""

    store_id: str = ""
    """The store to use; empty when the user named none."""

    api_key: str = field(default="", repr=False)
    """The credential, or empty; never shown."""

    root: Path = field(default_factory=Path.cwd)
    """The root of the source, for providers that keep their store beside it."""

    concurrency: int = 4
    """How many calls the engine makes at once."""

    options: Mapping[str, str] = field(default_factory=dict)
    """Anything else, by name; each provider says which names it knows."""

    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The variables of the run, for credentials that a CI hands its jobs; never shown."""

    wait: Callable[[float], None] = time.sleep
    """Lets seconds pass while the store is at work; from any thread, and may raise to end it."""


@runtime_checkable
class VectorStoreProvider(Protocol):
    """A store that can hold documents.

    Methods block, and may be called from several threads at once after `initialize`
    has returned. They raise only `ProviderError`: `Transient` if the same call may
    work later, `Rejected` if this document never will, `Fatal` if nothing will. They
    never retry, sleep or log; the layers in `providers.layers` do that for every
    provider alike. One whose store needs time to index what it was given waits by
    `config.wait`.
    """

    name: str
    """The name it is registered under."""

    is_shared: bool
    """False for a store that only this machine has: its ledger is then never pushed."""

    def initialize(self, config: ProviderConfig) -> None:
        """Take the settings and open what must be open; no store is created or changed.

        Raises `Fatal` when a setting is missing or wrong: `WrongOption` where the user gave it.
        """

    @property
    def store_id(self) -> str:
        """The id of the store in use; empty as long as there is none."""

    @property
    def fingerprint(self) -> str:
        """Changes exactly when the same bytes would now be stored differently.

        A new chunk size or embedding model changes it; a new API key does not. Nor does what
        attributes alone depend on, where `ChangesAttributes` can catch up on that. At most
        16 characters, so that it fits in an attribute beside others.
        """

    def verify_store(self) -> bool:
        """Tell whether the store exists and can be used; changes nothing.

        False means that there is no such store; an unusable one raises `Fatal`, one that has
        lost what it held `Expired`.
        """

    def create_store(self, name: str) -> str:
        """Create a store called `name`, use it from now on, and return its id."""

    def list_files(self) -> Iterator[RemoteFile]:
        """Yield every copy in the store, foreign ones too, each exactly once.

        A listing that can't be completed raises; it never just ends early.
        """

    def upload_file(self, document: Document, content: bytes, metadata: Mapping[str, str]) -> str:
        """Store `content` with `metadata` and return its new id once a search can find it.

        An id is never used twice, not even after its copy was deleted.
        """

    def update_file(
        self, entry: Entry, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> str:
        """Store `content` in place of the copy `entry` names and return the NEW id.

        The document can be found at every moment: by its old copy until the new one is
        searchable. The old copy may or may not be gone on return; the caller deletes it.
        When this raises, the old copy still serves.
        """

    def delete_file(self, file_id: str) -> None:
        """Remove one copy. Removing one that is already gone is not an error."""

    def enrich_metadata(
        self, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Return `metadata` with whatever this provider wants to add for a document.

        The keys it was given come back with the values they had.
        """

    def cleanup(self) -> None:
        """Close what `initialize` opened. May be called twice."""


class BaseVectorStoreProvider:
    """A starting point for providers: everything that has a sensible default."""

    name = ""
    is_shared = True

    def __init__(self) -> None:
        self.config = ProviderConfig()

    def initialize(self, config: ProviderConfig) -> None:
        """Keep the settings."""
        self.config = config

    @property
    def store_id(self) -> str:
        """The store that the user named."""
        return self.config.store_id

    @property
    def fingerprint(self) -> str:
        """The provider's name: stored bytes never depend on a setting."""
        return self.name[:16]

    @property
    def attribute_rules(self) -> str:
        """Nothing: attributes never depend on a setting."""
        return ""

    def form_of(self, path: str) -> str:
        """The suffix: it is what most stores tell the type of a document by."""
        return PurePosixPath(path).suffix.lower()

    def enrich_metadata(
        self, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Add nothing."""
        del document, content
        return metadata

    def cleanup(self) -> None:
        """Nothing is open."""


@runtime_checkable
class Searches(Protocol):
    """An ability: find passages."""

    def search(self, query: str, limit: int, where: Sequence[Condition] = ()) -> list[Hit]:
        """Return at most `limit` passages that answer `query`, best first.

        Only copies whose attributes meet every condition of `where` take part.
        """


@runtime_checkable
class SearchesMetadata(Protocol):
    """An ability: find copies by what their attributes say."""

    def search_by_metadata(self, wanted: Mapping[str, str]) -> Iterator[RemoteFile]:
        """Yield every copy whose attributes include all of `wanted`."""


@runtime_checkable
class DescribesFiles(Protocol):
    """An ability: look one copy up without listing all of them."""

    def describe_file(self, file_id: str) -> RemoteFile | None:
        """Return the copy as a listing would show it, or None when there is none."""


@runtime_checkable
class ChangesAttributes(Protocol):
    """An ability: change what is known about a copy without storing its content again.

    Documents that moved, or whose attributes follow new rules, are then not uploaded.
    """

    @property
    def attribute_rules(self) -> str:
        """Changes exactly when `enrich_metadata` would now give the same document others.

        At most 16 characters.
        """

    def form_of(self, path: str) -> str:
        """Tell what the stored bytes depend on of a document's path, such as its type.

        Between paths of equal form a copy may move by its attributes alone.
        """

    def change_attributes(self, file_id: str, metadata: Mapping[str, str]) -> None:
        """Replace all attributes of a copy. Raises `Rejected` when there is no such copy."""


@runtime_checkable
class MarksStore(Protocol):
    """An ability: keep a few words in the store itself, under one name for each target."""

    def read_mark(self) -> Mapping[str, str]:
        """Return what is kept, by name; empty when there is nothing."""

    def change_mark(
        self, name: str, change: Callable[[str], str], *, must_stay: bool = False
    ) -> str:
        """Keep under `name` what `change` makes of the words that are there, and return it.

        Words that come out empty are removed; those under other names stay. Several runs may do
        this at once: a store that can't change its mark at one stroke makes sure afterwards,
        if the words `must_stay`, that no other run has written over them, and calls `change`
        again if one has. What it makes of its own words is the same.
        """


@runtime_checkable
class DeletesStore(Protocol):
    """An ability: remove the store itself."""

    def delete_store(self) -> None:
        """Remove the store and every copy in it; `verify_store` is then False."""


@runtime_checkable
class FindsStore(Protocol):
    """An ability: find a store by the name it was created with.

    Of several stores of a name that runs created, one that something was put into goes before those
    that nothing was, and of such the oldest counts: runs that create one at the same moment end at
    one.
    """

    @property
    def store_name(self) -> str:
        """What the store that was verified last is called; empty where that is not known."""

    def use_store(self, name: str) -> str:
        """Use the store called `name` from now on and return its id; empty if there is none.

        Raises `Fatal` when several count.
        """

    def settle_store(self, name: str) -> str:
        """Like `use_store`, a second after creating one: where another counts, that is removed."""


@runtime_checkable
class StagesFiles(Protocol):
    """An ability: store documents in steps, so that many share the calls of the later ones.

    `stage_file` sends the content of one document, `attach_files` puts many into the store,
    `settle_files` tells what became of them, `sweep_files` comes last. A staged copy is removed
    with `delete_file`.
    """

    @property
    def attach_limit(self) -> int:
        """How many copies `attach_files` takes at once; may change from call to call."""

    def stage_file(self, document: Document, content: bytes, metadata: Mapping[str, str]) -> str:
        """Send `content`, and return the id its copy will have; no search finds it yet.

        A call that is repeated after `Transient` leaves no second copy behind.
        """

    def attach_files(self, copies: Mapping[str, Mapping[str, str]]) -> str:
        """Put staged copies into the store, each id with its metadata; return a ticket.

        A call that is repeated after `Transient` goes on where the last one failed.
        """

    def settle_files(self, ticket: str) -> Mapping[str, ProviderError | None]:
        """Tell what became of attached copies, by id: None once a search can find it.

        A copy that the store is still at work on is left out. `Transient` means that the
        document may be accepted when it is staged anew, `Rejected` that it never will be.
        """

    def sweep_files(self) -> None:
        """Remove what stagings whose answer was lost left behind; ask nothing if none was."""


@dataclass(frozen=True, slots=True)
class Stray:
    """Something that was sent to the service and is not in the store."""

    file_id: str
    name: str
    """What the service calls it."""

    size: int = 0
    """In bytes; 0 where the service does not say."""

    created_at: float = 0.0
    """Seconds since the epoch; 0 where the service does not say."""

    is_ours: bool = False
    """Whether it is proved to have been staged for copies of our ownership mark in this store."""


@runtime_checkable
class FindsStrays(Protocol):
    """An ability: find what was sent to the service and is not in the store."""

    def find_strays(self, metadata: Mapping[str, str], kept: Collection[str]) -> Iterator[Stray]:
        """Yield what is not in the store in use, ours and others'; changes nothing.

        `metadata` holds the ownership mark, `kept` the ids of all copies in the store. What
        another run is staging at this moment is a stray too. What is not ours may be in another
        store.
        """

    def remove_stray(self, file_id: str) -> None:
        """Remove a stray of ours, unless it is in the store by now.

        The look and the removal follow each other at once, also where the call is repeated: a run
        that puts the stray into the store between them finds it gone a moment later.
        """

    def find_held(self) -> Collection[str]:
        """Return the ids of everything that is in any store; takes a listing of each."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Calls that a service counts together, and how many of them are made in any minute."""

    methods: frozenset[str]
    """Their names in the contract."""

    calls: int
    """The most calls in a minute; leave some of what the service allows to others."""

    copies: int = 0
    """The most copies in a minute, where a call is about many; 0 for no limit."""


@runtime_checkable
class CountsFiles(Protocol):
    """An ability: tell how many copies the store takes itself to hold, without a listing."""

    def count_files(self) -> int:
        """Return the store's own count; it may lag behind, or outlive, what a listing shows."""


@runtime_checkable
class CountsRequests(Protocol):
    """An ability: tell how many requests all calls together took; else a call counts as one."""

    @property
    def requests(self) -> int:
        """How many were sent since `initialize`; may be read while calls are under way."""


@runtime_checkable
class LimitsRates(Protocol):
    """An ability: know how many calls of a kind the service takes in a minute."""

    @property
    def buckets(self) -> Sequence[Bucket]:
        """Each method is in one of them at most; those in none share a bucket without a limit."""
