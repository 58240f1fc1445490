"""What runs of one target take from each other at work, and what they do about it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.openai_server import Behaviour, OpenAIServer
from tests.openai_server.ledger import Record
from tests.openai_server.rules import Rules
from tests.openai_server.schemas import Attributes
from tests.openai_server.state import State
from tests.support.guard import OURS, Guard
from tests.support.lab import Witness
from tests.support.openai import OpenAILab
from tests.support.repositories import GitRepo
from vectornator.marks import make_run
from vectornator.model import Document, Failed
from vectornator.providers.openai import names
from vectornator.session import name_mark

BLOB = "0" * 40


@pytest.fixture
def lab(tmp_path: Path, server: OpenAIServer) -> OpenAILab:
    """A repository of which everything is stored but one change."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"a.md": "# A\n", "b.md": "# B\n"})
    lab = OpenAILab(repo, server)
    lab.settings = lab.settings.model_copy(
        update={"store_id": server.state.add_store("docs").id, "source_id": OURS.source}
    )
    lab.sync()
    repo.commit({"a.md": "# A2\n", "c.md": "# C\n"})
    return lab


@pytest.fixture
def guard(lab: OpenAILab) -> Guard:
    """Sees to it that what is stored stays so."""
    guard = Guard(lab.server, lab.store)
    guard.expect(["a.md", "b.md"])
    return guard


def join(lab: OpenAILab, lifetime: float = 600) -> None:
    """Let the store say that another run of the same target is at work."""
    end = lab.server.clock.now() + lifetime
    with lab.server.lock:
        words = f"dirty 1 {make_run('abcdef', end)}"
        lab.store.metadata[f"vn_mark_{name_mark(OURS)}"] = words


def leave(lab: OpenAILab) -> None:
    """Let the other run be gone from the mark."""
    lab.store.metadata[f"vn_mark_{name_mark(OURS)}"] = "dirty 1"


def stage(lab: OpenAILab, path: str, content: bytes) -> tuple[str, Attributes]:
    """Send a File as another run of the same target does; return its id and its attributes."""
    attributes = OURS.attributes(Document(path, BLOB, len(content), "1" * 64), "config")
    name = names.name_upload(path, attributes, (lab.store.id, "another run")).text
    with lab.server.lock:
        return lab.server.state.add_file(name, content).id, dict(attributes)


def attach(
    lab: OpenAILab, file_id: str, attributes: Attributes, indexing_seconds: float = 0.0
) -> None:
    """Put a File into the store."""
    state, rules = lab.server.state, Rules(behaviour=Behaviour(indexing_seconds))
    with lab.server.lock:
        state.attach(lab.store, state.files[file_id], attributes, rules=rules)


def remove(lab: OpenAILab, file_id: str) -> None:
    """Remove a File from the store and the account."""
    with lab.server.lock:
        lab.server.state.detach(lab.store, file_id)
        del lab.server.state.files[file_id]


def find_copies(lab: OpenAILab, path: str) -> list[str]:
    """The ids of a document's copies, the oldest first."""
    return [one.file.id for one in lab.attachments if (one.attributes or {}).get("path") == path]


def after(server: OpenAIServer, route: str, acts: Iterator[object]) -> None:
    """Do one thing after each request to a route, until there is nothing left to do."""

    def look(_: State, record: Record) -> None:
        if record.route == route:
            next(acts, None)

    server.watch(look)


