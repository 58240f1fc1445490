"""The shape of the JSON report of a run: types for us, and the JSON Schema for everybody else."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from vectornator.report.record import Command, RunStatus

_Text = Annotated[str, Field(description="Empty where there is none.")]
_Size = Annotated[int | None, Field(description="In bytes; null if it was not read.")]


class PathDocument(TypedDict):
    """A document of which there is nothing else to say."""

    path: str


class UploadDocument(PathDocument):
    """A document that is new to the store."""

    size: _Size


class UpdateDocument(UploadDocument):
    """A document that is stored anew."""

    reason: Annotated[str, Field(description="content, config or forced.")]


class ReasonDocument(PathDocument):
    """A document that goes, or is not taken, and why."""

    reason: str


class SecretDocument(PathDocument):
    """A secret in a document to send; its value is told nowhere."""

    rule: str
    line: Annotated[int, Field(description="From 1 on; 0 for the whole file.")]
    fingerprint: Annotated[str, Field(description="What allow-secrets takes.")]


RenameDocument = TypedDict("RenameDocument", {"path": str, "old-path": str})


class PlanDocument(TypedDict):
    """Every change of a plan."""

    digest: Annotated[str, Field(description="The same for the same changes.")]
    uploads: list[UploadDocument]
    updates: list[UpdateDocument]
    renames: list[RenameDocument]
    relabels: list[PathDocument]
    deletes: list[ReasonDocument]
    unchanged: int
    skipped: list[ReasonDocument]
    secrets: list[SecretDocument]


class Problem(TypedDict):
    """Why a command ended without an answer."""

    reason: Annotated[str, Field(description="One word for machines.")]
    message: str


FindingDocument = TypedDict(
    "FindingDocument",
    {"kind": str, "path": str, "file-id": _Text},
)
ErrorDocument = TypedDict("ErrorDocument", {"schema-version": int, "error": Problem})

RunDocument = TypedDict(
    "RunDocument",
    {
        "schema-version": int,
        "command": Command,
        "status": RunStatus,
        "dry-run": Annotated[bool, Field(description="Whether it only said what it would do.")],
        "changed": Annotated[
            bool, Field(description="Whether the store was changed; of a plan, would be.")
        ],
        "provider": str,
        "store-id": _Text,
        "target": str,
        "commit": _Text,
        "base": _Text,
        "counts": Annotated[dict[str, int], Field(description="Documents by what became of them.")],
        "findings": Annotated[
            list[FindingDocument], Field(description="What a repair found, the worst first.")
        ],
        "plan": PlanDocument,
        "failed": Annotated[dict[str, str], Field(description="The cause by path.")],
        "documents": Annotated[int, Field(description="How many the store holds afterwards.")],
        "started": Annotated[str, Field(description="In UTC as ISO 8601.")],
        "seconds": float,
        "bytes-uploaded": int,
        "requests": int,
        "retries": int,
        "saved-to": _Text,
        "state-commit": _Text,
        "remarks": list[str],
        "error": NotRequired[Problem],
    },
)
