"""Kills runs at instants of time, wherever they are then: in SQLite, in git, or in between."""

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.torture.campaign import Campaign, Trial
from tests.torture.kills import KILLED, choose_stories, find_faults_after, prepare
from tests.torture.localscene import LocalScene
from tests.torture.oracle import Presence
from tests.torture.scene import Scene
from tests.torture.stories import Story


def _run_killed(scene: Scene, story: Story, seconds: float) -> int:
    """Kill a run after so many seconds, if it is still there."""
    running = scene.start(*story.words)
    time.sleep(seconds)
    running.process.kill()
    return running.wait().code


def try_instants(size: int, seed: int) -> Iterator[Trial]:
    """Kill runs at `size` instants drawn by `seed`: shares of the time of a whole run."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="instants-") as folder, ExitStack() as stack:
        for scene, story, number in choose_stories(size, chance, Path(folder), stack):
            prepare(scene, story)
            length = _measure(scene, story)
            for _ in range(number):
                shares = [chance.uniform(0.3, 1) for _ in range(chance.choice((1, 1, 2, 3)))]
                yield _try_instant(scene, story, shares, length)


def _measure(scene: Scene, story: Story) -> float:
    """The seconds of a run that nobody kills."""
    scene.restore(story.name)
    began = time.monotonic()
    scene.run(*story.words)
    return time.monotonic() - began


def _try_instant(scene: Scene, story: Story, shares: list[float], length: float) -> Trial:
    """Kill one run after the other, each so far on its way, then let two run to their ends."""
    scene.restore(story.name)
    before = {copy.path for copy in scene.list_copies()}
    presence = Presence(scene, before & scene.read_tree().keys())
    if not isinstance(scene, LocalScene):
        scene.openai.watch(presence.look)
    codes = [_run_killed(scene, story, share * length) for share in shares]
    faults = (*presence.absences, *find_faults_after(scene, story))
    instants = ", then ".join(f"{share:.0%}" for share in shares)
    outcome = "repaired" if KILLED in codes else "over before it was killed"
    return Trial(f"{scene.provider}, {story.name}: at {instants}", outcome, faults)


INSTANTS = Campaign(
    name="instants",
    claim=(
        "A run that is killed at any instant, with OpenAI's store or the embedded one, is put "
        "right by the next run; so are runs that are killed while they do that."
    ),
    short=1,
    long=70,
    trials=try_instants,
    not_covered=("A machine that loses power, and with it what SQLite had not yet on disk.",),
)
