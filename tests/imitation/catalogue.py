"""Which faults have a test."""

from collections.abc import Callable
from typing import TypeVar

SHOWN: set[str] = set()
"""The names of all faults that a test shows."""

_Test = TypeVar("_Test")


def shows(*names: str) -> Callable[[_Test], _Test]:
    """Say which faults a test is about."""

    def register(test: _Test) -> _Test:
        SHOWN.update(names)
        return test

    return register
