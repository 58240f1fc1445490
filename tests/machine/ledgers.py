"""What becomes of the state between runs."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.machine.world import World, sites, whoever


class Ledgers(World):
    """Ledgers lost and rolled back; notes of users; notes pruned; clones that git tidies."""

    @rule(who=whoever)
    def lose_ledger(self, who: str) -> None:
        """Delete the state."""
        party = self.parties[who]
        party.repo.run("update-ref", "-d", party.ref)
        self._state_file(who).unlink(missing_ok=True)
        party.user_notes.clear()

    @rule(who=whoever, back=st.integers(1, 3))
    def roll_ledger_back(self, who: str, back: int) -> None:
        """Put the notes ref back to an earlier save."""
        party = self.parties[who]
        revision = f"{party.ref}~{back}"
        old = party.repo.run("rev-parse", "-q", "--verify", revision, check=False)
        if old:
            party.repo.run("update-ref", party.ref, old)
            party.user_notes.clear()

    @rule(who=whoever, back=st.integers(0, 4))
    def add_note(self, who: str, back: int) -> None:
        """Let a user of git put a note on a commit."""
        party = self.parties[who]
        commit = party.repo.run("rev-parse", "-q", "--verify", f"HEAD~{back}", check=False)
        if commit:
            party.repo.run("notes", f"--ref={party.ref}", "add", "-f", "-m", "mine", commit)
            party.user_notes[commit] = "mine"

    @rule(who=whoever, back=st.integers(0, 4))
    def remove_note(self, who: str, back: int) -> None:
        """Let a user of git remove a note."""
        party = self.parties[who]
        commit = party.repo.run("rev-parse", "-q", "--verify", f"HEAD~{back}", check=False)
        if commit and party.has_ref:
            party.repo.run("notes", f"--ref={party.ref}", "remove", "--ignore-missing", commit)
            party.user_notes.pop(commit, None)

    @rule(who=whoever)
    def prune_notes(self, who: str) -> None:
        """Let a user of git remove the notes on commits that are gone."""
        party = self.parties[who]
        if party.has_ref:
            party.repo.run("notes", f"--ref={party.ref}", "prune")
            for commit in list(party.user_notes):
                if party.repo.run("cat-file", "-t", commit, check=False) != "commit":
                    del party.user_notes[commit]

    @rule(site=sites)
    def tidy_clone(self, site: str) -> None:
        """Let git tidy a clone up."""
        if clone := self.clones.get(site):
            clone.run("gc", "-q", "--prune=now")

    @rule(site=sites)
    def throw_clone_away(self, site: str) -> None:
        """Begin with a fresh clone the next time."""
        if clone := self.clones.pop(site, None):
            clone.root.rename(self.folder / f"old-{next(self.numbers)}")
