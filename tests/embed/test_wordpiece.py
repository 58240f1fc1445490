"""The tokenizer: its ids are those of the reference implementation."""

import pytest

from vectornator.embed.wordpiece import MAX_TOKENS, WordPiece


@pytest.fixture(scope="module")
def words() -> WordPiece:
    """Return the tokenizer with the packaged vocabulary."""
    return WordPiece.load()


REFERENCE = [
    ("", [101, 102]),
    ("How do I upload a file?", [101, 2129, 2079, 1045, 2039, 11066, 1037, 5371, 1029, 102]),
    ("Crème BRÛLÉE, naïve café", [101, 13675, 21382, 7987, 9307, 2063, 1010, 15743, 7668, 102]),
    (
        "`UploadFile`: don't_use --that",
        [
            101,
            1036,
            2039,
            11066,
            8873,
            2571,
            1036,
            1024,
            2123,
            1005,
            1056,
            1035,
            2224,
            1011,
            1011,
            2008,
            102,
        ],
    ),
    ("文書を検索 tokenization", [101, 1861, 1871, 1690, 100, 100, 19204, 3989, 102]),
    ("a\x00b\u200bc\td\xa0e", [101, 5925, 1040, 1041, 102]),
    ("x" * 101, [101, 100, 102]),
    ("unbelievably 3.14%", [101, 4895, 8671, 2666, 3567, 6321, 1017, 1012, 2403, 1003, 102]),
    ("ǅ İstanbul ﬁne 🦘", [101, 100, 9960, 1984, 2638, 100, 102]),
]
"""Texts and the ids that Hugging Face's `tokenizers` gives them with this vocabulary."""


@pytest.mark.parametrize(("text", "ids"), REFERENCE)
def test_reference(words: WordPiece, text: str, ids: list[int]) -> None:
    """Every text has the ids of the reference tokenizer."""
    assert ids == words.encode(text)


def test_limit(words: WordPiece) -> None:
    """A long text is cut, and still ends as every text does."""
    ids = words.encode("wombat " * 1000)
    assert len(ids) == MAX_TOKENS
    assert (ids[0], ids[-1]) == (101, 102)


def test_special_tokens_are_text(words: WordPiece) -> None:
    """A document can't write the tokens that frame it."""
    assert 102 not in words.encode("before [SEP] after")[1:-1]


def test_lone_surrogate(words: WordPiece) -> None:
    """What no encoding can write is dropped."""
    assert words.encode("a\udc80b") == words.encode("ab")
