"""A clone, its remote and a store, in simulated time, put back as often as needed."""

import copy
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.openai_server import Behaviour, Clock, OpenAIServer
from tests.openai_server.ledger import Record
from tests.openai_server.schemas import Attributes
from tests.openai_server.state import Attachment, File, State, Store
from tests.support.git_server import GitServer
from tests.support.guard import Guard, add_foreigners, read_path
from tests.support.openai import OpenAILab, PatientSession
from tests.support.repositories import GitRepo
from vectornator.errors import VectornatorError
from vectornator.model import Binding, path_key
from vectornator.providers.openai import names
from vectornator.settings import DeleteLimit

NOTES = "refs/notes/vectornator"
BINDING = Binding("127.0.0.1/origin", "default")
HEIR = "docs anew"
"""The store that is to take the place of one that has expired."""

SAVES = 4
"""How many syncs there were before anything drifts."""


class Follower(Guard):
    """A guard that goes along to a new store when the one it watches is deleted."""

    def look(self, state: State, record: Record) -> None:
        """Hold what a request left behind against what there was."""
        if not is_alive(self._store, state):
            names = {self._store.name, HEIR}
            heirs = [it for it in state.stores.values() if it.name in names and is_alive(it, state)]
            self._store, self._kept = heirs[-1] if heirs else self._store, set()
        super().look(state, record)


class Place:
    """A target that was synced four times, beside others' files; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._live = folder / "live"
        self._kept = folder / "kept"
        self._stack = ExitStack()
        self._olds: list[State] = []

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        self.server = enter(
            OpenAIServer(behaviour=Behaviour(indexing_seconds=0.0), clock=Clock(scale=0))
        )
        self._live.mkdir(parents=True)
        git = enter(GitServer(self._live))
        git.create()
        self.url = git.url("origin.git")
        self.origin = GitRepo(self._live / "origin.git")
        self.clone = GitRepo.clone(self.url, self._live / "clone", "--template=")
        add_foreigners(self.server)
        self._open_lab(self.clone.root)
        for number in range(SAVES):
            self.push(make_documents(number))
            self.lab.sync()
            self._olds.append(self._copy(self.server.state))
        self.lab.sync(target="other")
        shutil.rmtree(self.origin.root / "hooks", ignore_errors=True)
        self._minutes = self.clone._minutes
        shutil.copytree(self._live, self._kept, symlinks=True)
        self._state = self._copy(self.server.state)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def restore(self) -> None:
        """Put everything back to where nothing has drifted."""
        shutil.rmtree(self._live)
        shutil.copytree(self._kept, self._live, symlinks=True)
        with self.server.lock:
            self.server.app.state = self._copy(self._state)
            self.server.app.watchers.clear()
            self.server.ledger.clear()
        self.clone = GitRepo(self._live / "clone")
        self.clone._minutes = self._minutes
        self._open_lab(self.clone.root)

    def _copy(self, state: State) -> State:
        return copy.deepcopy(state, {id(self.server.clock): self.server.clock})

    def _open_lab(self, root: Path) -> None:
        self.lab = OpenAILab(GitRepo(root), self.server)
        self.lab.environ["CI"] = "true"
        self.lab.settings = self.lab.settings.model_copy(update={"max_deletes": DeleteLimit(999)})
        self.prefix = ""
        self._first = next(it for it in self.server.state.stores.values() if it.name == "docs")

    # The repository.

    def push(self, files: Mapping[str, str | bytes | None]) -> None:
        """Commit, and push by force."""
        self.clone.commit(dict(files))
        self.clone.run("push", "--quiet", "--force", "origin", "HEAD:refs/heads/main")

    def reclone(self, *options: str) -> None:
        """Go on in a fresh clone."""
        root = self._live / "fresh"
        minutes = self.clone._minutes
        self.clone = GitRepo.clone(self.url, root, "--template=", *options)
        self.clone._minutes = minutes
        settings, environ = self.lab.settings, self.lab.environ
        self.lab = OpenAILab(self.clone, self.server)
        self.lab.settings, self.lab.environ = settings, environ

    def read_tree(self, commit: str) -> dict[str, bytes]:
        """The documents of a commit, as git tells them; none of a commit that is not there."""
        listed = self.clone.run("ls-tree", "-r", commit, check=False)
        rows = [line.partition("\t") for line in listed.splitlines() if "\t" in line]
        return {
            path: (self.clone.run("cat-file", "blob", head.split()[2]) + "\n").encode()
            for head, _, path in rows
            if head.startswith("100") and path.endswith(".md") and path.startswith(self.prefix)
        }

    # The store.

    @property
    def store(self) -> Store:
        """The store that is in use: the one that was named, else the oldest; at last a dead one."""
        state, named = self.server.state, self.lab.settings.store_id
        if named:
            return state.stores[named]
        name = self.lab.settings.store_name
        namesakes = (it for it in state.stores.values() if it.name == name)
        return next((it for it in namesakes if is_alive(it, state)), self._first)

    @property
    def ours(self) -> list[Attachment]:
        """The copies that prove to be the target's, by path."""
        return find_ours(self.store)

    def find_old(self, back: int) -> tuple[State, Store]:
        """Everything as it was so many syncs ago."""
        state = self._copy(self._olds[-1 - back])
        return state, next(it for it in state.stores.values() if it.name == "docs")

    def add_file(self, path: str, content: bytes = b"# Stray\n") -> File:
        """A File that is named as a run of the target would have."""
        metadata = BINDING.ownership
        name = names.name_upload(path, metadata, (self.store.id, "run")).text
        return self.server.state.add_file(name, content)

    def change_settings(self, **changes: object) -> None:
        """Let every later run have other settings."""
        self.lab.settings = self.lab.settings.model_copy(update=changes)

    def read_base(self) -> str:
        """The commit that the ledger is of; empty where that can't be read."""
        session = self.open_session()
        try:
            ledger = session.state.load()
        except VectornatorError:
            return ""
        finally:
            session.close()
        return ledger.base if ledger else ""

    def open_session(self) -> PatientSession:
        """A session like that of a run, to be closed by the caller."""
        lab = self.lab
        settings = lab.settings.model_copy(update={"repository": lab.repo.root})
        session = lab.session(settings, lab.environ, lambda: 1.7e9, lab.stop, lab.retry)
        session.server = self.server
        return session


