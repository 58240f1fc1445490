"""What the server holds clients to and how it behaves: all as values that a fault may change."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, Self

from tests.openai_server import assumptions
from tests.openai_server.assumptions import Assumptions

RETRIEVAL_EXTENSIONS = frozenset(
    (
        *("c", "cpp", "cs", "css", "doc", "docx", "go", "html", "java", "js", "json", "md"),
        *("pdf", "php", "pptx", "py", "rb", "sh", "tex", "ts", "txt"),
    )
)
"""What may be attached to a store (the retrieval guide)."""

UPLOAD_EXTENSIONS = RETRIEVAL_EXTENSIONS | {
    *("csv", "gif", "jpeg", "jpg", "pkl", "png", "tar", "webp", "xlsx", "xml", "zip")
}
"""What `POST /files` takes for the purpose `assistants` (an error text names most of them)."""

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """The documented limits; rates are over a sliding minute of simulated time, 0 for none."""

    uploads_per_minute: int = 1000
    """`POST /files`, for each user."""

    attached_files_per_minute: int = 2000
    """Files, for the organization."""

    attaches_per_minute: int = 300
    """Requests that attach, for each store."""

    requests_per_minute: int = 0
    """Any request, for each route; not documented."""

    batch_files: int = 2000
    store_files: int = 100_000_000
    """Files in a store; 10,000 for stores made before November 2025."""

    file_bytes: int = 512 * MEBIBYTE
    file_tokens: int = 5_000_000
    part_bytes: int = 64 * MEBIBYTE
    upload_bytes: int = 8 << 30
    storage_bytes: int = 2_500_000_000_000
    keys: int = 16
    key_length: int = 64
    value_length: int = 512
    """Of attribute strings; the guide says 256."""

    purposes: tuple[str, ...] = (
        *("assistants", "batch", "fine-tune", "vision", "user_data", "evals"),
    )


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What becomes of Files and how late the server knows of its own changes, in seconds."""

    indexing_seconds: float = 1.0
    """Simulated seconds until a File is searchable; 0 answers `completed` at once."""

    outcome: Literal["completed", "failed", "cancelled", "stuck"] = "completed"
    """What becomes of an attached File; `stuck` stays `in_progress` for ever."""

    failure: Literal["server_error", "unsupported_file", "invalid_file"] = "server_error"
    failure_message: str = "An internal error occurred."
    batch_reading: Literal["read", "ignored", "halved"] = "read"
    """Whether `files` of a batch is read, ignored (a batch of 0), or cut in half."""

    attributes: Literal["kept", "dropped", "null", "partly"] = "kept"
    attributes_ignore_update: bool = False
    filename: Literal["kept", "base", "truncated"] = "kept"
    file_hidden_seconds: float = 0.0
    """How long retrieving or attaching a new File meets "no such File"."""

    file_unlisted_seconds: float = 0.0
    entry_hidden_seconds: float = 0.0
    """How long retrieving a new attachment answers 404."""

    entry_unlisted_seconds: float = 0.0
    uncounted_seconds: float = 0.0
    """How long a new attachment is missing from the counts of its store."""

    detached_listed_seconds: float = 0.0
    """How long a detached File is still listed."""

    detached_found_seconds: float = 0.0
    """How long search still finds a detached File."""

    poll_after_ms: str = ""
    """The header `openai-poll-after-ms`, when not empty."""

    is_order_stable: bool = True
    """Whether items of one second keep their order from one listing to the next."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything one request is served by."""

    limits: Limits = field(default_factory=Limits)
    behaviour: Behaviour = field(default_factory=Behaviour)
    assumptions: Assumptions = field(default_factory=Assumptions)

    def change(self, changes: Mapping[str, object]) -> Self:
        """These rules with some fields of any of the three parts changed, by name."""
        parts = {}
        known: set[str] = set()
        for name in ("limits", "behaviour", "assumptions"):
            part = getattr(self, name)
            names = {each.name for each in fields(part)}
            known |= names
            parts[name] = replace(part, **{k: v for k, v in changes.items() if k in names})
        if unknown := set(changes) - known:
            raise ValueError(f"no such rule: {', '.join(sorted(unknown))}")
        return replace(self, **parts)


UNLIMITED = Limits(uploads_per_minute=0, attached_files_per_minute=0, attaches_per_minute=0)
"""Every size limit and no rate."""

SERVERS: Mapping[str, Rules] = {
    "openai": Rules(),
    "azure": Rules(
        Limits(purposes=("assistants", "batch", "fine-tune")), assumptions=assumptions.AZURE
    ),
    "compatible": Rules(
        UNLIMITED,
        Behaviour(indexing_seconds=0.0, batch_reading="ignored"),
        assumptions.COMPATIBLE,
    ),
}
"""The servers that can be imitated."""