def when_planned(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Do something between a run's look at the store and the first change it makes."""
    monkeypatch.setattr(Witness, "planned", lambda _, plan: act() if len(plan) else None)


def test_stray_that_was_stored_meanwhile_stays(
    lab: OpenAILab, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another run had sent, and stores before this one removes strays, is no stray."""
    file_id, attributes = stage(lab, "b.md", b"# B\n")
    [old] = find_copies(lab, "b.md")

    def store() -> None:
        attach(lab, file_id, attributes)
        remove(lab, old)

    when_planned(monkeypatch, store)
    lab.sync(refresh="always")
    assert [file_id] == find_copies(lab, "b.md")
    assert ([], []) == (guard.breaches, lab.strays)


def test_stray_is_removed(lab: OpenAILab) -> None:
    """What is not stored by then is removed, with a look, the File, and what may have held it."""
    stage(lab, "b.md", b"# B\n")
    lab.sync(refresh="always")
    assert [] == lab.strays
    assert lab.requests["vector_stores.files.retrieve"] == 2


def test_stray_that_is_stored_too_late_goes_altogether(lab: OpenAILab) -> None:
    """A File that is put into the store after the look is gone from there too."""
    file_id, attributes = stage(lab, "b.md", b"# B\n")

    def store() -> Iterator[None]:
        yield  # found to be a stray
        attach(lab, file_id, attributes)
        yield

    after(lab.server, "vector_stores.files.retrieve", store())
    lab.sync(refresh="always")
    assert file_id not in find_copies(lab, "b.md")
    assert (len(lab.contents), []) == (3, lab.strays)


@pytest.mark.parametrize("number", [0, 300])
def test_copy_that_was_taken_for_a_stray_is_sent_again(
    lab: OpenAILab, guard: Guard, number: int
) -> None:
    """Where another run is at work, what was sent is looked for before old copies are removed."""
    lab.repo.commit({f"more/{index}.md": f"# {index}\n" for index in range(number)})
    lab.sync()
    lab.repo.commit({"a.md": "# A3\n", "d.md": "# D\n"})

    def take() -> Iterator[None]:
        join(lab)
        for path in ("a.md", "d.md"):
            remove(lab, find_copies(lab, path)[-1])
        yield

    after(lab.server, "vector_stores.file_batches.list_files", take())
    assert lab.sync().status == "synced"
    assert guard.breaches == []
    assert (lab.contents["a.md"], lab.contents["d.md"], lab.strays) == (b"# A3\n", b"# D\n", [])
    pages = lab.requests["vector_stores.files.list"]
    looks = lab.requests["vector_stores.files.retrieve"]
    assert (pages, looks) == ((4, 4) if number else (3, 2))  # by itself, or by a listing for all


def test_alone_nothing_is_looked_for(lab: OpenAILab) -> None:
    """A run that is alone asks the store once who else is there, and then for the old copy only."""
    lab.sync()
    asked = lab.requests["vector_stores.retrieve"], lab.requests["vector_stores.files.retrieve"]
    assert asked == (5, 1)


def test_run_that_came_later_is_waited_for(lab: OpenAILab) -> None:
    """A copy that the store is at work on is not given up while a run is there that stored it.

    That run has come after the mark was read for the first time.
    """
    file_id, attributes = stage(lab, "b.md", b"# B3\n")

    def arrive() -> Iterator[None]:
        attach(lab, file_id, attributes, indexing_seconds=1e6)
        join(lab, lifetime=1e6)
        yield

    after(lab.server, "vector_stores.retrieve", arrive())
    lab.sync(refresh="always")
    assert file_id in find_copies(lab, "b.md")
    leave(lab)
    lab.sync(refresh="always")
    assert file_id not in find_copies(lab, "b.md")


def test_copy_that_another_run_renamed_is_no_foreign_one(
    lab: OpenAILab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another run is at work, a copy that moved is looked for, and no failure."""
    lab.repo.commit({"b.md": None})

    def rename() -> None:
        [copy] = [one for one in lab.attachments if (one.attributes or {}).get("path") == "b.md"]
        copy.attributes = dict(OURS.attributes(Document("x.md", BLOB, 4, "1" * 64), "config"))
        join(lab)
        monkeypatch.undo()

    when_planned(monkeypatch, rename)
    record = lab.sync()
    assert (record.status, [one for one in record.outcomes if isinstance(one, Failed)]) == (
        "synced",
        [],
    )
    assert lab.contents == {"a.md": b"# A2\n", "c.md": b"# C\n"}
