"""The campaign of malformed state: `python -m tests.torture.notes FOLDER SIZE SEED` tries it.

Each command is a process of its own, so that what it takes can be told from what others took.
"""

import io
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from tests.support.lab import Lab
from tests.support.repositories import ENVIRON, GitRepo
from tests.torture.campaign import Campaign, Trial
from tests.torture.files import FileCase, list_metadata, list_stores
from tests.torture.malformed import Malformed, Parts, bend_files, build
from tests.torture.measured import Measured, measure
from tests.torture.objects import Objects
from tests.torture.trees import bend_refs, bend_trees
from vectornator.cli import main
from vectornator.providers import provider_registry
from vectornator.providers.base import ProviderConfig
from vectornator.providers.local import LocalProvider

ROOT = Path(__file__).resolve().parents[2]
REF = "refs/notes/vectornator"
MOST_SECONDS = 1.0
MOST_BYTES = 64 << 20
REFUSALS = {
    5: "refused as state",
    4: "refused as store",
    3: "of another source",
    2: "of another target",
}
"""The exit codes that bent state may lead to, and what they mean; the worst first."""

NEWER = "Use the vectornator that wrote it"
"""What is said of a ledger of another version: that one is never made anew."""

_SENDING_ANEW = {"update_file", "delete_file"}
"""What is done where a well-formed ledger says of a copy what that does not say of itself."""

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("sync",),
    ("show-metadata",),
    ("log",),
    ("sync", "--refresh", "always"),
)
"""What reads the state, each another part of it."""

Room: TypeAlias = Mapping[tuple[str, ...], "Cost"]
"""What each command takes with good state."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command takes."""

    seconds: float
    peak: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What one command did."""

    code: int
    error: str
    calls: tuple[tuple[str, str], ...]
    """The calls that change the store."""

    is_whole: bool
    """Whether the store holds what it held before."""


class Bench:
    """A repository that is synced, and runs on whatever its state is bent to."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.repo = GitRepo.init(folder / "repo")
        self.tree = {f"docs/{number}.md": b"# %d\n" % number for number in range(24)}
        self.repo.commit(dict(self.tree))
        self.outside = folder / "outside"
        self.outside.mkdir()
        (self.outside / "theirs").write_text("theirs\n", encoding="utf-8")
        self.lab = Lab(self.repo)
        self.options = options or ("--provider", "lab", "--store-name", "docs")
        first = self.run("sync")
        assert first.code == 0, first.error
        if stores := list(self.lab.server.shelves):  # it does not find them by their names
            self.options = (*self.options[:-2], "--store-id", *stores)
        self.room = self._measure_good()

    def run(self, *words: str) -> Answer:
        """Run one command of the real command line in this process, on this bench's own store."""
        provider_registry.register("lab", self.lab._make, replace=True)
        provider_registry.register("words", WordsOnly, replace=True)
        self.lab.server.calls.clear()
        err = io.StringIO()
        with redirect_stderr(err), redirect_stdout(io.StringIO()):
            code = main((*words, "-C", str(self.repo.root), *self._choose(words)), ENVIRON)
        is_whole = all(
            self.lab.server.contents(one) == self.tree for one in self.lab.server.shelves
        )
        return Answer(code, err.getvalue(), tuple(self.lab.calls()), is_whole)

    def _choose(self, words: Sequence[str]) -> tuple[str, ...]:
        """The options that a command takes: only some create a store."""
        creates = words[0] in {"sync", "repair", "verify"}
        return self.options if creates else self.options[:-2]

    def try_command(self, words: tuple[str, ...]) -> Measured[Answer]:
        """Run a command in a process of its own."""
        return measure(partial(self.run, *words))

    def _measure_good(self) -> dict[tuple[str, ...], Cost]:
        room: dict[tuple[str, ...], Cost] = {}
        for words in COMMANDS:
            done = self.try_command(words)
            assert done.result, words
            assert done.result.code == 0, done.result.error
            room[words] = Cost(done.seconds, done.peak)
        return room


