"""Asks commands to stop, with 5,000 documents to send and with servers that never answer."""

import json
import random
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from tests.openai_server.faults import Fault, Hang
from tests.openai_server.rules import UNLIMITED, Behaviour, Rules
from tests.support import git_server
from tests.torture.campaign import Campaign, Trial
from tests.torture.oracle import find_faults
from tests.torture.process import Running
from tests.torture.scene import Scene

MOST_SECONDS = 7.0
"""From the first signal to the end of the process; GitHub's runner kills after 10."""

_MANY = 5000
_FEW = 120
_IN_FLIGHT = 4
"""Uploads at once, by default; so many may be cut off."""

_START_SECONDS = 3.0
"""What the start of a process may take where time is counted from there."""

_SLOW = 3600.0

Manner: TypeAlias = Literal["SIGINT", "SIGTERM", "twice", "runner", "time"]
_Step: TypeAlias = tuple[float, signal.Signals]

MANNERS: Mapping[Manner, tuple[_Step, ...]] = {
    "SIGINT": ((0, signal.SIGINT),),
    "SIGTERM": ((0, signal.SIGTERM),),
    "twice": ((0, signal.SIGTERM), (0.2, signal.SIGINT)),
    "runner": ((0, signal.SIGINT), (7.5, signal.SIGTERM), (10, signal.SIGKILL)),
    "time": (),
}
"""The signals and the seconds from the first to each; `time` is `--timeout-minutes`."""

_CODES: Mapping[Manner, int] = {
    "SIGINT": 130,
    "SIGTERM": 143,
    "twice": 143,
    "runner": 130,
    "time": 124,
}
_SECONDS = 6.0
"""What `--timeout-minutes` gives, in seconds."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A command, and the request of it at which it is asked to stop."""

    name: str
    words: tuple[str, ...]
    request: str
    """A route of the store, or part of the method and URL of a request to git."""

    share: float = 0.0
    """Which of those requests, as a share of the documents to send; 0 for the first, of few."""

    is_silent: bool = False
    """Whether that request, and each like it, is never answered."""

    is_indexing: bool = False
    """Whether the store takes an hour to index."""

    is_saved: bool = False
    """Whether the ledger must tell of all that the store has."""

    is_last: bool = False
    """Whether nothing is left to be stopped, so that the run may succeed."""

    @property
    def is_git(self) -> bool:
        """Whether the request goes to git."""
        return " " in self.request


_SYNC = ("sync",)
_LISTING = ("sync", "--refresh", "always")
_CREATE, _BATCH = "files.create", "vector_stores.file_batches.create"
_POLL, _LIST = "vector_stores.file_batches.retrieve", "vector_stores.files.list"
_PUSH, _FETCH = "POST /origin.git/git-receive-pack", "GET /origin.git/info/refs"

MOMENTS = (
    Moment("uploading", _SYNC, _CREATE, 0.3, is_saved=True),
    Moment("attaching", _SYNC, _BATCH, 0.0004, is_saved=True),
    Moment("waiting for the index", _SYNC, _POLL, 0.0004, is_indexing=True, is_saved=True),
    Moment("uploading in vain", _SYNC, _CREATE, 0.3, is_silent=True, is_saved=True),
    Moment("attaching in vain", _SYNC, _BATCH, 0.0002, is_silent=True, is_saved=True),
    Moment("asking for the index in vain", _SYNC, _POLL, 0.0002, is_silent=True),
    Moment("listing", _LISTING, _LIST),
    Moment("listing in vain", _LISTING, _LIST, is_silent=True),
    Moment("marking the store in vain", _SYNC, "vector_stores.update", is_silent=True),
    Moment("asking for the store in vain", _SYNC, "vector_stores.retrieve", is_silent=True),
    Moment("pushing", _SYNC, _PUSH, is_saved=True, is_last=True),
    Moment("pushing in vain", _SYNC, _PUSH, is_silent=True),
    Moment("fetching in vain", _SYNC, _FETCH, is_silent=True),
    Moment("verify", ("verify",), _LIST, is_silent=True),
    Moment("list", ("list",), _LIST, is_silent=True),
    Moment("search", ("search", "words"), "vector_stores.search", is_silent=True),
    Moment("repair", ("repair",), _LIST, is_silent=True),
)


