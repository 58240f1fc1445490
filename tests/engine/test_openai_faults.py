"""Whole runs against a server that fails: one row a symptom, then mixes of all of them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.openai_server import Clock, OpenAIServer, make_fault, make_weather
from tests.openai_server.catalogue import CATALOGUE
from tests.openai_server.ledger import Record
from tests.openai_server.state import Attachment, State
from tests.support.openai import OpenAILab
from tests.support.repositories import GitRepo
from vectornator.errors import Fatal, VectornatorError
from vectornator.model import Failed
from vectornator.providers.layers import RetryPolicy

CHANGES: dict[str, str | bytes | None] = {
    "a.md": "# A2\n",
    "docs/b.md": None,
    "new/d.md": "# D\n",
    "new/e.md": "# E\n",
}
AFTER = {"a.md": b"# A2\n", "docs/c.md": b"# C\n", "new/d.md": b"# D\n", "new/e.md": b"# E\n"}

FATAL = {
    "400-storage-full": "quota",
    "401": "auth",
    "403": "auth",
    "429-insufficient-quota": "quota",
    "429-credit-balance-exhausted": "quota",
}

TRANSPORT = ["refuse-connect", "drip", "hang-before", "hang-after"]
"""What takes real seconds."""


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """Run a server on a clock that waiting and requests move."""
    with OpenAIServer(clock=Clock(scale=0, tick=0.05)) as server:
        yield server


@pytest.fixture
def lab(tmp_path: Path, server: OpenAIServer) -> OpenAILab:
    """A repository whose three documents are stored, and four changes to them."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"a.md": "# A\n", "docs/b.md": "# B\n", "docs/c.md": "# C\n"})
    lab = OpenAILab(repo, server)
    lab.sync()
    repo.commit(CHANGES)
    return lab


def failures(lab: OpenAILab) -> list[str]:
    """What the last run said of documents that failed."""
    return [one.message for one in lab.witness.outcomes if isinstance(one, Failed)]


@pytest.mark.parametrize("route", ["files.create", "*.file_batches.create", "*.file_batches.*"])
@pytest.mark.parametrize(
    "name", [row.name for row in CATALOGUE.values() if row.passes and row.name not in TRANSPORT]
)
def test_what_passes_is_outlived(lab: OpenAILab, name: str, route: str) -> None:
    """A fault that passes costs time and nothing else: no document, no duplicate, no stray."""
    lab.server.add_fault(make_fault(name, route=route))
    assert lab.sync().status == "synced"
    lab.server.clock.advance(60)
    lab.server.clear_faults()
    lab.sync()
    assert lab.contents == AFTER
    assert lab.strays == []


@pytest.mark.parametrize(("name", "reason"), FATAL.items())
def test_what_is_for_good_ends_the_run(lab: OpenAILab, name: str, reason: str) -> None:
    """An answer that no patience changes is not asked for twice; the old copies stay."""
    lab.server.add_fault(make_fault(name, route="files.create", count=None))
    with pytest.raises(Fatal) as caught:
        lab.sync(concurrency=1)
    assert caught.value.reason == reason
    assert lab.requests["files.create"] == 1
    assert sorted(lab.contents) == ["a.md", "docs/b.md", "docs/c.md"]


@pytest.mark.parametrize("name", ["reset-after", "500-after", "invalid-json", "truncated"])
def test_lost_answer_to_an_upload(lab: OpenAILab, name: str) -> None:
    """A File whose upload was not answered is found by its name and not sent again."""
    lab.server.add_fault(make_fault(name, route="files.create"))
    assert lab.sync(concurrency=1).status == "synced"
    assert (lab.requests["files.create"], lab.requests["files.list"]) == (3, 2)
    assert (lab.contents, lab.strays) == (AFTER, [])


def test_lost_answer_to_an_upload_that_shows_late(lab: OpenAILab) -> None:
    """One that is not listed yet is sent again, and swept once it is."""
    lab.server.change_rules(file_unlisted_seconds=2000.0)
    lab.server.add_fault(make_fault("reset-after", route="files.create"))
    assert lab.sync().status == "synced"
    assert len(lab.strays) == 1
    lab.server.clock.advance(3000)
    assert lab.sync().status == "no-changes"
    assert (lab.contents, lab.strays) == (AFTER, [])


