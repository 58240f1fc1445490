"""Ordering passages, and queries that may be anything."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vectornator.embed.ranking import find_nearest, fuse, to_match_expression


@pytest.fixture
def table() -> Iterator[sqlite3.Connection]:
    """Open a full-text table with one row."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE t USING fts5 (text, tokenize='porter unicode61')")
        connection.execute("INSERT INTO t VALUES ('the wombat digs')")
        yield connection


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    query=st.text() | st.lists(st.sampled_from('a" NEAR( AND OR NOT * ^ : - + _ é \0')).map("".join)
)
def test_no_query_is_wrong(table: sqlite3.Connection, query: str) -> None:
    """Whatever is typed is a valid expression, or none."""
    expression = to_match_expression(query)
    if expression:
        table.execute("SELECT * FROM t WHERE t MATCH ?", (expression,)).fetchall()


def test_long_query(table: sqlite3.Connection) -> None:
    """Of a whole page as a query, the first 64 words count."""
    expression = to_match_expression(" ".join(f"word{n}" for n in range(5000)))
    assert expression.endswith(' OR "word63"')
    assert table.execute("SELECT * FROM t WHERE t MATCH ?", (expression,)).fetchall() == []


def test_stop_words() -> None:
    """Words that every text has are left out, unless there are no others."""
    assert to_match_expression("How do I feed the wombat?") == '"feed" OR "wombat"'
    assert to_match_expression("who is it") == '"who" OR "is" OR "it"'
    assert to_match_expression("?!") == ""


def test_fuse() -> None:
    """What is high in both orders is best; what is in one is not lost."""
    assert list(fuse([1, 2, 3], [2, 4])) == [2, 1, 4, 3]


def test_find_nearest_is_exact() -> None:
    """The nearest of many vectors are found, nearest first, whatever the size of blocks."""
    vectors = np.random.default_rng(1).normal(size=(500, 8)).astype("<f4")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [(key, vector.tobytes()) for key, vector in enumerate(vectors)]
    blocks = [rows[start : start + 64] for start in range(0, 500, 64)]
    expected = np.argsort(-(vectors @ vectors[7]))[:10].tolist()
    assert expected == find_nearest(blocks, vectors[7].tobytes(), 10)
