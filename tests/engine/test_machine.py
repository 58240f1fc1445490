"""Any sequence of commits, faults, races and tampering: a clean run puts everything right.

`MACHINE_EXAMPLES=500` looks for new sequences at random; by default the same few are replayed.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.commits import Commits, paths
from tests.support.lab import Lab
from tests.support.oracle import CHOICES, Choice, NeverMissing, Oracle, is_ours, to_blob_id
from tests.support.rules import Ruled
from vectornator.errors import Fatal, VectornatorError
from vectornator.git import Repository
from vectornator.model import Entry, RemoteFile
from vectornator.providers.base import VectorStoreProvider
from vectornator.providers.memory import Copy
from vectornator.report.record import Record
from vectornator.settings import DeleteLimit
from vectornator.state import StateStore
from vectornator.state.file import FileStore
from vectornator.state.ledger import Ledger
from vectornator.state.notes import NotesStore
from vectornator.testing.faults import DiesAfter, Flaky, Rejecting, StoresThenRaises

REF = "refs/notes/vectornator"
SOURCE = "example.org/ours"
few = st.integers(1, 12)


class Killed(BaseException):
    """Stands for a process that was killed."""


class Machine(Commits):
    """A repository, its store, and everybody who works with either."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        super().__init__(self.folder / "repo")
        self.oracle = Oracle(self.repo)
        self.lab = Lab(self.repo)
        self.choice = CHOICES[0]
        self.team = "red"
        self.foreign: dict[str, Copy] = {}
        self.user_notes: dict[str, str] = {}
        self.is_tampered = False
        """Whether somebody changed what no run can know of without listing the store."""

    @initialize(storage=st.sampled_from(["git-notes", "git-notes", "file"]))
    def choose_storage(self, storage: str) -> None:
        """Keep the state in notes or in a file."""
        self.lab.settings = self.lab.settings.model_copy(
            update={
                "source_id": SOURCE,
                "metadata_storage": storage,
                "metadata_file": self.folder / "state.json",
                "max_deletes": DeleteLimit(100, is_percent=True),
                "allow_empty": True,
            }
        )

    def teardown(self) -> None:
        """Leave a sound repository, and no folder."""
        assert self.repo.fsck() == ""
        shutil.rmtree(self.folder)

    @rule(choice=st.sampled_from(CHOICES))
    def choose(self, choice: Choice) -> None:
        """Choose other documents from now on."""
        self.choice = choice

    @rule(team=st.sampled_from(["red", "blue"]))
    def change_rules(self, team: str) -> None:
        """Give the documents another attribute from now on."""
        self.team = team

    # Tampering.

    @precondition(lambda self: self._copies)
    @rule(number=st.integers(0, 9))
    def lose_copy(self, number: int) -> None:
        """Delete a copy of ours behind our back."""
        ours = [file_id for file_id, copy in self._copies.items() if is_ours(copy.file)]
        if ours:
            del self._copies[ours[number % len(ours)]]
            self.is_tampered = True

    @precondition(lambda self: self._copies)
    @rule(number=st.integers(0, 9))
    def double_copy(self, number: int) -> None:
        """Store a copy of ours a second time."""
        copies = list(self._copies.values())
        copy = copies[number % len(copies)]
        file_id = f"file-{next(self.lab.server.numbers)}"
        self._copies[file_id] = Copy(replace(copy.file, file_id=file_id), copy.content)
        if is_ours(copy.file):
            self.is_tampered = True
        else:
            self.foreign[file_id] = self._copies[file_id]

    @precondition(lambda self: self.lab.server.shelves)
    @rule(path=paths, owner=st.sampled_from(["", "other"]))
    def add_foreign(self, path: str, owner: str) -> None:
        """Store a copy that is somebody else's."""
        file_id = f"foreign-{len(self.foreign)}"
        attributes = {"path": path, "vn_target": owner, "vn_source": SOURCE}
        self.foreign[file_id] = Copy(RemoteFile(file_id, attributes), b"foreign")
        self._copies[file_id] = self.foreign[file_id]

    @rule()
    def lose_ledger(self) -> None:
        """Delete the state."""
        self.repo.run("update-ref", "-d", REF)
        (self.folder / "state.json").unlink(missing_ok=True)
        self.user_notes.clear()

    @precondition(lambda self: self._has_ref)
    @rule(back=st.integers(1, 3))
    def roll_ledger_back(self, back: int) -> None:
        """Put the notes ref back to an earlier save."""
        old = self.repo.run("rev-parse", "-q", "--verify", f"{REF}~{back}", check=False)
        if old:
            self.repo.run("update-ref", REF, old)
            self.user_notes.clear()

    @rule(back=st.integers(0, 4))
    def add_note(self, back: int) -> None:
        """Let a user of git put a note on a commit."""
        if commit := self.find_ancestor(back):
            self.repo.run("notes", "--ref=vectornator", "add", "-f", "-m", "mine", commit)
            self.user_notes[commit] = "mine"

    @precondition(lambda self: self._has_ref)
    @rule(back=st.integers(0, 4))
    def remove_note(self, back: int) -> None:
        """Let a user of git remove a note."""
        if commit := self.find_ancestor(back):
            self.repo.run("notes", "--ref=vectornator", "remove", "--ignore-missing", commit)
            self.user_notes.pop(commit, None)

    @precondition(lambda self: self._has_ref)
    @rule()
    def prune_notes(self) -> None:
        """Let a user of git remove the notes on commits that are gone."""
        self.repo.run("notes", "--ref=vectornator", "prune")
        gone = [
            c
            for c in self.user_notes
            if self.repo.run("cat-file", "-t", c, check=False) != "commit"
        ]
        for commit in gone:
            del self.user_notes[commit]

    # Runs that go wrong.

    @rule(rejected=st.sets(paths, max_size=3))
    def sync_rejecting(self, rejected: set[str]) -> None:
        """Meet a store that refuses some documents."""
        self._try(lambda provider: Rejecting(provider, rejected))

    @rule(seed=st.integers(0, 99), probability=st.sampled_from([0.2, 0.8]))
    def sync_flaky(self, seed: int, probability: float) -> None:
        """Meet a busy store."""
        self._try(lambda provider: Flaky(provider, probability, seed=seed))

    @rule(calls=few, is_kill=st.booleans())
    def sync_dying(self, calls: int, is_kill: bool) -> None:
        """Meet a store that goes away, or be killed."""
        error = Killed() if is_kill else Fatal("The store went away.")
        self._try(lambda provider: DiesAfter(provider, calls, error))

    @rule(times=st.sampled_from([1, 99]))
    def sync_losing_answers(self, times: int) -> None:
        """Meet a store whose answers get lost."""
        self._try(lambda provider: StoresThenRaises(provider, times=times))

    @rule(after=st.integers(0, 4))
    def sync_interrupted(self, after: int) -> None:
        """Be asked to stop after some outcomes."""
        left = iter(range(after))

        def count_down(_: object) -> None:
            if next(left, None) is None:
                self.lab.stop.set()

        self._try(on_settled=count_down)

    @rule(back=st.integers(0, 2), is_checkpointed=st.booleans())
    def race(self, back: int, is_checkpointed: bool) -> None:
        """Let another run sync, maybe another commit, while one is under way."""
        other = Lab(self.repo, self.lab.server)
        other.settings = self.lab.settings
        commit = self.find_ancestor(back) or self.repo.head
        self.lab.checkpoint_seconds = 0.0 if is_checkpointed else 60.0

        def interfere(_: object) -> None:
            self.lab.witness.on_settled = lambda _: None
            with suppress(VectornatorError):
                self._sync(other, commit, must=set())

        self._try(on_settled=interfere)
        self.lab.checkpoint_seconds = 60.0
        self.user_notes.pop(commit, None)

    @rule(back=st.integers(1, 3))
    def sync_older(self, back: int) -> None:
        """Let the run of an older commit come late; one that is superseded changes nothing."""
        commit = self.find_ancestor(back)
        if commit and self._has_directory(commit):
            record = self._sync(self.lab, commit)
            self.user_notes.pop(commit, None)
            if record.status == "superseded":
                assert self.lab.calls() == []

    # Runs that must go right.

    @rule()
    def plan(self) -> None:
        """A plan changes nothing anywhere."""
        if not self._has_directory(self.repo.head):
            return
        before = self._snapshot()
        self.lab.plan(**self._chosen)
        assert self._snapshot() == before
        assert self.lab.calls() == self.lab.calls("write_mark") == []

    @rule(force=st.booleans())
    def sync(self, force: bool) -> None:
        """A clean run leaves exactly the documents of the commit, and a ledger that says so."""
        commit = self.repo.head
        if not self._has_directory(commit):
            return
        refresh = "always" if self.is_tampered else "auto"
        record = self._sync(self.lab, commit, force=force, refresh=refresh, allow_rollback=True)
        self.is_tampered = False
        self.user_notes.pop(commit, None)
        assert record.status in {"synced", "no-changes"}
        self._check(commit, record)
        self._check_second_run(commit)

    def _check(self, commit: str, record: Record) -> None:
        expected = self.oracle.expect(commit, self.choice)
        ours = {i: c for i, c in self._copies.items() if is_ours(c.file)}
        assert sorted((c.file.path, c.content) for c in ours.values()) == sorted(expected.items())
        assert {i: c for i, c in self._copies.items() if i not in ours} == self.foreign
        assert {c.file.attributes["team"] for c in ours.values()} <= {self.team}
        ledger, entries = self._read_state()
        assert {path: entry.file_id for path, entry in entries.items()} == {
            copy.file.path: file_id for file_id, copy in ours.items()
        }
        assert {path: entry.blob for path, entry in entries.items()} == {
            path: to_blob_id(content) for path, content in expected.items()
        }
        assert (commit, len(expected), frozenset(), {}) == (
            ledger.base,
            ledger.documents,
            ledger.ahead,
            dict(ledger.leftovers),
        )
        assert len(expected) == record.documents
        for noted, text in self.user_notes.items():
            assert text == self.repo.run("notes", "--ref=vectornator", "show", noted)

    def _check_second_run(self, commit: str) -> None:
        before = self._snapshot()
        record = self._sync(self.lab, commit)
        assert record.status == "no-changes"
        assert self.lab.calls() == self.lab.calls("write_mark", "list_files") == []
        assert self._snapshot() == before

    # Steps.

    @property
    def _copies(self) -> dict[str, Copy]:
        shelves = list(self.lab.server.shelves.values())
        assert len(shelves) < 2
        return shelves[0].copies if shelves else {}

    @property
    def _has_ref(self) -> bool:
        return bool(self.repo.run("for-each-ref", REF))

    @property
    def _chosen(self) -> dict[str, object]:
        return {
            "patterns": self.choice.patterns,
            "exclude": self.choice.exclude,
            "directory": self.choice.directory,
            "store_id": next(iter(self.lab.server.shelves), ""),
        }

    def _sync(
        self, lab: Lab, commit: str, *, must: set[str] | None = None, **overrides: object
    ) -> Record:
        """Sync a commit; a document that is there before and after is there all the time."""
        if must is None:
            held = {copy.file.path for copy in self._copies.values() if is_ours(copy.file)}
            must = held & self.oracle.expect(commit, self.choice).keys()
        wrap, server = lab.wrap, lab.server
        lab.wrap = lambda provider: wrap(Ruled(NeverMissing(provider, server, must), self.team))
        try:
            return lab.sync(**{"commit": commit, "concurrency": 1, **self._chosen, **overrides})
        finally:
            lab.wrap = wrap

    def _try(
        self,
        wrap: Callable[[VectorStoreProvider], VectorStoreProvider] = lambda provider: provider,
        on_settled: Callable[[object], None] = lambda _: None,
    ) -> None:
        """Let a run go wrong, however it ends."""
        if not self._has_directory(self.repo.head):
            return
        self.lab.wrap, self.lab.witness.on_settled = wrap, on_settled
        with suppress(VectornatorError, Killed):
            self._sync(self.lab, self.repo.head, must=None)
        self.lab.wrap = lambda provider: provider
        self.lab.witness.on_settled = lambda _: None
        self.lab.stop.clear()
        self.user_notes.pop(self.repo.head, None)

    def _has_directory(self, commit: str) -> bool:
        folder = self.choice.directory
        kind = self.repo.run("cat-file", "-t", f"{commit}:{folder}", check=False)
        return not folder or kind == "tree"

    def _read_state(self) -> tuple[Ledger, dict[str, Entry]]:
        with Repository.open(self.repo.root) as repository:
            state: StateStore = NotesStore(repository, REF, None, lambda: 0.0)
            if self.lab.settings.metadata_storage == "file":
                state = FileStore(self.folder / "state.json")
            ledger = state.load()
            assert ledger is not None
            return ledger, state.read_entries()

    def _snapshot(self) -> object:
        shelves = {
            store_id: (dict(shelf.copies), dict(shelf.mark))
            for store_id, shelf in self.lab.server.shelves.items()
        }
        return shelves, self.lab.read_tree(self.folder)


@pytest.mark.filterwarnings("default::hypothesis.errors.HypothesisWarning")
def test_machine() -> None:
    """Whatever happened before, one clean run leaves store, ledger and notes as they must be."""
    examples = int(os.environ.get("MACHINE_EXAMPLES", "0"))
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples or 25,
            stateful_step_count=20,
            deadline=None,
            derandomize=not examples,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
