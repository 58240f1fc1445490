"""The log of the calls to the store, for those who want to see everything."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Pass(logging.Handler):
    """Passes lines on as they come, from any thread."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__()
        self.show = show

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one line on."""
        self.show(record.getMessage())


@contextmanager
def follow_log(show: Callable[[str], None], *, is_on: bool) -> Iterator[None]:
    """While the block runs, and if `is_on`, give every line that this package logs to `show`."""
    if not is_on:
        yield
        return
    logger, handler = logging.getLogger("vectornator"), _Pass(show)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
