"""The nouns of the package: documents, entries, plans and outcomes, all frozen values."""

import hashlib
import json
import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self, TypeAlias

from vectornator.errors import ProviderError

_TYPES = mimetypes.MimeTypes(filenames=())
"""Python's own table and not the machine's, so that every machine agrees."""
for _suffix in (".md", ".mdx", ".markdown"):
    _TYPES.add_type("text/markdown", _suffix)


@dataclass(frozen=True, slots=True)
class Document:
    """One file of the source; its content is read only when it is uploaded."""

    path: str
    """Relative to the root of the source, with forward slashes."""

    blob: str
    """The git blob id of its content, 40 hexadecimal digits."""

    size: int | None = None
    """In bytes; None until the content was inspected."""

    hash: str | None = None
    """The SHA-256 of the content in hexadecimal; None until the content was inspected."""

    @property
    def mime_type(self) -> str:
        """The media type that the path's suffix stands for; `text/plain` for any other."""
        return _TYPES.guess_type(self.path, strict=True)[0] or "text/plain"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one stored document."""

    file_id: str
    """The provider's id of the stored copy."""

    hash: str
    """The SHA-256 of the stored content, in hexadecimal."""

    blob: str
    """The git blob id of the stored content; empty when only the store remembers the document."""

    size: int
    """In bytes."""

    version: int
    """1 for the first upload of a path, one more for every update."""

    config: str
    """The config fingerprint that the copy and its attributes are of; see `to_config`."""


Manifest: TypeAlias = Mapping[str, Entry]
"""All entries of a target, by path."""


class SkipReason(StrEnum):
    """Why a document is not taken."""

    EMPTY = "empty"
    BINARY = "binary"
    TOO_LARGE = "too large"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"
    LFS_POINTER = "LFS pointer"
    EXCLUDED = "excluded"
    UNSUPPORTED = "unsupported"
    BAD_PATH = "path is not UTF-8"


@dataclass(frozen=True, slots=True)
class Skip:
    """A file of the source that is not taken, and why."""

    path: str
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Upload:
    """A document that the store does not hold yet."""

    document: Document

    @property
    def path(self) -> str:
        """The document's path."""
        return self.document.path


@dataclass(frozen=True, slots=True)
class Update:
    """A stored document whose content, or way of being stored, is no longer right."""

    document: Document
    entry: Entry
    reason: str
    """`content`, `config`, `forced`, or `attributes` where those can't be changed alone."""

    @property
    def path(self) -> str:
        """The document's path."""
        return self.document.path


@dataclass(frozen=True, slots=True)
class Rename:
    """A stored document whose bytes moved to another path unchanged."""

    document: Document
    entry: Entry
    old_path: str

    @property
    def path(self) -> str:
        """The document's new path."""
        return self.document.path


@dataclass(frozen=True, slots=True)
class Relabel:
    """A stored document whose bytes are right where they are; only its attributes are not."""

    document: Document
    entry: Entry

    @property
    def path(self) -> str:
        """The document's path."""
        return self.document.path


@dataclass(frozen=True, slots=True)
class Delete:
    """A stored document that the source no longer has."""

    path: str
    entry: Entry
    reason: str
    """`removed`, `not selected`, or the `SkipReason` that now applies."""


Change: TypeAlias = Upload | Update | Rename | Relabel | Delete


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret that a document to send would give away; its value is nowhere kept."""

    path: str
    rule: str
    line: int
    """From 1 on; 0 where the whole file is the secret."""

    fingerprint: str
    """What allows this value, wherever it is found."""

    @property
    def place(self) -> str:
        """The path, with the line if there is one."""
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Plan:
    """The difference between what should be stored and what is: data, never closures."""

    uploads: tuple[Upload, ...] = ()
    updates: tuple[Update, ...] = ()
    renames: tuple[Rename, ...] = ()
    relabels: tuple[Relabel, ...] = ()
    deletes: tuple[Delete, ...] = ()
    unchanged: int = 0
    skipped: tuple[Skip, ...] = ()
    known: Mapping[str, Entry] = field(default_factory=dict)
    """Entries that are right as they stand but not yet in the manifest in this form."""

    leaks: tuple[Leak, ...] = ()
    """The secrets in what would be sent, those aside that are allowed."""

    def __iter__(self) -> Iterator[Change]:
        """Yield every change in the order of applying: deletes come last."""
        yield from self.uploads
        yield from self.updates
        yield from self.attribute_changes
        yield from self.deletes

    def __len__(self) -> int:
        """Count the changes."""
        return len(self.sends) + len(self.attribute_changes) + len(self.deletes)

    @property
    def sends(self) -> tuple[Upload | Update, ...]:
        """The changes that send a document's content."""
        return (*self.uploads, *self.updates)

    @property
    def attribute_changes(self) -> tuple[Rename | Relabel, ...]:
        """The changes that leave the stored bytes as they are."""
        return (*self.renames, *self.relabels)

    @property
    def digest(self) -> str:
        """The SHA-256 of the changes; equal for equal plans, whatever made them."""
        rows = [[type(change).__name__, change.path, *_identity(change)] for change in self]
        return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def _identity(change: Change) -> tuple[str, ...]:
    match change:
        case Upload():
            return (change.document.blob,)
        case Update() | Relabel():
            return (change.document.blob, change.entry.file_id)
        case Rename():
            return (change.document.blob, change.entry.file_id, change.old_path)
        case Delete():
            return (change.entry.file_id,)