def is_alive(store: Store, state: State) -> bool:
    """Whether a store is there and can be used."""
    return store.id in state.stores and not store.is_expired(state.clock.now())


def find_ours(store: Store) -> list[Attachment]:
    """The copies in a store that prove to be the target's, by path."""
    ours = (one for one in store.attachments.values() if _is_marked(one) and _has_key(one))
    return sorted(ours, key=lambda one: (read_path(one), one.file.id))


def _is_marked(one: Attachment) -> bool:
    return BINDING.ownership.items() <= (one.attributes or {}).items()


def _has_key(one: Attachment) -> bool:
    """Whether the key is that of the path; only a ledger may know better."""
    return (one.attributes or {}).get("vn_key") == path_key(read_path(one))


def list_bystanders(store: Store) -> dict[str, tuple[bytes, Attributes | None]]:
    """What is in a store and not marked as the target's, with its content."""
    return {
        file_id: (one.file.content, one.attributes)
        for file_id, one in store.attachments.items()
        if not (_is_marked(one) and (one.attributes or {}).get("vn_key"))
    }


def make_documents(number: int) -> dict[str, str | bytes | None]:
    """What is committed before the sync of this number: additions, an update, a removal."""
    first = {f"docs/{letter}.md": f"# {letter}\n" for letter in "abcdefgh"}
    commits: tuple[dict[str, str | bytes | None], ...] = (
        {**first, "README.md": "# Read me\n", "code.py": "1\n"},
        {"docs/a.md": "# a, again\n", "docs/deep/i.md": "# i\n", "docs/b.md": None},
        {"docs/c.md": "# c, again\n", "docs/j.md": "# j\n"},
        {"docs/deep/i.md": "# i, again\n", "docs/k.md": "# k\n", "docs/d.md": None},
    )
    return commits[number]
