"""The provider suite can fail: each wrong provider is caught by the test that is about it."""

import inspect
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

import pytest

from vectornator.errors import ProviderError
from vectornator.model import Condition, Document, Entry, Hit, RemoteFile
from vectornator.providers.base import ProviderConfig, VectorStoreProvider
from vectornator.providers.memory import MemoryProvider, MemoryStore
from vectornator.testing import ProviderSuite

FAILURES = (AssertionError, ProviderError, KeyError, TypeError, pytest.fail.Exception)


class ReusesIds(MemoryProvider):
    """Names a copy after how many there are."""

    def upload_file(self, document: Document, content: bytes, metadata: Mapping[str, str]) -> str:
        """Store under the lowest number that is free."""
        copies = self._shelf().copies
        copy = copies.pop(super().upload_file(document, content, metadata))
        file_id = next(f"f{n}" for n in range(999) if f"f{n}" not in copies)
        file = RemoteFile(file_id, copy.file.attributes, copy.file.size)
        copies[file_id] = type(copy)(file, content)
        return file_id


class DeletesOnlyWhatIsThere(MemoryProvider):
    """Complains about a copy that is gone."""

    def delete_file(self, file_id: str) -> None:
        """Raise when there is nothing to remove."""
        self._shelf().copies.pop(file_id)


class DeletesNothing(MemoryProvider):
    """Forgets to delete."""

    def delete_file(self, file_id: str) -> None:
        """Do nothing."""


class ListsOnePage(MemoryProvider):
    """Never asks for a second page."""

    def list_files(self) -> Iterator[RemoteFile]:
        """Yield a hundred copies at most."""
        return islice(super().list_files(), 100)


class ListsTwice(MemoryProvider):
    """Lists the last copy of a page again on the next."""

    def list_files(self) -> Iterator[RemoteFile]:
        """Yield the first copy twice."""
        yield from islice(super().list_files(), 1)
        yield from super().list_files()


class HidesForeigners(MemoryProvider):
    """Lists nothing but its own."""

    def list_files(self) -> Iterator[RemoteFile]:
        """Yield copies with a path only."""
        return (file for file in super().list_files() if file.path)


class ListsNoStoreAsEmpty(MemoryProvider):
    """Takes a missing store for an empty one."""

    def list_files(self) -> Iterator[RemoteFile]:
        """Yield nothing when there is no store."""
        if self.store_id in self.store.shelves:
            yield from super().list_files()


