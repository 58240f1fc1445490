"""A provider around a provider: what every layer and every fault is made of."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, NamedTuple, Self, TypeVar, cast

from vectornator.errors import ProviderError
from vectornator.model import Condition, Document, Entry, Hit, RemoteFile
from vectornator.providers.base import (
    Bucket,
    ChangesAttributes,
    CountsFiles,
    CountsRequests,
    DeletesStore,
    DescribesFiles,
    FindsStore,
    FindsStrays,
    LimitsRates,
    MarksStore,
    ProviderConfig,
    Searches,
    SearchesMetadata,
    StagesFiles,
    Stray,
    VectorStoreProvider,
)

T = TypeVar("T")
Listed = TypeVar("Listed", RemoteFile, Stray)
"""What a listing yields: told apart by its `file_id`."""


class Call(NamedTuple):
    """One call of the contract on its way to the store."""

    method: str
    """Its name in the contract."""

    subject: str = ""
    """The document's path or the copy's id; empty when the call is about the whole store."""

    copies: int = 1
    """How many copies it is about, as far as a service may count them."""


class Layer:
    """A provider that passes every call on to `inner`, with something done around it.

    A layer overrides `during`; one that repeats calls overrides `around` and
    `around_listing`. Calls that reach the store go through these; opening, closing and
    enriching are the provider's own affair and pass untouched.

    A layer has exactly the abilities of what it is put around, so `isinstance` answers
    for both alike. They are real methods of a class made for the purpose, because since
    Python 3.12 a Protocol no longer sees what `__getattr__` provides.
    """

    def __new__(cls, inner: VectorStoreProvider, *_args: object, **_kwargs: object) -> Self:
        """Make an instance of this layer that has the abilities of `inner`."""
        abilities = tuple(part for ability, part in _ABILITIES if isinstance(inner, ability))
        shape = _add_abilities(cls, abilities)  # type: ignore[arg-type]  # classes are hashable
        return super().__new__(cast("type[Self]", shape))

    def __init__(self, inner: VectorStoreProvider) -> None:
        self.inner = inner
        self.name = inner.name
        self.is_shared = inner.is_shared

    def during(self, call: Call) -> AbstractContextManager[object]:
        """What surrounds one call; for a listing, from its first item asked for to its last."""
        del call
        return nullcontext()

    def around(self, call: Call, run: Callable[[], T]) -> T:
        """Carry out one call."""
        with self.during(call):
            return run()

    def around_listing(self, call: Call, start: Callable[[], Iterator[Listed]]) -> Iterator[Listed]:
        """Carry out one call that yields copies or strays."""
        with self.during(call):
            yield from start()

    def initialize(self, config: ProviderConfig) -> None:
        """See the contract."""
        self.inner.initialize(config)

    @property
    def store_id(self) -> str:
        """See the contract."""
        return self.inner.store_id

    @property
    def fingerprint(self) -> str:
        """See the contract."""
        return self.inner.fingerprint

    def verify_store(self) -> bool:
        """See the contract."""
        return self.around(Call("verify_store"), self.inner.verify_store)

    def create_store(self, name: str) -> str:
        """See the contract."""
        return self.around(Call("create_store", name), lambda: self.inner.create_store(name))

    def list_files(self) -> Iterator[RemoteFile]:
        """See the contract."""
        return self.around_listing(Call("list_files"), self.inner.list_files)

    def upload_file(self, document: Document, content: bytes, metadata: Mapping[str, str]) -> str:
        """See the contract."""
        call = Call("upload_file", document.path)
        return self.around(call, lambda: self.inner.upload_file(document, content, metadata))

    def update_file(
        self, entry: Entry, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> str:
        """See the contract."""
        call = Call("update_file", document.path)
        return self.around(call, lambda: self.inner.update_file(entry, document, content, metadata))

    def delete_file(self, file_id: str) -> None:
        """See the contract."""
        self.around(Call("delete_file", file_id), lambda: self.inner.delete_file(file_id))

    def enrich_metadata(
        self, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> Mapping[str, str]:
        """See the contract."""
        return self.inner.enrich_metadata(document, content, metadata)

    def cleanup(self) -> None:
        """See the contract."""
        self.inner.cleanup()


class _Searches(Layer):
    def search(self, query: str, limit: int, where: Sequence[Condition] = ()) -> list[Hit]:
        inner = cast("Searches", self.inner)
        return self.around(Call("search"), lambda: inner.search(query, limit, where))


class _SearchesMetadata(Layer):
    def search_by_metadata(self, wanted: Mapping[str, str]) -> Iterator[RemoteFile]:
        inner = cast("SearchesMetadata", self.inner)
        call = Call("search_by_metadata")
        return self.around_listing(call, lambda: inner.search_by_metadata(wanted))


class _DescribesFiles(Layer):
    def describe_file(self, file_id: str) -> RemoteFile | None:
        inner = cast("DescribesFiles", self.inner)
        return self.around(Call("describe_file", file_id), lambda: inner.describe_file(file_id))


class _ChangesAttributes(Layer):
    @property
    def attribute_rules(self) -> str:
        return cast("ChangesAttributes", self.inner).attribute_rules

    def form_of(self, path: str) -> str:
        return cast("ChangesAttributes", self.inner).form_of(path)

    def change_attributes(self, file_id: str, metadata: Mapping[str, str]) -> None:
        inner = cast("ChangesAttributes", self.inner)
        call = Call("change_attributes", file_id)
        self.around(call, lambda: inner.change_attributes(file_id, metadata))


class _MarksStore(Layer):
    def read_mark(self) -> Mapping[str, str]:
        inner = cast("MarksStore", self.inner)
        return self.around(Call("read_mark"), inner.read_mark)

    def change_mark(
        self, name: str, change: Callable[[str], str], *, must_stay: bool = False
    ) -> str:
        inner = cast("MarksStore", self.inner)
        call = Call("change_mark")
        return self.around(call, lambda: inner.change_mark(name, change, must_stay=must_stay))


class _DeletesStore(Layer):
    def delete_store(self) -> None:
        inner = cast("DeletesStore", self.inner)
        self.around(Call("delete_store"), inner.delete_store)


class _FindsStore(Layer):
    def use_store(self, name: str) -> str:
        inner = cast("FindsStore", self.inner)
        return self.around(Call("use_store", name), lambda: inner.use_store(name))

    @property
    def store_name(self) -> str:
        return cast("FindsStore", self.inner).store_name

    def settle_store(self, name: str) -> str:
        inner = cast("FindsStore", self.inner)
        return self.around(Call("settle_store", name), lambda: inner.settle_store(name))


class _StagesFiles(Layer):
    @property
    def attach_limit(self) -> int:
        return cast("StagesFiles", self.inner).attach_limit

    def stage_file(self, document: Document, content: bytes, metadata: Mapping[str, str]) -> str:
        inner = cast("StagesFiles", self.inner)
        call = Call("stage_file", document.path)
        return self.around(call, lambda: inner.stage_file(document, content, metadata))

    def attach_files(self, copies: Mapping[str, Mapping[str, str]]) -> str:
        inner = cast("StagesFiles", self.inner)
        call = Call("attach_files", copies=len(copies))
        return self.around(call, lambda: inner.attach_files(copies))

    def settle_files(self, ticket: str) -> Mapping[str, ProviderError | None]:
        inner = cast("StagesFiles", self.inner)
        return self.around(Call("settle_files"), lambda: inner.settle_files(ticket))

    def sweep_files(self) -> None:
        inner = cast("StagesFiles", self.inner)
        self.around(Call("sweep_files"), inner.sweep_files)


class _FindsStrays(Layer):
    def find_strays(self, metadata: Mapping[str, str], kept: Collection[str]) -> Iterator[Stray]:
        inner, call = cast("FindsStrays", self.inner), Call("find_strays")
        return self.around_listing(call, lambda: inner.find_strays(metadata, kept))

    def remove_stray(self, file_id: str) -> None:
        inner = cast("FindsStrays", self.inner)
        self.around(Call("remove_stray", file_id), lambda: inner.remove_stray(file_id))

    def find_held(self) -> Collection[str]:
        inner = cast("FindsStrays", self.inner)
        return self.around(Call("find_held"), inner.find_held)


class _CountsFiles(Layer):
    def count_files(self) -> int:
        inner = cast("CountsFiles", self.inner)
        return self.around(Call("count_files"), inner.count_files)


class _CountsRequests(Layer):
    @property
    def requests(self) -> int:
        return cast("CountsRequests", self.inner).requests


class _LimitsRates(Layer):
    @property
    def buckets(self) -> Sequence[Bucket]:
        return cast("LimitsRates", self.inner).buckets


_ABILITIES: tuple[tuple[type[Any], type[Layer]], ...] = (
    (Searches, _Searches),
    (SearchesMetadata, _SearchesMetadata),
    (DescribesFiles, _DescribesFiles),
    (ChangesAttributes, _ChangesAttributes),
    (MarksStore, _MarksStore),
    (DeletesStore, _DeletesStore),
    (FindsStore, _FindsStore),
    (StagesFiles, _StagesFiles),
    (FindsStrays, _FindsStrays),
    (CountsFiles, _CountsFiles),
    (CountsRequests, _CountsRequests),
    (LimitsRates, _LimitsRates),
)
"""Every ability of `base`, and the part of a layer that passes it on."""


@cache
def _add_abilities(layer: type[Layer], parts: tuple[type[Layer], ...]) -> type[Layer]:
    """Derive the class of `layer` that also has the methods of `parts`."""
    return type(layer.__name__, (layer, *parts), {"__doc__": layer.__doc__})
