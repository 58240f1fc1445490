"""Runs that get in each other's way, and runs that save while they work."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.support.lab import Lab, Witness
from tests.support.oracle import NeverMissing
from vectornator.errors import Refused, Rejected
from vectornator.providers.around import Call, Layer
from vectornator.providers.base import BaseVectorStoreProvider, ProviderConfig
from vectornator.providers.memory import MemoryProvider

PENDING = "refs/notes/vectornator:.vectornator/pending.json"
LEDGER = "refs/notes/vectornator:.vectornator/ledger.json"


class Plain(BaseVectorStoreProvider):
    """A store that has no ability beside the contract."""

    name = "lab"

    def __init__(self, inner: MemoryProvider) -> None:
        super().__init__()
        self.initialize = inner.initialize  # type: ignore[method-assign]
        self.inner = inner
        for name in (
            "verify_store", "create_store", "list_files", "upload_file", "update_file",
            "delete_file",
        ):  # fmt: skip
            setattr(self, name, getattr(inner, name))

    @property
    def store_id(self) -> str:
        """The store in use."""
        return self.inner.store_id


class RefusesOnce(Layer):
    """Refuses the first update of `a.md`."""

    has_refused = False

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Refuse, or pass the call on."""
        if call == Call("update_file", "a.md") and not self.has_refused:
            self.has_refused = True
            raise Rejected("Not now.")
        yield


def interrupt_with(lab: Lab, act: Callable[[], object]) -> None:
    """Let `act` happen once, as soon as the next run has settled its first change."""

    def settled(_: object) -> None:
        lab.witness.on_settled = lambda _: None
        act()

    lab.witness.on_settled = settled


def sync_other(lab: Lab, **settings: object) -> Callable[[], object]:
    """A run of somebody else on the same repository and store."""
    other = Lab(lab.repo, lab.server)
    other.settings = lab.settings
    return lambda: other.sync(**{"store_id": lab.store_id, "concurrency": 1, **settings})


def read_documents(lab: Lab) -> dict[str, bytes]:
    """What the store must hold: the documents of the commit checked out."""
    names = lab.repo.run("ls-files", "*.md").splitlines()
    return {name: (lab.repo.root / name).read_bytes() for name in names}


def check(lab: Lab) -> None:
    """One more run leaves every document of the commit in the store once, at no cost."""
    lab.sync(store_id=lab.store_id)
    expected = read_documents(lab)
    assert (expected, len(expected)) == (lab.contents, lab.copies)
    assert ("no-changes", []) == (lab.sync().status, lab.calls())


def test_other_run_takes_our_copies_for_strays(lab: Lab) -> None:
    """Copies that another run found by listing, and removed, are stored again."""
    old = lab.repo.head
    lab.repo.commit({"0.md": "# N\n"})
    other = Lab(lab.repo, lab.server)
    interrupt_with(lab, lambda: other.sync(commit=old, store_id=lab.store_id))
    lab.sync(concurrency=1)
    check(lab)


