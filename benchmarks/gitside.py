"""What is measured without a model: start-up, plans, runs with nothing to do, small changes."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from benchmarks.process import Command, Sample, alternate, git, peak_of, python, run, seconds_of
from benchmarks.rows import Aim, Peer, Row, Unit
from benchmarks.site import Site, Traffic
from tests.support.repositories import run_git

LARGE = 100_000
"""The size that most aims are set for."""

MAX_MEMORY = Aim(250)
"""In MB."""

MAX_GROWTH = 1.15
"""From the smallest size to the largest: flat, but for the noise of the machine."""

Part: TypeAlias = Callable[[Site, int], Iterator[Row]]
"""Measures one thing at one site, so many runs of each command."""


def measure_start(site: Site, runs: int) -> Iterator[Row]:
    """How long it takes to say the version."""
    ours = python(site.origin, "-m", "vectornator", "--version")
    bare = python(site.origin, "-c", "pass")
    yield _compare("start-up (`--version`)", site.files, (ours, bare), "python -c pass", runs=runs)


def measure_first_plan(site: Site, runs: int) -> Iterator[Row]:
    """A plan when nothing is known yet: the whole tree is walked."""
    plan = site.command(site.work, "plan", "--remote", "none")
    probe = _probe(site, "documents", site.commits[0])
    peer = git(site.work, "ls-tree", "-r", "HEAD")
    planned, listed, theirs = alternate((plan, probe, peer), runs)
    beside = Peer("git ls-tree -r HEAD", seconds_of(theirs))
    aim = _at(LARGE, site, Aim(3, is_ratio=True))
    yield Row("first plan", site.files, "s", seconds_of(planned), beside, aim)
    name = "first plan: documents listed, in process"
    yield Row(name, site.files, "s", _read_probe(listed), beside)
    yield from _weigh("first plan", site, planned)


def measure_first_sync(site: Site, _runs: int) -> Iterator[Row]:
    """The first sync into a store that costs nothing; once, as it can't be repeated."""
    sample = site.sync_first()
    archive = run(git(site.work, "archive", "--format=tar", "-o", "/dev/null", "HEAD"))
    beside = Peer("git archive HEAD", (archive.seconds,))
    yield Row("first sync (one run)", site.files, "s", (sample.seconds,), beside)
    yield from _weigh("first sync", site, [sample])


def measure_nothing_to_do(site: Site, runs: int) -> Iterator[Row]:
    """Runs that find the commit synced already."""
    site.sync_first()
    in_ci = site.command(site.work, "sync")
    asks = git(site.work, "ls-remote", "origin", "refs/notes/vectornator")
    mine, theirs = alternate((in_ci, asks), runs)
    beside = Peer("git ls-remote", seconds_of(theirs))
    aim = _at(LARGE, site, Aim(0.6))
    yield Row("no-op sync in CI, over HTTP", site.files, "s", seconds_of(mine), beside, aim)
    yield from _weigh("no-op sync", site, mine)
    by_hand = site.command(site.work, "sync", "--remote", "none", is_ci=False)
    status = git(site.work, "status", "--porcelain")
    name = "no-op sync by hand, with a work tree"
    yield _compare(name, site.files, (by_hand, status), "git status", aim=aim, runs=runs)
    yield from _count_requests(site)


def measure_growth(small: Site, large: Site, runs: int) -> Row:
    """How much a run with nothing to do grows with the repository."""
    commands = [site.command(site.work, "sync") for site in (large, small)]
    mine, theirs = alternate(commands, 2 * runs)
    beside = Peer(f"the same at {small.files:,}", seconds_of(theirs))
    name, aim = "no-op sync in CI: growth", Aim(MAX_GROWTH, is_ratio=True)
    return Row(name, large.files, "s", seconds_of(mine), beside, aim)


def _count_requests(site: Site) -> Iterator[Row]:
    """What a run with nothing to do asks of the remote, in three kinds of clone."""
    clones: Mapping[str, tuple[Path, Aim | None]] = {
        "in the same clone": (site.work, Aim(2)),
        "in a fresh depth-1 clone": (site.clone("--depth=1"), Aim(3)),
        "in a clone without blobs": (site.clone("--depth=1", "--filter=blob:none"), Aim(3)),
    }
    for where, (place, aim) in clones.items():
        _, traffic = _run_idle(site, place)
        yield _one(f"no-op {where}: requests", site, traffic.requests, "requests", aim)
        yield _one(f"no-op {where}: received", site, traffic.received, "B")
    blobs = count_blobs(place)
    yield _one("no-op in a clone without blobs: blobs read", site, blobs, "blobs", Aim(0))


