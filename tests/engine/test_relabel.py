"""Other rules for attributes: every copy is described anew, and none is stored again."""

from contextlib import suppress

import pytest

from tests.support.lab import Lab
from tests.support.rules import Ruled
from vectornator.testing.faults import DiesAfter

FIRST = {"a.md": b"# A\n", "docs/b.md": b"# B\n", "docs/c.md": b"# C\n"}


class Killed(BaseException):
    """Stands for a process that was killed."""


@pytest.fixture
def teamed(lab: Lab) -> Lab:
    """A store whose documents are of team red; from now on they shall be of team blue."""
    lab.wrap = lambda provider: Ruled(provider, "red")
    lab.sync()
    lab.wrap = lambda provider: Ruled(provider, "blue")
    return lab


def teams(lab: Lab) -> list[tuple[str, str]]:
    """The team of each copy that the store holds."""
    copies = lab.server.shelves[lab.store_id].copies.values()
    return sorted((copy.file.path, copy.file.attributes["team"]) for copy in copies)


BLUE = [(path, "blue") for path in FIRST]


def test_other_rules_change_attributes_alone(teamed: Lab) -> None:
    """Each copy gets its new attributes in one call, and nothing is sent."""
    record = teamed.sync()
    assert ["change_attributes"] * 3 == [method for method, _ in teamed.calls()]
    assert (BLUE, 3, 0) == (teams(teamed), record.counts["relabelled"], record.bytes_uploaded)
    assert ("no-changes", []) == (teamed.sync().status, teamed.calls())


def test_a_plan_says_so(teamed: Lab) -> None:
    """A plan counts the documents that would be described anew, and changes nothing."""
    record = teamed.plan()
    assert (3, True, []) == (record.counts["relabelled"], record.changed, teamed.calls())


def test_moved_and_edited_documents(teamed: Lab) -> None:
    """A moved document needs no upload either; an edited one is updated as ever."""
    teamed.repo.commit({"a.md": "# A2\n", "docs/b.md": None, "guide/b.md": "# B\n"})
    counts = teamed.sync().counts
    assert (1, 1, 1) == (counts["updated"], counts["renamed"], counts["relabelled"])
    assert [("a.md", "blue"), ("docs/c.md", "blue"), ("guide/b.md", "blue")] == teams(teamed)


def test_another_type_is_stored_anew(lab: Lab) -> None:
    """A moved document whose path stands for another type is sent, and its old copy goes."""
    lab.sync()
    lab.repo.commit({"docs/b.md": None, "docs/b.mdx": "# B\n"})
    counts = lab.sync(patterns=("**/*.md", "**/*.mdx")).counts
    assert (1, 1, 0) == (counts["added"], counts["deleted"], counts["renamed"])


def test_foreign_copies_are_not_described(teamed: Lab) -> None:
    """What the ledger calls ours, and the store does not, keeps its attributes."""
    shelf = teamed.server.shelves[teamed.store_id]
    victim = next(iter(shelf.copies.values()))
    foreign = {"path": victim.file.path, "team": "theirs"}
    shelf.copies[victim.file.file_id] = type(victim)(
        type(victim.file)(victim.file.file_id, foreign), victim.content
    )
    assert teamed.sync().status == "synced"
    assert sorted([*BLUE, (victim.file.path, "theirs")]) == teams(teamed)


@pytest.mark.parametrize("calls", range(1, 10))
def test_killed_at_any_call(teamed: Lab, calls: int) -> None:
    """Wherever a run is killed, the next one describes what is left, and stores nothing."""
    blue = teamed.wrap
    teamed.wrap = lambda provider: DiesAfter(blue(provider), calls, Killed())
    with suppress(Killed):
        teamed.sync(concurrency=1)
    done = sum(team == "blue" for _, team in teams(teamed))
    teamed.wrap = blue
    teamed.sync()
    assert (BLUE, ["change_attributes"] * (3 - done)) == (
        teams(teamed),
        [method for method, _ in teamed.calls()],
    )


def test_interrupted(teamed: Lab) -> None:
    """A run that is stopped half-way saves what it did, and the next one does the rest."""
    teamed.witness.on_settled = lambda _: teamed.stop.set()
    assert teamed.sync(concurrency=1).status == "interrupted"
    done = sum(team == "blue" for _, team in teams(teamed))
    teamed.stop.clear()
    assert teamed.sync().counts["relabelled"] == 3 - done
    assert BLUE == teams(teamed)