def test_run_that_is_overtaken_often_gets_through(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run ends well, though others save before it does a dozen times."""
    overtaking = iter([True] * 12)

    def phase(witness: Witness, words: str) -> None:
        if witness is lab.witness and words.startswith("Saving") and next(overtaking, None):
            sync_other(lab, force=True)()

    lab.sync()
    monkeypatch.setattr(Witness, "phase", phase)
    monkeypatch.setattr("vectornator.run.random.uniform", lambda *_: 0.0)
    lab.repo.commit({"a.md": "# A2\n"})
    assert lab.sync().status == "synced"
    assert next(overtaking, None) is None
    check(lab)


def test_both_rename_the_same_copy(lab: Lab) -> None:
    """A copy that two runs renamed differently ends where the newest commit has it."""
    lab.sync()
    older = lab.repo.commit({"docs/b.md": None, "x/b.md": "# B\n"})
    lab.repo.commit({"x/b.md": None, "y/b.md": "# B\n", "a.md": "# A2\n"})
    interrupt_with(lab, sync_other(lab, commit=older))
    lab.sync(concurrency=1)
    check(lab)


class Killed(BaseException):
    """Ends a run on the spot."""


def kill(_: object) -> None:
    """End a run as it settles a change."""
    raise Killed


def test_run_killed_after_another_one_ended(lab: Lab) -> None:
    """What a killed run left is found, though another run ended well in the meantime."""
    lab.sync()
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": "# B2\n", "docs/c.md": "# C2\n"})

    def settled(_: object) -> None:
        lab.witness.on_settled = kill
        sync_other(lab)()

    lab.witness.on_settled = settled
    with pytest.raises(Killed):
        lab.sync(concurrency=1)
    lab.witness.on_settled = lambda _: None
    check(lab)


def test_two_runs_never_remove_each_others_copy(lab: Lab) -> None:
    """A run that finds what another one just stored leaves the newest copy of each document."""
    lab.sync()
    older = lab.repo.commit({"docs/b.md": "# B2\n"})
    lab.repo.commit({"a.md": "# A2\n"})
    lab.wrap = lambda inner: NeverMissing(inner, lab.server, {"a.md", "docs/b.md", "docs/c.md"})
    interrupt_with(lab, sync_other(lab, commit=older))
    lab.sync(concurrency=1)
    check(lab)


def test_checkpoints_save_what_is_done(lab: Lab) -> None:
    """A run saves as it goes, without moving the base."""
    lab.checkpoint_seconds = 0.0
    saved = []
    lab.witness.on_settled = lambda _: saved.append(
        lab.repo.run("rev-list", "--count", "refs/notes/vectornator", check=False)
    )
    record = lab.sync(concurrency=1)
    assert (["1", "2"], 3) == (saved[1:], record.documents)
    check(lab)


def test_checkpoints_leave_the_base(lab: Lab) -> None:
    """As long as a run is under way, the base stays where it was."""
    lab.sync()
    base = lab.repo.head
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": "# B2\n"})
    lab.checkpoint_seconds = 0.0
    bases = []
    lab.witness.on_settled = lambda _: bases.append(
        json.loads(lab.repo.run("show", LEDGER))["base"]
    )
    lab.sync(concurrency=1)
    assert [base, base] == bases


def test_checkpointed_copy_that_another_run_replaced(lab: Lab) -> None:
    """A copy that was saved and then replaced by another run is not brought back."""
    lab.checkpoint_seconds = 0.0
    lab.sync()
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": "# B2\n", "docs/c.md": "# C2\n"})
    newer = lab.repo.commit({"a.md": "# A3\n"})
    lab.repo.run("checkout", "-q", "--detach", "HEAD~1")
    interfere = sync_other(lab, commit=newer, refresh="never")

    def settled(_: object) -> None:
        if len(lab.witness.outcomes) == 2:
            interfere()

    lab.witness.on_settled = settled
    lab.sync(concurrency=1)
    lab.witness.on_settled = lambda _: None
    lab.repo.run("checkout", "-q", newer)
    check(lab)


def test_ledger_deleted_while_a_run_is_under_way(lab: Lab) -> None:
    """A run whose ledger disappears learns from the store what is stored, and sends it once."""
    lab.sync()
    lab.repo.commit({"a.md": "# A2\n", "docs/c.md": None})
    ref = "refs/notes/vectornator"
    interrupt_with(lab, lambda: lab.repo.run("update-ref", "-d", ref))
    record = lab.sync(concurrency=1)
    assert (2, [("update_file", "a.md")]) == (
        record.documents,
        lab.calls("upload_file", "update_file"),
    )
    check(lab)


def test_brake_in_a_later_round_loses_nothing(lab: Lab) -> None:
    """What was done before a brake stops the second round is saved."""
    old = lab.sync().commit
    lab.repo.commit({"a.md": "# A2\n"})
    limit = lab.settings.max_deletes.__class__(99)
    theirs = {"commit": old, "patterns": ("/a.md",), "max_deletes": limit, "refresh": "never"}
    interrupt_with(lab, sync_other(lab, **theirs))
    with pytest.raises(Refused, match="2 documents would be sent"):
        lab.sync(max_files=1)
    assert "a.md" in json.loads(lab.repo.run("show", PENDING))["ahead"]
    check(lab)


def test_lost_race_marks_the_store_dirty_again(lab: Lab) -> None:
    """What a lost race left unsaved is not covered by the mark of the run that won."""
    lab.sync()
    lab.repo.commit({"n.md": "# N\n"})
    more = (*lab.settings.patterns, "*.rst")  # nothing to store, and something to save
    interrupt_with(lab, sync_other(lab, commit="HEAD~1", patterns=more, refresh="never"))
    lab.sync()
    since_theirs = ["dirty", "clean"]  # a run that may not list leaves the mark to others
    assert len(since_theirs) == len(lab.calls("write_mark"))


def test_failure_of_an_earlier_round_is_forgotten(lab: Lab) -> None:
    """A document that failed before the runs met, and was stored after, has not failed."""
    lab.sync()
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": "# B2\n"})
    lab.wrap = RefusesOnce
    interrupt_with(lab, sync_other(lab))
    record = lab.sync(concurrency=1)
    assert ((), "synced") == (record.failures, record.status)


def test_rollback_is_not_overtaken(lab: Lab) -> None:
    """A run that goes back on purpose ends where it was sent, whoever saves in between."""
    old = lab.repo.head
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": "# B2\n"})
    lab.sync()
    interrupt_with(lab, sync_other(lab, force=True))
    lab.sync(commit=old, allow_rollback=True, concurrency=1)
    assert (b"# A\n", b"# B\n") == (lab.contents["a.md"], lab.contents["docs/b.md"])


def make_abilities_go(lab: Lab) -> None:
    """Let the store of the lab be one without any ability."""
    make = lab._make

    def make_plain(config: ProviderConfig) -> Plain:
        inner = make(config)
        assert isinstance(inner, MemoryProvider)
        return Plain(inner)

    lab._make = make_plain  # type: ignore[method-assign,assignment]


def test_store_that_can_not_describe_a_copy_is_listed_once(lab: Lab) -> None:
    """Where only a listing tells whose a copy is, one listing serves all threads."""
    make_abilities_go(lab)
    lab.sync()
    lab.repo.commit({"docs/b.md": None, "docs/c.md": None})
    lab.sync(store_id=lab.store_id)
    assert (["a.md"], 1) == (list(lab.contents), len(lab.calls("list_files")))


def test_race_on_a_store_without_abilities(lab: Lab) -> None:
    """A second round sees the copies that the first one stored, and removes them."""
    make_abilities_go(lab)
    lab.sync()
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": "# B2\n"})
    newer = lab.repo.commit({"a.md": "# A3\n", "docs/b.md": None})
    lab.repo.run("checkout", "-q", "--detach", "HEAD~1")
    interrupt_with(lab, sync_other(lab, commit=newer))
    lab.sync(concurrency=1, store_id=lab.store_id)
    lab.repo.run("checkout", "-q", newer)
    assert (read_documents(lab), 2) == (lab.contents, lab.copies)
