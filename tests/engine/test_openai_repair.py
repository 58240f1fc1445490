"""Verify and repair against the imitation server: what they ask, and what they remove."""

from pathlib import Path

import pytest

from tests.openai_server import OpenAIServer
from tests.openai_server.catalogue import make_fault
from tests.support.openai import OpenAILab
from tests.support.repositories import GitRepo
from vectornator.report.record import Verification

DOCUMENTS = {"a.md": b"# A\n", "b.md": b"# B\n", "c.md": b"# C\n"}


@pytest.fixture
def lab(tmp_path: Path, server: OpenAIServer) -> OpenAILab:
    """A repository with three documents, and a store that holds them."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({path: content.decode() for path, content in DOCUMENTS.items()})
    lab = OpenAILab(repo, server)
    lab.sync()
    return lab


def tell(found: Verification) -> list[tuple[str, str]]:
    """The kind and path of each finding."""
    return [(str(one.kind), one.path) for one in found.findings]


def leave_stray(lab: OpenAILab) -> str:
    """Upload what a run that was killed before it could attach anything would have."""
    name = lab.attachments[0].file.filename
    file = lab.server.state.add_file(name, b"# A\n")
    return file.id


def test_verify_asks_four_questions(lab: OpenAILab) -> None:
    """A store in line is verified by looks at it and one page of each list, all of them GETs."""
    assert lab.verify().is_in_line
    assert lab.requests == {
        "vector_stores.retrieve": 2,
        "vector_stores.files.list": 1,
        "files.list": 1,
    }
    assert {request.method for request in lab.server.ledger.requests} == {"GET"}


def test_every_drift_is_found_and_repaired(lab: OpenAILab) -> None:
    """What was detached, edited and left behind is found by GETs alone, and put right."""
    first, second, _ = lab.attachments
    lab.server.state.detach(lab.store, first.file.id)
    assert second.attributes is not None
    second.attributes["vn_sha"] = "f" * 64
    stray = leave_stray(lab)
    found = lab.verify()
    assert [kind for kind, _ in tell(found)] == ["missing", "changed", "stray", "stray"]
    assert {request.method for request in lab.server.ledger.requests} == {"GET"}
    assert lab.repair().status == "repaired"
    assert (lab.contents, lab.strays, tell(lab.verify())) == (DOCUMENTS, [], [])
    assert stray not in lab.server.state.files


def test_copy_that_failed_is_replaced(lab: OpenAILab) -> None:
    """A copy that the service failed to index is named, removed and sent again."""
    broken = lab.attachments[0]
    broken.outcome = "failed"
    assert tell(lab.verify()) == [("not searchable", str((broken.attributes or {})["path"]))]
    lab.repair()
    assert (lab.contents, lab.strays, lab.verify().is_in_line) == (DOCUMENTS, [], True)


def test_dry_repair_only_asks(lab: OpenAILab) -> None:
    """A dry run shows strays and all, with GETs alone."""
    leave_stray(lab)
    lab.server.state.detach(lab.store, lab.attachments[0].file.id)
    record = lab.repair(dry_run=True)
    assert [str(one.kind) for one in record.findings] == ["missing", "stray", "stray"]
    assert {request.method for request in lab.server.ledger.requests} == {"GET"}


def test_orphans_are_listed_and_stay(lab: OpenAILab) -> None:
    """Files that no store holds and nothing proves ours are listed, by no repair removed."""
    stray = leave_stray(lab)
    other = lab.server.state.add_store("other")
    held = lab.server.state.add_file("held.md", b"held")
    lab.server.state.attach(other, held)
    orphan = lab.server.state.add_file("notes.md", b"mine alone")
    [found] = lab.list_orphans()
    assert (found.file_id, found.name, found.size) == (orphan.id, "notes.md", 10)
    lab.repair()
    assert {held.id, orphan.id} <= lab.server.state.files.keys()
    assert stray not in lab.server.state.files


def test_sweeping_asks_no_other_store(lab: OpenAILab) -> None:
    """A repair looks for its own strays only: what other stores hold is not listed for that."""
    lab.server.state.add_file("notes.md", b"mine alone")
    leave_stray(lab)
    lab.repair()
    assert lab.requests["files.list"] == 1
    assert "vector_stores.list" not in lab.requests
    assert lab.requests["files.delete"] == 1


def test_strays_are_looked_for_again(lab: OpenAILab) -> None:
    """Where the service can't list Files after a crash, the run after the next removes them."""
    stray = leave_stray(lab)
    lab.store.metadata = dict.fromkeys(lab.store.metadata, "dirty 1")
    lab.server.add_fault(make_fault("500-json", route="files.list", count=None))
    lab.sync()
    lab.server.clear_faults()
    lab.sync()
    assert stray not in lab.server.state.files
    lab.sync()
    assert lab.requests == {"vector_stores.retrieve": 1}


def test_counts_that_disagree_are_a_remark(lab: OpenAILab) -> None:
    """A ghost in the store's own count is told, and is no drift."""
    lab.store.ghosts = 2
    found = lab.verify()
    assert found.is_in_line
    assert found.remarks == ("The store counts 5 files and lists 3; the listing is what holds.",)


def test_rebuilt_from_the_store_alone(lab: OpenAILab) -> None:
    """A ledger that is gone is made anew from a listing, found by name, nothing sent."""
    lab.repo.run("update-ref", "-d", "refs/notes/vectornator")
    assert [kind for kind, _ in tell(lab.verify())] == ["unknown"] * 3
    lab.repair(rebuild=True)
    assert "files.create" not in lab.requests
    assert lab.verify().is_in_line
    assert lab.sync().status == "no-changes"


def test_repeated_question_leaves_the_store_clean(lab: OpenAILab) -> None:
    """A poll that had to be asked twice is no reason to list the store next time."""
    lab.repo.commit({"d.md": "# D\n", "e.md": "# E\n"})
    lab.server.add_fault(make_fault("500-json", route="vector_stores.file_batches.retrieve"))
    assert lab.sync().retries > 0
    lab.sync()
    assert lab.requests == {"vector_stores.retrieve": 1}


def test_repeated_upload_leaves_it_in_doubt(lab: OpenAILab) -> None:
    """An upload that had to be made twice is a reason to list the store next time."""
    lab.repo.commit({"d.md": "# D\n", "e.md": "# E\n"})
    lab.server.add_fault(make_fault("500-json", route="files.create"))
    assert lab.sync().retries > 0
    lab.sync()
    assert lab.requests["vector_stores.files.list"] == 1