class WordsOnly(LocalProvider):
    """The local provider without a model: its file is what is tried, and not its search."""

    def initialize(self, config: ProviderConfig) -> None:
        """Take the settings, all but the model."""
        super().initialize(replace(config, options={**config.options, "embedder": "none"}))


class Ledgers:
    """Tries ledgers in git."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.bench = bench = Bench(folder)
        self._good = bench.repo.run("rev-parse", REF)
        self._objects = Objects(bench.repo.root / ".git")
        self._parts = self._read_parts()
        files = bend_files(self._parts, random.Random(seed))
        self.cases = [*files, *bend_trees(), *bend_refs()]

    def _read_parts(self) -> Parts:
        repo = self.bench.repo

        def show(path: str) -> bytes:
            return repo.run("cat-file", "blob", f"{REF}:{path}").encode() + b"\n"

        names = repo.run("ls-tree", "--name-only", f"{REF}:.vectornator/entries").split()
        return Parts(
            head=json.loads(show(".vectornator/ledger.json")),
            shards={name[:2]: show(f".vectornator/entries/{name}") for name in names},
            pending=b'{"ahead": ["docs/1.md"], "leftovers": {"copy-x": "docs/2.md"}}\n',
            order=show(".vectornator/order"),
            note=show(repo.head),
            noted=repo.head,
        )

    def _place(self, oid: str) -> None:
        """Put the ref on an object, whether git would or not."""
        (self.bench.repo.root / ".git" / REF).write_text(f"{oid}\n", encoding="ascii")

    def try_case(self, case: Malformed) -> Trial:
        """Bend the ledger, run what reads it, and make it anew where it was refused."""
        tip = measure(lambda: build(case.bend(self._parts), self._objects)).result
        assert tip, case.name
        faults: list[str] = []
        codes, is_newer = set[int](), False
        for words in COMMANDS:
            self._place(tip)
            done = self.bench.try_command(words)
            faults += find_faults(words, done, self.bench.room)
            codes.add(done.result.code if done.result else 1)
            is_newer = is_newer or bool(done.result and NEWER in done.result.error)
        self._place(tip)
        if 5 in codes and not is_newer:
            done = measure(lambda: _rebuild(self.bench))
            if not done.result or done.result.code or done.result.calls:
                faults.append(f"repair --rebuild does not put it right: {done}")
        self._place(self._good)
        return Trial(case.name, describe(codes), tuple(faults))


def _rebuild(bench: Bench) -> Answer:
    """Make the ledger anew and see that it is as good as the first."""
    answer = bench.run("repair", "--rebuild")
    for words in (("sync",), ("verify",), ("log",)):
        if answer.code or answer.calls:
            break
        answer = bench.run(*words)
    return answer


class Files:
    """Tries one file of the state on disk."""

    def __init__(
        self,
        folder: Path,
        name: str,
        list_cases: Callable[[bytes, int], list[FileCase]],
        seed: int,
        options: tuple[str, ...],
    ) -> None:
        self.bench = Bench(folder, *options)
        self._folder = self.bench.repo.root / ".vectornator"
        self._place = self._folder / name
        self._kept = folder / "kept"
        shutil.copytree(self._folder, self._kept)
        self._theirs = self._look_outside()
        self.cases = list_cases(self._place.read_bytes(), seed)

    def _look_outside(self) -> dict[str, bytes]:
        return {it.name: it.read_bytes() for it in self.bench.outside.iterdir()}

    def try_case(self, case: FileCase) -> Trial:
        """Bend the file, run what reads it, and look whether anything else was touched."""
        faults: list[str] = []
        codes = set[int]()
        for words in COMMANDS:
            case.bend(self._place)
            done = self.bench.try_command(words)
            faults += find_faults(words, done, self.bench.room)
            codes.add(done.result.code if done.result else 1)
            self._restore()
        if self._look_outside() != self._theirs:
            faults.append("a file outside of the repository was touched")
        return Trial(case.name, describe(codes), tuple(faults))

    def _restore(self) -> None:
        for place in (self._folder, self._folder.with_name("moved")):
            if place.is_symlink():
                place.unlink()
            elif place.exists():
                shutil.rmtree(place)
        shutil.copytree(self._kept, self._folder)


def find_faults(words: tuple[str, ...], done: Measured[Answer], room: Room) -> Iterator[str]:
    """What a command must not have done, whatever its state was like."""
    answer, good, what = done.result, room[words], " ".join(words)
    if answer is None:
        yield f"{what} ended by signal {done.signal} after {done.seconds:.1f} s"
        return
    lines = answer.error.splitlines()
    told = [line for line in lines if line.startswith("vectornator: error: ")]
    if answer.code and answer.code not in REFUSALS:
        yield f"{what} ended with {answer.code}: {lines[-1:]}"
    elif answer.code and (len(told) != 1 or told[0] != lines[-1]):
        yield f"{what} said {lines[-3:]}"
    is_sent_anew = answer.is_whole and {call for call, _ in answer.calls} == _SENDING_ANEW
    if answer.calls and (answer.code or not is_sent_anew):
        yield f"{what} changed the store: {answer.calls[:3]}"
    if done.seconds > good.seconds + MOST_SECONDS:
        yield f"{what} took {done.seconds:.1f} s"
    if done.peak > good.peak + MOST_BYTES:
        yield f"{what} took {(done.peak - good.peak) >> 20} MiB more than with good state"


def describe(codes: set[int]) -> str:
    """How a trial ended, in words that many share."""
    if codes == {0}:
        return "harmless"
    return next((words for code, words in REFUSALS.items() if code in codes), "failed")


def try_here(folder: Path, size: int, seed: int) -> Iterator[Trial]:
    """Try malformed ledgers, files and stores in turn; no other thread may run."""
    keeping = ("--provider", "lab", "--metadata-storage", "file", "--store-name", "docs")
    local = ("--provider", "words", "--store-name", "docs")
    ledgers = Ledgers(folder / "ledger", seed)
    files = Files(folder / "file", "metadata.json", list_metadata, seed, keeping)
    stores = Files(folder / "store", "store.db", list_stores, seed, local)
    acts: list[Callable[[], Trial]] = [
        *(partial(ledgers.try_case, case) for case in ledgers.cases),
        *(partial(files.try_case, case) for case in files.cases),
        *(partial(stores.try_case, case) for case in stores.cases),
    ]
    for act in random.Random(seed).sample(acts, min(size, len(acts))):
        yield act()


def try_malformed(size: int, seed: int) -> Iterator[Trial]:
    """Try so many kinds of malformed state, in a process without other threads."""
    yield from run_apart("tests.torture.notes", size, seed)


def run_apart(module: str, size: int, seed: int) -> Iterator[Trial]:
    """The trials that a module of ours makes when it is run: it prints each as JSON."""
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        words = (sys.executable, "-m", module, folder, str(size), str(seed))
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout
            for line in running.stdout:
                told = json.loads(line)
                yield Trial(told["name"], told["outcome"], tuple(told["faults"]))
        assert running.returncode == 0


NOTES = Campaign(
    name="notes",
    claim=(
        "Whatever somebody makes of the ledger in git, of the file that keeps it, or of the local "
        "store's file, a run refuses it in one line or goes on as it should: within a second and "
        "64 MiB beyond what good state takes, without touching a file outside of the repository; "
        "what the store holds stays as it is, but that a document is sent anew of which a "
        "well-formed ledger says what its copy does not; and `repair --rebuild` makes a refused "
        "ledger anew."
    ),
    short=30,
    long=2000,
    trials=try_malformed,
    not_covered=(
        "A well-formed ledger of millions of documents takes the memory that they take.",
        "Letters exchanged in a passage of the local store's file can't be told from others.",
    ),
)


if __name__ == "__main__":
    for trial in try_here(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])):
        print(json.dumps(asdict(trial)), flush=True)
