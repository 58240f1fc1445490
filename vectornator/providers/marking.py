"""Changing the mark of a store that can only replace it as a whole."""

import random
from collections.abc import Callable, Mapping

_TRIES = 8
"""How often words are written that others, at the same moment, write over."""

_FIRST_SECONDS = 0.1
"""The longest first wait between two tries; it doubles with each."""


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
    mark is read again, and changed again, until it has what `change` leaves alone: whoever
    writes over it then must have read it longer ago than one look takes. Several runs that do so
    at once give way to each other by waiting.
    """
    changed: dict[str, str] = {}
    for number in range(_TRIES if wait else 1):
        if wait and number > 1:
            wait(random.uniform(0, _FIRST_SECONDS * 2**number))  # noqa: S311
        mark = read()
        changed = change_words(mark, name, change)
        if changed == mark:
            break
        write(changed)
    return changed.get(name, "")
