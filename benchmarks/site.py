"""One repository of one size: its origin on a real server, its store, and the clones of it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks.child import STORE
from benchmarks.process import Command, Sample, python, run
from benchmarks.repositories import make_repository
from benchmarks.store import NAME
from tests.support.git_server import GitServer
from tests.support.repositories import run_git

ORIGIN = "origin.git"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to the git server."""

    path: str
    body: bytes
    bytes_in: int
    bytes_out: int


@dataclass
class Meter(GitServer):
    """A git server that also remembers what it was asked for."""

    exchanges: list[Exchange] = field(default_factory=list)

    def run_backend(self, environ: dict[str, str], body: bytes) -> tuple[int, list[str], bytes]:
        """One request through `git http-backend`."""
        status, lines, content = super().run_backend(environ, body)
        self.exchanges.append(Exchange(environ["PATH_INFO"], body, len(body), len(content)))
        return status, lines, content


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one command asked of the git server."""

    requests: int
    received: int
    """Bytes from the server to us."""

    pushed: int
    """Bytes of the packs we sent."""

    base: int
    """Bytes of the answer that brought the trees of the base; 0 when nobody asked for them."""


def sum_up(exchanges: list[Exchange], base: str) -> Traffic:
    """Add the requests of one command up; `base` is the commit that the ledger is at."""
    want = f"want {base}".encode()
    return Traffic(
        requests=len(exchanges),
        received=sum(one.bytes_out for one in exchanges),
        pushed=sum(one.bytes_in for one in exchanges if one.path.endswith("/git-receive-pack")),
        base=sum(one.bytes_out for one in exchanges if want in one.body),
    )


class Site:
    """Where everything of one size lies. `commits` are the origin's, oldest first."""

    def __init__(self, folder: Path, server: Meter, files: int, commits: int) -> None:
        self.files = files
        self.server = server
        self.origin = server.root / ORIGIN
        self.commits = make_repository(self.origin, files, commits)
        self._folder = folder
        self._clones = 0
        self._first: Sample | None = None

    def clone(self, *options: str) -> Path:
        """A new clone of the origin, without a work tree unless it is checked out later."""
        self._clones += 1
        place = self._folder / f"clone-{self._clones}"
        url = self.server.url(ORIGIN)
        run_git(self._folder, "clone", "--quiet", "--no-checkout", *options, url, place.name)
        return place

    def command(self, folder: Path, *arguments: str, is_ci: bool = True) -> Command:
        """A command of Vectornator's on the counting store, as CI runs it or as a person does."""
        words = (*arguments, "-C", str(folder), "--provider", NAME)
        environ = {
            STORE: str(self._folder / "store.db"),
            "VECTORNATOR_STORE_NAME": "bench",
            **({"CI": "true"} if is_ci else {}),
        }
        return python(folder, "-m", "benchmarks.child", *words, **environ)

    @cached_property
    def work(self) -> Path:
        """A whole clone with a work tree."""
        place = self.clone()
        run_git(place, "checkout", "--quiet", "main")
        return place

    def sync_first(self) -> Sample:
        """Sync for the first time, in the clone with the work tree; done only once."""
        if self._first is None:
            self._first = run(self.command(self.work, "sync"))
        return self._first

    def move_main(self, commit: str) -> None:
        """Let the origin's branch be on another commit."""
        run_git(self.origin, "update-ref", "refs/heads/main", commit)

    def watch(self, work: Callable[[], Sample], base: str = "") -> tuple[Sample, Traffic]:
        """Do something, and tell what it asked of the git server."""
        self.server.exchanges.clear()
        return work(), sum_up(self.server.exchanges, base)


@contextmanager
def open_site(folder: Path, files: int, commits: int) -> Iterator[Site]:
    """Make a site below `folder`, replacing one of the same size, and serve it."""
    place = folder / str(files)
    shutil.rmtree(place, ignore_errors=True)
    (place / "server").mkdir(parents=True)
    with Meter(place / "server") as server:
        yield Site(place, server, files, commits)
