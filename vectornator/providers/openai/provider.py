"""OpenAI vector stores, and servers that are compatible with them: the provider `openai`.

Its options, by name in `ProviderConfig.options`, are those of `options.Options`.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from vectornator.errors import Fatal, ProviderError, Rejected, Transient
from vectornator.model import Condition, Document, Entry, Hit, RemoteFile
from vectornator.providers.base import BaseVectorStoreProvider, Bucket, ProviderConfig, Stray
from vectornator.providers.marking import change_whole
from vectornator.providers.openai import attributes, names
from vectornator.providers.openai.access import Access, choose_access
from vectornator.providers.openai.attributes import (
    Rules,
    has_attributes,
    to_filter,
    to_wire,
)
from vectornator.providers.openai.client import Client, Json
from vectornator.providers.openai.failures import Unanswered, Unsupported
from vectornator.providers.openai.hosts import is_exposed
from vectornator.providers.openai.intake import Intake
from vectornator.providers.openai.options import Options, read_options
from vectornator.providers.openai.store import Store, to_hit, to_remote_file
from vectornator.providers.openai.uploads import Uploads, to_stray
from vectornator.providers.patience import Patience, await_files

_MARK = "vn_mark_"
"""How the keys of our mark begin in the metadata of a store, which are not ours alone."""

_BUCKETS = (
    Bucket(frozenset({"stage_file", "upload_file", "update_file"}), calls=900),
    Bucket(frozenset({"attach_files"}), calls=240, copies=1800),
    Bucket(frozenset({"delete_file", "remove_stray"}), calls=300),
)
"""Documented are 1,000 uploads of a user, 300 attachings to a store, and 2,000 files attached in
an organization in a minute; nothing is said of deletes."""

_MOST_METADATA = 16
_MOST_HITS = 50


@dataclass(frozen=True, slots=True)
class _Sent:
    """A file that this run has sent."""

    path: str
    name: str


class OpenAIProvider(BaseVectorStoreProvider):
    """Keeps documents as Files that are attached to one vector store.

    A copy's id is its File's id. Nothing is asked of the service before the first call that
    needs it, and so no API key is missed before then.
    """

    name = "openai"

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._prepare(ProviderConfig(), Options(), None)

    def initialize(self, config: ProviderConfig) -> None:
        """Take the settings. Raises `Fatal` for an option that is wrong."""
        options = read_options(config.options)
        access = choose_access(options, config.api_key, config.environ)
        self._client.close()
        super().initialize(config)
        self._prepare(config, options, access)

    def _prepare(self, config: ProviderConfig, options: Options, access: Access | None) -> None:
        self._options = options
        self._rules = Rules.from_options(options)
        self._client = Client(options, access)
        self._store = Store(self._client, options, config.store_id)
        self._uploads = Uploads(self._client, options.purpose)
        self._intake = Intake(
            self._client,
            options,
            self._store,
            refuse=self._refuse,
            name_of=lambda file_id: self._sent[file_id].name,
        )
        self._run = uuid4().hex
        self._sent: dict[str, _Sent] = {}
        self._plain: set[str] = set()
        self._cut: dict[str, tuple[str, ...]] = {}
        self._doubtful: set[str] = set()
        self._verified: Json | None = None
        self._metadata: Mapping[str, Any] = {}

    @property
    def store_id(self) -> str:
        """The store that the user named, found or had created."""
        return self._store.store_id

    @property
    def fingerprint(self) -> str:
        """Changes with the rules of names and encodings, and with chunking."""
        return f"openai-{_digest([names.VERSION, self._options.chunking])}"

    @property
    def buckets(self) -> Sequence[Bucket]:
        """OpenAI's limits, with room left for others; none for a service whose are not known."""
        return _BUCKETS if self._options.has_limits else ()

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self._client.requests

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user should know: who may listen, and which attributes did not fit."""
        with self._lock:
            cut = dict(self._cut)
        said = []
        if is_exposed(self._options.base_url):
            said.append(
                "The key and the documents can be read on their way: base-url is http, not https."
            )
        if cut:
            path, others = min(cut), " and others" if len(cut) > 1 else ""
            keys = ", ".join(cut[path])
            said.append(f"Attributes of {len(cut)} documents did not fit: {path} ({keys}){others}.")
        return tuple(said)

    # The store.

    def verify_store(self) -> bool:
        """Tell whether the store exists; what it says of itself is kept for `read_mark`."""
        self._verified = self._store.retrieve() if self.store_id else None
        return self._verified is not None

    @property
    def store_name(self) -> str:
        """What the store said it is called when it was verified."""
        return str((self._verified or {}).get("name") or "")

    def create_store(self, name: str) -> str:
        """Create a store; one that a lost request made already is taken."""
        self._store.store_id = self._store.create(name)
        return self.store_id

    def use_store(self, name: str) -> str:
        """Use the store called `name`; of several, the only one that is in use."""
        if store_id := self._store.choose(name):
            self._store.store_id = store_id
        return store_id

    def settle_store(self, name: str) -> str:
        """Use the store that all runs use which created one called `name`, and remove ours."""
        store_id = self._store.choose(name)
        if store_id and store_id != self.store_id:
            self._store.delete()
            self._store.store_id = store_id
        return self.store_id

    def delete_store(self) -> None:
        """Remove the store, then the Files that only it had any use for."""
        copies = [file.file_id for file in self.list_files() if "vn_key" in file.attributes]
        self._store.delete()
        for file_id in copies:
            self._uploads.delete(file_id)

    def read_mark(self) -> Mapping[str, str]:
        """Return what the metadata keep; the answer to `verify_store` serves once."""
        store, self._verified = self._verified or self._store.retrieve(), None
        if store is None:
            raise Fatal(f"There is no store {self.store_id}.", reason="store-not-found")
        metadata = store.get("metadata")
        self._metadata = metadata if isinstance(metadata, Mapping) else {}
        own = (key for key in self._metadata if key.startswith(_MARK))
        return {key.removeprefix(_MARK): str(self._metadata[key]) for key in own}

    def change_mark(
        self, name: str, change: Callable[[str], str], *, must_stay: bool = False
    ) -> str:
        """Change the words under a name: all metadata are written at once, whosever they are."""
        self._verified = None  # an old answer would bring back what others have changed since
        wait = self.config.wait if must_stay else None
        return change_whole(self.read_mark, self._write_mark, name, change, wait=wait)

    def _write_mark(self, mark: Mapping[str, str]) -> None:
        others = {key: it for key, it in self._metadata.items() if not key.startswith(_MARK)}
        metadata = {**others, **{f"{_MARK}{key}": value for key, value in mark.items()}}
        if len(metadata) > _MOST_METADATA:
            raise Rejected(
                f"The store's metadata have room for {_MOST_METADATA} keys, and {len(metadata)}"
                " are needed: keep fewer targets in one store."
            )
        self._store.write_metadata(metadata)

    # Copies.

    def list_files(self) -> Iterator[RemoteFile]:
        """Yield every file of the store, oldest first."""
        return map(to_remote_file, self._store.list_files())

    def count_files(self) -> int:
        """Return the total of `file_counts`, which lags and counts Files that are gone."""
        counts = (self._store.retrieve() or {}).get("file_counts")
        total = counts.get("total") if isinstance(counts, Mapping) else None
        return total if isinstance(total, int) else 0

    def describe_file(self, file_id: str) -> RemoteFile | None:
        """Look one file up."""
        item = self._store.find(file_id)
        return to_remote_file(item) if item else None

    def upload_file(self, document: Document, content: bytes, metadata: Mapping[str, str]) -> str:
        """Send a file, attach it, and wait until it is searchable; undone when it fails."""
        file_id = self.stage_file(document, content, metadata)
        try:
            error = self._settle(file_id, metadata)
        except BaseException:
            self._undo(file_id)
            raise
        if error:
            self._undo(file_id)
            raise error
        return file_id

    def _settle(self, file_id: str, metadata: Mapping[str, str]) -> ProviderError | None:
        ticket = self.attach_files({file_id: metadata})
        settled = await_files(
            lambda: self.settle_files(ticket),
            [file_id],
            patience=self.patience,
            wait=self.config.wait,
        )
        return settled[file_id]

    def _undo(self, file_id: str) -> None:
        with suppress(ProviderError):  # what went wrong before says more
            self.delete_file(file_id)

    def update_file(
        self, entry: Entry, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> str:
        """Store a new copy and leave the old one to the caller."""
        del entry
        return self.upload_file(document, content, metadata)

    def delete_file(self, file_id: str) -> None:
        """Detach a file, then remove it: in this order no counts are left behind.

        A File that was not attached is removed only if it is known, or named, to be ours.
        """
        if not file_id:
            return
        try:
            was_attached = self._store.detach(file_id)
        except Unanswered:
            self._doubtful.add(file_id)
            raise
        if was_attached:
            self._doubtful.add(file_id)
        if file_id in self._doubtful or self._is_sent_by_us(file_id):
            self._uploads.delete(file_id)
            self._doubtful.discard(file_id)

    def _is_sent_by_us(self, file_id: str) -> bool:
        return self._uploads.knows(file_id) or bool(
            names.read_owner(self._uploads.read_name(file_id))
        )

    @property
    def attribute_rules(self) -> str:
        """Changes with what is said of a document: front matter, URL, static attributes."""
        return _digest([attributes.VERSION, repr(self._rules)])

    def form_of(self, path: str) -> str:
        """The suffix of the upload name, which tells the service the type."""
        return names.find_suffix(path)

    def change_attributes(self, file_id: str, metadata: Mapping[str, str]) -> None:
        """Replace all attributes of a copy; its upload name, which answers cite, stays.

        Raises `Rejected` as well when the service took them and did not keep them.
        """
        if not file_id:
            raise Rejected("There is no copy without an id.")
        wanted = to_wire(metadata)
        if not has_attributes(self._store.change_attributes(file_id, wanted), wanted):
            raise Rejected("The service did not keep the attributes.")

    def enrich_metadata(
        self, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Add title, URL, static attributes and chosen front matter."""
        enriched = self._rules.enrich(document, content, metadata)
        if enriched.cut:
            with self._lock:
                self._cut[document.path] = enriched.cut
        return enriched.attributes

    # In steps.

    @property
    def patience(self) -> Patience:
        """How long indexing may take, as far as the user has a say in it."""
        limit = self._options.index_timeout
        return Patience(least=limit, each=0.0) if limit else Patience()

    @property
    def attach_limit(self) -> int:
        """500, or 1 where the service attaches one file at a time."""
        return self._intake.limit

    def stage_file(self, document: Document, content: bytes, metadata: Mapping[str, str]) -> str:
        """Upload a File under a name that is this run's alone."""
        name = names.name_upload(
            document.path,
            metadata,
            (self._store.need_id(), self._run),
            as_text=document.path in self._plain,
        )
        try:
            file_id = self._uploads.send(name, names.encode_text(content, name))
        except Unsupported as error:
            raise self._refuse_type(document.path, error) from error
        self._sent[file_id] = _Sent(document.path, name.text)
        return file_id

    def attach_files(self, copies: Mapping[str, Mapping[str, str]]) -> str:
        """Attach Files with their attributes, in one batch where the service can."""
        return self._intake.attach(copies)

    def settle_files(self, ticket: str) -> Mapping[str, ProviderError | None]:
        """Poll, then read back how each file stands and which attributes it has."""
        return self._intake.settle(ticket)

    def sweep_files(self) -> None:
        """Remove Files of this run that nobody knows of, if an upload was never answered."""
        self._uploads.sweep()

    def find_strays(self, metadata: Mapping[str, str], kept: Collection[str]) -> Iterator[Stray]:
        """Yield Files that are not in the store; their names tell which were meant for it."""
        owner = names.find_owner(metadata, self._store.need_id())
        for file in self._uploads.list_all():
            is_ours = names.read_owner(str(file.get("filename"))) == owner
            is_loose = file["id"] not in kept
            if is_loose and is_ours:  # the listing may have lagged behind
                is_loose = self._store.find(file["id"]) is None
            if is_loose:
                yield to_stray(file, is_ours=is_ours)

    def remove_stray(self, file_id: str) -> None:
        """Remove a File that is in no store; what attached it meanwhile goes with it."""
        if self._store.find(file_id) is None:
            self._uploads.delete(file_id)
            self._store.detach(file_id)

    def find_held(self) -> Collection[str]:
        """List the files of every store of the account."""
        return frozenset(self._store.list_held())

    def _refuse(self, file_id: str, error: ProviderError) -> ProviderError:
        """What to settle a file with whose type is not taken."""
        return self._refuse_type(self._sent[file_id].path, error)

    def _refuse_type(self, path: str, error: ProviderError) -> ProviderError:
        """What a document meets whose type is not taken: as `.txt` it may be, the next time."""
        if path in self._plain:
            return Rejected(str(error))
        self._plain.add(path)
        return Transient(f"{error}; to be sent as plain text")

    # Searching.

    def search(self, query: str, limit: int, where: Sequence[Condition] = ()) -> list[Hit]:
        """Return the passages that the service ranks best, 50 at most."""
        if not query.strip() or limit < 1:
            return []
        found = self._store.search(query, min(limit, _MOST_HITS), to_filter(where))
        return [to_hit(one) for one in found]

    def search_by_metadata(self, wanted: Mapping[str, str]) -> Iterator[RemoteFile]:
        """Yield every file that has all of `wanted`; the API filters searches, but not listings."""
        return (file for file in self.list_files() if wanted.items() <= file.attributes.items())

    def cleanup(self) -> None:
        """Close the connections."""
        self._client.close()


def _digest(parts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:9]
