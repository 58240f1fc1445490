"""What a store at the other end of a network costs: OpenAI's, imitated, answering late."""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.process import PROJECT, Command, Sample, python, run
from benchmarks.repositories import SEED, write_prose
from benchmarks.rows import Aim, Peer, Row
from tests.support.repositories import ENVIRON, GitRepo

DOCUMENTS = 1000
LATENCY = 0.05
"""Seconds by which every answer comes late."""

THREADS = 4
"""As many as Vectornator uses when nobody says otherwise."""

_MU, _SIGMA, _LONGEST = 7.9, 1.35, 700_000
"""The logarithm of a document's size in bytes: mean and deviation in a large documentation."""


@dataclass(slots=True)
class Service:
    """A running imitation, and, when it has ended, how many requests it was sent."""

    environ: dict[str, str]
    requests: int = 0


@dataclass(frozen=True, slots=True)
class Trip:
    """One run of a program against a service of its own."""

    sample: Sample
    requests: int

    @property
    def ideal(self) -> float:
        """The seconds that the answers alone are awaited, if nothing but the threads limits it."""
        return self.requests * LATENCY / THREADS


@dataclass(frozen=True, slots=True)
class Round:
    """One run of a program with all documents, and one with a single document."""

    whole: Trip
    start: Trip

    def spread(self, documents: int) -> float:
        """The processor time of each document beyond the first, in seconds."""
        return (self.whole.sample.cpu - self.start.sample.cpu) / (documents - 1)


def measure_service(folder: Path, runs: int, documents: int = DOCUMENTS) -> Iterator[Row]:
    """A first sync against the late service: wall time and CPU, beside the least there could be."""
    many = _make_documents(folder / "many", documents)
    one = _make_documents(folder / "one", 1)
    rounds = [
        (
            Round(_travel(lambda: _sync(many)), _travel(lambda: _sync(one))),
            Round(_travel(lambda: _send_bare(many)), _travel(lambda: _send_bare(one))),
        )
        for _ in range(runs + 1)
    ]
    ours, bare = zip(*rounds[1:], strict=True)  # the first round warms the caches
    yield from compare(ours, bare, documents)


def compare(ours: Sequence[Round], bare: Sequence[Round], documents: int) -> Iterator[Row]:
    """The rows that come of runs of ours and of the bare loop."""
    seconds = tuple(each.whole.sample.seconds for each in ours)
    words = f"requests x {LATENCY * 1000:.0f} ms / {THREADS} threads"
    ideal = Peer(words, tuple(each.whole.ideal for each in ours))
    yield Row("service: first sync", documents, "s", seconds, ideal, Aim(1.25, is_ratio=True))
    loop = "a bare loop of the SDK"
    beside = Peer(loop, tuple(each.whole.sample.seconds for each in bare))
    yield Row("service: first sync, the same", documents, "s", seconds, beside)
    spent = Peer(loop, tuple(each.spread(documents) for each in bare))
    each = tuple(each.spread(documents) for each in ours)
    yield Row("service: CPU of a document", documents, "s", each, spent, Aim(1.3, is_ratio=True))
    start = Peer(loop, tuple(each.start.sample.cpu for each in bare))
    begun = tuple(each.start.sample.cpu for each in ours)
    yield Row("service: CPU of a run with one document", documents, "s", begun, start)
    asked = Peer(loop, tuple(float(each.whole.requests) for each in bare))
    requests = tuple(float(each.whole.requests) for each in ours)
    yield Row("service: requests", documents, "requests", requests, asked)


def _make_documents(root: Path, documents: int) -> GitRepo:
    chance = random.Random(SEED)
    repo = GitRepo.init(root)
    drawn = (int(chance.lognormvariate(_MU, _SIGMA)) for _ in range(documents))
    repo.commit(
        {
            f"docs/{number // 20:02}/page-{number:04}.md": write_prose(
                chance, number, min(size, _LONGEST)
            )
            for number, size in enumerate(drawn)
        }
    )
    return repo


def _sync(repo: GitRepo) -> Command:
    """A first sync: what an earlier run recorded is forgotten."""
    repo.run("update-ref", "-d", "refs/notes/vectornator")
    options = ("--provider", "openai", "--store-name", "docs", "--concurrency", str(THREADS))
    return python(repo.root, "-m", "benchmarks.child", "sync", *options, "--remote", "none")


def _send_bare(repo: GitRepo) -> Command:
    return python(repo.root, "-m", "benchmarks.loop", str(repo.root), str(THREADS))


def _travel(prepare: Callable[[], Command]) -> Trip:
    command = prepare()
    with _open_service() as service:
        sample = run(replace(command, environ={**command.environ, **service.environ}))
    return Trip(sample, service.requests)


@contextmanager
def _open_service() -> Iterator[Service]:
    options = f"--port 0 --latency {LATENCY} --indexing-seconds 0 --no-rates".split()
    with subprocess.Popen(
        (sys.executable, "-m", "tests.openai_server", *options),
        cwd=PROJECT,
        env=ENVIRON,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = (process.stdout.readline().removeprefix("export ").strip() for _ in range(2))
        service = Service(dict(line.split("=", 1) for line in lines))
        try:
            yield service
        finally:
            process.send_signal(signal.SIGINT)
            _, counted = process.communicate()
        service.requests = sum(json.loads(counted).values())