def _run_idle(site: Site, place: Path) -> tuple[Sample, Traffic]:
    sample, traffic = site.watch(lambda: run(site.command(place, "sync", "--json")))
    assert '"no-changes"' in sample.output, sample.output
    return sample, traffic


def measure_changes(site: Site, runs: int) -> Iterator[Row]:
    """Finding and planning the ten documents that a commit changed."""
    site.sync_first()
    base, commit = site.commits[:2]
    diff = git(site.work, "diff", "--name-only", base, commit)
    probe = _probe(site, "changes", commit, base)
    plan = site.command(site.work, "plan", "--commit", commit, "--remote", "none")
    found, planned, theirs = alternate((probe, plan, diff), runs)
    beside = Peer("git diff --name-only", seconds_of(theirs))
    name, aim = "10 changed: found, in process", Aim(2, is_ratio=True)
    yield Row(name, site.files, "s", _read_probe(found), beside, aim)
    yield Row("10 changed: plan", site.files, "s", seconds_of(planned), beside)


def measure_sync(site: Site, runs: int) -> Iterator[Row]:
    """Syncs of ten changed documents, each in a fresh depth-1 clone of the next commit."""
    site.sync_first()
    samples, traffics, clones = [], [], []
    for base, commit in zip(site.commits, site.commits[1 : runs + 1], strict=False):
        site.move_main(commit)
        clones.append(run(_clone_command(site)).seconds)
        place = site.clone("--depth=1")
        sync = site.command(place, "sync", "--json")
        sample, traffic = site.watch(lambda sync=sync: run(sync), base)  # type: ignore[misc]
        assert '"updated": 10' in sample.output, sample.output
        samples.append(sample)
        traffics.append(traffic)
        shutil.rmtree(place)
    beside = Peer("git clone --depth=1", tuple(clones))
    yield Row("10 changed: sync, over HTTP", site.files, "s", seconds_of(samples), beside)
    yield from _weigh("10 changed: sync", site, samples)
    yield from _report_traffic(site, traffics)


def _report_traffic(site: Site, traffics: list[Traffic]) -> Iterator[Row]:
    columns: tuple[tuple[str, Unit, Callable[[Traffic], int], Aim | None], ...] = (
        ("requests", "requests", lambda one: one.requests, None),
        ("received in all", "B", lambda one: one.received, None),
        ("trees of the base received", "B", lambda one: one.base, Aim(20_000)),
        ("state pushed", "B", lambda one: one.pushed, _at(LARGE, site, Aim(4_000))),
    )
    for words, unit, pick, aim in columns:
        values = tuple(float(pick(traffic)) for traffic in traffics)
        yield Row(f"10 changed: {words}", site.files, unit, values, aim=aim)


def _probe(site: Site, step: str, *commits: str) -> Command:
    return python(site.work, "-m", "benchmarks.probe", step, str(site.work), *commits)


def _read_probe(samples: list[Sample]) -> tuple[float, ...]:
    """The seconds that each probe printed."""
    return tuple(float(sample.output.split()[0]) for sample in samples)


def count_blobs(folder: Path) -> int:
    """How many blobs a repository holds."""
    kinds = "--batch-all-objects", "--batch-check=%(objecttype)"
    return run_git(folder, "cat-file", *kinds).split().count("blob")


def _clone_command(site: Site) -> Command:
    """A clone into a bare repository that the next one replaces."""
    place = site.origin.parent / "peer.git"
    shutil.rmtree(place, ignore_errors=True)
    url = site.server.url(site.origin.name)
    return git(place.parent, "clone", "--quiet", "--bare", "--depth=1", url, place.name)


def _compare(
    name: str,
    files: int,
    commands: tuple[Command, Command],
    peer: str,
    *,
    runs: int,
    aim: Aim | None = None,
) -> Row:
    """Seconds of ours and of the peer's command."""
    mine, theirs = alternate(commands, runs)
    return Row(name, files, "s", seconds_of(mine), Peer(peer, seconds_of(theirs)), aim)


def _weigh(name: str, site: Site, samples: list[Sample]) -> Iterator[Row]:
    yield _one(f"{name}: peak memory", site, peak_of(samples), "MB", _at(LARGE, site, MAX_MEMORY))


def _one(name: str, site: Site, value: float, unit: Unit, aim: Aim | None = None) -> Row:
    return Row(name, site.files, unit, (value,), aim=aim)


def _at(files: int, site: Site, aim: Aim) -> Aim | None:
    return aim if site.files == files else None


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "start": measure_start,
        "first-plan": measure_first_plan,
        "first-sync": measure_first_sync,
        "no-op": measure_nothing_to_do,
        "changes": measure_changes,
        "sync": measure_sync,
    }
)
"""In the order in which they can be measured: the last one moves the origin on."""
