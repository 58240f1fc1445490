"""Changing the mark of a store that can only replace it as a whole."""

import random
import time
from collections.abc import Callable, Mapping

_TRIES = 8
"""How often words are written that others, at the same moment, write over."""

_LEAST_SECONDS = 0.2
"""How long words must stay at least, before they are looked at again."""


def change_words(
    mark: Mapping[str, str], name: str, change: Callable[[str], str]
) -> dict[str, str]:
    """A mark with the words under one name changed; empty ones are left out."""
    changed = {**mark, name: change(mark.get(name, ""))}
    return {key: words for key, words in changed.items() if words}


def change_whole(
    read: Callable[[], Mapping[str, str]],
    write: Callable[[dict[str, str]], object],
    name: str,
    change: Callable[[str], str],
    *,
    wait: Callable[[float], object] | None = None,
) -> str:
    """Read a mark, change the words under `name`, write it, and return the words.

    Another run may read the mark before and write it after, and so undo this. With `wait` the
    mark is read again, and changed again, until it has what `change` leaves alone. That is after
    a while: whoever still writes over it must have taken longer than that between reading and
    writing. Runs that undo each other wait for lengths of their own. A store that keeps nothing
    of what is written is not asked for ever.
    """
    before: Mapping[str, str] | None = None
    changed: dict[str, str] = {}
    for _ in range(_TRIES if wait else 1):
        began = time.monotonic()
        mark = read()
        changed = change_words(mark, name, change)
        if mark in (changed, before):
            break
        before = mark
        write(changed)
        if wait:
            least = max(_LEAST_SECONDS, time.monotonic() - began)
            wait(random.uniform(least, 2 * least))  # noqa: S311
    return changed.get(name, "")
