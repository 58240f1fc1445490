"""Runs at once on one remote and one store, in every mixture of commits, targets and clones."""

import random
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.openai_server.ledger import Record
from tests.openai_server.state import State
from tests.support.git_server import GitServer
from tests.support.repositories import GitRepo
from tests.torture.arena import TARGETS, Arena, Ended, Job, Ring, Witnessing, is_changing
from tests.torture.campaign import Campaign, Trial
from tests.torture.process import Running
from vectornator.state.notes import ref_of

DOCUMENTS = 6
"""How many documents the first commit has."""

_WELL = frozenset({"synced", "no-changes", "superseded"})


_IN_PROCESSES = {0: 2, 4: 8, 8: 2, 12: 8, 16: 2, 20: 8, 24: 2, 28: 8, 32: 2, 36: 8, 39: 32}
"""Which of 40 races are held in processes, and with how many."""


@dataclass(frozen=True, slots=True)
class Heat:
    """One race, as it was drawn."""

    runs: int
    are_processes: bool
    commits: int
    """How many were made after the one that is synced; each run is at one of them."""

    targets: int
    kills: int
    """How many runs are killed, each after some request."""

    latency: float
    is_first: bool
    """Whether nothing was synced yet, so that runs create the store."""

    seed: int

    def __str__(self) -> str:
        kind = "processes" if self.are_processes else "threads"
        killed = f", {self.kills} killed" if self.kills else ""
        first = ", none before" if self.is_first else ""
        return (
            f"{self.runs} {kind}{first}, {self.commits} commits, {self.targets} targets{killed},"
            f" seed {self.seed}"
        )


