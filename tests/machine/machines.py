"""The machines: all that may happen, on each kind of store."""

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.machine.commits import paths
from tests.machine.imitated import OpenAISide
from tests.machine.inmemory import LocalSide, MemorySide
from tests.machine.ledgers import Ledgers
from tests.machine.party import Party
from tests.machine.runs import Runs
from tests.machine.sides import Side
from tests.machine.tampering import Tampering, which
from tests.machine.troubles import Troubles, few
from tests.machine.world import SOURCE, Job, Killed, require, sites, whoever
from tests.openai_server.catalogue import CATALOGUE
from tests.openai_server.faults import Fault, Reset
from tests.support.lab import Lab
from tests.support.mixes import FINAL, LEFT_OUT, quicken
from tests.support.openai import OpenAILab
from vectornator.errors import Fatal
from vectornator.model import Binding
from vectornator.providers.base import VectorStoreProvider
from vectornator.testing.faults import DiesAfter, Flaky, Rejecting, StoresThenRaises

WEATHER = sorted(name for name in CATALOGUE.keys() - LEFT_OUT if not name.startswith(FINAL))


class Anything(Tampering, Ledgers, Runs, Troubles):
    """What may happen whatever the store is."""


class CallsFail(Anything):
    """Calls to the provider that go wrong."""

    def _wrap(
        self, who: str, site: str, layer: Callable[[VectorStoreProvider], VectorStoreProvider]
    ) -> None:
        def trouble(job: Job) -> None:
            assert isinstance(job.lab, Lab)
            wrap = job.lab.wrap
            job.lab.wrap = lambda provider: layer(wrap(provider))

        self._try(self._plan_job(who, site), trouble)

    @rule(who=whoever, site=sites, rejected=st.sets(paths, max_size=3))
    def sync_rejecting(self, who: str, site: str, rejected: set[str]) -> None:
        """Meet a store that refuses some documents."""
        self._wrap(who, site, lambda it: Rejecting(it, rejected))

    @rule(who=whoever, site=sites, seed=st.integers(0, 99), odds=st.sampled_from([0.2, 0.8]))
    def sync_flaky(self, who: str, site: str, seed: int, odds: float) -> None:
        """Meet a busy store."""
        self._wrap(who, site, lambda it: Flaky(it, odds, seed=seed))

    @rule(who=whoever, site=sites, calls=few, is_kill=st.booleans())
    def sync_ending(self, who: str, site: str, calls: int, is_kill: bool) -> None:
        """Meet a store that goes away, or be killed before a call."""
        error = Killed() if is_kill else Fatal("The store went away.")
        self._wrap(who, site, lambda it: DiesAfter(it, calls, error))

    @rule(who=whoever, site=sites, times=st.sampled_from([1, 99]))
    def sync_losing_answers(self, who: str, site: str, times: int) -> None:
        """Meet a store whose answers get lost."""
        self._wrap(who, site, lambda it: StoresThenRaises(it, times=times))


class MemoryMachine(CallsFail):
    """Everything, on a store in memory."""

    def open_side(self) -> Side:
        """Open an empty store."""
        return MemorySide()


class LocalMachine(CallsFail):
    """Everything, on the embedded store, which knows no clones: each would have its own."""

    places = ("origin",)

    def open_side(self) -> Side:
        """Use the store of the repository."""
        self.parties["theirs"] = Party(self.repo, Binding(SOURCE, "third"))
        return LocalSide(self.repo.root)


class OpenAIMachine(Anything):
    """Everything, on the imitation of OpenAI's service, in simulated time."""

    side: OpenAISide

    def open_side(self) -> OpenAISide:
        """Start a server."""
        return OpenAISide("openai", 0)

    @rule(who=whoever, number=which)
    def detach_copy(self, who: str, number: int) -> None:
        """Take a copy of ours out of the store, and leave its File lying about."""
        if ours := self._list_ours(who):
            self.side.detach(ours[number % len(ours)])
            self.parties[who].is_tampered = True

    @rule(
        who=whoever,
        site=sites,
        names=st.lists(st.sampled_from(WEATHER), min_size=1, max_size=4, unique=True),
        odds=st.sampled_from([0.1, 0.3, 0.7]),
        seed=st.integers(0, 99),
    )
    def sync_in_weather(
        self, who: str, site: str, names: list[str], odds: float, seed: int
    ) -> None:
        """Meet refusals, lost and wrong answers, broken connections, hidden duplicates."""
        faults = [quicken(CATALOGUE[name].to_fault()) for name in names]

        def trouble(_: Job) -> None:
            self.side.server.add_weather(faults, probability=odds, seed=seed)

        self._try(self._plan_job(who, site), trouble)

    @rule(who=whoever, site=sites, outcome=st.sampled_from(["failed", "cancelled", "stuck"]))
    def sync_unindexed(self, who: str, site: str, outcome: str) -> None:
        """Meet a service that can't index anything."""
        self._try(
            self._plan_job(who, site),
            lambda _: self.side.server.change_rules(outcome=outcome),
        )

    @rule(who=whoever, site=sites, request=st.integers(1, 30), is_served=st.booleans())
    def sync_killed(self, who: str, site: str, request: int, is_served: bool) -> None:
        """Be killed at a request, before or after it has its effect."""

        def trouble(job: Job) -> None:
            assert isinstance(job.lab, OpenAILab)
            dead = Fault(Reset("before"), nth=request + is_served, count=None)
            last = Fault(Reset("after"), nth=request)
            self.side.server.add_fault(*((last, dead) if is_served else (dead,)))

            def die() -> None:
                if dead.met or last.met:
                    raise Killed

            job.lab.on_wait = die

        self._try(self._plan_job(who, site), trouble)

    @rule(who=whoever)
    def expire(self, who: str) -> None:
        """Let the store expire: it is empty then, and a run says so and goes no further."""
        store, job = self.side.store, self._plan_job(who, "origin")
        if not store or not job:
            return
        store.expires_days = 1
        self.side.server.clock.advance(2 * 86_400)
        ended = ""
        try:
            job.lab.sync(store_id=store.id)
        except Fatal as error:
            ended = error.reason
        require("the error", "store-not-found", ended)
        require("changes", 0, self.side.count_changes(job.lab))
        self.side.lose_store()
