"""Turns text into the token ids of all-MiniLM-L6-v2, which are those of bert-base-uncased."""

import unicodedata
from collections.abc import Iterator
from importlib.resources import files
from itertools import islice

MAX_TOKENS = 256
"""The longest input the model was trained for, both frame tokens included."""

_UNKNOWN, _START, _END = 100, 101, 102
_LONGEST_WORD = 100
"""In characters; a longer word is one unknown token, as in the reference tokenizer."""

_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
"""The code points that stand alone, as the reference tokenizer lists them."""

_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs"})
"""Control, format, private and surrogate characters; unassigned ones stay, for they may be new."""


class WordPiece:
    """A tokenizer over one vocabulary; may be used by several threads at once.

    The names of special tokens, such as `[SEP]`, are plain text here: no document can
    pretend to end before it does.
    """

    def __init__(self, vocabulary: dict[str, int]) -> None:
        self._ids = vocabulary

    @classmethod
    def load(cls) -> "WordPiece":
        """Read the vocabulary of this package: one token a line, its id the line's index."""
        text = files(__package__).joinpath("vocab.txt").read_text("utf-8")
        return cls({token: index for index, token in enumerate(text.rstrip("\n").split("\n"))})

    def encode(self, text: str, limit: int = MAX_TOKENS) -> list[int]:
        """Return the ids of `text` between the frame tokens, at most `limit` in all."""
        pieces = (piece for word in split_words(text) for piece in self._split_word(word))
        return [_START, *islice(pieces, limit - 2), _END]

    def _split_word(self, word: str) -> list[int]:
        """Cut a word into the longest pieces the vocabulary has, from the left."""
        if len(word) > _LONGEST_WORD:
            return [_UNKNOWN]
        pieces: list[int] = []
        start = 0
        while start < len(word):
            end = len(word)
            while (piece := self._ids.get(_spell(word, start, end))) is None:
                end -= 1
                if end == start:
                    return [_UNKNOWN]
            pieces.append(piece)
            start = end
        return pieces


def split_words(text: str) -> Iterator[str]:
    """Yield the words of `text`, lower-cased and without accents; punctuation stands alone."""
    plain = unicodedata.normalize("NFD", "".join(map(_clean, text)))
    bare = "".join(char for char in plain if unicodedata.category(char) != "Mn").lower()
    for run in bare.split():
        yield from _split_punctuation(run)


def _spell(word: str, start: int, end: int) -> str:
    return word[start:end] if start == 0 else f"##{word[start:end]}"


def _clean(char: str) -> str:
    """Drop what can't be seen, make every space plain, and set ideographs apart."""
    if "!" <= char <= "~":
        return char
    if char in " \t\n\r":
        return " "
    if char == "\ufffd" or unicodedata.category(char) in _UNSEEN:
        return ""
    if char.isspace():
        return " "
    if any(first <= ord(char) <= last for first, last in _IDEOGRAPHS):
        return f" {char} "
    return char


def _split_punctuation(run: str) -> Iterator[str]:
    if run.isalnum():
        yield run
        return
    start = 0
    for index, char in enumerate(run):
        if _is_punctuation(char):
            if start < index:
                yield run[start:index]
            yield char
            start = index + 1
    if start < len(run):
        yield run[start:]


def _is_punctuation(char: str) -> bool:
    """Tell whether a character is ASCII and neither letter nor digit, or Unicode punctuation."""
    if char.isascii():
        return not char.isalnum()
    return unicodedata.category(char).startswith("P")