def draw_heats(size: int, seed: int) -> Iterator[Heat]:
    """Draw races, most in threads: a process costs a second of a core before it begins."""
    for number in range(size):
        chance = random.Random(f"{seed}/{number}")
        runs = _IN_PROCESSES.get(number % 40, 0)
        yield Heat(
            runs=runs or (32 if number % 10 == 7 else chance.choice((2, 4, 8, 8))),
            are_processes=bool(runs),
            commits=chance.choice((1, 2, 4)),
            targets=chance.choice((1, 1, 2, 3)),
            kills=chance.randint(1, runs // 2) if runs else 0,
            latency=chance.choice((0.0, 0.005, 0.03)),
            is_first=number % 5 == 1,  # in processes and in threads
            seed=chance.randrange(1 << 16),
        )


def hold_heat(heat: Heat, arena: Arena) -> Trial:
    """Let the runs of a race go at once, then one alone, and tell what is wrong."""
    chance = random.Random(heat.seed)
    jobs = _set_up(heat, arena, chance)
    clones = [arena.clone(job) for job in jobs]
    kept = set() if heat.is_first else set.intersection(*(set(tree) for tree in arena.trees))
    witness = Witnessing(arena, TARGETS[: heat.targets], kept)
    arena.openai.delay(heat.latency)
    race = _race_processes if heat.are_processes else _race_threads
    ends = race(heat, arena, jobs, clones, chance)
    arena.openai.delay(0.0)
    faults = [*_judge_ends(ends, arena), *_judge_race(ends, arena, clones[0])]
    for target in TARGETS[: heat.targets]:
        faults += _judge_clean_run(target, arena)
    faults += [*witness.absences, *arena.find_touched(), *arena.find_left(), *arena.find_stores()]
    faults += [f"git fsck: {words}" for words in [arena.origin.fsck()] if words]
    return Trial(str(heat), _sum_up(ends), tuple(faults))


def _set_up(heat: Heat, arena: Arena, chance: random.Random) -> list[Job]:
    """A history, each target synced at its beginning or none yet, and the runs of the race."""
    arena.push({f"docs/{number}.md": f"# {number}\n" for number in range(DOCUMENTS)})
    for number, target in enumerate(() if heat.is_first else TARGETS[: heat.targets]):
        job = Job(900 + number, arena.history[0], target)
        ended = arena.run(job, arena.clone(job))
        assert ended.status == "synced", ended
    for number in range(heat.commits):
        arena.push(_draw_change(number, arena, chance))
    return [
        Job(
            number,
            chance.choice(arena.history[1:]),
            chance.choice(TARGETS[: heat.targets]),
            is_shallow=chance.random() < 0.5,
        )
        for number in range(heat.runs)
    ]


def _draw_change(number: int, arena: Arena, chance: random.Random) -> dict[str, str | None]:
    """Updates, an addition, and now and then a removal or a rename."""
    paths = sorted(arena.trees[-1])
    changed = chance.sample(paths, 2)
    change: dict[str, str | None] = {path: f"# {path} at {number}\n" for path in changed}
    change[f"docs/new-{number}.md"] = f"# New {number}\n"
    rest = [path for path in paths if path not in changed]
    if chance.random() < 0.5:
        change[rest[0]] = None
    if chance.random() < 0.5:
        change |= {rest[1]: None, f"docs/moved-{number}.md": arena.trees[-1][rest[1]].decode()}
    return change


# The race.


def _race_threads(
    heat: Heat, arena: Arena, jobs: Sequence[Job], clones: Sequence[GitRepo], _: random.Random
) -> list[Ended]:
    with ThreadPoolExecutor(heat.runs) as pool:
        return list(pool.map(arena.run, jobs, clones))


def _race_processes(
    heat: Heat, arena: Arena, jobs: Sequence[Job], clones: Sequence[GitRepo], chance: random.Random
) -> list[Ended]:
    """Each run has a key of its own, by which the server knows which of them to kill."""
    keys = [f"{arena.openai.key}-{job.number}" for job in jobs]
    arena.openai.app.keys |= set(keys)
    running = [arena.start(*start) for start in zip(jobs, clones, keys, strict=True)]
    for number in chance.sample(range(heat.runs), heat.kills):
        arena.openai.watch(_Killer(running[number], keys[number], chance.randint(2, 24)).look)
    return [arena.finish(*pair) for pair in zip(jobs, running, strict=True)]


class _Killer:
    """Kills one run after so many of its requests."""

    def __init__(self, running: Running, key: str, left: int) -> None:
        self._running = running
        self._words = f"Bearer {key}"
        self._left = left

    def look(self, _: State, record: Record) -> None:
        """Take in a request of anybody."""
        if record.headers.get("authorization") == self._words:
            self._left -= 1
            if self._left == 0:
                self._running.process.kill()


# The verdict.


def _judge_ends(ends: Sequence[Ended], arena: Arena) -> Iterator[str]:
    """Whether each run did what it says."""
    for ended in ends:
        name = f"run {ended.job.number}"
        if ended.code == 0 and ended.status not in _WELL:
            yield f"{name} ended as {ended.status}"
        if ended.code not in {0, -9, 5}:
            yield f"{name} ended with {ended.code}: {ended.words}"
        if ended.code == 0 and ended.status == "synced" and not ended.saved:
            yield f"{name} did not save, and does not say so"
        if ended.saved:
            yield from (f"{name}: {words}" for words in _judge_note(ended, arena))


def _judge_note(ended: Ended, arena: Arena) -> Iterator[str]:
    ref = ref_of(ended.job.target)
    if ended.saved not in arena.origin.run("rev-list", ref).split():
        yield "what it saved is lost"
    if ended.job.commit not in arena.origin.run("notes", f"--ref={ref}", "list").split():
        yield "there is no note on its commit"


def _judge_race(ends: Sequence[Ended], arena: Arena, repo: GitRepo) -> Iterator[str]:
    """Where every run of a target ended well, it is at the newest commit of them all."""
    for target in {ended.job.target for ended in ends}:
        mine = [ended for ended in ends if ended.job.target == target]
        if any(ended.code for ended in mine):
            continue
        newest = max(arena.history.index(ended.job.commit) for ended in mine)
        base, _ = arena.read_manifest(target, repo)
        if base != arena.history[newest]:
            yield f"{target} is at another commit than the newest that was synced"
        yield from arena.find_faults(target, arena.trees[newest], repo)


def _judge_clean_run(target: str, arena: Arena) -> Iterator[str]:
    """One run alone at the newest commit puts everything right; the next has nothing to do."""
    number = 1000 + TARGETS.index(target)
    job = Job(number, arena.history[-1], target)
    repo = arena.clone(job)
    ended = arena.run(job, repo)
    if ended.code or ended.status not in _WELL:
        yield f"{target}: the clean run ended as {ended.status}: {ended.words}"
    yield from arena.find_faults(target, arena.trees[-1], repo)
    for late in (job, Job(number + 100, arena.history[0], target, is_shallow=True)):
        arena.openai.ledger.clear()
        again = arena.run(late, repo if late is job else arena.clone(late))
        expected = "no-changes" if late is job else "superseded"
        if again.status != expected:
            yield f"{target}: a late run ended as {again.status}, not {expected}"
        if is_changing(arena.openai.ledger.of()):
            yield f"{target}: a late run made requests that change"


def _sum_up(ends: Sequence[Ended]) -> str:
    if any(ended.code == -9 for ended in ends):
        return "killed and repaired"
    return "given up by some" if any(ended.code for ended in ends) else "all saved"


def try_races(size: int, seed: int) -> Iterator[Trial]:
    """Hold `size` races drawn by `seed`."""
    with tempfile.TemporaryDirectory(prefix="races-") as folder:
        root = Path(folder) / "srv"
        root.mkdir()
        with GitServer(root) as git, Ring(Path(folder), git) as ring:
            for heat in draw_heats(size, seed):
                yield hold_heat(heat, ring.open(is_bare=heat.is_first))


RACES = Campaign(
    name="races",
    claim=(
        "However many runs of whatever commits and targets share a remote and a store at once, and"
        " whichever of them are killed, the store ends at the newest commit, no note is lost, and"
        " one clean run later nothing is left over."
    ),
    short=2,
    long=60,
    trials=try_races,
    not_covered=(
        "Races are drawn by their seed, but who overtakes whom is up to the machine.",
        "Races with 32 runs are held in threads, but for one in forty.",
        "A store that a killed run had created beside another's stays, empty; runs pass it over.",
    ),
)
"""The campaign of runs that get in each other's way."""
