"""The symptoms that users of vector stores report, one row each, and what a run makes of them."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.openai_server import Clock, Fault, OpenAIServer, make_fault
from tests.openai_server.catalogue import reply
from tests.openai_server.errors import ApiError, refuse
from tests.support.guard import Guard
from tests.support.openai import OpenAILab
from tests.support.repositories import GitRepo
from vectornator.errors import VectornatorError
from vectornator.model import Binding

OURS = Binding("example.org/ours", "default")
BEFORE = {"a.md": [b"# A\n"], "docs/b.md": [b"# B\n"], "docs/c.md": [b"# C\n"]}
CHANGES: dict[str, str | bytes | None] = {"a.md": "# A2\n", "docs/b.md": None, "d.md": "# D\n"}
WITHOUT_B = {path: BEFORE[path] for path in ("a.md", "docs/c.md")}
AFTER = {"a.md": [b"# A2\n"], "docs/c.md": [b"# C\n"], "d.md": [b"# D\n"]}

UPLOAD = "files.create"
BATCH = "*.file_batches.create"
LISTED = {"refresh": "always"}
LISTING = "vector_stores.files.list"


@dataclass(frozen=True, slots=True)
class Row:
    """A symptom, how it comes about, and how the run ends that meets it."""

    symptom: str
    faults: tuple[tuple[str | Fault, str, int | None], ...] = ()
    """Which faults, or their names, at which routes, and how often; None for always."""

    rules: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    arrange: Callable[[OpenAILab], object] = lambda _: None
    ends: str = "synced"
    """The status of the run, or the reason of the error that ends it; empty for any."""

    after: Mapping[str, list[bytes]] = field(default_factory=lambda: AFTER)
    """What search finds then."""

    like: Literal["openai", "azure", "compatible"] = "openai"


def always(error: ApiError) -> Fault:
    """A fault that answers with an error, and does nothing."""
    return Fault(reply(error))


def add_crowd(lab: OpenAILab) -> None:
    """Fill more than a page with files of others."""
    for number in range(120):
        file = lab.server.state.add_file(f"theirs-{number}.md", b"# Not ours\n")
        lab.server.state.attach(lab.store, file, {})


def lose_files(lab: OpenAILab) -> None:
    """Remove the Files of a document to update, of one to delete, and of one that failed."""
    for one in lab.attachments:
        del lab.server.state.files[one.file.id]
        if (one.attributes or {})["path"] == "docs/c.md":
            one.outcome = "failed"


def run_twice_at_once(lab: OpenAILab) -> None:
    """Let two runs of one target overlap."""
    others = [OpenAILab(lab.repo, lab.server) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool, suppress(VectornatorError):
        list(pool.map(OpenAILab.sync, others))


ROWS = {
    1: Row("storage grows, as detaching leaves the Files"),
    2: Row(
        "counts stay too high when a File goes first",
        rules={"deleting_file_leaves_ghost_count": True},
    ),
    3: Row("the store lists files whose File is gone", arrange=lose_files, settings=LISTED),
    4: Row(
        "removed text is found for a while",
        rules={"detached_found_seconds": 600.0, "detached_listed_seconds": 600.0},
    ),
    5: Row(
        "what was just attached is not shown",
        rules={
            "entry_hidden_seconds": 5.0,
            "entry_unlisted_seconds": 5.0,
            "uncounted_seconds": 5.0,
        },
    ),
    6: Row("a fresh File can't be attached", rules={"file_hidden_seconds": 20.0}),
    7: Row("indexing never ends", (("index-stuck", BATCH, 1),)),
    8: Row("a poll answers the store", (("batch-as-store", "*.file_batches.retrieve", None),)),
    9: Row("a completed batch has failures inside", (("batch-mixed", BATCH, 1),)),
    10: Row("one bad file has the whole batch refused", (("400-attach-extension", BATCH, 1),)),
    11: Row("plain text is refused for its content", (("index-unsupported-file", BATCH, 1),)),
    12: Row(
        "nothing can be indexed for days", rules={"outcome": "failed"}, ends="failed", after=BEFORE
    ),
    13: Row("code files have the wrong extension", (("400-upload-extension", UPLOAD, 1),)),
    14: Row("a file is empty", arrange=lambda lab: lab.repo.commit({"empty.md": ""})),
    15: Row("time-outs make duplicates", (("reset-after", UPLOAD, 2), ("reset-after", BATCH, 1))),
    16: Row(
        "only 20 files are seen",
        (("page-20", "*.list*", None),),
        arrange=add_crowd,
        settings=LISTED,
    ),
    17: Row(
        "a list never ends",
        (("after-ignored", LISTING, None),),
        arrange=add_crowd,
        settings=LISTED,
        ends="unavailable",
        after=BEFORE,
    ),
    18: Row(
        "a cursor was deleted meanwhile",
        (("cursor-404", LISTING, 2),),
        arrange=add_crowd,
        settings=LISTED,
    ),
    19: Row("attributes are missing", (("attributes-dropped", BATCH, 1),)),
    20: Row("rate limits storm", (("429-slow-down", "*", 3), ("429-seconds", BATCH, 2))),
    21: Row(
        "a limit never clears",
        (("429-insufficient-quota", UPLOAD, None),),
        ends="quota",
        after=BEFORE,
    ),
    22: Row(
        "the storage is full", (("400-storage-full", UPLOAD, None),), ends="quota", after=BEFORE
    ),
    23: Row(
        "uploads lose their connection", (("reset-before", UPLOAD, 2), ("truncated", UPLOAD, 1))
    ),
    24: Row(
        "a parameter is unknown",
        (
            (
                always(refuse("Unknown parameter: 'chunking_strategy'.")),
                "vector_stores.file*.create",
                None,
            ),
        ),
        settings={"chunk_size": 400},
        ends="partial",
        after=WITHOUT_B,
    ),
    25: Row(
        "the store has expired",
        (("store-expired", "vector_stores.retrieve", 1),),
        ends="store-not-found",
        after={},
    ),
    26: Row("two runs overlap", arrange=run_twice_at_once, ends=""),
    27: Row("an updated document is missing for a moment", rules={"indexing_seconds": 30.0}),
    28: Row("a proxy answers a page of HTML", (("html-200", UPLOAD, 1), ("html-200", BATCH, 1))),
}

SERVERS = {
    "ogx": Row("attaching is synchronous, `files` are ignored, ids are odd", like="compatible"),
    "azure": Row("errors have another shape", (("404-file", BATCH, 1),), like="azure"),
    "litellm": Row(
        "there are no batches, deletions answer the File, lists end early",
        (
            (always(ApiError(404, "Not Found")), "*.file_batches.*", None),
            ("delete-as-file", "*files.delete", None),
            ("more-never", "files.list", None),
        ),
        rules={"error_shape": "litellm"},
    ),
}


@pytest.mark.parametrize("row", [*ROWS.values(), *SERVERS.values()], ids=lambda row: row.symptom)
def test_symptoms(tmp_path: Path, row: Row) -> None:
    """Store = tree and no File too many, or the reason told and every old copy in its place."""
    with OpenAIServer(like=row.like, clock=Clock(scale=0, tick=0.05)) as server:
        repo = GitRepo.init(tmp_path / "repo")
        repo.commit({"a.md": "# A\n", "docs/b.md": "# B\n", "docs/c.md": "# C\n"})
        lab = OpenAILab(repo, server)
        lab.settings = lab.settings.model_copy(update={"source_id": OURS.source})
        lab.sync()
        guard = Guard(server, lab.store, OURS)
        repo.commit(CHANGES)
        guard.expect(["a.md", "docs/c.md"] if row.arrange is not lose_files else ["a.md"])
        row.arrange(lab)
        server.change_rules(**row.rules)
        for fault, route, count in row.faults:
            found = make_fault(fault) if isinstance(fault, str) else fault
            server.add_fault(replace(found, route=route, count=count))
        ended = run(lab, row.settings)
        assert ended == (row.ends or ended)
        assert guard.contents == row.after
        if row.after:  # an expired store has lost all
            assert (guard.strays, guard.breaches, lab.store.ghosts) == ([], [], 0)


def run(lab: OpenAILab, settings: Mapping[str, Any]) -> str:
    """Run a sync and tell its status, or the reason of its error."""
    try:
        return lab.sync(**settings).status
    except VectornatorError as error:
        return error.reason
