"""The requests about one vector store and the files in it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any
from uuid import uuid4

from vectornator.errors import Expired, Fatal, Rejected, Transient
from vectornator.model import Hit, RemoteFile
from vectornator.providers.openai.attributes import from_wire
from vectornator.providers.openai.client import PAGE, Client, Json, need
from vectornator.providers.openai.failures import Gone, Unanswered, is_about_store
from vectornator.providers.openai.options import Options

_TOKEN = "vn_created"  # noqa: S105  (the name of a metadata key)
"""The metadata by which a store is found again when the answer to creating it was lost."""


class Store:
    """One vector store by its id; empty as long as there is none."""

    def __init__(self, client: Client, options: Options, store_id: str) -> None:
        self.store_id = store_id
        self._client = client
        self._options = options
        self._asked: dict[str, str] = {}

    def retrieve(self) -> Json | None:
        """The store as it stands; None when there is none. Raises `Expired`."""
        what = "GET /vector_stores"
        try:
            store = self._client.ask(
                what, lambda sdk: sdk.vector_stores.with_raw_response.retrieve(self.store_id)
            )
        except Gone:
            return None
        need(store, "id", what)
        if store.get("status") == "expired":
            raise Expired(
                f"The store {self.store_id} has expired and lost its files: name another one with"
                " --store-id or --store-name.",
                name=str(store.get("name") or ""),
            )
        return store

    def create(self, name: str) -> str:
        """Create a store and return its id; one made by a lost earlier request is taken."""
        what = "POST /vector_stores"
        token = self._asked.get(name) or ""
        if token and (found := self._find_created(token)):
            del self._asked[name]
            return found
        self._asked[name] = token = token or uuid4().hex
        arguments: dict[str, Any] = {"name": name, "metadata": {_TOKEN: token}}
        if days := self._options.expires_after:
            arguments["expires_after"] = {"anchor": "last_active_at", "days": days}
        answer = self._client.ask(
            what, lambda sdk: sdk.vector_stores.with_raw_response.create(**arguments)
        )
        store_id = need(answer, "id", what)
        del self._asked[name]  # another call by this name asks for another store
        return store_id

    def choose(self, name: str) -> str:
        """The id of the only store of a name; empty if there is none.

        Of several that all were created by runs, it is the one that is in use, or else the oldest.
        Those that have expired don't count. Raises `Fatal` for several of any other kind.
        """
        named = [
            store
            for store in self._list_stores()
            if store.get("name") == name and store.get("status") != "expired"
        ]
        if all(_TOKEN in _read_metadata(store) for store in named):
            used = [store for store in named if not _is_unused(store)]
            named = used or sorted(named, key=_age)[:1]
        found = [str(store["id"]) for store in named]
        if len(found) > 1:
            raise Fatal(
                f"{len(found)} stores are called {name!r}: choose one with --store-id"
                f" ({', '.join(found[:5])}).",
            )
        return found[0] if found else ""

    def _find_created(self, token: str) -> str:
        for store in islice(self._list_stores(), PAGE):
            if _read_metadata(store).get(_TOKEN) == token:
                return str(store["id"])
        return ""

    def _list_stores(self) -> Iterator[Json]:
        return self._client.list_pages(
            "GET /vector_stores",
            lambda sdk, after: sdk.vector_stores.with_raw_response.list(
                limit=PAGE, order="desc", **_from(after)
            ),
        )

    def write_metadata(self, metadata: Mapping[str, str]) -> Json:
        """Replace the metadata of the store."""
        return self._client.ask(
            "POST /vector_stores",
            lambda sdk: sdk.vector_stores.with_raw_response.update(
                self.store_id, metadata=dict(metadata)
            ),
        )

    def delete(self) -> None:
        """Remove the store; its Files stay, until each is deleted."""
        with suppress(Gone):
            self._client.ask(
                "DELETE /vector_stores",
                lambda sdk: sdk.vector_stores.with_raw_response.delete(self.store_id),
            )

    # The files in it.

    def list_files(self) -> Iterator[Json]:
        """Every file, oldest first, so that what is added meanwhile comes last."""
        return self._list("asc")

    def list_newest(self, most: int) -> Iterator[Json]:
        """About `most` files, those attached last, in whole pages."""
        pages = -(-most // PAGE)
        return islice(self._list("desc"), pages * PAGE)

    def _list(self, order: Any) -> Iterator[Json]:  # noqa: ANN401  (a literal of the SDK)
        try:
            yield from self._list_of(self.need_id(), order)
        except Gone as error:
            raise self._explain_missing(error) from error

    def list_held(self) -> Iterator[str]:
        """The ids of the files that are in any store there is."""
        for store in list(self._list_stores()):
            with suppress(Gone):  # the store went meanwhile
                yield from (str(item["id"]) for item in self._list_of(str(store["id"]), "asc"))

    def _list_of(self, store_id: str, order: Any) -> Iterator[Json]:  # noqa: ANN401  (see above)
        return self._client.list_pages(
            "GET /vector_stores/files",
            lambda sdk, after: sdk.vector_stores.files.with_raw_response.list(
                store_id, limit=PAGE, order=order, **_from(after)
            ),
        )

    def list_batch(self, batch_id: str) -> Iterator[Json]:
        """The files of a batch. Raises `Gone` when the service has forgotten it."""
        return self._client.list_pages(
            "GET /vector_stores/file_batches/files",
            lambda sdk, after: sdk.vector_stores.file_batches.with_raw_response.list_files(
                batch_id, vector_store_id=self.store_id, limit=PAGE, order="asc", **_from(after)
            ),
        )

    def find(self, file_id: str) -> Json | None:
        """A file of the store as a listing shows it; None when there is none."""
        if not file_id:
            return None
        try:
            item = self._client.ask(
                "GET /vector_stores/files",
                lambda sdk: sdk.vector_stores.files.with_raw_response.retrieve(
                    file_id, vector_store_id=self.need_id()
                ),
            )
        except Gone:
            return None
        need(item, "id", "GET /vector_stores/files")
        return item

    def change_attributes(self, file_id: str, attributes: Mapping[str, str]) -> Json:
        """Replace the attributes of a file. Raises `Gone` when there is none."""
        return self._client.ask(
            "POST /vector_stores/files",
            lambda sdk: sdk.vector_stores.files.with_raw_response.update(
                file_id, vector_store_id=self.need_id(), attributes=dict(attributes)
            ),
        )

    def detach(self, file_id: str) -> bool:
        """Take a file out of the store; False when it was not in it. None is refused for good."""
        what = "DELETE /vector_stores/files"
        try:
            answer = self._client.ask(
                what,
                lambda sdk: sdk.vector_stores.files.with_raw_response.delete(
                    file_id, vector_store_id=self.need_id()
                ),
            )
        except Gone as error:
            if is_about_store(error):
                raise self._explain_missing(error) from error
            return False
        except Rejected as error:
            raise Unanswered(str(error)) from error
        if answer.get("deleted") is False:
            raise Unanswered(f"{what}: {file_id} was not removed")
        return True

    def search(self, query: str, limit: int, filters: Json) -> list[Json]:
        """Passages that answer a query, best first; no filters are no limits."""
        what = "POST /vector_stores/search"
        chosen: dict[str, Any] = {"filters": filters} if filters else {}
        try:
            answer = self._client.ask(
                what,
                lambda sdk: sdk.vector_stores.with_raw_response.search(
                    self.need_id(), query=query, max_num_results=limit, **chosen
                ),
            )
        except Gone as error:
            raise self._explain_missing(error) from error
        hits = answer.get("data")
        if not isinstance(hits, list) or not all(isinstance(hit, Mapping) for hit in hits):
            raise Transient(f"{what}: the answer has no list of passages")
        return hits

    def need_id(self) -> str:
        """The id of the store. Raises `Fatal` when there is none."""
        if self.store_id:
            return self.store_id
        raise Fatal("No openai store is named: pass --store-id.", reason="store-not-found")

    def _explain_missing(self, error: Gone) -> Exception:
        if self.retrieve() is None:
            words = f"There is no store {self.store_id}: check --store-id."
            return Fatal(words, reason="store-not-found")
        return Transient(str(error))  # the cursor went away: begin anew


def to_remote_file(item: Json) -> RemoteFile:
    """A file of the store in the words of the contract; its size is not what was uploaded."""
    created = item.get("created_at")
    return RemoteFile(
        file_id=item["id"],
        attributes=from_wire(item.get("attributes")),
        created_at=float(created) if isinstance(created, int | float) else 0.0,
        is_searchable=item.get("status") == "completed",
        is_pending=item.get("status") == "in_progress",
    )


def to_hit(found: Json) -> Hit:
    """A passage that a search found in the words of the contract."""
    parts = found.get("content")
    texts = [str(part.get("text") or "") for part in parts or () if isinstance(part, Mapping)]
    score = found.get("score")
    return Hit(
        path=from_wire(found.get("attributes")).get("path") or str(found.get("filename") or ""),
        score=float(score) if isinstance(score, int | float) else 0.0,
        text="\n".join(texts),
        file_id=str(found.get("file_id") or ""),
    )


def _from(after: str) -> dict[str, Any]:
    return {"after": after} if after else {}


def _is_unused(store: Json) -> bool:
    """Tell whether a run created a store, and has neither marked it nor put anything into it."""
    counts = store.get("file_counts")
    is_empty = isinstance(counts, Mapping) and counts.get("total") == 0
    return is_empty and set(_read_metadata(store)) == {_TOKEN}


def _read_metadata(store: Json) -> Mapping[str, object]:
    metadata = store.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _age(store: Json) -> tuple[float, str]:
    """Sorts the oldest store first; those of the same second by their ids."""
    created = store.get("created_at")
    return (float(created) if isinstance(created, int | float) else 0.0, str(store.get("id")))
