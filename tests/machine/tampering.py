"""What others do to the store behind a run's back."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.machine.commits import paths
from tests.machine.world import SOURCE, World, whoever

which = st.integers(0, 9)

LIE = {"vn_config": "other"}
"""What somebody writes over what a copy says of itself.

Of what else it says, its key and its hashes, only the ledger knows better: without one a copy is
believed, or, where its key is not that of its path, left alone for ever.
"""


class Tampering(World):
    """Copies lost, doubled, relabelled and added; the store lost."""

    @rule(who=whoever, number=which)
    def lose_copy(self, who: str, number: int) -> None:
        """Delete a copy of ours."""
        if ours := self._list_ours(who):
            self.side.drop(ours[number % len(ours)])
            self.parties[who].is_tampered = True

    @rule(number=which)
    def double_copy(self, number: int) -> None:
        """Store any copy a second time."""
        if held := list(self.side.list_held().values()):
            copy = held[number % len(held)]
            given = {name: str(value) for name, value in copy.attributes.items()}
            self.side.add(given, copy.content or b"# twin\n")
            for party in self.parties.values():
                party.is_tampered |= copy.is_of(party.binding)

    @rule(who=whoever, number=which)
    def relabel_copy(self, who: str, number: int) -> None:
        """Let a copy of ours say something untrue of itself."""
        if ours := self._list_ours(who):
            file_id = ours[number % len(ours)]
            was = self.side.list_held()[file_id].attributes
            given = {name: str(value) for name, value in {**was, **LIE}.items()}
            self.side.label(file_id, given)
            self.parties[who].is_tampered = True

    @rule(path=paths, owner=st.sampled_from(["", "else"]))
    def add_foreign(self, path: str, owner: str) -> None:
        """Store a copy that is nobody's of ours."""
        self.side.add({"path": path, "vn_target": owner, "vn_source": SOURCE}, b"foreign")

    @rule()
    def lose_store(self) -> None:
        """Delete the whole store."""
        self.side.lose_store()
