"""A remote, a store that several targets share, and runs at once, each in a clone of its own."""

import json
import subprocess
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Self

from pydantic import SecretStr

from tests.openai_server import Behaviour, OpenAIServer
from tests.openai_server.clock import Clock
from tests.openai_server.ledger import Record
from tests.openai_server.schemas import Attributes
from tests.openai_server.state import Attachment, State, Store
from tests.support.git_server import GitServer
from tests.support.guard import read_path
from tests.support.lab import Witness
from tests.support.openai import PatientSession
from tests.support.repositories import ENVIRON, GitRepo
from tests.torture.process import PLAIN, Running, name_server
from tests.torture.scene import PATTERNS
from vectornator.errors import VectornatorError
from vectornator.git.remote import Terms
from vectornator.providers.layers import RetryPolicy
from vectornator.run import Run
from vectornator.settings import Settings

TARGETS = ("default", "second", "third")

_LONGEST = 600.0
"""How long a process may take beside 31 others on a busy machine, in seconds."""

Files = Mapping[str, str | bytes | None]

_FOREIGN: tuple[Attributes | None, ...] = (
    None,
    {"path": "docs/0.md"},
    {"path": "docs/1.md", "vn_source": "example.com/other", "vn_target": "default"},
)


@dataclass(frozen=True, slots=True)
class Job:
    """A run that is to be: of a commit and a target, in a clone of its own."""

    number: int
    commit: str
    target: str = "default"
    is_shallow: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended."""

    job: Job
    code: int
    """The exit code; negative for a signal."""

    status: str = ""
    """That of its record; the reason of its failure where it has none."""

    saved: str = ""
    """The commit of the notes ref that it says it saved."""

    words: str = ""
    """What it told the user of its failure."""


class Arena:
    """One remote and one store, with files of others in both the store and the account.

    The servers may be used by many arenas, one after the other. Where the arena is bare, runs must
    create the store.
    """

    def __init__(
        self, folder: Path, openai: OpenAIServer, git: GitServer, name: str, *, is_bare: bool
    ) -> None:
        self.openai = openai
        self.git = git
        self.name = name
        self.terms: Terms | None = None
        """On which terms runs in this process use the remote, where not on the usual ones."""

        self._folder = folder / name
        self.origin = GitRepo(git.create(f"{name}.git"))
        self.author = GitRepo.init(self._folder / "author")
        self.author.run("remote", "add", "origin", str(self.origin.root))
        self.history: list[str] = []
        self.trees: list[dict[str, bytes]] = []
        """What the store must hold of each commit."""

        with openai.lock:
            self._before = set(openai.state.files)
            self._theirs = openai.state.add_store("others" if is_bare else name)
            self._foreign = self._add_foreign()

    def _add_foreign(self) -> dict[str, tuple[str, bytes, Attributes | None]]:
        state = self.openai.state
        for number, attributes in enumerate(_FOREIGN):
            file = state.add_file(f"theirs-{number}.md", b"# Not ours\n")
            state.attach(self._theirs, file, attributes)
        state.add_file("docs__0.md.0123456789abcdef.md", b"# Not ours, and in no store\n")
        return {key: it for key, it in self._describe_files().items() if key not in self._before}

    def push(self, files: Files) -> str:
        """Commit and push to main."""
        commit = self.author.commit(dict(files))
        self.author.run("push", "-q", "origin", "HEAD:main")
        paths = self.author.run("ls-files", "docs").splitlines()
        self.history.append(commit)
        self.trees.append({path: (self.author.root / path).read_bytes() for path in paths})
        return commit

    def clone(self, job: Job) -> GitRepo:
        """The clone of a job, with its commit checked out, as CI checks it out."""
        root = self._folder / f"job-{job.number}"
        url = self.git.url(f"{self.name}.git")
        if not job.is_shallow:
            repo = GitRepo.clone(url, root)
        else:
            repo = GitRepo.init(root)
            repo.run("remote", "add", "origin", url)
            repo.run("fetch", "-q", "--depth=1", "origin", job.commit)
        repo.run("checkout", "-q", "--detach", job.commit)
        return repo

    # Runs.

    def run(self, job: Job, repo: GitRepo) -> Ended:
        """Run a sync in this process."""
        settings = Settings(
            provider="openai",
            store_name=self.name,
            patterns=(PATTERNS,),
            api_key=SecretStr(self.openai.key),
            base_url=self.openai.url,
            target=job.target,
            repository=repo.root,
        )
        environ = {**ENVIRON, "CI": "true"}
        patience = RetryPolicy(attempts=8, budget=100_000)
        session = PatientSession(settings, environ, time.time, Event(), patience)
        session.server, session.now = self.openai, self.openai.clock.now
        session.remote_terms = self.terms
        try:
            record = Run(session, Witness()).carry_out()
        except VectornatorError as error:
            return Ended(job, error.exit_code, error.reason, words=str(error))
        finally:
            session.close()
        return Ended(job, 0, record.status, record.state_commit)

    def start(self, job: Job, repo: GitRepo, key: str = "") -> Running:
        """Start the real command line in a process of its own."""
        options = ("--provider", "openai", "--store-name", self.name, "--patterns", PATTERNS)
        words = ("sync", "--json", "--target", job.target, *options)
        given = name_server(self.openai, key)
        return Running.start(PLAIN, *words, folder=repo.root, environ=given)

    def finish(self, job: Job, running: Running) -> Ended:
        """Wait for the end of a process; one that hangs is killed, and is not well."""
        try:
            done = running.wait(_LONGEST)
        except subprocess.TimeoutExpired:
            return Ended(job, -1, "hangs", words=f"no end in {_LONGEST:g} s")
        told = json.loads(done.out) if done.out.startswith("{") else {}
        status, saved = told.get("status", ""), told.get("state-commit", "")
        return Ended(job, done.code, status, saved, done.err if done.code else "")

    # What stands where.

    @property
    def _stores(self) -> list[Store]:
        """The stores that runs may find by their name."""
        return [one for one in self.openai.state.stores.values() if one.name == self.name]

    def find_stores(self) -> Iterator[str]:
        """Stores besides the one that was there, or that runs created first."""
        with self.openai.lock:
            used = [one for one in self._stores if one.attachments or len(one.metadata) > 1]
        if len(used) > 1:
            yield f"{len(used)} stores were created and used"

    def list_copies(self, target: str) -> list[Attachment]:
        """What the store holds of a target."""
        own = {"vn_source": f"127.0.0.1/{self.name}", "vn_target": target}
        every = (one for store in self._stores for one in store.attachments.values())
        return [one for one in every if own.items() <= (one.attributes or {}).items()]

    def read_manifest(self, target: str, repo: GitRepo) -> tuple[str, dict[str, str]]:
        """The base of a target's ledger, and the id of the copy that it has for each path."""
        from vectornator.git import Repository  # noqa: PLC0415
        from vectornator.state.notes import NotesStore, ref_of  # noqa: PLC0415

        repo.run("fetch", "-q", str(self.origin.root), f"+{ref_of(target)}:{ref_of(target)}")
        opened = Repository.open(repo.root)
        try:
            state = NotesStore(opened, ref_of(target), None, time.time)
            ledger = state.load()
            entries = {path: entry.file_id for path, entry in state.read_entries().items()}
            return ledger.base if ledger else "", entries
        finally:
            opened.close()

    def find_faults(self, target: str, tree: Mapping[str, bytes], repo: GitRepo) -> Iterator[str]:
        """In what the store or the ledger of a target is not what it must be for a tree."""
        with self.openai.lock:
            stored = [(read_path(one), one) for one in self.list_copies(target)]
        counts = Counter(path for path, _ in stored)
        if doubles := sorted(path for path, number in counts.items() if number > 1):
            yield f"{target}: stored twice: {', '.join(doubles)}"
        held = {path: one.file.content for path, one in stored}
        if held != tree:
            paths = sorted(held.keys() | tree.keys())
            wrong = [path for path in paths if held.get(path) != tree.get(path)]
            yield f"{target}: the store is not the tree: {', '.join(wrong)}"
        if {path: one.file.id for path, one in stored} != self.read_manifest(target, repo)[1]:
            yield f"{target}: the ledger is not the store"

    def find_touched(self) -> Iterator[str]:
        """Files of others that are not as they were."""
        now = self._describe_files()
        if self._foreign != {key: now.get(key) for key in self._foreign}:
            yield "Files of others were changed"

    def find_left(self) -> Iterator[str]:
        """Files of ours that are in no store."""
        with self.openai.lock:
            held = {key for store in self._stores for key in store.attachments}
            files = self.openai.state.files.values()
            known = self._before | self._foreign.keys() | held
            left = [file.filename for file in files if file.id not in known]
        if left:
            yield f"left over: {', '.join(left)}"

    def _describe_files(self) -> dict[str, tuple[str, bytes, Attributes | None]]:
        with self.openai.lock:
            held = self._theirs.attachments
            return {
                file.id: (
                    file.filename,
                    file.content,
                    held[file.id].attributes if file.id in held else {"held": False},
                )
                for file in self.openai.state.files.values()
            }


