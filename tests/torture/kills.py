"""Kills a run at every moment there is, lets another one run, and tells what is wrong then."""

import random
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from tests.openai_server.call import Request
from tests.openai_server.faults import Act, Fault, Reset
from tests.openai_server.state import State
from tests.torture.campaign import Campaign, Trial
from tests.torture.localscene import LocalScene
from tests.torture.oracle import Presence, find_faults
from tests.torture.scene import Point, Scene
from tests.torture.stories import LOCAL_STORIES, STORIES, Story

Kind: TypeAlias = Literal["store", "git", "disk"]
When: TypeAlias = Literal["before", "during", "after", "soon after"]
KILLED = -9

_SOON = 0.02
"""Seconds within which an answer has arrived, and something may have been done with it."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One moment of a run."""

    kind: Kind
    """A request to the store, one to the git server, or a step on disk."""

    number: int
    when: When
    """Before the request has any effect, when half of it has arrived, after it and before its
    answer is sent, or just when that has arrived."""

    def __str__(self) -> str:
        return f"{self.when} {self.kind} {self.number}"


_TIMES: dict[Kind, tuple[When, ...]] = {
    "store": ("before", "after", "soon after"),
    "git": ("before", "during", "after"),
    "disk": ("before",),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one kill, and of the runs after it."""

    kills: tuple[Kill, ...]
    was_killed: bool
    """False when the run ended before its moment came."""

    faults: tuple[str, ...]


def list_kills(scene: Scene, story: Story) -> list[Kill]:
    """Every moment of the run that is to come, found by a run that nobody kills."""
    scene.restore(story.name)
    point = Point(0, "")
    scene.git.on_request.append(point)
    steps = scene.count_steps(*story.words)
    counts: dict[Kind, int] = {
        "store": len(scene.openai.ledger.of()),
        "git": point.seen["after"],
        "disk": steps,
    }
    return [
        Kill(kind, number, when)
        for kind, count in counts.items()
        for number in range(1, count + 1)
        for when in _TIMES[kind]
    ]


def try_kills(scene: Scene, story: Story, *kills: Kill) -> Verdict:
    """Kill one run after the other, each at its moment, then let two run to their ends."""
    scene.restore(story.name)
    before = {copy.path for copy in scene.list_copies()}
    presence = Presence(scene, before & scene.read_tree().keys())
    scene.openai.watch(presence.look)
    codes = [_run_killed(scene, story, kill) for kill in kills]
    faults = find_faults_after(scene, story)
    return Verdict(kills, KILLED in codes, (*presence.absences, *faults))


def find_faults_after(scene: Scene, story: Story) -> Iterator[str]:
    """What is wrong after the run that must put everything right."""
    last = scene.run(*story.after)
    if last.code:
        yield f"the clean run ended with {last.code}: {last.err}"
    yield from find_faults(scene, scene.foreign)


def _run_killed(scene: Scene, story: Story, kill: Kill) -> int:
    if kill.kind == "disk":
        return scene.run(*story.words, last=kill.number).code
    point = Point(kill.number, kill.when)
    running = scene.start(*story.words)
    point.process = running.process
    if kill.kind == "git":
        scene.git.on_request.append(point)
    elif kill.when == "before":
        scene.openai.add_fault(_kill_before(point))
    else:
        point.when, delay = "after", _SOON if kill.when == "soon after" else 0.0
        point.delay = random.Random(str(kill)).uniform(0, delay)
        scene.openai.watch(point.look)
    code = running.wait().code
    point.call_off()
    scene.git.on_request.clear()
    scene.openai.clear_faults()
    return code


def _kill_before(point: Point) -> Fault:
    """A fault that ends the run as its Nth request arrives, and the request with it."""

    def act(_state: State, _request: Request) -> None:
        point.strike()

    return Fault(Act(act), (Reset("before"),), name="killed", nth=point.number)


def choose(kills: list[Kill], number: int, chance: random.Random) -> Iterator[tuple[Kill, ...]]:
    """Draw moments: most alone, each fifth followed by another kill of the next run, or by two."""
    for index, kill in enumerate(chance.sample(kills, min(number, len(kills))), 1):
        more = (index % 5 == 0) + (index % 10 == 0)
        yield (kill, *chance.choices(kills, k=more))


def share(size: int, stories: int) -> list[int]:
    """How many of `size` trials each story gets; a few trials are not spread over many."""
    told = min(stories, max(1, size // 2))
    return [size // told + (number < size % told) for number in range(told)]


def try_moments(size: int, seed: int) -> Iterator[Trial]:
    """Kill runs at `size` moments drawn by `seed`, or at each there is."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="kills-") as folder, ExitStack() as stack:
        for scene, story, number in choose_stories(size, chance, Path(folder), stack):
            prepare(scene, story)
            for kills in choose(list_kills(scene, story), number, chance):
                verdict = try_kills(scene, story, *kills)
                outcome = "repaired" if verdict.was_killed else "over before it was killed"
                name = f"{scene.provider}, {story.name}: {', then '.join(map(str, kills))}"
                yield Trial(name, outcome, verdict.faults)


def choose_stories(
    size: int, chance: random.Random, folder: Path, stack: ExitStack
) -> Iterator[tuple[Scene, Story, int]]:
    """Draw stories of both kinds of store, each with its scene, and how many trials each gets."""
    told: list[tuple[type[Scene], Story]] = [(LocalScene, story) for story in LOCAL_STORIES]
    told += [(Scene, story) for story in STORIES]
    scenes: dict[type[Scene], Scene] = {}
    shares = share(size, len(told))
    for (kind, story), number in zip(chance.sample(told, len(shares)), shares, strict=True):
        if kind not in scenes:
            scenes[kind] = stack.enter_context(kind(folder / kind.__name__))
            scenes[kind].save()
        yield scenes[kind], story, number


def prepare(scene: Scene, story: Story) -> None:
    """Bring about where a story begins, and remember it."""
    scene.restore()
    story.prepare(scene)
    scene.save(story.name)


KILLS = Campaign(
    name="kills",
    claim=(
        "A run that is killed before or after any request to the store or to git, halfway through "
        "a push, or before any step on disk, is put right by the next run; with OpenAI's store "
        "and with the embedded one."
    ),
    short=2,
    long=90,
    trials=try_moments,
    not_covered=(
        "Documents of 64 MB and more, which are sent in parts, are not among those sent.",
    ),
)
