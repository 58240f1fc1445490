"""What the imitation holds: Files, vector stores, attachments, batches and uploads."""

import hashlib
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tests.openai_server.clock import Clock
from tests.openai_server.rules import Behaviour, Rules
from tests.openai_server.schemas import Attributes, JsonObject

Status: TypeAlias = Literal["in_progress", "completed", "failed", "cancelled"]
Kind: TypeAlias = Literal[
    "file created",
    "file deleted",
    "attached",
    "detached",
    "attributes changed",
    "store created",
    "store changed",
    "store deleted",
]
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KEPT_BYTES = 1 << 18
"""How much of a File's content stays in memory for search."""


@dataclass(slots=True)
class File:
    """An uploaded File."""

    id: str
    filename: str
    purpose: str
    size: int
    sha256: str
    content_type: str
    content: bytes
    """Its first 256 KiB."""

    created_at: float
    expires_at: float | None = None
    usable_at: float = 0.0
    """When retrieving and attaching begin to see it."""

    listed_at: float = 0.0


@dataclass(slots=True)
class Attachment:
    """A File in a vector store; the service calls it a vector store file."""

    file: File
    store_id: str
    created_at: float
    ready_at: float
    """When `status` leaves `in_progress`; infinite for never."""

    outcome: Status
    error: JsonObject | None
    attributes: Attributes | None
    chunking: JsonObject
    usage_bytes: int
    visible_at: float = 0.0
    listed_at: float = 0.0
    counted_at: float = 0.0
    unlisted_at: float = float("inf")
    """When a detached one leaves the listing."""

    forgotten_at: float = float("inf")
    """When search no longer finds a detached one."""

    def status(self, now: float) -> Status:
        """How far indexing is."""
        return self.outcome if now >= self.ready_at else "in_progress"


@dataclass(slots=True)
class Batch:
    """Files attached together."""

    id: str
    store_id: str
    created_at: float
    attachments: list[Attachment]
    is_cancelled: bool = False


@dataclass(slots=True)
class Store:
    """A vector store."""

    id: str
    created_at: float
    name: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    expires_days: int | None = None
    active_at: float = 0.0
    attachments: dict[str, Attachment] = field(default_factory=dict)
    """By File id, oldest first."""

    leaving: list[Attachment] = field(default_factory=list)
    """Detached ones that listings or search may still show."""

    ghosts: int = 0
    """How much `file_counts` is too high."""

    @property
    def expires_at(self) -> float | None:
        """When it expires unless it is used."""
        days = self.expires_days
        return None if days is None else self.active_at + days * 86400

    def is_expired(self, now: float) -> bool:
        """Whether it lay idle for too long."""
        expires = self.expires_at
        return expires is not None and now >= expires


@dataclass(slots=True)
class UploadPart:
    """One part of an upload."""

    id: str
    created_at: float
    content: bytes


@dataclass(slots=True)
class Upload:
    """A File that arrives in parts."""

    id: str
    filename: str
    purpose: str
    size: int
    content_type: str
    created_at: float
    expires_at: float
    status: Literal["pending", "completed", "cancelled"] = "pending"
    parts: dict[str, UploadPart] = field(default_factory=dict)
    file: File | None = None


@dataclass(frozen=True, slots=True)
class SideEffect:
    """One change of the state, whether or not its answer reached the client."""

    kind: Kind
    request: int
    """The number of the request in the ledger; 0 when no request made it."""

    file_id: str = ""
    store_id: str = ""
    filename: str = ""
    attributes: Attributes | None = None


