"""A repository, its remote and a store beside other people's files, put back as often as needed."""

import copy
import json
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.openai_server import Behaviour, OpenAIServer
from tests.openai_server.ledger import Record
from tests.openai_server.schemas import Attributes
from tests.openai_server.state import Attachment, State
from tests.support.git_server import Fault, GitServer
from tests.support.repositories import GitRepo
from tests.torture.child import COUNT
from tests.torture.process import CHILD, Result, Running, name_server

PATTERNS = "docs/**/*.md"
_SOURCE = "127.0.0.1/origin"
"""What the repository is called in the store."""

FOREIGN: Mapping[str, Attributes | None] = {
    "docs__a.md": {},
    "docs__a.md.0123456789abcdef.md": {"path": "docs/a.md", "vn_source": "example.com/other"},
    "docs__b.0123456789abcdef.md": {"path": "docs/b.md", "vn_target": "default"},
    "unattached.md": None,
    "docs__a.fedcba9876543210.md": None,
}
"""Files that are not ours, with the attributes of those in the store."""


@dataclass
class Hooked(GitServer):
    """A git server that tells before and after each request it serves."""

    on_request: list["Point"] = field(default_factory=list)
    on_arrival: list[Callable[[str], None]] = field(default_factory=list)
    """Told the method and URL of each request that has arrived, whatever becomes of it."""

    def take_fault(self, what: str) -> Fault:
        """The fault that a request meets."""
        for hear in self.on_arrival:
            hear(what)
        return super().take_fault(what)

    def run_backend(self, environ: dict[str, str], body: bytes) -> tuple[int, list[str], bytes]:
        """One request, between the moments at which a run may be killed.

        Of a run that is killed before it, nothing arrives; of one that is killed during it, half.
        """
        for point in self.on_request:
            if point.pass_by("before"):
                return 500, [], b""
            if point.pass_by("during"):
                body = body[: len(body) // 2]
                environ["CONTENT_LENGTH"] = str(len(body))
        answer = super().run_backend(environ, body)
        for point in self.on_request:
            point.pass_by("after")
        return answer


class Point:
    """The moment before, during, after or soon after the Nth request at which a run is killed."""

    def __init__(self, number: int, when: str) -> None:
        self.number = number
        self.when = when
        self.delay = 0.0
        self.process: subprocess.Popen[str] | None = None
        self.seen = Counter[str]()
        self._timer: threading.Timer | None = None

    def pass_by(self, when: str) -> bool:
        """A request is about to be served, or was; tells whether the run was killed for it."""
        self.seen[when] += 1
        is_now = when == self.when and self.seen[when] == self.number
        if is_now:
            self.strike()
        return is_now

    def look(self, _state: State, _record: Record) -> None:
        """A request to the store was served."""
        self.pass_by("after")

    def strike(self) -> None:
        """Kill the run, at once or after a moment."""
        if self.process and self.delay:
            self._timer = threading.Timer(self.delay, self.process.kill)
            self._timer.start()
        elif self.process:
            self.process.kill()
            self.process.wait()

    def call_off(self) -> None:
        """Kill nothing more."""
        if self._timer:
            self._timer.cancel()
            self._timer.join()


@dataclass(frozen=True, slots=True)
class Copy:
    """What the store holds of one document."""

    path: str
    file_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """How everything stood at one time."""

    folder: Path
    state: State
    foreign: object
    storage: tuple[str, ...]
    rules: tuple[str, ...]


class Scene:
    """A clone, its remote, a store and all that is not ours in it; a context manager.

    The clone is at a commit that is synced; `advance` makes the commit that is to be synced.
    """

    target = "default"
    provider = "openai"
    options: tuple[str, ...] = ("--store-name", "docs", "--patterns", PATTERNS)
    """Of every run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.live = folder / "live"
        self.storage: tuple[str, ...] = ()
        """Options of every command, about where the ledger is."""

        self.rules: tuple[str, ...] = ()
        """More options of every run."""

        self.foreign: object = None
        """What is not ours, as it was when the scene was first remembered."""

        self._kept: dict[str, Kept] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        self.openai = enter(OpenAIServer(behaviour=Behaviour(indexing_seconds=0.0)))
        self.live.mkdir(parents=True)
        self.git = enter(Hooked(self.live))
        self.git.create()
        self.repo = GitRepo.clone(self.git.url("origin.git"), self.live / "clone")
        self.repo.commit(make_documents())
        self.repo.run("push", "--quiet", "origin", "HEAD:main")
        self._settle_in()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _settle_in(self) -> None:
        """Sync two targets, and add what others keep at the same place."""
        for words in (("sync",), ("sync", "--target", "other")):
            done = self.run(*words)
            assert done.code == 0, done.err
        state = self.openai.state
        with self.openai.lock:
            [store] = state.stores.values()
            for name, attributes in FOREIGN.items():
                file = state.add_file(name, f"not ours: {name}".encode())
                if attributes is not None:
                    state.attach(store, file, attributes)

    def save(self, name: str = "kept") -> None:
        """Remember how everything stands, under a name."""
        self.foreign = self.foreign or self.list_foreign()
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.live, folder, symlinks=True)
        with self.openai.lock:
            state = self._copy(self.openai.state)
        self._kept[name] = Kept(folder, state, self.foreign, self.storage, self.rules)

    def restore(self, name: str = "kept") -> None:
        """Put everything back to where it was remembered."""
        kept = self._kept[name]
        self.foreign, self.storage, self.rules = kept.foreign, kept.storage, kept.rules
        shutil.rmtree(self.live)
        shutil.copytree(kept.folder, self.live, symlinks=True)
        with self.openai.lock:
            self.openai.app.state = self._copy(kept.state)
            self.openai.app.watchers.clear()
            self.openai.clear_faults()
            self.openai.ledger.clear()
        self.git.on_request.clear()
        self.git.on_arrival.clear()
        self.git.faults.clear()
        self.git.requests.clear()

    def _copy(self, state: State) -> State:
        return copy.deepcopy(state, {id(self.openai.clock): self.openai.clock})

    def advance(self) -> None:
        """Commit an addition, an update, a rename and a removal."""
        self.repo.commit(
            {
                "docs/new/one.md": "# One\n",
                "docs/new/two.mdx.md": "# Two\n",
                "docs/a.md": "# A, once more\n",
                "docs/deep/c.md": "# C, once more\n",
                "docs/b.md": None,
                "docs/moved/d.md": "# D\n",
                "docs/d.md": None,
            }
        )
        self.repo.run("push", "--quiet", "origin", "HEAD:main")

    # Runs.

    def start(self, *words: str, last: int = 0, environ: Mapping[str, str] = {}) -> Running:
        """Start the real command line in a process of its own, to be killed at its `last` step."""
        is_run = words[0] in {"sync", "repair"}
        options = (*self.storage, *self.options, *self.rules) if is_run else ()
        arguments = (*words, "--provider", self.provider, *options)
        given = {**name_server(self.openai), **environ}
        return Running.start(CHILD, str(last), *arguments, folder=self.repo.root, environ=given)

    def run(self, *words: str, last: int = 0) -> Result:
        """Run the command line to its end, whoever brings it about."""
        return self.start(*words, last=last).wait()

    def count_steps(self, *words: str) -> int:
        """How many steps on disk a whole run takes."""
        told = self.folder / "steps"
        done = self.start(*words, environ={COUNT: str(told)}).wait()
        assert done.code == 0, done.err
        return int(told.read_text(encoding="utf-8"))

    # What stands where.

    @property
    def attachments(self) -> list[Attachment]:
        """What the store holds, and any other there should not be."""
        stores = self.openai.state.stores.values()
        return [one for store in stores for one in store.attachments.values()]

    @property
    def ours(self) -> list[Attachment]:
        """What the store holds of the target that is synced."""
        return [one for one in self.attachments if self._is_ours(one.attributes)]

    def list_copies(self) -> list[Copy]:
        """What the store holds of the target that is synced, by path and content."""
        return [
            Copy(str((one.attributes or {}).get("path")), one.file.id, one.file.content)
            for one in self.ours
        ]

    def count_stores(self) -> int:
        """How many stores there are."""
        return len(self.openai.state.stores)

    def _is_ours(self, attributes: Attributes | None) -> bool:
        given = attributes or {}
        return (given.get("vn_source"), given.get("vn_target")) == (_SOURCE, self.target)

    def list_foreign(self) -> list[tuple[str, str, bytes, object]]:
        """All Files that are not ours, with their attributes in the store, if they are in it."""
        held = {one.file.id: one for one in self.attachments}
        own = {one.file.id for one in self.ours}
        return [
            (
                file.id,
                file.filename,
                file.content,
                held[file.id].attributes if file.id in held else 0,
            )
            for file in self.openai.state.files.values()
            if file.id not in own
        ]

    def read_tree(self) -> dict[str, bytes]:
        """The documents of the clone's commit, as git tells them."""
        paths = self.repo.run("ls-tree", "-r", "--name-only", "HEAD", "docs").splitlines()
        return {path: (self.repo.root / path).read_bytes() for path in paths}

    def read_manifest(self) -> dict[str, str]:
        """The id of the copy that the ledger has for each path."""
        shown = self.run("show-metadata", *self.storage, "--json")
        assert shown.code == 0, shown.err
        return {path: it["fileId"] for path, it in json.loads(shown.out)["files"].items()}


def make_documents() -> dict[str, str | bytes | None]:
    """The documents of the first commit, and a file that is not selected."""
    return {
        "docs/a.md": "# A\n",
        "docs/b.md": "# B\n",
        "docs/deep/c.md": "# C\n",
        "docs/d.md": "# D\n",
        "docs/e.md": "# E\n",
        "README.md": "# Not a document\n",
    }
