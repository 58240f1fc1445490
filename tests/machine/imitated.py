"""The imitation of OpenAI's service as the store's side of a machine's world."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.machine.party import Party
from tests.machine.sides import AnyLab, Held, Side, Watch
from tests.openai_server import Clock, OpenAIServer
from tests.openai_server.state import Store
from tests.support.guard import Guard
from tests.support.openai import OpenAILab
from tests.support.repositories import GitRepo
from vectornator.model import Binding
from vectornator.providers.layers import RetryPolicy
from vectornator.providers.openai import names

NAME = "docs"
QUIET_SECONDS = 700
"""After which nothing that a service answered late can surprise."""


class OpenAISide(Side):
    """A server of its own, in simulated time."""

    def __init__(self, like: str, seed: int) -> None:
        clock = Clock(scale=0, tick=0.05)
        self.server = OpenAIServer(like=like, clock=clock, seed=seed)  # type: ignore[arg-type]
        self.server.start()
        self._state = self.server.state

    def close(self) -> None:
        """Stop the server. Raises what a watcher raised."""
        self.server.stop()
        for failure in self.server.app.failures:
            raise failure

    def open_lab(self, repo: GitRepo, party: Party) -> OpenAILab:
        """A lab in which chunks are as the party wants them."""
        lab = OpenAILab(repo, self.server)
        lab.retry = RetryPolicy()
        chunks = {"chunk_size": 200 * party.form, "chunk_overlap": 0} if party.form else {}
        lab.settings = lab.settings.model_copy(update=chunks)
        return lab

    @property
    def store(self) -> Store | None:
        """The only store of its name."""
        found = [one for one in self._state.stores.values() if one.name == NAME]
        assert len(found) < 2, "there are two stores"
        return found[0] if found else None

    @property
    def store_id(self) -> str:
        """Nothing that has to be named: the store is found by its name."""
        return ""

    def list_held(self) -> dict[str, Held]:
        """What the store holds."""
        with self.server.lock:
            now = self.server.clock.now()
            return {
                one.file.id: Held(
                    one.attributes or {}, one.file.content, one.status(now) == "completed"
                )
                for one in (self.store.attachments.values() if self.store else ())
            }

    def drop(self, file_id: str) -> None:
        """Delete a File."""
        with self.server.lock:
            self._state.delete_file(file_id)

    def detach(self, file_id: str) -> None:
        """Take a File out of the store, and leave it lying about."""
        with self.server.lock:
            if self.store:
                self._state.detach(self.store, file_id)

    def add(self, attributes: Mapping[str, str], content: bytes) -> None:
        """Upload and attach a File, under the name that a run would give it."""
        with self.server.lock:
            if store := self.store:
                path, scope = attributes.get("path", "x.md"), (store.id, "run")
                name = names.name_upload(path, attributes, scope).text
                self._state.attach(store, self._state.add_file(name, content), dict(attributes))

    def label(self, file_id: str, attributes: Mapping[str, str]) -> None:
        """Replace the attributes."""
        with self.server.lock:
            if self.store:
                self.store.attachments[file_id].attributes = dict(attributes)

    def lose_store(self) -> None:
        """Delete the store; its Files stay."""
        with self.server.lock:
            if self.store:
                self._state.delete_store(self.store.id)

    @contextmanager
    def watch(self, lab: AnyLab, binding: Binding, must: set[str]) -> Iterator[Watch | Guard]:
        """Look after every request; where there is no store yet, there is nothing to see."""
        del lab
        if self.store is None:
            yield Watch(self, binding, set())
            return
        watchers = list(self.server.app.watchers)
        guard = Guard(self.server, self.store, binding)
        guard.expect(must)
        try:
            yield guard
        finally:
            with self.server.lock:
                self.server.app.watchers[:] = watchers

    def count_changes(self, lab: AnyLab) -> int:
        """Count the requests that change anything."""
        del lab
        return sum(one.method != "GET" for one in self.server.ledger.of())

    def snapshot(self) -> object:
        """Every File, and every store with its attachments."""
        with self.server.lock:
            stores = {
                one.id: (one.name, dict(one.metadata), list(one.attachments.values()))
                for one in self._state.stores.values()
            }
            return repr(stores), dict(self._state.files)

    def list_strays(self, binding: Binding) -> list[str]:
        """Files that no store holds, and whose names say that a run of this target sent them."""
        with self.server.lock:
            if (store := self.store) is None:
                return []
            mark = names.find_owner(binding.ownership, store.id)
            orphans = self._state.orphans()
            return [it.filename for it in orphans if names.read_owner(it.filename) == mark]

    def calm_down(self) -> None:
        """Clear all faults, and let time pass."""
        self.server.clear_faults()
        self.server.change_rules(outcome="completed")
        self.server.clock.advance(QUIET_SECONDS)