@dataclass(slots=True)
class Strike:
    """Signals to a run, from the moment on that one of its requests has arrived."""

    manner: Manner
    number: int
    running: Running | None = None
    began: float = 0.0
    """When the first was sent; 0 as long as none was."""

    _seen: int = 0
    _timers: list[threading.Timer] = field(default_factory=list)

    def pass_by(self, *, is_it: bool) -> None:
        """A request has arrived; `is_it` if it is one of those that are counted."""
        self._seen += is_it
        if not is_it or self._seen != self.number or self.running is None:
            return
        self.began = time.monotonic()
        for seconds, number in MANNERS[self.manner]:
            act = threading.Timer(seconds, self.running.process.send_signal, [number])
            self._timers.append(act)
            act.start()

    def call_off(self) -> None:
        """Send nothing more."""
        for timer in self._timers:
            timer.cancel()
            timer.join()


def try_stop(scene: Scene, moment: Moment, manner: Manner) -> Trial:
    """Ask one command to stop, then let two syncs run to their ends."""
    scene.restore()
    before = Standing.take(scene)
    strike = Strike(manner, max(1, round(moment.share * before.missing)))
    _prepare(scene, moment, strike)
    started = time.monotonic()
    limit = ("--timeout-minutes", f"{_SECONDS / 60}") if manner == "time" else ()
    running = strike.running = scene.start(*moment.words, *limit)
    result = running.wait()
    is_met = strike.began > 0
    if manner == "time":
        strike.began = started + _SECONDS + _START_SECONDS
    seconds = max(0.0, time.monotonic() - strike.began) if strike.began else 0.0
    strike.call_off()
    _calm(scene)
    faults = []
    if seconds > MOST_SECONDS:
        faults.append(f"it took {seconds:.1f} s")
    if result.code != (0 if moment.is_last and result.code == 0 else _CODES[manner]):
        faults.append(f"it ended with {result.code}: {result.err[-500:]}")
    if is_met and moment.is_saved and manner != "twice":
        faults += _find_unsaved(scene, before, moment)
    faults += _find_later(scene, before.foreign)
    ending = "within a second" if seconds < 1 else f"within {MOST_SECONDS:.0f} s"
    return Trial(f"{moment.name}, {manner}: {seconds:.1f} s", ending, tuple(faults))


@dataclass(frozen=True, slots=True)
class Standing:
    """What stood where before a command."""

    foreign: object
    copies: int
    loose: int
    """Files that are in no store."""

    missing: int
    """Documents that the store lacks."""

    @classmethod
    def take(cls, scene: Scene) -> "Standing":
        """Look now."""
        copies = len(scene.ours)
        loose = len(scene.openai.state.files) - len(scene.attachments)
        return cls(scene.list_foreign(), copies, loose, len(scene.read_tree()) - copies)


def _prepare(scene: Scene, moment: Moment, strike: Strike) -> None:
    """Let the request be noticed, and servers be as slow as they are to be."""
    if moment.is_git:
        scene.git.on_arrival.append(lambda what: strike.pass_by(is_it=moment.request in what))
        if moment.is_silent:
            scene.git.meet(*[git_server.Fault(hang=True, on=moment.request)] * 9)
        return
    if moment.is_indexing:
        scene.openai.app.rules = Rules(UNLIMITED, Behaviour(indexing_seconds=_SLOW))
    if moment.is_silent:
        scene.openai.add_fault(
            Fault(Hang(), route=moment.request, nth=strike.number, count=None, name="silent")
        )
    scene.openai.watch(lambda _, record: strike.pass_by(is_it=record.route == moment.request))


