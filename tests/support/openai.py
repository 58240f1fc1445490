"""Runs of the real engine between a repository and the imitation of OpenAI's service."""

import time
from collections.abc import Callable
from threading import Event, Lock
from typing import ClassVar

from pydantic import SecretStr

from tests.openai_server import OpenAIServer
from tests.openai_server.state import Attachment, Store
from tests.support.lab import Witness
from tests.support.repositories import ENVIRON, GitRepo
from vectornator.adopt import adopt
from vectornator.model import Manifest
from vectornator.providers.base import Stray
from vectornator.providers.layers import RetryPolicy
from vectornator.queries import list_orphans, verify
from vectornator.report.record import Adopted, Record, Verification
from vectornator.run import Run
from vectornator.session import Session
from vectornator.settings import Settings


class PatientSession(Session):
    """A session for which waiting moves the server's clock, and takes no time."""

    server: OpenAIServer
    on_wait: Callable[[], None] = staticmethod(lambda: None)
    """Called before each wait; what it raises ends the run."""

    def wait(self, seconds: float) -> None:
        """Let simulated seconds pass."""
        self.on_wait()
        super().wait(0)
        self.server.clock.advance(seconds)


class SharedTimeSession(PatientSession):
    """A session whose threads wait at the same time: the clock goes to the earliest of their ends.

    It only does so when that thread has had nothing to do for a moment, so that requests under
    way are not overtaken by minutes.
    """

    _ends: ClassVar[list[float]] = []
    _lock: ClassVar[Lock] = Lock()

    def wait(self, seconds: float) -> None:
        """Let simulated seconds pass for all threads together."""
        clock = self.server.clock
        end = clock.now() + seconds
        self._ends.append(end)
        try:
            while clock.now() < end:
                Session.wait(self, 0.001)
                with self._lock:
                    if min(self._ends) >= end > clock.now():
                        clock.advance(end - clock.now())
        finally:
            self._ends.remove(end)


class OpenAILab:
    """A repository, a server, and what the server saw of the last run."""

    def __init__(self, repo: GitRepo, server: OpenAIServer) -> None:
        self.repo = repo
        self.server = server
        self.witness = Witness()
        self.stop = Event()
        self.checkpoint_seconds = 60.0
        self.on_wait: Callable[[], None] = lambda: None
        self.session: type[PatientSession] = PatientSession
        self.environ = dict(ENVIRON)
        self.retry = RetryPolicy(attempts=8, budget=100_000)
        self.settings = Settings(
            provider="openai",
            store_name="docs",
            patterns=("**/*.md",),
            api_key=SecretStr(server.key),
            base_url=server.url,
            rate_limits="openai",
        )

    def sync(self, **overrides: object) -> Record:
        """Run a sync with the settings of the lab and some others."""
        return self._run(overrides)

    def repair(self, **overrides: object) -> Record:
        """Run a repair."""
        return self._run(overrides, is_repair=True)

    def verify(self, **overrides: object) -> Verification:
        """Verify the store."""
        return verify(self._prepare(overrides), self.environ, lambda _: None)

    def adopt(self, former: str) -> Adopted:
        """Adopt what the store holds of another source."""
        settings = self._prepare({"adopt_from": former})
        return adopt(settings, self.environ, lambda _: None, lambda _: None, self.stop)

    def list_orphans(self) -> list[Stray]:
        """List what no store holds and nothing proves to be ours."""
        return list_orphans(self._prepare({}), self.environ)

    def _prepare(self, overrides: dict[str, object]) -> Settings:
        on_settled, self.witness = self.witness.on_settled, Witness()
        self.witness.on_settled = on_settled
        self.server.ledger.clear()
        return self.settings.model_copy(update={"repository": self.repo.root, **overrides})

    def _run(self, overrides: dict[str, object], *, is_repair: bool = False) -> Record:
        settings = self._prepare(overrides)
        session = self.session(settings, self.environ, time.time, self.stop, self.retry)
        session.server = self.server
        session.now = self.server.clock.now
        session.on_wait = self.on_wait
        session.checkpoint_seconds = self.checkpoint_seconds
        try:
            return Run(session, self.witness, is_repair=is_repair).carry_out()
        finally:
            session.close()

    def plan(self, **overrides: object) -> Record:
        """Run a plan."""
        return self.sync(dry_run=True, **overrides)

    @property
    def manifest(self) -> Manifest:
        """Every entry that is saved."""
        settings = self._prepare({})
        session = self.session(settings, self.environ, time.time, self.stop, self.retry)
        try:
            assert session.state.load()
            return session.state.read_entries()
        finally:
            session.close()

    @property
    def requests(self) -> dict[str, int]:
        """How often the last run used each route."""
        return self.server.ledger.counts()

    @property
    def store(self) -> Store:
        """The only store there is."""
        [store] = self.server.state.stores.values()
        return store

    @property
    def attachments(self) -> list[Attachment]:
        """What the store holds, oldest first."""
        return list(self.store.attachments.values())

    @property
    def contents(self) -> dict[str, bytes]:
        """What the store holds of each path; two copies of a path are an error."""
        found: dict[str, bytes] = {}
        for one in self.attachments:
            assert one.attributes is not None
            path = str(one.attributes["path"])
            assert path not in found, f"{path} is stored twice"
            found[path] = one.file.content
        return found

    @property
    def strays(self) -> list[str]:
        """The names of Files that no store holds."""
        held = {one.file.id for one in self.attachments}
        return [file.filename for file in self.server.state.files.values() if file.id not in held]
