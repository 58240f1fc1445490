"""A repository with a remote and a synced store of forty documents, beside what is not ours."""

import contextlib
import copy
import io
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Self

from tests.support.repositories import ENVIRON, GitRepo
from vectornator.cli import main
from vectornator.model import Binding, Document, RemoteFile
from vectornator.providers import provider_registry
from vectornator.providers.memory import Copy, MemoryProvider, MemoryStore, Shelf

URL = "https://example.com/team/docs.git"
OURS = Binding("example.com/team/docs", "default")
OTHERS = (
    Binding("example.com/team/docs", "other"),
    Binding("example.com/other/docs", "default"),
)
STORE, THEIRS, EMPTY = "store-ours", "store-theirs", "store-empty"
SENDING = ("upload_file", "update_file")

GUIDE = tuple(f"docs/guide/{number:02}.md" for number in range(24))
API = tuple(f"docs/api/{number:02}.md" for number in range(10))
BLOG = (*(f"blog/{number}.md" for number in range(3)), "blog/caf\u00e9.md")
TOP = ("CHANGES.md", "README.md")
DOCUMENTS = frozenset({*GUIDE, *API, *BLOG, *TOP})
LATE = GUIDE[12:]
"""Documents that the second commit adds."""

CONFIG = 'patterns = ["**/*.md"]\nexclude = ["drafts/"]\n'


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run of the command line told."""

    code: int
    status: str
    reason: str
    message: str
    log: str


def write(path: str) -> str:
    """The content of a document, unlike that of any other."""
    return f"# {path}\n\nWhat is said of {path}.\n"


class Site:
    """One clone and the services around it; a context manager. Nothing is shared between two."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self.server = MemoryStore()
        self.environ: dict[str, str] = {}
        self._kept = Path()

    def __enter__(self) -> Self:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="site-"))
        self.folder = Path(folder)
        self.clone, self.bare = self.folder / "clone", self.folder / "origin.git"
        self.repo = GitRepo(self.clone)
        self.root = self.clone
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def found(self) -> None:
        """Make everything, and sync it."""
        GitRepo.init(self.bare, "--bare")
        self.repo = GitRepo.init(self.clone)
        self.repo.run("remote", "add", "origin", URL)
        early = sorted(DOCUMENTS - set(LATE))
        rest = {"vectornator.toml": CONFIG, "LICENSE.txt": "Free.\n", "src/a.py": "1\n"}
        self.repo.commit({**{path: write(path) for path in early}, **rest, "drafts/x.md": "# X\n"})
        self.repo.run("tag", "v1")
        self.repo.commit({path: write(path) for path in LATE})
        self.repo.run("push", "--quiet", str(self.bare), "HEAD:main", "v1")
        for name in (STORE, THEIRS, EMPTY):
            self.server.shelves[name] = Shelf()
        self._add_foreigners()
        assert self.run("sync").code == 0
        assert self.contents == self.read_tree()

    def _add_foreigners(self) -> None:
        document = Document("README.md", "0" * 40, 5, "1" * 64)
        marks = [one.attributes(document, "x.y") for one in OTHERS]
        given: list[dict[str, str]] = [{}, {"path": "README.md"}, {"vn_source": "x"}, *marks]
        for shelf in (STORE, THEIRS):
            for number, attributes in enumerate(given):
                file = RemoteFile(f"foreign-{number}", attributes, 5, 1.0)
                self.server.shelves[shelf].copies[file.file_id] = Copy(file, b"Other")

    def copy_to(self, other: "Site") -> None:
        """Let another site begin where this one stands."""
        for name in ("clone", "origin.git"):
            shutil.copytree(self.folder / name, other.folder / name, symlinks=True)
        other.server.shelves = copy.deepcopy(self.server.shelves)
        other.server.numbers = count(10_000)
        other.repo = GitRepo(other.clone)
        other.repo.run("config", "gc.auto", "0")
        other._kept = self.folder

    def restore(self) -> None:
        """Have the clone as it was before: what a new job on the main branch checks out."""
        shutil.rmtree(self.clone)
        shutil.copytree(self._kept / "clone", self.clone, symlinks=True)
        self.repo, self.root = GitRepo(self.clone), self.clone
        self.environ.clear()

    def undo(self) -> None:
        """Commit the documents as they were on top of what was synced."""
        old = GitRepo(self._kept / "clone").head
        head = self.repo.head
        self.repo.run("push", "--quiet", "--force", str(self.bare), "HEAD:refs/heads/struck")
        self.restore()
        self.repo.run("fetch", "--quiet", str(self.bare), "struck")
        new = self.repo.run("commit-tree", f"{old}^{{tree}}", "-p", head, "-m", "undo")
        self.repo.run("reset", "--quiet", "--hard", new)

    # Runs.

    def run(self, *words: str) -> Answer:
        """Run the command line in this process, as a job would."""
        provider_registry.register("shelf", self._make, replace=True)
        self.server.calls.clear()
        environ = {
            **ENVIRON,
            "CI": "true",
            "VECTORNATOR_PROVIDER": "shelf",
            "VECTORNATOR_STORE_ID": STORE,
            "VECTORNATOR_REMOTE": str(self.bare),
            "VECTORNATOR_REPOSITORY": str(self.root),
            "VECTORNATOR_CONCURRENCY": "1",
            **self.environ,
        }
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*words, "--json"], environ)
        told = _parse(out.getvalue())
        error = told.get("error", {})
        log = f"{out.getvalue()}{err.getvalue()}"
        reason, message = str(error.get("reason", "")), str(error.get("message", ""))
        return Answer(code, str(told.get("status", "")), reason, message, log)

    def _make(self, _: object) -> MemoryProvider:
        provider = MemoryProvider(self.server)
        provider.name = "shelf"
        return provider

    def sent(self) -> list[str]:
        """The paths whose content the last run sent."""
        return [path for method, path in self.server.calls if method in SENDING]

    def changes(self) -> list[tuple[str, str]]:
        """The calls of the last run that change what is stored."""
        changing = {*SENDING, "delete_file", "change_attributes", "create_store", "delete_store"}
        return [call for call in self.server.calls if call[0] in changing]

    # What stands where.

    @property
    def ours(self) -> list[Copy]:
        """The copies in our store that are ours."""
        copies = self.server.shelves[STORE].copies.values()
        return [one for one in copies if OURS.owns(one.file.attributes)]

    @property
    def contents(self) -> dict[str, bytes]:
        """What our store holds of each of our paths."""
        return {one.file.path: one.content for one in self.ours}

    @property
    def ids(self) -> dict[str, str]:
        """The id of our copy of each path."""
        return {one.file.path: one.file.file_id for one in self.ours}

    def list_foreign(self) -> dict[str, Copy]:
        """Every copy that was somebody else's when the site was founded."""
        return {
            f"{name}/{file_id}": one
            for name, shelf in self.server.shelves.items()
            for file_id, one in shelf.copies.items()
            if file_id.startswith("foreign-")
        }

    def describe(self) -> tuple[object, ...]:
        """Everything that a run that is refused leaves as it was."""
        refs = GitRepo(self.bare).run("for-each-ref")
        shelves = {name: dict(it.copies) for name, it in self.server.shelves.items()}
        marks = {name: dict(it.mark) for name, it in self.server.shelves.items()}
        return refs, shelves, marks

    def read_tree(self) -> dict[str, bytes]:
        """The documents of the commit that is checked out, as git tells them."""
        listed = self.repo.run("ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0")
        paths = [path for path in listed if path.endswith(".md") and "drafts/" not in path]
        return {path: (self.clone / path).read_bytes() for path in paths}


def _parse(text: str) -> Mapping[str, Any]:
    """The JSON document that a log holds; nothing where it holds none."""
    start = text.find("{\n")
    if start < 0:
        return {}
    found, _ = json.JSONDecoder().raw_decode(text[start:])
    return found if isinstance(found, dict) else {}


@contextlib.contextmanager
def open_site(founded: Site) -> Iterator[Site]:
    """A site of its own that stands where another one was founded."""
    with Site() as site:
        founded.copy_to(site)
        yield site
