"""The kinds of values that settings have: how they are read from text, and what is refused.

Every complaint ends a sentence that starts with the setting, the value and its origin.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ByteSize, SecretStr

from vectornator.model import Condition

_FEW_DELETES = 10
"""A percentage says nothing about a handful of files: so many may go, if others stay."""

_FEW_DOCUMENTS = 3
"""Of so many, all may go: that others take the place of all is nothing unusual."""

_MOST_PATTERNS = 1000


@dataclass(frozen=True, slots=True)
class DeleteLimit:
    """How many documents one run may remove from the store."""

    amount: float
    is_percent: bool = False

    def allows(self, deletes: int, known: int) -> bool:
        """Tell whether `deletes` of `known` stored documents may go in one run.

        A percentage is applied to more than ten deletes, and where nothing would stay of more
        than three documents.
        """
        if not self.is_percent:
            return deletes <= self.amount
        is_rest = deletes < known or known <= _FEW_DOCUMENTS
        is_few = deletes <= _FEW_DELETES and is_rest
        return is_few or deletes * 100 <= self.amount * known

    def __str__(self) -> str:
        return f"{self.amount:g}{'%' * self.is_percent}"


def parse_delete_limit(value: object) -> DeleteLimit:
    """Read `10` or `25%`; `0` and `0%` allow no delete at all. Raises `ValueError`."""
    if isinstance(value, DeleteLimit):
        return value
    found = re.fullmatch(r"([0-9]{1,9})|([0-9]{1,3}(?:\.[0-9]{1,3})?)\s*%", str(value).strip())
    if not found:
        raise ValueError("is neither a number nor a percentage; try 25%")
    if found[1]:
        return DeleteLimit(int(found[1]))
    percent = float(found[2])
    if percent > 100:  # noqa: PLR2004  (there is no better name for one hundred percent)
        raise ValueError("is more than 100%")
    return DeleteLimit(percent, is_percent=percent > 0)


def parse_switch(value: object) -> object:
    """Read a boolean, or text in one of the ways YAML spells one. Raises `ValueError`."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip() in {"true", "True", "TRUE"}:
        return True
    if isinstance(value, str) and value.strip() in {"false", "False", "FALSE"}:
        return False
    raise ValueError("is neither true nor false")


def parse_patterns(value: object) -> tuple[str, ...]:
    """Read patterns from text or lists of text, split at commas and line breaks.

    `**/*.{md,mdx}` stands for two patterns. Raises `ValueError`.
    """
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise ValueError("is not a list of patterns")
    pieces = (piece.strip() for text in texts for piece in re.split(r"[,\n](?![^{]*\})", text))
    patterns = tuple(one for piece in pieces if piece for one in _expand_braces(piece))
    if len(patterns) > _MOST_PATTERNS:
        raise ValueError(f"holds more than {_MOST_PATTERNS} patterns")
    return patterns


def parse_words(value: object) -> tuple[str, ...]:
    """Read words from text or lists of text, split at commas and line breaks."""
    return tuple(
        word for line in parse_lines(value) for word in map(str.strip, line.split(",")) if word
    )


def parse_lines(value: object) -> tuple[str, ...]:
    """Read lines from text or lists of text. Raises `ValueError`."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise ValueError("is not a list of texts")
    return tuple(line.strip() for text in texts for line in text.splitlines() if line.strip())


def parse_conditions(value: object) -> tuple[Condition, ...]:
    """Read conditions on attributes, one a line. Raises `ValueError`."""
    return tuple(Condition.parse(line) for line in parse_lines(value))


def _expand_braces(pattern: str) -> list[str]:
    found = re.search(r"\{([^{}]*,[^{}]*)\}", pattern)
    if not found:
        return [pattern]
    if pattern.count(",") > _MOST_PATTERNS or pattern.count("{") > 3:  # noqa: PLR2004  (4³ are plenty)
        raise ValueError("holds too many braces; list the patterns one by one")
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [
        expanded
        for choice in found[1].split(",")
        for expanded in _expand_braces(f"{before}{choice.strip()}{after}")
    ]


def _refuse_switch(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("is not a number")  # noqa: TRY004  (pydantic collects only this kind)
    return value


def _check_text(text: str) -> str:
    stripped = text.strip()
    if not stripped.isprintable():
        raise ValueError("holds characters that can't be printed")
    return stripped


def _check_word(text: str) -> str:
    word = _check_text(text)
    # What starts with a hyphen would be taken for an option wherever it is passed on.
    if word.startswith("-") or " " in word:
        raise ValueError("holds a space or starts with a hyphen")
    return word


def _check_directory(text: str) -> str:
    parts = [part for part in _check_text(text).split("/") if part not in {"", "."}]
    if text.strip().startswith("/") or ".." in parts:
        raise ValueError("is not a folder inside the repository; name it relative to the root")
    return "/".join(parts)


def _check_target(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", text) or text.endswith((".lock", ".")):
        raise ValueError("is not a target's name; use up to 40 letters, digits, dots and hyphens")
    return text


def _check_provider(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", text):
        raise ValueError("is not a provider's name; use lower-case letters, such as local")
    return text


def _check_metadata_storage(value: object) -> object:
    if value == "git-branch":
        raise ValueError(
            "is how the original tool kept its state; git-notes (the default) needs no branch,"
            " and file keeps it in a file"
        )
    return value


def _check_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().strip()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("holds characters that no key has; was it copied whole?")
    return SecretStr(text)


Switch: TypeAlias = Annotated[bool, BeforeValidator(parse_switch)]
Patterns: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(parse_patterns)]
Words: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(parse_words)]
Lines: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(parse_lines)]
Conditions: TypeAlias = Annotated[tuple[Condition, ...], BeforeValidator(parse_conditions)]
Count: TypeAlias = Annotated[int, BeforeValidator(_refuse_switch)]
Number: TypeAlias = Annotated[float, BeforeValidator(_refuse_switch)]
Size: TypeAlias = Annotated[ByteSize, BeforeValidator(_refuse_switch)]
Text: TypeAlias = Annotated[str, AfterValidator(_check_text)]
Word: TypeAlias = Annotated[str, AfterValidator(_check_word)]
Secret: TypeAlias = Annotated[SecretStr, AfterValidator(_check_secret)]
Deletes: TypeAlias = Annotated[DeleteLimit, BeforeValidator(parse_delete_limit)]
Directory: TypeAlias = Annotated[str, AfterValidator(_check_directory)]
Provider: TypeAlias = Annotated[str, AfterValidator(_check_provider)]
Target: TypeAlias = Annotated[str, AfterValidator(_check_target)]
Storage: TypeAlias = Annotated[
    Literal["git-notes", "file"], BeforeValidator(_check_metadata_storage)
]
