"""Whole runs against the imitation server: what they cost, and what they leave behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openai_server import Clock, OpenAIServer
from tests.support.openai import OpenAILab
from tests.support.repositories import GitRepo

MARKING = {"vector_stores.retrieve": 3, "vector_stores.update": 2}
"""What a run that changes something asks about the store: once to verify it, and to mark it
dirty and clean one look each, as several targets share the mark, and one write each."""


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """Run a server on a clock that only waiting moves."""
    with OpenAIServer(clock=Clock(scale=0)) as server:
        yield server


@pytest.fixture
def lab(tmp_path: Path, server: OpenAIServer) -> OpenAILab:
    """A repository with three documents, and a store that holds them."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"a.md": "# A\n", "docs/b.md": "# B\n", "docs/c.md": "# C\n"})
    lab = OpenAILab(repo, server)
    lab.sync()
    return lab


def make_documents(number: int) -> dict[str, str | bytes | None]:
    """So many documents, no two alike."""
    return {f"new/{index}.md": f"# Number {index}\n" for index in range(number)}


def count_settling(lab: OpenAILab) -> int:
    """Take the polls out of the counts, whose number is the server's affair, and return it."""
    return lab.requests["vector_stores.file_batches.retrieve"]


def test_first_run(lab: OpenAILab) -> None:
    """The documents are in the store under readable names, and nothing else is anywhere."""
    assert {"a.md": b"# A\n", "docs/b.md": b"# B\n", "docs/c.md": b"# C\n"} == lab.contents
    names = sorted(one.file.filename for one in lab.attachments)
    assert ["a.", "docs__b.", "docs__c."] == [name[:-19] for name in names]
    assert lab.strays == []


def test_no_op_costs_one_request(lab: OpenAILab) -> None:
    """A run that has nothing to do asks once whether the store is there."""
    assert lab.sync().status == "no-changes"
    assert lab.requests == {"vector_stores.retrieve": 1}


@pytest.mark.parametrize("number", [2, 150, 1100])
def test_adding(lab: OpenAILab, number: int) -> None:
    """A documents cost A uploads, an attaching for every 500, and a page for every 100."""
    lab.repo.commit(make_documents(number))
    assert lab.sync(concurrency=8).status == "synced"
    batches = [500] * (number // 500) + [number % 500]
    assert lab.requests == {
        **MARKING,
        "files.create": number,
        "vector_stores.file_batches.create": len(batches),
        "vector_stores.file_batches.retrieve": count_settling(lab),
        "vector_stores.file_batches.list_files": sum(-(-size // 100) for size in batches),
    }


def test_updating(lab: OpenAILab) -> None:
    """An update costs two requests more than an upload; the old copies are proved by one page."""
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": "# B2\n"})
    assert lab.sync().status == "synced"
    assert lab.requests == {
        **MARKING,
        "files.create": 2,
        "vector_stores.file_batches.create": 1,
        "vector_stores.file_batches.retrieve": count_settling(lab),
        "vector_stores.file_batches.list_files": 1,
        "vector_stores.files.list": 1,
        "vector_stores.files.delete": 2,
        "files.delete": 2,
    }
    assert (len(lab.attachments), lab.strays) == (3, [])


def test_deleting(lab: OpenAILab) -> None:
    """A delete costs two requests; all together are proved ours by one page."""
    lab.repo.commit({"a.md": None, "docs/b.md": None})
    assert lab.sync().status == "synced"
    assert lab.requests == {
        **MARKING,
        "vector_stores.files.list": 1,
        "vector_stores.files.delete": 2,
        "files.delete": 2,
    }


def test_renaming(lab: OpenAILab) -> None:
    """A rename costs one change of attributes, and a look at whose the copy is."""
    lab.repo.run("mv", "a.md", "z.md")
    lab.repo.commit()
    assert lab.sync().status == "synced"
    assert lab.requests == {
        **MARKING,
        "vector_stores.files.retrieve": 1,
        "vector_stores.files.update": 1,
    }
    assert sorted(lab.contents) == ["docs/b.md", "docs/c.md", "z.md"]
