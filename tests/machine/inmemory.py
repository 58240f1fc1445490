"""A store in memory, and the embedded one, as sides of a machine's world."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from tests.machine.party import Party
from tests.machine.sides import AnyLab, Held, Looking, Side, Watch
from tests.support.lab import Lab
from tests.support.repositories import ENVIRON, GitRepo
from tests.support.rules import Ruled
from vectornator.model import Binding, Document, RemoteFile
from vectornator.providers.around import Call, Layer
from vectornator.providers.base import ProviderConfig, VectorStoreProvider
from vectornator.providers.local import LocalProvider
from vectornator.providers.memory import Copy, MemoryStore, Shelf


class LabSide(Side):
    """What stores that a `Lab` runs on have in common."""

    lab = Lab

    def __init__(self) -> None:
        self.server = MemoryStore()

    def open_lab(self, repo: GitRepo, party: Party) -> Lab:
        """A lab whose provider follows the party's rules."""
        lab = self.lab(repo, self.server)
        lab.wrap = lambda provider: Ruled(provider, party.team, f"-{party.form}")
        return lab

    @contextmanager
    def watch(self, lab: AnyLab, binding: Binding, must: set[str]) -> Iterator[Watch]:
        """Look after every call."""
        assert isinstance(lab, Lab)
        watch, wrap = Watch(self, binding, must), lab.wrap
        lab.wrap = lambda provider: wrap(Looking(provider, watch.look))
        yield watch

    def count_changes(self, lab: AnyLab) -> int:
        """Count the calls of the contract that change documents."""
        assert isinstance(lab, Lab)
        return len(lab.calls())


class MemorySide(LabSide):
    """The store in memory."""

    @property
    def store_id(self) -> str:
        """The only shelf."""
        assert len(self.server.shelves) < 2, "there are two stores"
        return next(iter(self.server.shelves), "")

    @property
    def _copies(self) -> dict[str, Copy]:
        return self.server.shelves[self.store_id].copies if self.store_id else {}

    def list_held(self) -> dict[str, Held]:
        """What the shelf holds."""
        with self.server.lock:
            return {i: Held(it.file.attributes, it.content) for i, it in self._copies.items()}

    def drop(self, file_id: str) -> None:
        """Remove a copy."""
        del self._copies[file_id]

    def add(self, attributes: Mapping[str, str], content: bytes) -> None:
        """Put a copy on the shelf."""
        if self.store_id:
            number = next(self.server.numbers)
            file = RemoteFile(f"file-{number}", dict(attributes), len(content), float(number))
            self._copies[file.file_id] = Copy(file, content)

    def label(self, file_id: str, attributes: Mapping[str, str]) -> None:
        """Replace the attributes."""
        copy = self._copies[file_id]
        file = replace(copy.file, attributes=dict(attributes))
        self._copies[file_id] = Copy(file, copy.content)

    def lose_store(self) -> None:
        """Remove the shelf."""
        self.server.shelves.clear()

    def snapshot(self) -> object:
        """The shelves, marks and all."""
        shelves: dict[str, Shelf] = self.server.shelves
        return {i: (dict(it.copies), dict(it.mark)) for i, it in shelves.items()}


class TextOnly(LocalProvider):
    """The embedded store without vectors, which would take time and prove nothing here."""

    def initialize(self, config: ProviderConfig) -> None:
        """Take no embedder."""
        super().initialize(replace(config, options={**config.options, "embedder": "none"}))


class Counting(Layer):
    """Writes every call down."""

    def __init__(self, inner: VectorStoreProvider, calls: list[tuple[str, str]]) -> None:
        super().__init__(inner)
        self._calls = calls

    def during(self, call: Call) -> AbstractContextManager[object]:
        """Write the call down."""
        self._calls.append((call.method, call.subject))
        return nullcontext()


class LocalLab(Lab):
    """Runs on the embedded store."""

    def _make(self, config: ProviderConfig) -> VectorStoreProvider:
        del config
        provider = TextOnly()
        provider.name = "lab"
        return self.wrap(Counting(provider, self.server.calls))


class LocalSide(LabSide):
    """The embedded store of a repository; it is reached into through the provider itself."""

    lab = LocalLab

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._config = ProviderConfig(root=root, environ=ENVIRON)

    @contextmanager
    def _open(self) -> Iterator[LocalProvider]:
        provider = TextOnly()
        provider.initialize(self._config)
        try:
            yield provider
        finally:
            provider.cleanup()

    @property
    def store_id(self) -> str:
        """Nothing that has to be named: there is one store in a repository."""
        return ""

    def list_held(self) -> dict[str, Held]:
        """What the provider lists."""
        with self._open() as provider:
            listed = list(provider.list_files()) if provider.verify_store() else []
        return {it.file_id: Held(it.attributes, None, it.is_searchable) for it in listed}

    def drop(self, file_id: str) -> None:
        """Remove a copy."""
        with self._open() as provider:
            provider.delete_file(file_id)

    def add(self, attributes: Mapping[str, str], content: bytes) -> None:
        """Store a copy."""
        document = Document(attributes.get("path", "x.md"), "0" * 40, len(content), "1" * 64)
        with self._open() as provider:
            if provider.verify_store():
                provider.upload_file(document, content, attributes)

    def label(self, file_id: str, attributes: Mapping[str, str]) -> None:
        """Replace the attributes."""
        with self._open() as provider:
            provider.change_attributes(file_id, attributes)

    def lose_store(self) -> None:
        """Remove the store from its file."""
        with self._open() as provider:
            if provider.verify_store():
                provider.delete_store()

    def snapshot(self) -> object:
        """What is listed, and the mark."""
        with self._open() as provider:
            mark = dict(provider.read_mark()) if provider.verify_store() else {}
        return self.list_held(), mark