def _calm(scene: Scene) -> None:
    """Let servers be as they should."""
    scene.openai.clear_faults()
    scene.openai.app.watchers.clear()
    scene.openai.app.rules = Rules(UNLIMITED, Behaviour(indexing_seconds=0.0))
    scene.openai.clock.advance(_SLOW)
    scene.git.on_arrival.clear()
    scene.git.faults.clear()


def _find_unsaved(scene: Scene, before: Standing, moment: Moment) -> Iterator[str]:
    """Whether the run that was stopped recorded what it did, and lost no more than it had to."""
    now = Standing.take(scene)
    status = json.loads(scene.run("status", "--json").out)
    held = now.copies - before.copies
    if not moment.is_indexing and status["documents"] != now.copies:
        yield f"the store has {now.copies} copies, the ledger {status['documents']}"
    if moment.share and not held and moment.request != _BATCH:
        yield "nothing was kept of what was sent"
    if now.loose - before.loose > _IN_FLIGHT and moment.request != _BATCH:
        yield f"{now.loose - before.loose} Files were left in no store"


def _find_later(scene: Scene, foreign: object) -> Iterator[str]:
    """What is wrong with the next run, or after it."""
    missing = Standing.take(scene).missing
    scene.openai.ledger.clear()
    last = scene.run("sync")
    if last.code:
        yield f"the next run ended with {last.code}: {last.err}"
    sent = scene.openai.ledger.counts().get(_CREATE, 0)
    if sent != missing:
        yield f"the next run sent {sent} documents, and {missing} were missing"
    yield from find_faults(scene, foreign)


def choose(size: int, seed: int) -> list[tuple[Moment, Manner]]:
    """Draw moments with manners: each moment before any comes again."""
    chance = random.Random(seed)
    manners = {moment: chance.sample(list(MANNERS), len(MANNERS)) for moment in MOMENTS}
    drawn = [
        (moment, manners[moment][number])
        for number in range(len(MANNERS))
        for moment in chance.sample(MOMENTS, len(MOMENTS))
    ]
    return [(moment, manner) for moment, manner in drawn if _is_possible(moment, manner)][:size]


def _is_possible(moment: Moment, manner: Manner) -> bool:
    """Time only runs out of a run that is slow; commands that ask have no limit."""
    is_run = moment.words[0] in {"sync", "repair"}
    return manner != "time" or (is_run and moment.is_silent)


def try_signals(size: int, seed: int) -> Iterator[Trial]:
    """Stop a command at each of `size` moments drawn by `seed`; a long campaign sends thousands."""
    many = _MANY if size >= len(MOMENTS) else _FEW
    with tempfile.TemporaryDirectory(prefix="signals-") as folder, ExitStack() as stack:
        scenes: dict[int, Scene] = {}
        for moment, manner in choose(size, seed):
            number = many if moment.share else _FEW
            if number not in scenes:
                scenes[number] = stack.enter_context(Scene(Path(folder) / str(number)))
                _crowd(scenes[number], number)
            yield try_stop(scenes[number], moment, manner)


def _crowd(scene: Scene, number: int) -> None:
    """Commit many documents that are to be sent."""
    scene.repo.commit({f"docs/many/{each}.md": f"# {each}\n" for each in range(number)})
    scene.repo.run("push", "--quiet", "origin", "HEAD:main")
    scene.openai.app.rules = Rules(UNLIMITED, Behaviour(indexing_seconds=0.0))
    scene.save()


SIGNALS = Campaign(
    name="signals",
    claim=(
        "A command that is asked to stop, with 5,000 documents to send or a server that never "
        "answers, ends by itself within 7 seconds; what it did is saved, and the next run does "
        "the rest."
    ),
    short=2,
    long=22,
    trials=try_signals,
    not_covered=(
        "A short campaign asks runs of 120 documents to stop.",
        (
            "What was done is not in the ledger where git itself never answers, or where a second "
            "signal follows at once; the next run then finds it in the store."
        ),
    ),
)
