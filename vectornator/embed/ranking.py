"""Orders passages: by the words of a query, by its meaning, and by both together."""

import re
from collections.abc import Iterable, Sequence

RANKED = 100
"""How many passages of each order take part in the common one."""

_RRF_K = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""

_MOST_WORDS = 64
"""Every further word costs time in every search, and nobody types more that matter."""

_STOP_WORDS = frozenset(
    """
    a about after all also am an and any are as at be because been before being between both but by
    can could did do does doing don for from had has have having he her here him his how i if in
    into is it its just me more most my no nor not now of off on once only or other our out over own
    s same she should so some such t than that the their them then there these they this those
    through to too under until up very was we were what when where which while who whom why will
    with would you your
    """.split()  # noqa: SIM905  (as a list it is a page)
)


def to_match_expression(query: str) -> str:
    """Translate words as people type them to FTS5: any of them may match; empty for none.

    Each word is quoted, so that nothing in a query is taken for FTS5's own syntax.
    Words that every text has are left out, unless there are no others.
    """
    words = list(dict.fromkeys(re.findall(r"\w+", query.lower())))
    telling = [word for word in words if word not in _STOP_WORDS] or words
    return " OR ".join(f'"{word}"' for word in telling[:_MOST_WORDS])


def find_nearest(
    blocks: Iterable[Sequence[tuple[int, bytes]]], vector: bytes, limit: int
) -> list[int]:
    """Return the keys of the `limit` vectors nearest to `vector`, nearest first.

    Blocks are sequences of a key and a vector of length 1; every vector is compared, and
    no more than one block is held at a time.
    """
    import numpy as np  # noqa: PLC0415  (0.1 s, only paid by searches)

    wanted = np.frombuffer(vector, "<f4")
    best: list[tuple[float, int]] = []
    for block in blocks:
        matrix = np.frombuffer(b"".join(stored for _, stored in block), "<f4")
        scores = matrix.reshape(len(block), -1) @ wanted
        top = np.argsort(-scores, kind="stable")[:limit].tolist()
        best = sorted([*best, *((-float(scores[at]), block[at][0]) for at in top)])[:limit]
    return [key for _, key in best]


def fuse(*orders: Sequence[int]) -> dict[int, float]:
    """Score every key by its ranks in all orders, best first: reciprocal rank fusion."""
    scores: dict[int, float] = {}
    for order in orders:
        for rank, key in enumerate(order, 1):
            scores[key] = scores.get(key, 0.0) + 1 / (_RRF_K + rank)
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))