def test_lost_answer_to_a_batch(lab: OpenAILab) -> None:
    """A batch that was made after all is not made again."""
    lab.server.add_fault(make_fault("reset-after", route="*.file_batches.create"))
    assert lab.sync().status == "synced"
    assert lab.requests["vector_stores.file_batches.create"] == 1
    assert (lab.contents, lab.strays) == (AFTER, [])


def test_lost_answer_to_a_store(tmp_path: Path, server: OpenAIServer) -> None:
    """A store whose making was not answered is found, and no second one made."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"a.md": "# A\n"})
    server.add_fault(make_fault("reset-after", route="vector_stores.create"))
    lab = OpenAILab(repo, server)
    assert lab.sync().status == "synced"
    assert lab.contents == {"a.md": b"# A\n"}
    assert lab.requests["vector_stores.create"] == 1


def test_server_that_ignores_batches(lab: OpenAILab) -> None:
    """A server that makes empty batches is given one file at a time from then on."""
    lab.server.change_rules(batch_reading="ignored")
    assert lab.sync().status == "synced"
    assert lab.requests["vector_stores.file_batches.create"] == 1
    assert lab.requests["vector_stores.files.create"] == 3
    assert (lab.contents, lab.strays) == (AFTER, [])


@pytest.mark.parametrize("name", ["files-halved", "attributes-dropped", "attributes-partly"])
def test_half_done_batches_are_mended(lab: OpenAILab, name: str) -> None:
    """What a batch left out is put right: files that are missing, and attributes."""
    lab.server.add_fault(make_fault(name, route="*.file_batches.create"))
    assert lab.sync().status == "synced"
    assert (lab.contents, lab.strays) == (AFTER, [])


@pytest.mark.parametrize("name", ["index-unsupported-file", "400-attach-extension"])
def test_refused_types_are_sent_as_text(lab: OpenAILab, name: str) -> None:
    """A document whose type is refused is sent once more as plain text."""
    lab.server.add_fault(make_fault(name, route="vector_stores.file*.create"))
    assert lab.sync().status == "synced"
    assert (lab.contents, lab.strays) == (AFTER, [])


def test_failed_for_good_keeps_the_old(lab: OpenAILab) -> None:
    """A document that can't be indexed is reported; its old copy stays, nothing is deleted."""
    lab.server.change_rules(outcome="failed", failure="server_error")
    assert lab.sync().status == "failed"
    assert "could not index it: An internal error occurred." in failures(lab)[0]
    assert sorted(lab.contents) == ["a.md", "docs/b.md", "docs/c.md"]
    assert lab.strays == []


def test_stuck_for_ever(lab: OpenAILab) -> None:
    """A document that is never indexed is given up after its own time, and taken out again."""
    lab.server.change_rules(outcome="stuck")
    assert lab.sync(index_timeout=60).status == "failed"
    assert "not searchable after" in failures(lab)[0]
    assert sorted(lab.contents) == ["a.md", "docs/b.md", "docs/c.md"]


@pytest.mark.parametrize("seed", range(12))
def test_weather(tmp_path: Path, seed: int) -> None:
    """After any mix of faults one clean run ends with store = tree and no File too many."""
    faults = [fault for fault in make_weather() if fault.name not in TRANSPORT]
    with OpenAIServer(clock=Clock(scale=0, tick=0.05), seed=seed) as server:
        repo = GitRepo.init(tmp_path / "repo")
        repo.commit({"a.md": "# A\n", "docs/b.md": "# B\n", "docs/c.md": "# C\n"})
        lab = OpenAILab(repo, server)
        lab.retry = RetryPolicy(attempts=4, budget=100_000)
        server.add_weather(faults, probability=0.3, seed=seed)
        run_honestly(lab)
        repo.commit(CHANGES)
        run_honestly(lab)
        server.clear_faults()
        server.clock.advance(60)
        lab.sync()
        assert (lab.contents, lab.strays) == (AFTER, [])