class State:
    """Everything the server remembers; tests may read and change it under the server's lock."""

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self.clock = clock
        self.random = random.Random(seed)
        self.seed = seed
        self.files: dict[str, File] = {}
        self.stores: dict[str, Store] = {}
        self.batches: dict[str, Batch] = {}
        self.uploads: dict[str, Upload] = {}
        self.side_effects: list[SideEffect] = []
        self.request = 0
        """The number of the request that is being served."""

        self.subjects: set[str] = set()
        """The identity tokens that may be exchanged for keys."""

        self.tokens: dict[str, float] = {}
        """The keys they were exchanged for, with the time until which each is let in."""

        self.rates: dict[str, deque[float]] = {}
        """When each bucket was used, by its name."""

        self._ids = 0
        self._expiring: list[File] = []

    def make_id(self, prefix: str, length: int = 32) -> str:
        """A new id that looks like the service's; the same one in every run of one seed."""
        self._ids += 1
        digest = hashlib.sha512(f"{self.seed} {self._ids}".encode()).digest()
        if length == 32:
            return prefix + digest[:16].hex()
        return prefix + "".join(_LETTERS[byte % 62] for byte in digest[:length])

    def add_file(
        self,
        filename: str,
        content: bytes,
        *,
        purpose: str = "assistants",
        content_type: str = "text/plain",
        behaviour: Behaviour | None = None,
    ) -> File:
        """Store a File."""
        behaviour, now = behaviour or Behaviour(), self.clock.now()
        file = File(
            id=self.make_id("file-", 22),
            filename=filename,
            purpose=purpose,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            content_type=content_type,
            content=content[:_KEPT_BYTES],
            created_at=now,
            usable_at=now + behaviour.file_hidden_seconds,
            listed_at=now + behaviour.file_unlisted_seconds,
        )
        self.files[file.id] = file
        self.note("file created", file_id=file.id, filename=filename)
        return file

    def expire_file(self, file: File, seconds: int) -> None:
        """Let a File go by itself, some seconds after its creation."""
        file.expires_at = file.created_at + seconds
        self._expiring.append(file)

    def delete_file(self, file_id: str, rules: Rules | None = None) -> None:
        """Delete a File and its attachments in every store."""
        rules = rules or Rules()
        file = self.files.pop(file_id)
        self.note("file deleted", file_id=file_id, filename=file.filename)
        if not rules.assumptions.deleting_file_detaches:
            return
        for store in self.stores.values():
            if file_id in store.attachments:
                self.detach(store, file_id, rules.behaviour)
                store.ghosts += rules.assumptions.deleting_file_leaves_ghost_count

    def add_store(self, name: str | None = None, description: str | None = None) -> Store:
        """Make an empty vector store."""
        now = self.clock.now()
        store = Store(self.make_id("vs_"), now, name, description, active_at=now)
        self.stores[store.id] = store
        self.note("store created", store_id=store.id)
        return store

    def delete_store(self, store_id: str) -> None:
        """Delete a vector store and its attachments, no File."""
        del self.stores[store_id]
        self.note("store deleted", store_id=store_id)

    def attach(
        self,
        store: Store,
        file: File,
        attributes: Attributes | None = None,
        *,
        chunking: JsonObject | None = None,
        rules: Rules | None = None,
    ) -> Attachment:
        """Put a File into a store, in place of its older attachment there."""
        rules = rules or Rules()
        behaviour, now = rules.behaviour, self.clock.now()
        outcome, error = find_outcome(file, rules)
        wait = float("inf") if behaviour.outcome == "stuck" else behaviour.indexing_seconds
        attachment = Attachment(
            file=file,
            store_id=store.id,
            created_at=now,
            ready_at=now + wait,
            outcome=outcome,
            error=error,
            attributes=attributes,
            chunking=chunking or {"type": "static", "static": _DEFAULT_SIZES},
            usage_bytes=int(file.size * rules.assumptions.usage_factor),
            visible_at=now + behaviour.entry_hidden_seconds,
            listed_at=now + behaviour.entry_unlisted_seconds,
            counted_at=now + behaviour.uncounted_seconds,
        )
        store.attachments.pop(file.id, None)
        store.attachments[file.id] = attachment
        if rules.assumptions.attaching_is_activity:
            store.active_at = now
        self.note("attached", file.id, store.id, file.filename, attributes)
        return attachment

    def detach(self, store: Store, file_id: str, behaviour: Behaviour | None = None) -> None:
        """Take a File out of a store; the File stays."""
        behaviour, now = behaviour or Behaviour(), self.clock.now()
        attachment = store.attachments.pop(file_id)
        attachment.unlisted_at = now + behaviour.detached_listed_seconds
        attachment.forgotten_at = now + behaviour.detached_found_seconds
        if max(attachment.unlisted_at, attachment.forgotten_at) > now:
            store.leaving.append(attachment)
        attributes = attachment.attributes
        self.note("detached", file_id, store.id, attachment.file.filename, attributes)

    def note(
        self,
        kind: Kind,
        file_id: str = "",
        store_id: str = "",
        filename: str = "",
        attributes: Attributes | None = None,
    ) -> None:
        """Record a side effect."""
        effect = SideEffect(kind, self.request, file_id, store_id, filename, attributes)
        self.side_effects.append(effect)

    def expire(self) -> None:
        """Carry out what time did by itself: Files, stores and exchanged keys that expired."""
        now = self.clock.now()
        for token in [token for token, until in self.tokens.items() if until <= now]:
            del self.tokens[token]
        for file in [each for each in self._expiring if (each.expires_at or 0) <= now]:
            self._expiring.remove(file)
            if file.id in self.files:
                self.delete_file(file.id)
        for store in self.stores.values():
            if store.attachments and store.is_expired(now):
                store.attachments.clear()
                store.leaving.clear()

    def completed(self, store_id: str) -> Iterator[Attachment]:
        """The attachments of a store that are searchable now."""
        now = self.clock.now()
        for attachment in self.stores[store_id].attachments.values():
            if attachment.status(now) == "completed":
                yield attachment

    def orphans(self) -> list[File]:
        """The Files that no store holds."""
        held = {file_id for store in self.stores.values() for file_id in store.attachments}
        return [file for file_id, file in self.files.items() if file_id not in held]


_DEFAULT_SIZES: JsonObject = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}


def find_outcome(file: File, rules: Rules) -> tuple[Status, JsonObject | None]:
    """What indexing makes of a File, and `last_error`."""
    behaviour = rules.behaviour
    match behaviour.outcome:
        case "failed":
            return "failed", {"code": behaviour.failure, "message": behaviour.failure_message}
        case "cancelled":
            return "cancelled", None
        case _:
            error = _find_defect(file, rules)
            return ("failed" if error else "completed"), error


def _find_defect(file: File, rules: Rules) -> JsonObject | None:
    """What is wrong with the content itself."""
    unreadable = {"code": "unsupported_file", "message": "The file type is not supported."}
    if file.size > rules.limits.file_tokens * 4:
        message = "The file could not be parsed because it is too large."
        return {"code": "invalid_file", "message": message}
    if rules.assumptions.sniffs_content and not _is_text(file):
        return dict(unreadable)
    if rules.assumptions.whitespace_only == "failed" and not file.content.strip():
        return dict(unreadable)
    return None


def _is_text(file: File) -> bool:
    """Whether the content is text, for names that promise text."""
    if file.filename.lower().endswith((".pdf", ".doc", ".docx", ".pptx")):
        return True
    if file.content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    try:
        file.content.decode()
    except UnicodeDecodeError as error:
        return file.size > len(file.content) and error.start > len(file.content) - 4
    return b"\0" not in file.content
