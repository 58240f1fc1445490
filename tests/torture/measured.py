"""Runs one thing at a time in a process of its own, and measures what it takes there."""

import os
import pickle
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from select import select
from typing import Generic, TypeVar

_T = TypeVar("_T")

_ADDRESSES = 8 << 30
"""Bytes of address space: what goes beyond ends with an error, and not with the machine."""

_PATIENCE = 120
"""Seconds after which a process that hangs is ended."""


@dataclass(frozen=True, slots=True)
class Measured(Generic[_T]):
    """What a process left behind."""

    result: _T | None
    """None when the process came to a bad end."""

    signal: int
    seconds: float
    """Of processor time, so that a busy machine makes no difference."""

    peak: int
    """The most memory that it held at a time, in bytes."""


def measure(act: Callable[[], _T]) -> Measured[_T]:
    """Do something in a forked process and return what it returned.

    The calling process must have no other thread.
    """
    reader, writer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.close(reader)
        _act(act, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        if not select([pipe], [], [], _PATIENCE)[0]:
            os.kill(child, signal.SIGKILL)  # what is tried may take any other signal
        told = pipe.read()
    _, status, usage = os.wait4(child, 0)
    ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    seconds = usage.ru_utime + usage.ru_stime
    return Measured(pickle.loads(told) if told else None, ended, seconds, usage.ru_maxrss << 10)


def _act(act: Callable[[], object], writer: int) -> None:
    """What the child does; it never returns."""
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
        told = pickle.dumps(act())
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(told)
        code = 0
    finally:
        os._exit(code)
