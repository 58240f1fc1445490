"""The part of the provider suite that is about abilities: skipped where there are none."""

import uuid
from dataclasses import replace

import pytest

from vectornator.errors import Rejected
from vectornator.model import Binding, Condition, path_key
from vectornator.providers.base import (
    ChangesAttributes,
    DeletesStore,
    DescribesFiles,
    FindsStore,
    FindsStrays,
    MarksStore,
    Searches,
    SearchesMetadata,
    StagesFiles,
    VectorStoreProvider,
)
from vectornator.testing.steps import (
    BINDING,
    TEXT,
    OpenProvider,
    attach,
    attributes,
    find_stray,
    is_found,
    listing,
    make_document,
    needs,
    remove_store,
    stage,
    store,
)


class AbilitySuite:
    """Tests of each ability; `ProviderSuite` brings the fixtures."""

    def read_content(self, provider: VectorStoreProvider, file_id: str) -> bytes:
        """Return what the store keeps of a copy; override it where that can be asked for."""
        del file_id
        pytest.skip(f"{provider.name} does not give contents back")

    def test_search_best_first(self, provider: VectorStoreProvider) -> None:
        """A search returns passages that answer the query, best first."""
        searcher = needs(provider, Searches)
        store(provider, "night.md")
        store(provider, "day.md", b"Bread is baked before sunrise.\n")
        hits = searcher.search("wombat burrow", 10)
        assert hits[0].path == "night.md"
        assert "wombat" in hits[0].text
        assert sorted((hit.score for hit in hits), reverse=True) == [hit.score for hit in hits]

    def test_search_limit(self, provider: VectorStoreProvider) -> None:
        """A search returns at most as many passages as asked for."""
        searcher = needs(provider, Searches)
        for number in range(3):
            store(provider, f"{number}.md")
        assert len(searcher.search("wombat", 2)) == 2  # noqa: PLR2004

    def test_search_forgets(self, provider: VectorStoreProvider) -> None:
        """A deleted copy is not found."""
        searcher = needs(provider, Searches)
        provider.delete_file(store(provider, "a.md"))
        assert searcher.search("wombat", 10) == []

    def test_search_where(self, provider: VectorStoreProvider) -> None:
        """Only copies that meet every condition take part, however good the others are."""
        searcher = needs(provider, Searches)
        for number in range(3):
            store(provider, f"{number}.md", TEXT * 2)
        store(provider, "last.md", b"Of wombats, and of other animals: a wombat digs.\n")
        where = [Condition("vn_target", "default"), Condition("path", "last.md")]
        assert [hit.path for hit in searcher.search("wombat burrow night", 1, where)] == ["last.md"]

    def test_search_where_not(self, provider: VectorStoreProvider) -> None:
        """A condition may be that an attribute has not a value, or is not there."""
        searcher = needs(provider, Searches)
        for path in ("a.md", "b.md"):
            store(provider, path)
        where = [Condition("path", "a.md", is_negated=True), Condition("x", "y", is_negated=True)]
        assert [hit.path for hit in searcher.search("wombat", 10, where)] == ["b.md"]

    @pytest.mark.parametrize(
        ("key", "value"), [("path", "b.md"), ("nothing", "a.md"), ('$."path', "'"), ("path", "")]
    )
    def test_search_where_nothing_is(
        self, provider: VectorStoreProvider, key: str, value: str
    ) -> None:
        """A condition that no copy meets leaves nothing to find."""
        searcher = needs(provider, Searches)
        store(provider, "a.md")
        assert searcher.search("wombat", 10, [Condition(key, value)]) == []

    @pytest.mark.parametrize("length", [256, 257, 512, 1500])
    def test_search_where_path_is_long(self, provider: VectorStoreProvider, length: int) -> None:
        """A condition on a path holds for that path alone, however long it is."""
        searcher = needs(provider, Searches)
        path = f"{'deep/' * (length // 5)}{'x' * (length % 5)}"[:-1] + "y"
        for one in (path, f"{path}z", path[:-1]):
            store(provider, one)
        hits = searcher.search("wombat", 10, [Condition("path", path)])
        assert [hit.file_id for hit in hits] == [
            file.file_id
            for file in provider.list_files()
            if file.attributes["vn_key"] == path_key(path)
        ]

    def test_search_by_metadata(self, provider: VectorStoreProvider) -> None:
        """A search by metadata yields every copy that has all of what is wanted."""
        searcher = needs(provider, SearchesMetadata)
        wanted = store(provider, "a.md")
        store(provider, "b.md")
        found = searcher.search_by_metadata({"path": "a.md", "vn_target": "default"})
        assert [wanted] == [file.file_id for file in found]
        assert list(searcher.search_by_metadata({"path": "a.md", "vn_target": "x"})) == []

    def test_describe(self, provider: VectorStoreProvider) -> None:
        """A copy is described as a listing shows it."""
        describer = needs(provider, DescribesFiles)
        file_id = store(provider, "a.md")
        assert describer.describe_file(file_id) == listing(provider)[file_id]

    def test_describe_missing(self, provider: VectorStoreProvider) -> None:
        """There is nothing to describe where there is no copy."""
        describer = needs(provider, DescribesFiles)
        file_id = store(provider, "a.md")
        provider.delete_file(file_id)
        assert describer.describe_file(file_id) is None
        assert describer.describe_file("../../outside") is None

    def test_attribute_rules(self, provider: VectorStoreProvider) -> None:
        """The rules for attributes are told in at most 16 characters."""
        changer = needs(provider, ChangesAttributes)
        assert len(changer.attribute_rules) <= 16  # noqa: PLR2004  (the contract's number)

    def test_form_of(self, open_provider: OpenProvider, provider: VectorStoreProvider) -> None:
        """The form of a path is the same whoever asks, whenever."""
        changer, again = (needs(it, ChangesAttributes) for it in (provider, open_provider()))
        paths = ("a.md", "docs/a.md", "a", ".a", "ä.tar.gz")
        assert [changer.form_of(it) for it in paths] == [again.form_of(it) for it in paths]

    def test_change_attributes(self, provider: VectorStoreProvider) -> None:
        """Changing attributes replaces them all; the copy keeps its id and size."""
        changer = needs(provider, ChangesAttributes)
        file_id = provider.upload_file(make_document("a.md", TEXT), TEXT, {"path": "a", "x": "1"})
        before = listing(provider)[file_id]
        changer.change_attributes(file_id, {"path": "b"})
        assert {file_id: replace(before, attributes={"path": "b"})} == listing(provider)

    def test_change_attributes_keeps_content(self, provider: VectorStoreProvider) -> None:
        """Changing attributes keeps the content, found under its new path."""
        changer = needs(provider, ChangesAttributes)
        file_id = store(provider, "a.md")
        changer.change_attributes(file_id, attributes(provider, "b.md"))
        assert is_found(provider, "b.md", "wombat")
        assert self.read_content(provider, file_id) == TEXT

    def test_change_attributes_of_nothing(self, provider: VectorStoreProvider) -> None:
        """Changing the attributes of a copy that isn't there raises `Rejected`."""
        changer = needs(provider, ChangesAttributes)
        file_id = store(provider, "a.md")
        provider.delete_file(file_id)
        with pytest.raises(Rejected):
            changer.change_attributes(file_id, {"path": "b.md"})

    def test_mark(self, open_provider: OpenProvider, provider: VectorStoreProvider) -> None:
        """A mark is empty at first, read back by anyone, and changed name by name."""
        marker = needs(provider, MarksStore)
        assert marker.read_mark() == {}
        assert marker.change_mark("one", lambda was: f"{was}dirty") == "dirty"
        marker.change_mark("two", lambda _: "ünï", must_stay=True)
        reader = needs(open_provider(provider.store_id), MarksStore)
        assert reader.read_mark() == {"one": "dirty", "two": "ünï"}
        assert reader.change_mark("one", lambda was: f"{was} 7") == "dirty 7"
        marker.change_mark("two", lambda _: "")
        assert marker.read_mark() == reader.read_mark() == {"one": "dirty 7"}

    def test_mark_is_no_copy(self, provider: VectorStoreProvider) -> None:
        """A mark is not listed among the copies."""
        needs(provider, MarksStore).change_mark("state", lambda _: "dirty")
        assert listing(provider) == {}

    def test_staged(self, provider: VectorStoreProvider) -> None:
        """What is staged is in the store once it is attached, with the attributes given then."""
        stager = needs(provider, StagesFiles)
        staged = dict(stage(stager, f"{number}.md") for number in range(3))
        assert listing(provider) == {}
        attach(stager, staged)
        assert staged.keys() == listing(provider).keys()
        assert all(
            it.attributes.items() >= staged[key].items() for key, it in listing(provider).items()
        )

    def test_stray(self, provider: VectorStoreProvider) -> None:
        """What was staged and not attached is a stray of its owner, and can be removed."""
        finder, stager = needs(provider, FindsStrays), needs(provider, StagesFiles)
        file_id, _ = stage(stager, "a.md")
        others = Binding(BINDING.source, "another").ownership
        assert find_stray(finder, file_id, others) is False
        assert find_stray(finder, file_id, BINDING.ownership) is True
        finder.remove_stray(file_id)
        assert find_stray(finder, file_id, BINDING.ownership) is None

    def test_stray_that_is_stored_stays(self, provider: VectorStoreProvider) -> None:
        """What is attached before it is removed is no stray any more; it is held by its store."""
        finder, stager = needs(provider, FindsStrays), needs(provider, StagesFiles)
        file_id, metadata = stage(stager, "a.md")
        assert find_stray(finder, file_id, BINDING.ownership)
        attach(stager, {file_id: metadata})
        finder.remove_stray(file_id)
        assert [file_id] == list(listing(provider))
        assert file_id in finder.find_held()

    def test_store_by_name(self, open_provider: OpenProvider) -> None:
        """A store is found by the name it was created with, also right after that."""
        name = f"suite-{uuid.uuid4()}"
        provider, other = open_provider(), open_provider()
        finder, stranger = needs(provider, FindsStore), needs(other, FindsStore)
        assert finder.use_store(name) == ""
        store_id = provider.create_store(name)
        assert finder.settle_store(name) == stranger.use_store(name) == other.store_id == store_id
        assert other.verify_store()
        assert stranger.store_name == name
        remove_store(provider)

    def test_delete_store(self, open_provider: OpenProvider) -> None:
        """A deleted store is no longer verified, by anyone."""
        provider = open_provider()
        deleter = needs(provider, DeletesStore)
        store_id = provider.create_store("suite")
        store(provider, "a.md")
        deleter.delete_store()
        assert not provider.verify_store()
        assert not open_provider(store_id).verify_store()
