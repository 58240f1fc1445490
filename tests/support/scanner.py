"""A machine for which the secret scanner is not made."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from vectornator.scanner import load_scanner

_PACKAGE = "kingfisher_sdk"


@contextmanager
def without_scanner() -> Iterator[None]:
    """Keep the scanner from being imported."""
    loaded = {name: sys.modules[name] for name in sys.modules if name.startswith(_PACKAGE)}
    load_scanner.cache_clear()
    sys.modules[_PACKAGE] = None  # type: ignore[assignment]  # Python's way to forbid one
    try:
        yield
    finally:
        del sys.modules[_PACKAGE]
        sys.modules.update(loaded)
