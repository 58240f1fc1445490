"""Random mixes of faults over whole runs against the imitation of OpenAI, and what must hold."""

import random
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ByteSize

from tests.openai_server import Clock, OpenAIServer
from tests.openai_server.catalogue import CATALOGUE
from tests.openai_server.faults import Fault, Hang, Refuse, Send
from tests.support.guard import OURS, Guard, add_foreigners
from tests.support.openai import OpenAILab
from tests.support.repositories import GitRepo
from vectornator.errors import VectornatorError
from vectornator.providers.layers import RetryPolicy
from vectornator.report.record import Record
from vectornator.settings import DeleteLimit

LEFT_OUT = frozenset({"store-expired", "redirect-301", "redirect-307", "redirect-308"})
"""What no later run can mend, and what would leave this machine."""

FINAL = (
    "400-",
    "401",
    "403",
    "404",
    "413",
    "415",
    "422",
    "error-",
    "429-insufficient",
    "429-credit",
    "store-",
)
"""How the faults begin that no patience helps against: with many of them, runs end early."""

PATHS = (
    *("a.md", "docs/b.md", "docs/c d (1).md", "docs/guide.rst", "conf/site.yaml", "Makefile"),
    *("ünï/文書.md", "src/app.ts", "notes.TXT", "deep/" * 60 + "leaf.md", "x/e.json", "f.html"),
)
LARGE = b"The wombat digs.\n" * 4_000_000
"""More than is sent in one piece."""

MOST_REQUESTS = 400
MOST_SECONDS = 6 * 3600
"""What a run of a dozen documents may take, whatever it meets; a job on GitHub lives six hours."""