class Witnessing:
    """Sees to it that documents of an arena's targets can be found at every moment."""

    def __init__(self, arena: Arena, targets: Collection[str], paths: Collection[str]) -> None:
        self.absences: list[str] = []
        self._arena = arena
        self._wanted = dict.fromkeys(targets, frozenset(paths))
        arena.openai.watch(self.look)

    def look(self, state: State, record: Record) -> None:
        """Look into the store after a request."""
        now = state.clock.now()
        for target, paths in self._wanted.items():
            copies = self._arena.list_copies(target)
            found = {read_path(one) for one in copies if one.status(now) == "completed"}
            if missing := sorted(paths - found):
                self._wanted[target] = paths - set(missing)  # once is enough
                told = f"after {record.method} {record.path}, {', '.join(missing)}"
                self.absences.append(f"{target}: {told} could not be found")


class Ring:
    """The servers that arenas are on; a context manager."""

    def __init__(self, folder: Path, git: GitServer) -> None:
        self.folder = folder
        self.git = git
        self._stack = ExitStack()
        self._count = 0

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        self.openai = enter(
            OpenAIServer(clock=Clock(scale=60.0), behaviour=Behaviour(indexing_seconds=0.0))
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def open(self, *, is_bare: bool = False) -> Arena:
        """An arena of its own; what was ordered for an earlier one is forgotten."""
        self._count += 1
        self.openai.clear_faults()
        self.openai.app.watchers.clear()
        self.openai.ledger.clear()
        self.git.faults.clear()
        name = f"docs-{self._count}"
        return Arena(self.folder, self.openai, self.git, name, is_bare=is_bare)


def is_changing(requests: Sequence[Record]) -> bool:
    """Tell whether any request changes something."""
    return any(one.method != "GET" for one in requests)
