"""A repository, a store in memory and runs of the real engine between them."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

from tests.support.repositories import ENVIRON, GitRepo
from vectornator.adopt import adopt
from vectornator.model import Change, Outcome, Plan
from vectornator.providers import provider_registry
from vectornator.providers.base import ProviderConfig, VectorStoreProvider
from vectornator.providers.layers import RetryPolicy
from vectornator.providers.memory import MemoryProvider, MemoryStore
from vectornator.queries import verify
from vectornator.report.record import Adopted, Record, Verification
from vectornator.run import Run
from vectornator.session import Session
from vectornator.settings import Settings

CHANGING = {"create_store", "upload_file", "update_file", "delete_file", "change_attributes"}
"""The calls that change documents."""


class Witness:
    """An observer that remembers what it was told."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.remarks: list[str] = []
        self.plans: list[Plan] = []
        self.outcomes: list[Outcome] = []
        self.records: list[Record] = []
        self.on_settled: Callable[[Outcome], None] = lambda _: None

    def phase(self, words: str) -> None:
        """Remember a phase."""
        self.phases.append(words)

    def remark(self, words: str) -> None:
        """Remember a remark."""
        self.remarks.append(words)

    def planned(self, plan: Plan) -> None:
        """Remember a plan."""
        self.plans.append(plan)

    def started(self, change: Change) -> None:
        """Pass over."""

    def settled(self, outcome: Outcome, done: int, total: int) -> None:
        """Remember an outcome."""
        assert 0 < done <= total
        self.outcomes.append(outcome)
        self.on_settled(outcome)

    def finished(self, record: Record) -> None:
        """Remember a record."""
        self.records.append(record)


class Lab:
    """Runs of the engine on one repository and one store, with faults in between at will."""

    def __init__(self, repo: GitRepo, server: MemoryStore | None = None) -> None:
        self.repo = repo
        self.server = server or MemoryStore()
        self.wrap: Callable[[VectorStoreProvider], VectorStoreProvider] = lambda provider: provider
        self.is_shared = True
        self.checkpoint_seconds = 60.0
        self.stop = Event()
        self.environ = dict(ENVIRON)
        self.witness = Witness()
        self.settings = Settings(provider="lab", store_name="docs", patterns=("**/*.md",))

    @property
    def store_id(self) -> str:
        """The id of the first store."""
        return next(iter(self.server.shelves))

    @property
    def contents(self) -> dict[str, bytes]:
        """What the store holds by path."""
        return self.server.contents(self.store_id)

    @property
    def copies(self) -> int:
        """How many copies the store holds, duplicates and foreign ones too."""
        return len(self.server.shelves[self.store_id].copies)

    def sync(self, **overrides: object) -> Record:
        """Run a sync with the settings of the lab and some others."""
        return self._run(overrides)

    def plan(self, **overrides: object) -> Record:
        """Run a plan."""
        return self._run({**overrides, "dry_run": True})

    def repair(self, **overrides: object) -> Record:
        """Run a repair."""
        return self._run(overrides, is_repair=True)

    def verify(self, **overrides: object) -> Verification:
        """Verify the store."""
        provider_registry.register("lab", self._make, replace=True)
        self.server.calls.clear()
        settings = self.settings.model_copy(update={"repository": self.repo.root, **overrides})
        return verify(settings, self.environ, lambda _: None)

    def adopt(self, former: str, **overrides: object) -> Adopted:
        """Adopt what the store holds of another source."""
        provider_registry.register("lab", self._make, replace=True)
        self.server.calls.clear()
        changes = {"repository": self.repo.root, "adopt_from": former, **overrides}
        settings = self.settings.model_copy(update=changes)
        return adopt(settings, self.environ, lambda _: None, lambda _: None)

    def _run(self, overrides: dict[str, object], *, is_repair: bool = False) -> Record:
        provider_registry.register("lab", self._make, replace=True)
        self.witness = witness = self._renew()
        self.server.calls.clear()
        settings = self.settings.model_copy(update={"repository": self.repo.root, **overrides})
        session = Session(settings, self.environ, time.time, self.stop, RetryPolicy(first=0))
        session.checkpoint_seconds = self.checkpoint_seconds
        try:
            return Run(session, witness, is_repair=is_repair).carry_out()
        finally:
            session.close()

    def _renew(self) -> Witness:
        witness = Witness()
        witness.on_settled = self.witness.on_settled
        return witness

    def _make(self, config: ProviderConfig) -> VectorStoreProvider:
        del config
        provider = MemoryProvider(self.server, is_shared=self.is_shared)
        provider.name = "lab"
        return self.wrap(provider)

    def calls(self, *methods: str) -> list[tuple[str, str]]:
        """The calls of the last run, of some methods or of all that change documents."""
        wanted = set(methods) or CHANGING
        return [call for call in self.server.calls if call[0] in wanted]

    def read_tree(self, folder: Path | None = None) -> dict[str, bytes]:
        """Every file below a folder, by default the whole repository with its `.git`."""
        root = folder or self.repo.root
        files = (path for path in root.rglob("*") if path.is_file())
        return {str(path.relative_to(root)): path.read_bytes() for path in files}
