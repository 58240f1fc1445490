"""What a machine acts on: repositories, their clones, a store, and those who share it."""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant

from tests.machine.commits import Commits
from tests.machine.party import Party
from tests.machine.sides import AnyLab, Held, Side
from tests.support.oracle import to_blob_id
from tests.support.repositories import GitRepo
from vectornator.errors import VectornatorError
from vectornator.git import Repository
from vectornator.model import Binding, Entry
from vectornator.report.record import Record
from vectornator.settings import DeleteLimit
from vectornator.state import StateStore
from vectornator.state.file import FileStore
from vectornator.state.ledger import Ledger
from vectornator.state.notes import NotesStore

SOURCE = "example.org/ours"
MARKS = {
    "ours": Binding(SOURCE, "default"),
    "other": Binding(SOURCE, "other"),
    "theirs": Binding("example.org/theirs", "default"),
}
"""Two targets of one repository, and one of another repository, in one store."""

SITES = ("origin", "full", "shallow")
"""Where runs take place: in the repository itself, or in a clone of it."""

whoever = st.sampled_from(("ours", "ours", *MARKS))
sites = st.sampled_from(SITES)


def require(what: str, expected: object, actual: object) -> None:
    """Raise `AssertionError`, which tells both, unless they are equal."""
    assert expected == actual, f"{what}: expected {expected!r:.2000}, got {actual!r:.2000}"


class Killed(BaseException):
    """Stands for a process that was killed."""


@dataclass
class Job:
    """One run about to be made."""

    party: Party
    lab: AnyLab
    commit: str


