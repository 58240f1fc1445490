"""What a drift is: something that changes behind Vectornator's back, and what must become of it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

from tests.torture.drift.place import Place


class Cure(IntEnum):
    """The least that puts a drift right; each puts right what those before it do."""

    NONE = 0
    """Nothing is wrong, and nothing is found."""

    RUN = 1
    """Any sync sees it."""

    LISTING = 2
    """Only who lists the store sees it: `verify`, `repair`, `sync --refresh always`."""

    REBUILD = 3
    """The ledger can't be read: `repair --rebuild`."""

    SETTINGS = 4
    """The user must say something: which store, which name, that going back is meant."""


Act: TypeAlias = Callable[[Place, random.Random], None]


@dataclass(frozen=True, slots=True)
class Drift:
    """Something that happens to a target that was in line."""

    name: str
    act: Act
    cure: Cure
    settings: Mapping[str, object] = field(default_factory=dict)
    """What the user must say before anything can be put right."""

    reasons: frozenset[str] = frozenset()
    """With which reasons a run may be refused before that."""

    is_single: bool = False
    """Whether it is tried beside no other drift."""

    needs_ledger: bool = False
    """Whether only the ledger knows better than the store: no rebuild can put it right."""