@dataclass(frozen=True, slots=True)
class Done:
    """A change that the store confirmed."""

    change: Change
    entry: Entry | None
    """The entry that is now true; None after a delete."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A change that did not happen; the store still holds what it held."""

    change: Change
    error: ProviderError

    @property
    def message(self) -> str:
        """The cause in one line that can be encoded, whatever the store put into it."""
        return " ".join(str(self.error).split()).encode("utf-8", "replace").decode()


Outcome: TypeAlias = Done | Failed


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One stored copy as the store itself describes it."""

    file_id: str
    attributes: Mapping[str, str]
    size: int = 0
    """In bytes; 0 where the store does not say."""

    created_at: float = 0.0
    """Seconds since the epoch; 0 where the store does not say."""

    is_searchable: bool = True
    """False for a copy that the store is at work on, or could not index."""

    is_pending: bool = False
    """Whether the store is at work on it, so that it may be searchable soon."""

    @property
    def path(self) -> str:
        """The document's path as its attributes give it; empty for a foreign file."""
        return self.attributes.get("path", "")


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer of a search: a passage of a stored document."""

    path: str
    score: float
    """Higher is better; comparable within one search only."""

    text: str
    """The passage, as stored."""

    heading: str = ""
    """The headings above the passage, outermost first, joined by ` > `."""

    file_id: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """What an attribute of a copy must be, or must not be, for a search to find it there."""

    key: str
    value: str
    is_negated: bool = False

    def is_met(self, attributes: Mapping[str, str]) -> bool:
        """Tell whether attributes meet it; one that is missing differs from every value."""
        return (attributes.get(self.key) == self.value) != self.is_negated

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `KEY=VALUE` or `KEY!=VALUE`. Raises `ValueError`."""
        left, sign, value = text.partition("=")
        key = left.removesuffix("!").strip()
        if not (sign and key and value.strip() and text.isprintable()):
            raise ValueError(f"holds {text!r}, which is neither KEY=VALUE nor KEY!=VALUE")
        return cls(key, value.strip(), is_negated=left.endswith("!"))


@dataclass(frozen=True, slots=True)
class Binding:
    """Which source and target a stored copy belongs to: the ownership mark.

    The mark is six attributes beside `path`, so that a store can be explained, and a
    ledger rebuilt, from nothing but a listing of it.
    """

    source: str
    """Names the repository, such as `github.com/org/repo`."""

    target: str
    """Names one selection → store binding of that repository."""

    def attributes(self, document: Document, config: str) -> dict[str, str]:
        """The attributes that a copy of an inspected `document` carries."""
        return {
            "path": document.path,
            "vn_key": path_key(document.path),
            "vn_sha": document.hash or "",
            "vn_blob": document.blob,
            "vn_source": self.source,
            "vn_target": self.target,
            "vn_config": config,
        }

    @property
    def ownership(self) -> dict[str, str]:
        """The attributes that all copies of this source and target have in common."""
        return {"vn_source": self.source, "vn_target": self.target}

    def owns(self, attributes: Mapping[str, str], path: str | None = None) -> bool:
        """Tell whether `attributes` prove a copy to be ours, and of `path` if one is given."""
        return (
            attributes.get("vn_source") == self.source
            and attributes.get("vn_target") == self.target
            and bool(attributes.get("vn_key"))
            and (path is None or attributes.get("vn_key") == path_key(path))
        )


def to_config(stored: Iterable[str], described: Iterable[str]) -> str:
    """The config fingerprint, in two parts: what stored bytes depend on, and what attributes do."""
    texts = ("\n".join(parts).encode() for parts in (stored, described))
    return ".".join(hashlib.sha256(text).hexdigest()[:12] for text in texts)


def is_stored_alike(config: str, other: str) -> bool:
    """Tell whether two config fingerprints stand for equal bytes, whatever attributes say."""
    return config.partition(".")[0] == other.partition(".")[0]


def path_key(path: str) -> str:
    """The SHA-256 of a path, be it UTF-8 or not: what names a document where paths are too long."""
    return hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()


def is_path(text: str) -> bool:
    """Tell whether a text can be the path of a document: relative, normal and UTF-8."""
    is_normal = not {"", ".", ".."}.intersection(text.split("/"))
    return is_normal and "\0" not in text and is_utf8(text)


def is_utf8(text: str) -> bool:
    """Tell whether a text can be encoded: it holds no surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