class World(Commits):
    """Everything there is, and how runs are made and judged in it."""

    places: tuple[str, ...] = SITES
    """Where runs may take place."""

    lengths: ClassVar[list[int]] = []
    """How many steps each program had that came to its end."""

    seen: ClassVar[list[str]] = []
    """Every fault as it was met, for those that another try does not show."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        super().__init__(self.folder / "repo")
        self.theirs = GitRepo.init(self.folder / "theirs")
        self.theirs.commit({"a.md": "# theirs\n"})
        repos = {"ours": self.repo, "other": self.repo, "theirs": self.theirs}
        self.parties = {name: Party(repos[name], mark) for name, mark in MARKS.items()}
        self.clones: dict[str, GitRepo] = {}
        self.storage = "git-notes"
        self.side = self.open_side()
        self.numbers = count()
        self.steps = 0

    def open_side(self) -> Side:
        """Open the store's side."""
        raise NotImplementedError

    @initialize(storage=st.sampled_from(["git-notes", "git-notes", "file"]))
    def choose_storage(self, storage: str) -> None:
        """Keep the state in notes or in a file."""
        self.storage = storage

    @invariant()
    def count_step(self) -> None:
        """Count a step; what holds after each is seen to by the runs."""
        self.steps += 1

    def teardown(self) -> None:
        """One clean run of each party puts everything right; then there is no folder any more."""
        error = sys.exc_info()[1]
        try:
            if error is None:
                self._finish()
        except Exception as found:
            error = found
            raise
        finally:
            if isinstance(error, Exception):
                self.seen.append(f"{type(error).__name__}: {error}")
            self.side.close()
            shutil.rmtree(self.folder)

    def _finish(self) -> None:
        self.lengths.append(self.steps)
        for name in self.parties:
            self._sync_cleanly(name)
        for repo in (self.repo, self.theirs, *self.clones.values()):
            require(f"git fsck of {repo.root.name}", "", repo.fsck())

    # Runs.

    def _check_out(self, who: str, site: str, *, is_fresh: bool = True) -> GitRepo:
        """A repository to run in, at the newest commit, or where it was left."""
        if who == "theirs" or site not in self.places[1:]:
            return self.parties[who].repo
        clone = self.clones.get(site)
        if clone is None:
            depth = ("--depth=1",) if site == "shallow" else ()
            url = f"file://{self.repo.root}"
            clone = GitRepo.clone(url, self.folder / site, "--no-checkout", *depth)
            self.clones[site] = clone
        elif is_fresh:
            depth = ("--depth=1",) if site == "shallow" else ()
            clone.run("fetch", "-q", *depth, "origin", "HEAD")
        if is_fresh:
            clone.run("update-ref", "--no-deref", "HEAD", self.repo.head)
        return clone

    def _plan_job(
        self, who: str, site: str, *, is_fresh: bool = True, commit: str = ""
    ) -> Job | None:
        """Get a run ready; None where the commit lacks the folder that documents come from."""
        party, repo = self.parties[who], self._check_out(who, site, is_fresh=is_fresh)
        lab, commit = self.side.open_lab(repo, party), commit or repo.head
        changes = {
            "source_id": party.binding.source,
            "target": party.binding.target,
            "metadata_storage": self.storage,
            "metadata_file": self._state_file(who),
            "max_deletes": DeleteLimit(100, is_percent=True),
            "allow_empty": True,
            "patterns": party.choice.patterns,
            "exclude": party.choice.exclude,
            "directory": party.choice.directory,
            "concurrency": party.concurrency,
            "refresh": party.refresh,
            "commit": commit,
            "store_id": self.side.store_id,
        }
        lab.settings = lab.settings.model_copy(update=changes)
        is_known = repo.run("cat-file", "-t", commit, check=False) == "commit"
        folder = party.choice.directory
        kind = repo.run("cat-file", "-t", f"{commit}:{folder}", check=False) if folder else "tree"
        return Job(party, lab, commit) if is_known and kind == "tree" else None

    def _carry_out(self, job: Job, act: Callable[[], Record]) -> Record:
        """Make a run; a document that is there before and after is there all the time."""
        party = job.party
        held = {it.path for it in self.side.list_held().values() if it.is_of(party.binding)}
        must = held & self._expect(job).keys()
        with self.side.watch(job.lab, party.binding, must) as watch:
            try:
                return act()
            finally:
                party.user_notes.pop(job.commit, None)
                if watch.is_meddled:
                    for each in self.parties.values():
                        each.is_tampered = True
                require("breaches", [], watch.breaches)

    def _expect(self, job: Job) -> dict[str, bytes]:
        """What the store must hold of a run's commit, which a clone may be alone to have."""
        return type(job.party.oracle)(job.lab.repo).expect(job.commit, job.party.choice)

    def _try(self, job: Job | None, trouble: Callable[[Job], None], **changes: object) -> None:
        """Let a run meet trouble, however it ends."""
        if job is None:
            return
        trouble(job)
        with suppress(VectornatorError, Killed):
            self._carry_out(job, lambda: job.lab.sync(**changes))
        self.side.calm_down()

    # Clean runs.

    def _sync_cleanly(self, who: str, site: str = "origin", **changes: object) -> None:
        """A clean run leaves exactly the documents of the commit, and a ledger that says so."""
        if job := self._plan_job(who, site):
            party = job.party
            changes.setdefault("refresh", "always" if party.is_tampered else "auto")
            others = self._list_others(party.binding)
            act = lambda: job.lab.sync(allow_rollback=True, **changes)  # noqa: E731  (shown once)
            record = self._carry_out(job, act)
            party.is_tampered = False
            assert record.status in {"synced", "no-changes"}, record.status
            require("what others keep", others, self._list_others(party.binding))
            self._check(who, job, record)
            self._check_second_run(job)

    def _check(self, who: str, job: Job, record: Record) -> None:
        binding, expected = job.party.binding, self._expect(job)
        ours = {i: it for i, it in self.side.list_held().items() if it.is_of(binding)}
        digests = {path: hashlib.sha256(it).hexdigest() for path, it in expected.items()}
        stored = sorted((it.path, str(it.attributes["vn_sha"])) for it in ours.values())
        require("what is stored", sorted(digests.items()), stored)
        kept = {it.path: it.content for it in ours.values() if it.content is not None}
        require("contents", {path: expected[path] for path in kept}, kept)
        require("unsearchable", [], [it.path for it in ours.values() if not it.is_found])
        teams = {it.attributes.get("team", job.party.team) for it in ours.values()}
        require("teams", {job.party.team}, teams | {job.party.team})
        require("strays", [], self.side.list_strays(binding))
        require("documents", len(expected), record.documents)
        self._check_state(who, job.commit, {it.path: i for i, it in ours.items()}, expected)

    def _check_state(
        self, who: str, commit: str, ids: dict[str, str], expected: dict[str, bytes]
    ) -> None:
        ledger, entries = self._read_state(who)
        require("ids in the ledger", ids, {path: it.file_id for path, it in entries.items()})
        blobs = {path: to_blob_id(content) for path, content in expected.items()}
        require("blobs in the ledger", blobs, {path: it.blob for path, it in entries.items()})
        told = (ledger.base, ledger.documents, ledger.ahead, dict(ledger.leftovers))
        require("the ledger", (commit, len(expected), frozenset(), {}), told)
        party = self.parties[who]
        for noted, text in party.user_notes.items():
            shown = party.repo.run("notes", f"--ref={party.ref}", "show", noted)
            require(f"the note on {noted}", text, shown)

    def _check_second_run(self, job: Job) -> None:
        before = self._snapshot()
        record = self._carry_out(job, job.lab.sync)
        require("the next run", "no-changes", record.status)
        require("its changes", 0, self.side.count_changes(job.lab))
        self._compare(before)

    # What stands where.

    def _list_others(self, binding: Binding) -> dict[str, Held]:
        """What others keep, whether or not the service is done with it."""
        held = self.side.list_held().items()
        return {i: replace(it, is_found=True) for i, it in held if not it.is_of(binding)}

    def _list_ours(self, who: str) -> list[str]:
        binding = self.parties[who].binding
        return [i for i, it in self.side.list_held().items() if it.is_of(binding)]

    def _state_file(self, who: str) -> Path:
        return self.folder / f"{who}.json"

    def _read_state(self, who: str) -> tuple[Ledger, dict[str, Entry]]:
        party = self.parties[who]
        with Repository.open(party.repo.root) as repository:
            state: StateStore = NotesStore(repository, party.ref, None, lambda: 0.0)
            if self.storage == "file":
                state = FileStore(self._state_file(who))
            ledger = state.load()
            assert ledger is not None
            return ledger, state.read_entries()

    def _snapshot(self) -> tuple[object, dict[Path, bytes]]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return self.side.snapshot(), {path: path.read_bytes() for path in files}

    def _compare(self, before: tuple[object, dict[Path, bytes]]) -> None:
        """Nothing has changed, in the store or on disk."""
        (stored, was), (held, files) = before, self._snapshot()
        require("the store", stored, held)
        changed = [path for path in was.keys() | files.keys() if was.get(path) != files.get(path)]
        require("changed files", [], changed)