class DestroysFirst(MemoryProvider):
    """Removes the old copy before the new one is there."""

    def update_file(
        self, entry: Entry, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> str:
        """Delete, dawdle, upload."""
        self.delete_file(entry.file_id)
        threading.Event().wait(0.02)
        return self.upload_file(document, content, metadata)


class KeepsTheId(MemoryProvider):
    """Replaces the content under the old id."""

    def update_file(
        self, entry: Entry, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> str:
        """Overwrite."""
        copies = self._shelf().copies
        copy = copies.pop(super().update_file(entry, document, content, metadata))
        copies[entry.file_id] = copy
        return entry.file_id


class IsSlowToIndex(MemoryProvider):
    """Returns from an upload before a search can find the copy."""

    def search(self, query: str, limit: int, where: Sequence[Condition] = ()) -> list[Hit]:
        """Find nothing yet."""
        del query, limit, where
        return []


class SearchesBackwards(MemoryProvider):
    """Gives the worst answer first, and all of them."""

    def search(self, query: str, limit: int, where: Sequence[Condition] = ()) -> list[Hit]:
        """Turn the order round."""
        del limit
        return [Hit("x", 0.0, "x"), *super().search(query, 99, where)]


class FiltersTooLate(MemoryProvider):
    """Takes the best hits first, and looks at their attributes then."""

    def search(self, query: str, limit: int, where: Sequence[Condition] = ()) -> list[Hit]:
        """Rank before filtering."""
        wanted = {hit.file_id for hit in super().search(query, 99, where)}
        return [hit for hit in super().search(query, limit) if hit.file_id in wanted]


class ForgetsNegation(MemoryProvider):
    """Takes what must not be for what must."""

    def search(self, query: str, limit: int, where: Sequence[Condition] = ()) -> list[Hit]:
        """Drop the sign."""
        return super().search(query, limit, [Condition(it.key, it.value) for it in where])


class FormsByTheHour(MemoryProvider):
    """Never tells the same form twice."""

    def form_of(self, path: str) -> str:
        """Count."""
        return f"{path}{next(self.store.numbers)}"


class LongRules(MemoryProvider):
    """Spells its rules out instead of hashing them."""

    @property
    def attribute_rules(self) -> str:
        """Say too much."""
        return "title, url, front matter"


class CreatesWhileVerifying(MemoryProvider):
    """Makes the store it is asked about."""

    def verify_store(self) -> bool:
        """Create what is missing."""
        return super().verify_store() or bool(self.create_store("oops"))


class CreatesOnOpening(MemoryProvider):
    """Makes a store when there is none."""

    def initialize(self, config: ProviderConfig) -> None:
        """Create at once."""
        super().initialize(config)
        if not config.store_id:
            self.create_store("oops")


class FingerprintsTheKey(MemoryProvider):
    """Takes a new key for a new way of storing."""

    @property
    def fingerprint(self) -> str:
        """Depend on the wrong thing."""
        return f"mem{self.config.api_key}"


class OverwritesWhatItEnriches(MemoryProvider):
    """Changes what it was given."""

    def enrich_metadata(
        self, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Lose the path."""
        del document, content
        return {**metadata, "path": "other"}


class CutsAttributes(MemoryProvider):
    """Keeps only so much of an attribute."""

    def upload_file(self, document: Document, content: bytes, metadata: Mapping[str, str]) -> str:
        """Cut long values short."""
        cut = {key: value[:64] for key, value in metadata.items()}
        return super().upload_file(document, content, cut)


class MergesAttributes(MemoryProvider):
    """Adds attributes where it should replace them."""

    def change_attributes(self, file_id: str, metadata: Mapping[str, str]) -> None:
        """Keep the old ones too."""
        old = self._shelf().copies[file_id].file.attributes
        super().change_attributes(file_id, {**old, **metadata})


class ReplacesMarks(MemoryProvider):
    """Forgets what is kept under other names."""

    def change_mark(
        self, name: str, change: Callable[[str], str], *, must_stay: bool = False
    ) -> str:
        """Keep the new words alone."""
        words = super().change_mark(name, change, must_stay=must_stay)
        self._shelf().mark = {name: words}
        return words


class Chats(MemoryProvider):
    """Logs what it does."""

    def delete_file(self, file_id: str) -> None:
        """Say so."""
        logging.getLogger(__name__).warning("deleting %s", file_id)
        super().delete_file(file_id)


class LosesUnderThreads(MemoryProvider):
    """Stores without a lock: threads overwrite each other's work."""

    def upload_file(self, document: Document, content: bytes, metadata: Mapping[str, str]) -> str:
        """Read, dawdle, write back."""
        before = dict(self._shelf().copies)
        file_id = super().upload_file(document, content, metadata)
        copy = self._shelf().copies[file_id]
        threading.Event().wait(0.005)
        self._shelf().copies = {**before, file_id: copy}
        return file_id


@pytest.mark.parametrize(
    ("wrong", "test"),
    [
        (ReusesIds, "test_ids_are_never_reused"),
        (ReusesIds, "test_ids_after_reopening"),
        (DeletesOnlyWhatIsThere, "test_delete_twice"),
        (DeletesNothing, "test_delete"),
        (ListsOnePage, "test_listing_is_complete"),
        (ListsTwice, "test_listing_is_complete"),
        (HidesForeigners, "test_listing_shows_foreign_copies"),
        (ListsNoStoreAsEmpty, "test_missing_store_raises"),
        (DestroysFirst, "test_failed_update_keeps_the_old_copy"),
        (DestroysFirst, "test_update_is_never_missing"),
        (KeepsTheId, "test_update_returns_a_new_id"),
        (IsSlowToIndex, "test_upload_is_found"),
        (SearchesBackwards, "test_search_best_first"),
        (SearchesBackwards, "test_search_limit"),
        (FiltersTooLate, "test_search_where"),
        (ForgetsNegation, "test_search_where_not"),
        (FormsByTheHour, "test_form_of"),
        (LongRules, "test_attribute_rules"),
        (CreatesWhileVerifying, "test_verify_missing_store"),
        (CreatesOnOpening, "test_without_a_store"),
        (FingerprintsTheKey, "test_fingerprint"),
        (OverwritesWhatItEnriches, "test_enrich_keeps_what_it_was_given"),
        (MergesAttributes, "test_change_attributes"),
        (ReplacesMarks, "test_mark"),
        (Chats, "test_logs_nothing"),
        (LosesUnderThreads, "test_threads"),
    ],
)
def test_suite_catches(
    wrong: type[MemoryProvider], test: str, caplog: pytest.LogCaptureFixture, capsys: object
) -> None:
    """The suite reports the fault of a wrong provider."""
    with pytest.raises(FAILURES):
        run_one(wrong, test, caplog=caplog, capsys=capsys)


@pytest.mark.parametrize("path", ["deep/" * 60 + "leaf.md"])
def test_suite_catches_cut_attributes(path: str) -> None:
    """The suite reports a provider that cuts long attributes short."""
    with pytest.raises(FAILURES):
        run_one(CutsAttributes, "test_any_path", path=path)


def run_one(kind: type[MemoryProvider], test: str, **more: object) -> None:
    """Run one test of the suite on a provider, with the fixtures it asks for."""
    server = MemoryStore()

    def open_provider(store_id: str = "", api_key: str = "") -> VectorStoreProvider:
        provider = kind(server)
        provider.initialize(ProviderConfig(store_id=store_id, api_key=api_key))
        return provider

    provider = open_provider()
    provider.create_store("suite")
    method = getattr(ProviderSuite(), test)
    fixtures = {"provider": provider, "open_provider": open_provider, **more}
    method(**{name: fixtures[name] for name in inspect.signature(method).parameters})
