"""Runs that go wrong, whatever the store is; the next clean one must put it right."""

from contextlib import suppress

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.machine.death import DEATH
from tests.machine.world import Job, Killed, World, require, sites, whoever
from vectornator.errors import VectornatorError
from vectornator.model import Outcome

few = st.integers(1, 12)


class Troubles(World):
    """Interruptions, races, and deaths between two steps on disk."""

    @rule(who=whoever, site=sites, after=st.integers(0, 4))
    def sync_interrupted(self, who: str, site: str, after: int) -> None:
        """Be asked to stop after some outcomes."""
        left = iter(range(after))

        def trouble(job: Job) -> None:
            def count_down(_: Outcome) -> None:
                if next(left, None) is None:
                    job.lab.stop.set()

            job.lab.witness.on_settled = count_down

        self._try(self._plan_job(who, site), trouble)

    @rule(who=whoever, site=sites, step=st.integers(1, 40))
    def sync_dying(self, who: str, site: str, step: int) -> None:
        """Be killed before a step on disk: nothing that comes after it happens."""
        job = self._plan_job(who, site)
        if job:
            with DEATH.await_step(self.folder, step, Killed):
                self._try(job, lambda _: None)

    @rule(who=whoever, site=sites, other=sites, back=st.integers(0, 2), is_saved=st.booleans())
    def race(self, who: str, site: str, other: str, back: int, is_saved: bool) -> None:
        """Let another run sync, maybe another commit, while one is under way."""
        party = self.parties[who]
        revision = f"HEAD~{back}"
        commit = party.repo.run("rev-parse", "-q", "--verify", revision, check=False)
        rival = self._plan_job(who, other, commit=commit)
        job = self._plan_job(who, site)
        if not job or not rival:
            return

        def interfere(_: Outcome) -> None:
            job.lab.witness.on_settled = lambda _: None
            with suppress(VectornatorError):
                rival.lab.sync(store_id=self.side.store_id)  # there may be one by now

        job.lab.witness.on_settled = interfere
        job.lab.checkpoint_seconds = 0.0 if is_saved else 60.0
        both = self._expect(job).keys() & self._expect(rival).keys()
        held = {it.path for it in self.side.list_held().values() if it.is_of(party.binding)}
        watching = self.side.watch(job.lab, party.binding, held & both)
        with watching as watch, suppress(VectornatorError):
            job.lab.sync()
        require("breaches", [], watch.breaches)
        self.side.calm_down()
        for each in (job, rival):
            party.user_notes.pop(each.commit, None)
