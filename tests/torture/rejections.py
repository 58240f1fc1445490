"""Every way in which a git server may refuse a push, or leave it open what became of it."""

import random
import re
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

from tests.support.git_server import Fault, GitServer, run_git
from tests.torture.arena import Arena, Ended, Job, Ring, is_changing
from tests.torture.campaign import Campaign, Trial
from vectornator.git.remote import Patience, Terms
from vectornator.state.notes import ref_of

REF = ref_of("default")

End: TypeAlias = Literal["landed", "denied", "given up"]
Obstacle: TypeAlias = Callable[[Arena, "Gate"], None]

_PERMISSION = "contents: write.*write_repository"
_ALWAYS = 99


class Gate(GitServer):
    """A git server that lets something happen as a push arrives."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.on_push: deque[Callable[[], object]] = deque()
        """What happens before the pushes to come are carried out, one each."""

    def run_backend(self, environ: dict[str, str], body: bytes) -> tuple[int, list[str], bytes]:
        """One request, after what is to happen before it."""
        if environ["PATH_INFO"].endswith("/git-receive-pack") and self.on_push:
            self.on_push.popleft()()
        return super().run_backend(environ, body)


@dataclass(frozen=True, slots=True)
class Rejection:
    """One way of not taking a push, and how a run that meets it must end."""

    name: str
    arrange: Obstacle
    end: End
    words: str = ""
    """A pattern of what the user must be told."""

    has_rival: bool = False
    """Whether another run saves while this one does."""


# Obstacles that git itself puts in the way.


def _hook(name: str, script: str) -> Obstacle:
    def arrange(arena: Arena, _: Gate) -> None:
        hook = arena.origin.root / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\n{script}\n")
        hook.chmod(0o755)

    return arrange


def _configure(name: str, value: str) -> Obstacle:
    def arrange(arena: Arena, _: Gate) -> None:
        arena.origin.run("config", name, value)

    return arrange


def _lock(pushes: int) -> Obstacle:
    """Another git holds the lock of the ref for so many pushes."""

    def arrange(arena: Arena, gate: Gate) -> None:
        lock = arena.origin.root / f"{REF}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
        gate.on_push.extend([lambda: None] * pushes)
        gate.on_push.append(partial(lock.unlink, missing_ok=True))

    return arrange


def _run_rival(arena: Arena, gate: Gate) -> None:
    """Another run, of the commit before, saves between our look at the ref and our push."""
    gate.on_push.append(partial(_let_rival_run, arena))


def _let_rival_run(arena: Arena) -> None:
    job = Job(2, arena.history[1])
    ended = arena.run(job, arena.clone(job))
    assert ended.code == 0, ended


# Obstacles that are answers of a server, or the want of one.


def _answer(*faults: Fault) -> Obstacle:
    return lambda _, gate: gate.meet(*faults)


def _refuse(reason: str, times: int = 1) -> Obstacle:
    fault = Fault(200, _PUSHED, report("unpack ok", f"ng {REF} {reason}"), on=_POST)
    return _answer(*[fault] * times)


def report(*lines: str) -> bytes:
    """The answer to a push, in git's own framing."""
    status = b"".join(_pack_line(f"{line}\n".encode()) for line in lines) + b"0000"
    return _pack_line(b"\1" + status) + b"0000"


def _pack_line(content: bytes) -> bytes:
    return b"%04x" % (len(content) + 4) + content


_POST = "/git-receive-pack"
_GET = "service=git-receive-pack"
_PUSHED = (("Content-Type", "application/x-git-receive-pack-result"),)
_HTML = Fault(
    200, (("Content-Type", "text/html"),), b"<html>Sign in to the network</html>", on=_POST
)
_GARBAGE = Fault(200, _PUSHED, b"\xff\x00zzzz nonsense", on=_POST)
_SILENCE = Fault(200, _PUSHED, b"", on=_POST)
_EMPTY = Fault(200, _PUSHED, report(), on=_POST)
_OTHER = Fault(200, _PUSHED, report("unpack ok", "ok refs/heads/other"), on=_POST)
_CUT = Fault(200, _PUSHED, report("unpack ok", f"ok {REF}")[:20], on=_POST)
_FATAL = Fault(200, _PUSHED, _pack_line(b"\3internal error") + b"0000", on=_POST)
_LOST = {
    "html": _HTML,
    "garbage": _GARBAGE,
    "silence": _SILENCE,
    "an empty report": _EMPTY,
    "a report on another ref": _OTHER,
    "a report cut short": _CUT,
    "a fatal message": _FATAL,
}
_RACES = (
    "fetch first",
    "non-fast-forward",
    f"cannot lock ref '{REF}': is at {'a' * 40} but expected {'b' * 40}",
    "incorrect old value provided",
    "failed to update ref",
    "stale info",
    "reference already exists",
)