LIKE = ("openai", "openai", "openai", "azure", "compatible")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a mix led to."""

    problems: tuple[str, ...]
    endings: tuple[str, ...]
    """How each faulty run ended: a status, or the name of an error."""

    requests: int
    seconds: float
    """The most that a faulty run took, in requests and in simulated seconds."""


class Mix:
    """A repository, a store that others use too, and faults; all drawn from a seed."""

    def __init__(self, folder: Path, seed: int) -> None:
        random.seed(seed)  # the retries draw their waits from the one generator there is
        self._random = random.Random(seed)
        self._seed = seed
        self._repo = GitRepo.init(folder / "repo")
        self._tree: dict[str, bytes] = {}
        self._count = 0
        self._problems: list[str] = []
        self._endings: list[str] = []
        self._requests, self._seconds = 0, 0.0

    def run(self, *, with_large: bool = False) -> Verdict:
        """Run with faults, once without, and tell what is wrong then.

        `with_large` adds a document that is sent in parts, which takes some seconds.
        """
        like = self._random.choice(LIKE)
        clock = Clock(scale=0, tick=0.05)
        with OpenAIServer(like=like, clock=clock, seed=self._seed) as self._server:  # type: ignore[arg-type]
            store = add_foreigners(self._server)
            self._server.change_rules(file_tokens=len(LARGE))
            self._lab = lab = OpenAILab(self._repo, self._server)
            lab.retry = RetryPolicy()
            changes: dict[str, object] = {
                "store_id": store.id,
                "source_id": OURS.source,
                "patterns": ("**",),
            }
            changes |= {"max_file_size": ByteSize(10**8)}
            changes |= {"max_deletes": DeleteLimit(99), "concurrency": self._random.choice((1, 4))}
            lab.settings = lab.settings.model_copy(update=changes)
            self._guard = Guard(self._server, store)
            if with_large:
                self._tree["large.md"] = LARGE
            self._change(8)
            if self._random.random() < 0.7:
                lab.sync()
                self._change(5)
            for _ in range(self._random.choice((1, 1, 2))):
                self._sync_with_faults()
                if self._random.random() < 0.3:
                    self._change(3)
            self._sync_cleanly()
        if self._requests > MOST_REQUESTS or self._seconds > MOST_SECONDS:
            self._problems.append(f"{self._requests} requests, {self._seconds:.0f} seconds")
        problems = (*self._problems, *self._guard.breaches)
        return Verdict(problems, tuple(self._endings), self._requests, self._seconds)

    def _change(self, number: int) -> None:
        """Commit some adds, updates, deletes and renames."""
        tree = self._tree
        for path in self._random.sample(PATHS, number):
            self._count += 1
            match (
                self._random.choice(("write", "write", "delete", "rename")) if path in tree else ""
            ):
                case "delete":
                    del tree[path]
                case "rename":
                    tree[f"moved/{self._count}-{path.rpartition('/')[2]}"] = tree.pop(path)
                case _:
                    tree[path] = f"# {path} {self._count}\n".encode()
        kept = dict.fromkeys(self._list_tree())
        self._repo.commit({**kept, **tree})

    @property
    def _seen(self) -> dict[str, bytes]:
        """As much of each document as the server keeps."""
        return {path: content[: 1 << 18] for path, content in self._tree.items()}

    def _list_tree(self) -> list[str]:
        listed = self._repo.run("ls-files", "-z").split("\0")
        return [path for path in listed if path]

    def _sync_with_faults(self) -> None:
        names = sorted(CATALOGUE.keys() - LEFT_OUT)
        if self._random.random() < 0.7:
            names = [name for name in names if not name.startswith(FINAL)]
        names = self._random.sample(names, self._random.choice((4, 12, 30, len(names))))
        chosen = [quicken(CATALOGUE[name].to_fault()) for name in names]
        self._server.add_weather(chosen, probability=0.3, seed=self._random.randrange(10**9))
        self._guard.expect(self._tree)
        began = self._server.clock.now()
        try:
            record = self._lab.sync()
        except VectornatorError as error:
            self._endings.append(f"{type(error).__name__}: {error}")
        else:
            self._endings.append(record.status)
            self._check_claims(record)
        self._seconds = max(self._seconds, self._server.clock.now() - began)
        self._requests = max(self._requests, len(self._server.ledger.requests))
        self._server.clear_faults()

    def _check_claims(self, record: Record) -> None:
        """A run that says all is well must have brought every document; another tells why not."""
        if record.status in {"synced", "no-changes"} and not self._guard.is_meddled:
            found = self._guard.contents
            lost = [path for path, it in self._seen.items() if it not in found.get(path, ())]
            if lost:
                self._problems.append(f"{record.status}, but without {lost}")
        elif record.status in {"partial", "failed"} and not record.counts["failed"]:
            self._problems.append(f"{record.status}, but nothing failed")

    def _sync_cleanly(self) -> None:
        self._server.clock.advance(700)
        self._guard.expect(self._tree)
        refresh = "always" if self._guard.is_meddled else "auto"
        try:
            self._lab.sync(refresh=refresh)
        except VectornatorError as error:
            self._problems.append(f"the clean run ended with {type(error).__name__}: {error}")
            return
        expected = {path: [content] for path, content in self._seen.items()}
        found = self._guard.contents
        for path in sorted(expected.keys() | found.keys()):
            if expected.get(path) != found.get(path):
                self._problems.append(f"{path}: {found.get(path)}, not {expected.get(path)}")
        if strays := self._guard.strays:
            self._problems.append(f"left over: {strays}")
        if len(self._guard.ours) != len(self._tree):
            self._problems.append(f"{len(self._guard.ours)} copies of {len(self._tree)}")
        again = self._lab.sync(refresh="always")
        if again.status != "no-changes" or any("disagreed" in it for it in again.remarks):
            self._problems.append(f"not settled: {again.status} {again.remarks}")


def quicken(fault: Fault) -> Fault:
    """The same fault without real seconds of waiting."""
    match fault.effect:
        case Hang(after=after):
            return replace(fault, effect=Hang(0.002, after))
        case Refuse():
            return replace(fault, effect=Refuse(0.002))
        case Send("drip"):
            return replace(fault, effect=Send("drip", 0.0005))
        case _:
            return fault
