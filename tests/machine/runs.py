"""Runs that must go right, runs that must change nothing, and the settings of both."""

from contextlib import suppress

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.machine.commits import contents, paths
from tests.machine.world import World, require, sites, whoever
from tests.support.oracle import CHOICES, Choice
from vectornator.errors import Fatal, VectornatorError


class Runs(World):
    """Settings changed; syncs, repairs, plans and verifications."""

    @rule(who=whoever, choice=st.sampled_from(CHOICES))
    def choose(self, who: str, choice: Choice) -> None:
        """Choose other documents from now on."""
        self.parties[who].choice = choice

    @rule(who=whoever, team=st.sampled_from(["red", "blue"]))
    def change_rules(self, who: str, team: str) -> None:
        """Give the documents another attribute from now on."""
        self.parties[who].team = team

    @rule(who=whoever, form=st.integers(0, 2))
    def change_form(self, who: str, form: int) -> None:
        """Store the documents otherwise from now on."""
        self.parties[who].form = form

    @rule(who=whoever, concurrency=st.sampled_from([1, 3]))
    def change_concurrency(self, who: str, concurrency: int) -> None:
        """Make more calls at once from now on, or one after the other."""
        self.parties[who].concurrency = concurrency

    @rule(who=whoever, refresh=st.sampled_from(["auto", "always", "never"]))
    def change_refresh(self, who: str, refresh: str) -> None:
        """List the store always, never or when needed in runs that may go wrong."""
        self.parties[who].refresh = refresh

    @rule(path=paths, content=contents)
    def edit_theirs(self, path: str, content: bytes) -> None:
        """Commit to the other repository."""
        self.theirs.write({path: content})
        self.theirs.commit()

    @rule(who=whoever, site=sites, force=st.booleans())
    def sync(self, who: str, site: str, force: bool) -> None:
        """A clean run puts everything right."""
        self._sync_cleanly(who, site, force=force)

    @rule(who=whoever, site=sites)
    def sync_listing(self, who: str, site: str) -> None:
        """So does one that lists the store."""
        self._sync_cleanly(who, site, refresh="always")

    @rule(who=whoever, site=sites)
    def plan(self, who: str, site: str) -> None:
        """A plan changes nothing anywhere."""
        if job := self._plan_job(who, site):
            before = self._snapshot()
            job.lab.plan()
            self._compare(before)
            require("changes", 0, self.side.count_changes(job.lab))

    @rule(who=whoever, site=sites)
    def verify(self, who: str, site: str) -> None:
        """Nor does a verification."""
        if job := self._plan_job(who, site):
            before = self._snapshot()
            with suppress(VectornatorError):
                job.lab.verify()
            self._compare(before)

    @rule(who=whoever, site=sites, is_rebuilt=st.booleans())
    def repair(self, who: str, site: str, is_rebuilt: bool) -> None:
        """After a repair there is nothing that a verification finds."""
        if (job := self._plan_job(who, site)) and self.side.list_held():
            with suppress(Fatal):  # a store that is there for nobody
                self._carry_out(job, lambda: job.lab.repair(rebuild=is_rebuilt))
                require("findings", (), job.lab.verify().findings)

    @rule(who=whoever, site=sites)
    def sync_late(self, who: str, site: str) -> None:
        """The run of a clone that was left behind; one that is superseded changes nothing."""
        job = self._plan_job(who, site, is_fresh=False)
        if job:
            with suppress(VectornatorError):
                record = self._carry_out(job, job.lab.sync)
                if record.status == "superseded":
                    require("changes", 0, self.side.count_changes(job.lab))

    @rule(who=whoever, back=st.integers(1, 3), site=sites)
    def sync_older(self, who: str, back: int, site: str) -> None:
        """The run of an older commit comes late; one that is superseded changes nothing."""
        commit = self.parties[who].repo.run(
            "rev-parse", "-q", "--verify", f"HEAD~{back}", check=False
        )
        if commit and (job := self._plan_job(who, site, commit=commit)):
            record = self._carry_out(job, job.lab.sync)
            if record.status == "superseded":
                require("changes", 0, self.side.count_changes(job.lab))