def _late(fault: Fault) -> Fault:
    return Fault(fault.status, fault.headers, fault.body, on=fault.on, is_late=True)


def list_rejections() -> list[Rejection]:
    """Every way there is."""
    return [
        Rejection("rival between look and push", _run_rival, "landed", has_rival=True),
        Rejection("a lock for one push", _lock(1), "landed"),
        Rejection("a lock for three pushes", _lock(3), "landed"),
        Rejection("a lock for ever", _lock(_ALWAYS), "given up", "lock that was left behind"),
        Rejection(
            "pre-receive declines",
            _hook("pre-receive", "echo notes are frozen >&2; exit 1"),
            "denied",
            f"declined.*notes are frozen.*{_PERMISSION}",
        ),
        Rejection(
            "update declines",
            _hook("update", "echo quota of 1 GB exceeded >&2; exit 1"),
            "denied",
            f"declined.*quota of 1 GB exceeded.*{_PERMISSION}",
        ),
        Rejection(
            "the pack is too large",
            _configure("receive.maxInputSize", "10"),
            "denied",
            "could not unpack.*size limits",
        ),
        Rejection(
            "the ref is hidden", _configure("receive.hideRefs", "refs/notes"), "denied", _PERMISSION
        ),
        *_list_statuses(),
        *_list_cuts(),
        *(Rejection(f"once: {words[:30]}", _refuse(words), "landed") for words in _RACES),
        Rejection("always: fetch first", _refuse("fetch first", _ALWAYS), "given up", "Run again"),
        Rejection(
            "unpacker error",
            _answer(Fault(200, _PUSHED, report("unpack index-pack abnormal exit"), on=_POST)),
            "denied",
            "could not unpack.*abnormal exit",
        ),
        Rejection(
            "protected by a rule",
            _refuse("protected by a repository rule"),
            "denied",
            f"protected by a repository rule.*{_PERMISSION}",
        ),
        Rejection("once: internal server error", _refuse("internal server error"), "landed"),
    ]


def _list_statuses() -> Iterator[Rejection]:
    for status in (401, 403):
        for place, on in (("look", _GET), ("push", _POST)):
            arrange = _answer(Fault(status, on=on))
            yield Rejection(f"{status} to the {place}", arrange, "denied", _PERMISSION)
    yield Rejection("404 to the look", _answer(Fault(404, on=_GET)), "denied", "credential")
    yield Rejection("407 by the proxy", _answer(Fault(407, on=_POST)), "denied", "proxy")
    yield Rejection("413 to the push", _answer(Fault(413, on=_POST)), "denied", "413")
    for status in (429, 500, 502, 503, 504):
        yield Rejection(f"once {status}", _answer(Fault(status, on=_POST)), "landed")
    always = _answer(*[Fault(503, on=_POST)] * _ALWAYS)
    yield Rejection("always 503", always, "given up", "503")


def _list_cuts() -> Iterator[Rejection]:
    for place, on in (("look", _GET), ("push", _POST)):
        for drop in ("unread", "before", "after"):
            arrange = _answer(Fault(drop=drop, on=on))
            yield Rejection(f"cut {drop} the {place}", arrange, "landed")
    always = _answer(*[Fault(drop="before", on=_POST)] * _ALWAYS)
    yield Rejection("always cut", always, "given up", "network")
    for name, fault in _LOST.items():
        yield Rejection(f"{name} instead", _answer(fault), "landed")
        yield Rejection(f"{name} after the push", _answer(_late(fault)), "landed")
    yield Rejection("always html", _answer(*[_HTML] * _ALWAYS), "given up", "content-type")


# A trial.