def run_honestly(lab: OpenAILab) -> None:
    """Run a sync that may fail, but only with an error of ours."""
    with suppress(VectornatorError):
        lab.sync()


def test_vanished_file_is_sent_again_alone(lab: OpenAILab) -> None:
    """A File that is gone before it is attached costs one more upload, and holds up no other."""
    lab.server.add_fault(make_fault("file-disappears", route="files.create", nth=2))
    assert lab.sync(concurrency=1).status == "synced"
    assert (lab.requests["files.create"], lab.witness.records[0].retries) == (4, 0)
    assert (lab.contents, lab.strays) == (AFTER, [])


def test_refused_file_is_found_by_halves(lab: OpenAILab) -> None:
    """Which of 64 files a batch is refused for, though none is named, takes a dozen requests."""
    lab.repo.commit({f"many/{number}.md": f"# Number {number}\n" for number in range(61)})

    def spoil(state: State, record: Record) -> None:
        if record.file and record.file.filename.startswith("many__40.") and record.status == 200:
            next(reversed(state.files.values())).filename = "many.exe"

    lab.server.watch(spoil)
    assert lab.sync(concurrency=1).status == "partial"
    assert failures(lab)[0].startswith("POST /vector_stores/files: HTTP 400: Files with extensions")
    assert lab.requests["vector_stores.file_batches.create"] == 1 + 2 * 5
    assert lab.requests["vector_stores.files.create"] == 2 + 1
    assert (len(lab.contents), lab.strays) == (4 + 60, [])


def test_server_that_takes_small_batches(lab: OpenAILab) -> None:
    """Batches are as large as the server says that they may be."""
    lab.server.change_rules(batch_files=2)
    assert lab.sync().status == "synced"
    assert lab.requests["vector_stores.file_batches.create"] == 2
    assert (lab.contents, lab.strays) == (AFTER, [])


def lose_file(lab: OpenAILab, one: Attachment) -> None:
    """Let the File of a copy be gone, and the copy be listed all the same."""
    del lab.server.state.files[one.file.id]


def lose_copy(lab: OpenAILab, one: Attachment) -> None:
    """Let a copy be gone from the store, and its File be there."""
    lab.server.state.detach(lab.store, one.file.id)


def fail_copy(_: OpenAILab, one: Attachment) -> None:
    """Let a copy be one that could not be indexed."""
    one.outcome = "failed"


@pytest.mark.parametrize("spoil", [lose_file, lose_copy, fail_copy])
def test_old_copies_that_are_spoilt(
    lab: OpenAILab, spoil: Callable[[OpenAILab, Attachment], None]
) -> None:
    """An update and a delete get by with an old copy that is only half there."""
    for one in lab.attachments:
        if (one.attributes or {})["path"] != "docs/c.md":
            spoil(lab, one)
    assert lab.sync().status == "synced"
    lab.sync()
    assert (lab.contents, lab.strays) == (AFTER, [])


@pytest.mark.parametrize("nth", [1, 2])
def test_copy_that_is_removed_by_half(lab: OpenAILab, nth: int) -> None:
    """A File that outlives its copy, as its own removal was refused, is found by the next run."""
    lab.server.add_fault(make_fault("429-insufficient-quota", route="files.delete", nth=nth))
    with suppress(Fatal):
        lab.sync(concurrency=1)
    assert len(lab.strays) == 1
    assert lab.sync().status in {"synced", "no-changes"}
    assert (lab.contents, lab.strays) == (AFTER, [])


def test_targets_that_upload_the_same_at_once(lab: OpenAILab) -> None:
    """Two targets that store the same documents at the same time leave each other's alone."""
    labs = [OpenAILab(lab.repo, lab.server) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        records = list(pool.map(lambda one: labs[one].sync(target=f"t{one}"), range(2)))
    assert [record.status for record in records] == ["synced", "synced"]
    for target in ("t0", "t1"):
        copies = [one for one in lab.attachments if (one.attributes or {})["vn_target"] == target]
        paths = sorted(str((one.attributes or {})["path"]) for one in copies)
        assert paths == sorted(AFTER)
    assert lab.strays == []
