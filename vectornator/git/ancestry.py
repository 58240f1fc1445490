"""Tells how two commits stand to each other, from the history at hand."""

import heapq
from collections.abc import Callable
from enum import Enum

from vectornator.git.objects import Commit, MissingObject, Oid

_ONE, _OTHER = 1, 2
_BOTH = _ONE | _OTHER


class Relation(Enum):
    """How two commits stand to each other."""

    SAME = "same"
    ANCESTOR = "ancestor"
    """The first is an ancestor of the second."""

    DESCENDANT = "descendant"
    """The second is an ancestor of the first."""

    DIVERGED = "diverged"
    UNKNOWN = "unknown"
    """The history at hand ends before it tells."""


def find_relation(read: Callable[[Oid], Commit], one: Oid, other: Oid) -> Relation:
    """How commit `one` stands to `other`; `read` raises `MissingObject` where history is cut.

    Both histories are walked side by side, newest first, so the cost grows with the distance
    between the commits. Wrong clocks make the walk longer, never its answer wrong.
    """
    if one == other:
        return Relation.SAME
    walk = _Walk(read)
    walk.reach(one, _ONE)
    walk.reach(other, _OTHER)
    while walk.is_open:
        walk.step()
        if walk.sides[one] == _BOTH:
            return Relation.ANCESTOR
        if walk.sides[other] == _BOTH:
            return Relation.DESCENDANT
    return Relation.UNKNOWN if walk.is_cut else Relation.DIVERGED


class _Walk:
    """Two histories, each commit knowing which of them it was reached from."""

    def __init__(self, read: Callable[[Oid], Commit]) -> None:
        self.sides: dict[Oid, int] = {}
        self._read = read
        self._heap: list[tuple[int, Oid, tuple[Oid, ...]]] = []
        self._waiting: dict[Oid, bool] = {}
        """The commits on the heap, and whether only one side has reached them."""

        self._single = 0
        self._missing: list[Oid] = []

    @property
    def is_open(self) -> bool:
        """Whether a commit waits that only one side has reached.

        What both have reached leads to nothing new, as an ancestor of both is neither of the
        two; but it may show that both sides end in the same missing commit.
        """
        return self._single > 0 or (bool(self._heap) and self.is_cut)

    @property
    def is_cut(self) -> bool:
        """Whether a side ends in a commit that is not at hand."""
        return any(self.sides[oid] != _BOTH for oid in self._missing)

    def step(self) -> None:
        """Go on from the newest commit that waits."""
        _, oid, parents = heapq.heappop(self._heap)
        self._single -= self._waiting.pop(oid)
        for parent in parents:
            self.reach(parent, self.sides[oid])

    def reach(self, oid: Oid, side: int) -> None:
        """Note that a commit belongs to a side, and let it wait when that is news."""
        known = self.sides.get(oid, 0)
        if known | side == known:
            return
        self.sides[oid] = known | side
        if oid in self._waiting:
            self._single -= 1  # it was reached from one side before, and is from both now
            self._waiting[oid] = False
            return
        try:
            commit = self._read(oid)
        except MissingObject:
            self._missing.append(oid)
            return
        is_single = self.sides[oid] != _BOTH
        self._single += is_single
        self._waiting[oid] = is_single
        heapq.heappush(self._heap, (-commit.time, oid, commit.parents))
