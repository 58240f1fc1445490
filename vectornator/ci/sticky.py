"""The one comment that a pull request gets: when it is written, changed and left alone."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

Fate: TypeAlias = Literal["created", "updated", "unchanged", "silent"]


@dataclass(frozen=True, slots=True)
class Note:
    """One comment as the forge tells it."""

    key: int
    author: str
    body: str


class CannotComment(Exception):
    """The forge takes no comment, or gives none; `is_denied` when it is for want of rights."""

    def __init__(self, message: str, *, is_denied: bool = False) -> None:
        super().__init__(message)
        self.is_denied = is_denied


class Conversation(Protocol):
    """The comments of one pull request; every method raises `CannotComment`."""

    def list_notes(self) -> Iterable[Note]:
        """All comments, oldest first."""

    def find_author(self) -> str:
        """The name under which our own comments appear."""

    def create(self, body: str) -> None:
        """Write a new comment."""

    def update(self, note: Note, body: str) -> None:
        """Change one of our comments."""

    def close(self) -> None:
        """Let go of connections."""


def make_marker(*identity: str) -> str:
    """The first line of a comment: invisible, and another for everything that is synced apart."""
    digest = hashlib.sha256("\n".join(identity).encode(errors="replace")).hexdigest()
    return f"<!-- vectornator:v1 key={digest[:16]} -->"


def post(conversation: Conversation, marker: str, body: str, *, is_news: bool) -> Fate:
    """Bring the comment with this marker up to date; without news, none is begun.

    A marker alone proves nothing, for anybody can write it: the author must be us, too.
    Raises `CannotComment`.
    """
    marked = [note for note in conversation.list_notes() if note.body.startswith(marker)]
    author = conversation.find_author() if marked else ""
    own = next((note for note in marked if note.author == author), None)
    text = f"{marker}\n{body}"
    if own is None:
        if is_news:
            conversation.create(text)
        return "created" if is_news else "silent"
    if own.body.split() == text.split():  # a forge may change line ends
        return "unchanged"
    conversation.update(own, text)
    return "updated"
