"""Every state store keeps the contract: in notes of this repository, on a remote, in a file."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.git_server import GitServer
from tests.support.repositories import ENVIRON, GitRepo
from vectornator.git import Repository
from vectornator.git.config import load_config
from vectornator.git.remote import Remote
from vectornator.state import StateStore
from vectornator.state.commit import MAX_NOTES
from vectornator.state.file import FileStore
from vectornator.state.notes import NotesStore
from vectornator.testing.state_suite import StateSuite, make_entry, make_ledger, make_note

REF = "refs/notes/vectornator"


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[GitRepo]:
    """Make a repository with a commit; it must be sound when the test is over."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"a.md": "a"})
    yield repo
    assert repo.fsck() == ""


@pytest.fixture
def opened() -> Iterator[list[Repository | Remote]]:
    """Close what a test opened."""
    things: list[Repository | Remote] = []
    yield things
    for thing in things:
        thing.close()


class TestLocalNotes(StateSuite):
    """The ledger in notes of a repository without a remote."""

    @pytest.fixture
    def make_store(
        self, repo: GitRepo, opened: list[Repository | Remote]
    ) -> Callable[[], StateStore]:
        """Open the repository anew each time."""

        def make() -> StateStore:
            repository = Repository.open(repo.root)
            opened.append(repository)
            return NotesStore(repository, REF, None, lambda: 1_700_000_000.0)

        return make

    def test_old_notes_go_and_the_ledger_stays(self, make_store: Callable[[], StateStore]) -> None:
        """Of many notes the oldest leave the tree, and nothing else does."""
        store = make_store()
        store.load()
        last = MAX_NOTES + 1
        for number in range(1, last + 1):
            ledger = make_ledger(number, leftovers={"file-9": "a.md"})
            store.save(ledger, {"a.md": make_entry(number)}, make_note(f"{number:040x}"))
        again = make_store()
        assert make_ledger(last, leftovers={"file-9": "a.md"}) == again.load()
        assert {"a.md": make_entry(last)} == again.read_entries()
        assert MAX_NOTES == len(again.list_notes(last))


class TestRemoteNotes(StateSuite):
    """The ledger in notes of a remote, each run in a clone of its own."""

    @pytest.fixture
    def server(self, tmp_path: Path, repo: GitRepo) -> Iterator[GitServer]:
        """Serve a bare clone; it must be sound when the test is over."""
        GitRepo.clone(repo.root, tmp_path / "srv" / "origin.git", "--bare")
        with GitServer(tmp_path / "srv") as server:
            yield server
        assert GitRepo(tmp_path / "srv" / "origin.git").fsck() == ""

    @pytest.fixture
    def make_store(
        self, server: GitServer, tmp_path: Path, opened: list[Repository | Remote]
    ) -> Callable[[], StateStore]:
        """Clone with depth 1 and open, each time."""

        def make() -> StateStore:
            root = tmp_path / f"clone-{len(opened)}"
            url = server.url("origin.git")
            GitRepo.clone(url, root, "--depth=1")
            repository = Repository.open(root)
            remote = Remote.open("origin", load_config(repository, ENVIRON), ENVIRON)
            opened.extend((repository, remote))
            return NotesStore(repository, REF, remote, lambda: 1_700_000_000.0)

        return make


class TestFile(StateSuite):
    """The ledger in a file."""

    @pytest.fixture
    def make_store(self, tmp_path: Path) -> Callable[[], StateStore]:
        """Open the same file each time."""
        return lambda: FileStore(tmp_path / "state" / "metadata.json")
