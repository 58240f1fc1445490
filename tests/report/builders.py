"""Plans and records to report on."""

from vectornator.errors import Rejected
from vectornator.model import (
    Delete,
    Document,
    Done,
    Entry,
    Failed,
    Plan,
    Rename,
    Skip,
    SkipReason,
    Update,
    Upload,
)
from vectornator.report.record import Record

ENTRY = Entry("file-1", "0" * 64, "0" * 40, 12, 1, "config")


def document(path: str, size: int | None = 12_345) -> Document:
    """A document of some size."""
    return Document(path, "0" * 40, size)


def plan() -> Plan:
    """A plan with one change of each kind."""
    return Plan(
        uploads=(Upload(document("new.md")),),
        updates=(Update(document("old.md", None), ENTRY, "content"),),
        renames=(Rename(document("to.md"), ENTRY, "from.md"),),
        deletes=(Delete("gone.md", ENTRY, "removed"),),
        unchanged=1200,
        skipped=tuple(Skip(f"{n}.bin", SkipReason.BINARY) for n in range(5)),
    )


def record() -> Record:
    """A sync of which one document failed."""
    todo = plan()
    return Record(
        command="sync",
        status="partial",
        provider="memory",
        store_id="vs_1",
        target="default",
        commit="a" * 40,
        plan=todo,
        outcomes=(
            Done(todo.uploads[0], ENTRY),
            Failed(todo.updates[0], Rejected("too odd\nto store")),
            Done(todo.deletes[0], None),
        ),
        documents=1202,
        seconds=4.21,
        bytes_uploaded=12_345,
        requests=9,
        retries=1,
        saved_to="refs/notes/vectornator",
    )
