"""The suite that every provider must pass: each sentence of `providers.base` as a test.

Subclass it in a test module, say how your provider is made, and run pytest:

    class TestMine(ProviderSuite):
        @pytest.fixture
        def make_provider(self):
            return MyProvider

Tests of abilities that the provider doesn't have are skipped.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from vectornator.errors import Fatal, ProviderError, Rejected
from vectornator.providers.base import DeletesStore, ProviderConfig, VectorStoreProvider
from vectornator.testing.abilities import AbilitySuite
from vectornator.testing.steps import (
    TEXT,
    OpenProvider,
    Unreadable,
    Watch,
    attributes,
    in_threads,
    is_found,
    listing,
    make_document,
    move,
    remove_store,
    store,
    to_entry,
    update,
)


class ProviderSuite(AbilitySuite):
    """Tests of the contract, then of each ability.

    A subclass provides the fixture `make_provider`, and where it must the others: `config`
    for settings, `provider` for a store that can't be created at will.
    """

    sizes: ClassVar[tuple[int, ...]] = (1, 1_000, 1_000_000)
    """Sizes of contents to store, in bytes; the engine itself never stores an empty one."""

    many: ClassVar[int] = 160
    """How many copies a complete listing is tested with: more than one page."""

    missing_store: ClassVar[str] = "0" * 32
    """A well-formed id that no store has."""

    has_many_stores: ClassVar[bool] = True
    """False for a provider with room for one store in one place."""

    wrong_config: ClassVar[ProviderConfig | None] = None
    """A config that `initialize` must refuse, if there is one."""

    @pytest.fixture
    def make_provider(self) -> Callable[[], VectorStoreProvider]:
        """Return what makes a provider that isn't initialised; all reach the same server."""
        raise NotImplementedError(f"{type(self).__name__} needs a fixture `make_provider`.")

    @pytest.fixture
    def config(self, tmp_path: Path) -> ProviderConfig:
        """Return the config that providers are initialised with, without a store id."""
        return ProviderConfig(root=tmp_path)

    @pytest.fixture
    def open_provider(
        self, make_provider: Callable[[], VectorStoreProvider], config: ProviderConfig
    ) -> Iterator[OpenProvider]:
        """Return what opens one more provider; all are closed in the end."""
        opened: list[VectorStoreProvider] = []

        def open_one(store_id: str = "", **changes: Any) -> VectorStoreProvider:  # noqa: ANN401
            provider = make_provider()
            opened.append(provider)
            provider.initialize(replace(config, store_id=store_id, **changes))
            return provider

        yield open_one
        for provider in opened:
            provider.cleanup()

    @pytest.fixture
    def provider(self, open_provider: OpenProvider) -> Iterator[VectorStoreProvider]:
        """Return a provider with an empty store, which is deleted in the end if it can be."""
        provider = open_provider()
        provider.create_store("suite")
        yield provider
        if isinstance(provider, DeletesStore):
            provider.delete_store()

    # --- what kind of provider it is

    def test_provider_is_complete(self, provider: VectorStoreProvider) -> None:
        """A provider has every method and property of the contract."""
        assert isinstance(provider, VectorStoreProvider)

    def test_name_and_is_shared(self, provider: VectorStoreProvider) -> None:
        """It has the name it is registered under, and says whether its store is shared."""
        assert provider.name
        assert isinstance(provider.is_shared, bool)

    def test_initialize_changes_nothing(
        self, open_provider: OpenProvider, provider: VectorStoreProvider
    ) -> None:
        """No store is created or changed by taking the settings."""
        store(provider, "a.md")
        before = listing(provider)
        again = open_provider(provider.store_id)
        assert provider.store_id == again.store_id
        assert before == listing(again) == listing(provider)

    def test_without_a_store(self, open_provider: OpenProvider) -> None:
        """The store id is empty as long as there is no store, and so no store is verified."""
        provider = open_provider()
        assert provider.store_id == ""
        assert not provider.verify_store()

    def test_wrong_setting(self, open_provider: OpenProvider) -> None:
        """Taking the settings raises `Fatal` when one is missing or wrong."""
        if self.wrong_config is None:
            pytest.skip("the suite was given no wrong config")
        wrong = self.wrong_config
        with pytest.raises(Fatal):
            open_provider(wrong.store_id, api_key=wrong.api_key, options=wrong.options)

    def test_fingerprint(self, open_provider: OpenProvider, provider: VectorStoreProvider) -> None:
        """The fingerprint has 1 to 16 characters, and a new API key does not change it."""
        again = open_provider(provider.store_id, api_key="another")
        assert again.fingerprint == provider.fingerprint
        assert 1 <= len(provider.fingerprint) <= 16  # noqa: PLR2004  (the contract's number)

    # --- the store

    def test_verify_missing_store(self, open_provider: OpenProvider) -> None:
        """False means that there is no such store, and asking does not create it."""
        assert not open_provider(self.missing_store).verify_store()
        assert not open_provider(self.missing_store).verify_store()

    def test_verify_changes_nothing(self, provider: VectorStoreProvider) -> None:
        """Verifying tells that a store exists, and changes nothing."""
        store(provider, "a.md")
        before = listing(provider)
        assert provider.verify_store()
        assert before == listing(provider)

    def test_missing_store_raises(self, open_provider: OpenProvider) -> None:
        """Without its store no call pretends to work: each raises a `ProviderError`."""
        provider = open_provider(self.missing_store)
        with pytest.raises(ProviderError):
            listing(provider)
        with pytest.raises(ProviderError):
            store(provider, "a.md")

    def test_create_store(self, open_provider: OpenProvider) -> None:
        """A created store is empty, used from now on, and known by the id returned."""
        provider = open_provider()
        store_id = provider.create_store("suite")
        assert store_id == provider.store_id != ""
        assert provider.verify_store()
        assert listing(provider) == {}
        assert open_provider(store_id).verify_store()
        remove_store(provider)

    def test_stores_are_separate(
        self, open_provider: OpenProvider, provider: VectorStoreProvider
    ) -> None:
        """A store of the same name is another store."""
        if not self.has_many_stores:
            pytest.skip(f"{provider.name} has room for one store")
        store(provider, "a.md")
        other = open_provider()
        assert other.create_store("suite") != provider.store_id
        assert listing(other) == {}
        remove_store(other)

    # --- listing

    def test_listing_is_complete(self, provider: VectorStoreProvider) -> None:
        """A listing yields every copy in the store, each exactly once."""
        stored = [store(provider, f"docs/{number}.md") for number in range(self.many)]
        assert sorted(stored) == sorted(file.file_id for file in provider.list_files())

    def test_listing_shows_foreign_copies(self, provider: VectorStoreProvider) -> None:
        """Copies that aren't ours are listed too, with the attributes they have."""
        document = make_document("theirs.md", TEXT)
        file_id = provider.upload_file(document, TEXT, {"team": "blue"})
        assert listing(provider)[file_id].attributes.items() >= {("team", "blue")}

    def test_listing_is_shared(
        self, open_provider: OpenProvider, provider: VectorStoreProvider
    ) -> None:
        """What one provider stored, another one lists."""
        file_id = store(provider, "a.md")
        assert file_id in listing(open_provider(provider.store_id))

    # --- uploading

    @pytest.mark.parametrize(
        "path",
        [
            "plain.md",
            "with space/and 'quotes\" & <tags>.md",
            "ünï/文書/📄 naïve.md",
            "../outside.md",
            "C:\\back\\slash.md",
            "deep/" * 60 + "leaf.md",
        ],
    )
    def test_any_path(self, provider: VectorStoreProvider, path: str) -> None:
        """Metadata come back as they were given, whatever the path."""
        file_id = store(provider, path)
        shown = listing(provider)[file_id].attributes
        assert attributes(provider, path).items() <= shown.items()

    def test_any_size(self, provider: VectorStoreProvider) -> None:
        """Contents of all sizes are stored; a listing says how large they are, or 0."""
        for size in self.sizes:
            content = (TEXT * (size // len(TEXT) + 1))[:size]
            file_id = store(provider, f"{size}.md", content)
            assert listing(provider)[file_id].size in {0, size}

    def test_content_is_kept(self, provider: VectorStoreProvider) -> None:
        """The content is stored byte for byte."""
        content = "ünï\r\n\n 文書 \u2028 end".encode()
        assert content == self.read_content(provider, store(provider, "a.md", content))

    def test_upload_is_found(self, provider: VectorStoreProvider) -> None:
        """Once an upload returns, the copy can be found."""
        store(provider, "a.md")
        assert is_found(provider, "a.md", "wombat")

    def test_same_document_twice(self, provider: VectorStoreProvider) -> None:
        """Uploading a document twice stores two copies: the caller keeps count."""
        assert len({store(provider, "a.md"), store(provider, "a.md")}) == len(listing(provider))

    def test_ids_are_never_reused(self, provider: VectorStoreProvider) -> None:
        """An id is never used twice, not even after its copy was deleted."""
        first, second = store(provider, "a.md"), store(provider, "b.md")
        provider.delete_file(second)
        third = store(provider, "b.md")
        provider.delete_file(first)
        provider.delete_file(third)
        assert len({first, second, third, store(provider, "a.md")}) == 4  # noqa: PLR2004

    def test_ids_after_reopening(
        self, open_provider: OpenProvider, provider: VectorStoreProvider
    ) -> None:
        """An id is not used again by a later process either."""
        file_id = store(provider, "a.md")
        provider.delete_file(file_id)
        assert file_id != store(open_provider(provider.store_id), "a.md")

    def test_logs_nothing(
        self,
        provider: VectorStoreProvider,
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """A provider never logs or prints: a layer does that."""
        with caplog.at_level(logging.INFO):
            provider.delete_file(store(provider, "a.md"))
        assert caplog.messages == []
        assert capsys.readouterr() == ("", "")

    # --- updating

    def test_update_returns_a_new_id(self, provider: VectorStoreProvider) -> None:
        """An update returns the new id, and the new copy is listed under it."""
        old = store(provider, "a.md")
        new = update(provider, old, "a.md", b"The wombat sleeps.\n")
        assert old != new
        assert listing(provider)[new].path == "a.md"

    def test_old_copy_may_be_deleted_after_update(self, provider: VectorStoreProvider) -> None:
        """Whether or not the old copy is gone after an update, the caller may delete it."""
        old = store(provider, "a.md")
        new = update(provider, old, "a.md", b"The wombat sleeps.\n")
        provider.delete_file(old)
        assert [new] == list(listing(provider))

    def test_update_is_never_missing(
        self, open_provider: OpenProvider, provider: VectorStoreProvider
    ) -> None:
        """A document can be found at every moment of an update."""
        file_id = store(provider, "a.md")
        with Watch(open_provider(provider.store_id), "a.md", "wombat") as watch:
            for number in range(10):
                file_id = update(provider, file_id, "a.md", TEXT + b"%d\n" % number)
        assert watch.misses == 0

    def test_failed_update_keeps_the_old_copy(self, provider: VectorStoreProvider) -> None:
        """When an update raises, the old copy still serves."""
        old = store(provider, "a.md")
        document = make_document("a.md", b"new")
        with pytest.raises(Rejected):
            provider.update_file(to_entry(old, document), document, b"new", Unreadable())
        assert old in listing(provider)
        assert is_found(provider, "a.md", "wombat")

    # --- deleting

    def test_delete(self, provider: VectorStoreProvider) -> None:
        """Deleting removes one copy and no other."""
        gone, kept = store(provider, "a.md"), store(provider, "b.md")
        provider.delete_file(gone)
        assert [kept] == list(listing(provider))

    def test_delete_twice(self, provider: VectorStoreProvider) -> None:
        """Removing a copy that is already gone is not an error."""
        file_id = store(provider, "a.md")
        provider.delete_file(file_id)
        provider.delete_file(file_id)
        assert listing(provider) == {}

    @pytest.mark.parametrize("file_id", ["never-stored", "../../outside", "f" * 32])
    def test_delete_unknown(self, provider: VectorStoreProvider, file_id: str) -> None:
        """An id that never was, or can't be one, is gone as well."""
        kept = store(provider, "a.md")
        provider.delete_file(file_id)
        assert [kept] == list(listing(provider))

    # --- enriching, closing, threads

    def test_enrich_keeps_what_it_was_given(self, provider: VectorStoreProvider) -> None:
        """The keys given to be enriched come back with the values they had."""
        given = attributes(provider, "a.md")
        enriched = provider.enrich_metadata(make_document("a.md", TEXT), TEXT, given)
        assert given.items() <= enriched.items()

    def test_cleanup_twice(self, open_provider: OpenProvider) -> None:
        """A provider may be closed twice."""
        provider = open_provider()
        provider.cleanup()
        provider.cleanup()

    def test_threads(self, provider: VectorStoreProvider) -> None:
        """Methods may be called from several threads at once."""
        old = in_threads(lambda number: store(provider, f"old/{number}.md"), 24)
        kept = in_threads(lambda number: move(provider, old[number], f"new/{number}.md"), 24)
        assert sorted(kept) == sorted(listing(provider))
        paths = sorted(file.path for file in listing(provider).values())
        assert sorted(f"new/{number}.md" for number in range(24)) == paths
