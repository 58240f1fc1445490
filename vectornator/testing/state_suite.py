"""What every state store must do: the sentences of `state.StateStore`, each as a test."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from vectornator.errors import StateConflict
from vectornator.model import Entry
from vectornator.state import StateStore
from vectornator.state.ledger import Ledger, Note


def make_ledger(sequence: int = 1, **fields: object) -> Ledger:
    """A ledger with every field filled in."""
    plain = Ledger(
        provider="memory",
        store_id="store-1",
        target="default",
        source="example.com/org/repo",
        selection="all",
        config="c1",
        sequence=sequence,
        last_sync="2024-01-01T00:00:00Z",
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def make_note(commit: str, **fields: object) -> Note:
    """A note on a commit."""
    plain = Note(
        commit=commit,
        tree="",
        base="",
        status="synced",
        last_sync="2024-01-01T00:00:00Z",
        provider="memory",
        store_id="store-1",
        target="default",
        counts={"added": 1},
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def make_entry(number: int) -> Entry:
    """An entry told apart by its number."""
    return Entry(f"file-{number}", f"{number:064x}", f"{number:040x}", number, 1, "c1")


class StateSuite:
    """The tests; a subclass provides the fixture `make_store`."""

    @pytest.fixture
    def make_store(self) -> Callable[[], StateStore]:
        """Return a function that opens the same state anew, as another run would."""
        raise NotImplementedError

    @pytest.fixture
    def commits(self) -> list[str]:
        """Return the ids of three commits; a note needs no more of a commit than its id."""
        return [digit * 40 for digit in "123"]

    @pytest.fixture
    def store(self, make_store: Callable[[], StateStore]) -> StateStore:
        """Return one store, loaded."""
        store = make_store()
        store.load()
        return store

    def test_nothing_is_recorded_at_first(self, store: StateStore) -> None:
        """Without a ledger there is none, and it has no entries."""
        assert store.load() is None
        assert store.read_entries() == {}

    def test_ledger_comes_back(
        self, store: StateStore, make_store: Callable[[], StateStore], commits: list[str]
    ) -> None:
        """Every field of the ledger is what it was when it was saved."""
        ledger = make_ledger(
            commit=commits[0],
            base=commits[0],
            tree="a" * 40,
            documents=1,
            ahead=frozenset({"ä/b.md", "c.md"}),
            leftovers={"file-9": "c.md"},
        )
        store.save(ledger, {"c.md": make_entry(1)}, make_note(commits[0]))
        assert make_store().load() == ledger

    def test_entries_come_back(
        self, store: StateStore, make_store: Callable[[], StateStore], commits: list[str]
    ) -> None:
        """All entries are read, or those of some paths."""
        entries = {f"docs/ü {number}.md": make_entry(number) for number in range(300)}
        store.save(make_ledger(documents=300), entries, make_note(commits[0]))
        again = make_store()
        again.load()
        assert again.read_entries(["docs/ü 7.md", "missing.md"]) == {"docs/ü 7.md": make_entry(7)}
        assert again.read_entries() == entries

    def test_edits_leave_other_entries_alone(
        self, store: StateStore, make_store: Callable[[], StateStore], commits: list[str]
    ) -> None:
        """An edit sets a path, None removes one, and the rest stays, however it is divided up."""
        entries = {f"{number}.md": make_entry(number) for number in range(1000)}
        store.save(make_ledger(), entries, make_note(commits[0]))
        second = make_store()
        second.load()
        second.save(make_ledger(2), {"3.md": make_entry(99), "4.md": None}, make_note(commits[1]))
        third = make_store()
        third.load()
        expected = {**entries, "3.md": make_entry(99)}
        del expected["4.md"]
        assert third.read_entries() == expected

    def test_two_saves_in_a_row(self, store: StateStore, commits: list[str]) -> None:
        """After a save the store stands as if that save had just been loaded."""
        store.save(make_ledger(1), {"a.md": make_entry(1)}, make_note(commits[0]))
        store.save(make_ledger(2), {"b.md": make_entry(2)}, make_note(commits[0]))
        assert store.read_entries() == {"a.md": make_entry(1), "b.md": make_entry(2)}

    def test_lost_race(
        self, store: StateStore, make_store: Callable[[], StateStore], commits: list[str]
    ) -> None:
        """A save after another run's is a conflict, and what that run saved stays."""
        other = make_store()
        other.load()
        other.save(make_ledger(1), {"a.md": make_entry(1)}, make_note(commits[0]))
        with pytest.raises(StateConflict):
            store.save(make_ledger(1), {"b.md": make_entry(2)}, make_note(commits[1]))
        store.load()
        assert store.read_entries() == {"a.md": make_entry(1)}

    def test_ledger_of_the_same_sequence(
        self, store: StateStore, make_store: Callable[[], StateStore], commits: list[str]
    ) -> None:
        """A ledger that another one of the same sequence replaced is a conflict too."""
        store.save(make_ledger(1), {"a.md": make_entry(1)}, make_note(commits[0]))
        other = make_store()
        other.load()
        other.discard_entries()
        other.save(make_ledger(1, store_id="store-2"), {}, make_note(commits[1]))
        with pytest.raises(StateConflict):
            store.save(make_ledger(2), {"b.md": make_entry(2)}, make_note(commits[0]))

    def test_save_after_a_conflict(
        self, store: StateStore, make_store: Callable[[], StateStore], commits: list[str]
    ) -> None:
        """Once loaded again, the same edits are saved beside the other run's."""
        other = make_store()
        other.load()
        other.save(make_ledger(1), {"a.md": make_entry(1)}, make_note(commits[0]))
        store.load()
        store.save(make_ledger(2), {"b.md": make_entry(2)}, make_note(commits[1]))
        assert store.read_entries() == {"a.md": make_entry(1), "b.md": make_entry(2)}
        assert [note.commit for note in store.list_notes(9)] == [commits[1], commits[0]]

    def test_discarded_entries(
        self, store: StateStore, make_store: Callable[[], StateStore], commits: list[str]
    ) -> None:
        """Discarded entries are gone with the next save."""
        store.save(make_ledger(1), {"a.md": make_entry(1)}, make_note(commits[0]))
        second = make_store()
        second.load()
        second.discard_entries()
        second.save(make_ledger(1), {"b.md": make_entry(2)}, make_note(commits[1]))
        third = make_store()
        third.load()
        assert third.read_entries() == {"b.md": make_entry(2)}

    def test_start_over(
        self, store: StateStore, make_store: Callable[[], StateStore], commits: list[str]
    ) -> None:
        """A store that starts over keeps its notes, and neither ledger nor entries."""
        store.save(make_ledger(7), {"a.md": make_entry(1)}, make_note(commits[0]))
        second = make_store()
        second.start_over()
        assert second.read_entries() == {}
        second.save(make_ledger(1), {"b.md": make_entry(2)}, make_note(commits[1]))
        third = make_store()
        assert third.load() == make_ledger(1)
        assert third.read_entries() == {"b.md": make_entry(2)}
        assert [note.commit for note in third.list_notes(9)] == [commits[1], commits[0]]

    def test_note_is_found(
        self, store: StateStore, make_store: Callable[[], StateStore], commits: list[str]
    ) -> None:
        """The note on a commit is JSON that names the commit; other commits have none."""
        store.save(make_ledger(), {"a.md": make_entry(1)}, make_note(commits[0]))
        again = make_store()
        again.load()
        text = again.read_note(commits[0])
        assert text is not None
        assert commits[0] in text
        assert again.read_note(commits[1]) is None

    def test_notes_are_listed(self, store: StateStore, commits: list[str]) -> None:
        """Notes are listed newest first, as many as are asked for."""
        for number, commit in enumerate(commits[:3], 1):
            store.save(make_ledger(number), {}, make_note(commit))
        listed = [note.commit for note in store.list_notes(2)]
        assert listed == [commits[2], commits[1]]

    def test_latest_sync_is_remembered(
        self, store: StateStore, make_store: Callable[[], StateStore], commits: list[str]
    ) -> None:
        """The ledger and entries of the commit synced last can be had by that commit."""
        ledger = make_ledger(1, commit=commits[0], documents=1)
        store.save(ledger, {"a.md": make_entry(1)}, make_note(commits[0]))
        again = make_store()
        again.load()
        assert again.load_at(commits[0]) == (ledger, {"a.md": make_entry(1)})
        assert again.load_at(commits[2]) is None
