"""Faults: which requests meet one, and what it does to them."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from tests.openai_server.call import Request
from tests.openai_server.schemas import JsonObject
from tests.openai_server.state import State


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset and no answer sent."""

    when: Literal["unread", "before", "after"] = "before"
    """Before the body is read, before the work is done, or after it."""


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer for some real seconds, then the connection ends."""

    seconds: float = 3600.0
    after: bool = False
    """Whether the work is done first."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Like `Reset` before the work; no further connection is let in for some real seconds."""

    seconds: float = 0.05


@dataclass(frozen=True, slots=True)
class Send:
    """How an answer is sent that is otherwise right."""

    how: Literal["whole", "truncated", "drip", "chunked", "closing"] = "whole"
    """`truncated` ends half-way through the length it announced; `closing` ends a kept-alive
    connection without a word after the answer."""

    pause: float = 0.01
    """Real seconds between the pieces of `drip`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Another answer than the right one."""

    status: int
    body: bytes | Callable[[Request], bytes] = b""
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    after: bool = False
    """Whether the work is done first, so that the client can't know."""


@dataclass(frozen=True, slots=True)
class Alter:
    """The work is done and its JSON answer changed."""

    change: Callable[[JsonObject], object]


@dataclass(frozen=True, slots=True)
class Tamper:
    """The server sees another request than was sent."""

    change: Callable[[Request, State], Request]


@dataclass(frozen=True, slots=True)
class Behave:
    """The request is served by changed rules; see `Rules.change`."""

    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Act:
    """Something happens to the state beside the request."""

    act: Callable[[State, Request], None]
    after: bool = False


Effect: TypeAlias = Reset | Hang | Refuse | Send | Reply | Alter | Tamper | Behave | Act


@dataclass(slots=True)
class Fault:
    """One effect and the requests that meet it.

    Of the requests that fit `route`, `method` and `path` (patterns with `*`), those from the
    `nth` on meet it with `probability`, until `count` have.
    """

    effect: Effect
    also: tuple[Effect, ...] = ()
    """Further effects on the same requests."""

    name: str = ""
    route: str = "*"
    """Named after the SDK's method, for example `vector_stores.files.create`."""

    method: str = "*"
    path: str = "*"
    """Without the base path, for example `/files/*`; the query is no part of it."""

    nth: int = 1
    count: int | None = 1
    """None for no end."""

    probability: float = 1.0
    seed: int = 0
    seen: int = 0
    """How many requests fitted so far."""

    met: int = 0
    """How many requests met it so far."""

    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def meets(self, route: str, method: str, path: str) -> bool:
        """Whether the next request meets it; counts the request."""
        fits = (
            fnmatchcase(route, self.route)
            and fnmatchcase(method, self.method)
            and fnmatchcase(path, self.path)
        )
        if not fits:
            return False
        self.seen += 1
        if self.seen < self.nth or (self.count is not None and self.met >= self.count):
            return False
        if self.probability < 1 and self._random.random() >= self.probability:
            return False
        self.met += 1
        return True


@dataclass(slots=True)
class Weather:
    """A mix: every request meets, with `probability`, one of the faults that fit its route."""

    faults: tuple[Fault, ...]
    probability: float = 0.3
    seed: int = 0
    count: int | None = None
    """How many requests meet one at most; None for no end."""

    met: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def pick(self, route: str) -> Fault | None:
        """The fault that the next request meets, if any."""
        if self.count is not None and self.met >= self.count:
            return None
        if self._random.random() >= self.probability:
            return None
        fitting = [each for each in self.faults if fnmatchcase(route, each.route)]
        if not fitting:
            return None
        self.met += 1
        return self._random.choice(fitting)