@dataclass(slots=True)
class _Course:
    """What was done before, in and after a push that is refused."""

    arena: Arena
    gate: Gate
    rejection: Rejection
    faults: list[str] = field(default_factory=list)

    def run(self) -> Ended:
        """Let a run meet the obstacle."""
        arena = self.arena
        arena.terms = Terms(patience=Patience(sleep=lambda _: None))
        arena.push({f"docs/{number}.md": f"# {number}\n" for number in range(4)})
        first = Job(0, arena.history[0])
        arena.run(first, arena.clone(first))
        arena.push({"docs/0.md": "# 0, once more\n", "docs/rival.md": "# Rival\n"})
        arena.push({"docs/1.md": "# 1, once more\n", "docs/2.md": None, "docs/4.md": "# 4\n"})
        job = Job(1, arena.history[-1], is_shallow=True)
        clone = arena.clone(job)
        self.rejection.arrange(arena, self.gate)
        return arena.run(job, clone)

    def judge(self, ended: Ended) -> None:
        """Hold the end of the run against what must come of it."""
        rejection, arena = self.rejection, self.arena
        if rejection.end == "landed":
            self._expect(ended.code == 0, f"the run ended with {ended.code}: {ended.words}")
            self._expect(self._is_noted(ended), "its note is not there")
            self.faults += arena.find_faults("default", arena.trees[-1], arena.author)
        else:
            self._expect(ended.code == 5, f"the run ended with {ended.code}: {ended.words}")
            self._expect(ended.status == "state", f"the reason is {ended.status}")
            is_told = re.search(rejection.words, ended.words)
            self._expect(bool(is_told), f"the user is told {ended.words!r}")
            base, _ = arena.read_manifest("default", arena.author)
            self._expect(base == arena.history[0], "the ledger moved all the same")
        if rejection.has_rival:
            notes = arena.origin.run("notes", f"--ref={REF}", "list")
            self._expect(arena.history[1] in notes, "the rival's note is lost")

    def heal(self) -> None:
        """Take the obstacle away; one run later all is right, and nothing was sent twice."""
        arena = self.arena
        self._clear()
        for number, expected in ((3, {"synced", "no-changes"}), (4, {"no-changes"})):
            job = Job(number, arena.history[-1], is_shallow=True)
            arena.openai.ledger.clear()
            ended = arena.run(job, arena.clone(job))
            self._expect(ended.status in expected, f"run {number} ended as {ended.status}")
            sent = arena.openai.ledger.of("files.create")
            self._expect(not sent, f"run {number} sent documents again")
            if number == 4:
                self._expect(
                    not is_changing(arena.openai.ledger.of()), "the last run changed something"
                )
        self.faults += arena.find_faults("default", arena.trees[-1], arena.author)
        self.faults += [*arena.find_touched(), *arena.find_left()]
        self._expect(not arena.origin.fsck(), "git fsck complains")

    def _clear(self) -> None:
        self.gate.faults.clear()
        self.gate.on_push.clear()
        root = self.arena.origin.root
        for path in (*root.glob("hooks/*"), root / f"{REF}.lock"):
            path.unlink(missing_ok=True)
        for name in ("receive.maxInputSize", "receive.hideRefs"):
            self.arena.origin.run("config", "--unset", name, check=False)

    def _is_noted(self, ended: Ended) -> bool:
        saved = run_git(self.arena.origin.root, "rev-list", REF).split()
        notes = self.arena.origin.run("notes", f"--ref={REF}", "list")
        return ended.saved in saved and ended.job.commit in notes

    def _expect(self, is_so: bool, words: str) -> None:
        if not is_so:
            self.faults.append(words)


def try_rejection(rejection: Rejection, arena: Arena, gate: Gate) -> Trial:
    """Let one run be refused in one way, then let another one run."""
    course = _Course(arena, gate, rejection)
    ended = course.run()
    course.judge(ended)
    course.heal()
    return Trial(rejection.name, rejection.end, tuple(course.faults))


def try_rejections(size: int, seed: int) -> Iterator[Trial]:
    """Try `size` of the ways drawn by `seed`, or each there is."""
    ways = list_rejections()
    chosen = random.Random(seed).sample(ways, min(size, len(ways)))
    with tempfile.TemporaryDirectory(prefix="rejections-") as folder:
        root = Path(folder) / "srv"
        root.mkdir()
        with Gate(root) as gate, Ring(Path(folder), gate) as ring:
            for rejection in chosen:
                yield try_rejection(rejection, ring.open(), gate)


REJECTIONS = Campaign(
    name="rejections",
    claim=(
        "Whatever a git server answers to the push of the notes, a run either saves on top of what"
        " is there or says that it did not and what to do; the run after it sends no document"
        " again."
    ),
    short=8,
    long=_ALWAYS,
    trials=try_rejections,
    not_covered=("Pushes over ssh and to a path are refused in ordinary tests only.",),
)
"""The campaign of refused pushes."""
