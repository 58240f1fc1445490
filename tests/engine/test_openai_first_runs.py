"""First runs that find others at work: which store they end at, and what of it is remembered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openai_server import OpenAIServer
from tests.openai_server.ledger import Record
from tests.openai_server.state import State, Store
from tests.support.openai import OpenAILab
from tests.support.repositories import GitRepo
from vectornator.errors import Fatal

UNUSED = {"vn_created": "somebody"}
"""The metadata of a store that a run has created and not marked yet."""


@pytest.fixture
def lab(tmp_path: Path, server: OpenAIServer) -> OpenAILab:
    """A repository of which nothing was synced yet."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"a.md": "# A\n", "b.md": "# B\n"})
    return OpenAILab(repo, server)


def add_store(server: OpenAIServer, **metadata: str) -> Store:
    """Create a store of the same name, as another run does."""
    with server.lock:
        store = server.state.add_store("docs")
        store.metadata.update(metadata)
    return store


def when_asked(server: OpenAIServer, route: str, act: Iterator[object]) -> None:
    """Do one thing after each request to a route, until there is nothing left to do."""

    def look(_: State, record: Record) -> None:
        if record.route == route:
            next(act, None)

    server.watch(look)


def test_store_that_was_created_first_is_used(lab: OpenAILab, server: OpenAIServer) -> None:
    """Of two stores that were created at once the older one is kept, and ours removed."""

    def create() -> Iterator[None]:
        add_store(server, **UNUSED)
        server.clock.advance(1)
        yield

    when_asked(server, "vector_stores.list", create())
    record = lab.sync()
    [kept] = server.state.stores.values()
    assert kept.metadata["vn_created"] == "somebody"
    assert len(kept.attachments) == len(record.plan.uploads) == 2
    assert lab.sync().status == "no-changes"


def test_store_that_was_created_last_is_removed(lab: OpenAILab, server: OpenAIServer) -> None:
    """A younger one is left to the run that created it, as long as nothing was put into it."""
    when_asked(server, "vector_stores.create", (add_store(server, **UNUSED) for _ in range(1)))
    server.clock.advance(1)
    lab.sync()
    ours, theirs = server.state.stores.values()
    assert (len(ours.attachments), len(theirs.attachments)) == (2, 0)
    assert lab.sync().status == "no-changes"


def test_store_in_use_goes_before_an_older_one(lab: OpenAILab, server: OpenAIServer) -> None:
    """A store that a run has marked is used, though another of its name is older."""
    add_store(server, **UNUSED)
    used = add_store(server, **UNUSED, **{"vn_mark_run-1": "dirty 0"})
    lab.sync()
    assert len(used.attachments) == 2
    assert len(server.state.stores) == 2


@pytest.mark.parametrize("ours", [UNUSED, {**UNUSED, "team": "red"}])
def test_stores_of_others_are_not_chosen_from(
    lab: OpenAILab, server: OpenAIServer, ours: dict[str, str]
) -> None:
    """Where one of several was created by somebody else, the user chooses; nothing is created."""
    add_store(server, team="blue")
    add_store(server, **ours)
    with pytest.raises(Fatal, match="2 stores are called 'docs': choose one with --store-id"):
        lab.sync()
    assert len(server.state.stores) == 2


def test_mark_that_is_written_over_is_written_again(lab: OpenAILab, server: OpenAIServer) -> None:
    """A run that is at work stays in the mark, whoever has read the mark before and writes now."""

    def write_over() -> Iterator[None]:
        [store] = server.state.stores.values()
        for number in range(3):
            store.metadata = {**UNUSED, f"vn_mark_run-{number}": "dirty 0"}
            yield

    when_asked(server, "vector_stores.update", write_over())
    seen: list[dict[str, str]] = []
    server.watch(
        lambda state, record: seen.extend(
            dict(store.metadata)
            for store in state.stores.values()
            if record.route == "files.create"
        )
    )
    lab.sync()
    assert seen
    assert all(len(mark) == 3 and mark["vn_mark_run-2"] for mark in seen)


def test_store_that_keeps_no_mark(lab: OpenAILab, server: OpenAIServer) -> None:
    """A store that forgets what is written is written to once for each change, and used."""

    def forget() -> Iterator[None]:
        [store] = server.state.stores.values()
        while True:
            store.metadata = dict(UNUSED)
            yield

    when_asked(server, "vector_stores.update", forget())
    assert lab.sync().status == "synced"
    assert lab.requests["vector_stores.update"] == 2


def test_other_name_than_that_of_the_store(lab: OpenAILab, server: OpenAIServer) -> None:
    """The ledger's store is used whatever name is asked for, and the user is told so."""
    lab.sync()
    record = lab.sync(store_name="handbook")
    [store] = server.state.stores.values()
    told = f"The ledger is of the store {store.id}, called 'docs': that one is used, not 'handbook'"
    assert [words for words in record.remarks if words.startswith(told)]
    assert not lab.sync().remarks
