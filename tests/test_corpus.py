"""The real history of a real documentation repository, replayed commit by commit."""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from tests.openai_server import Clock, OpenAIServer
from tests.support.lab import Lab, Witness
from tests.support.openai import OpenAILab
from tests.support.repositories import ENVIRON, GitRepo
from vectornator.queries import list_files, search
from vectornator.report.record import Record
from vectornator.run import Run
from vectornator.scanner import open_scanner
from vectornator.session import Session
from vectornator.settings import Settings

BUNDLE = Path(
    os.environ.get("VECTORNATOR_CORPUS", "")
    or Path(__file__).parents[2] / "shared" / "corpus" / "fastapi-docs.bundle"
)
COMMITS = 60
DOCUMENTS = "docs/en/docs/**/*.md"
CODE = "docs_src/**/*.py"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not BUNDLE.is_file(), reason="there is no corpus at $VECTORNATOR_CORPUS"),
]


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """Clone the corpus, at the commit before those that are replayed."""
    repo = GitRepo.clone(BUNDLE, tmp_path / "corpus", "-b", "master")
    repo.run("checkout", "-q", "--detach", f"HEAD~{COMMITS}")
    return repo


def list_commits(repo: GitRepo, last: str) -> list[str]:
    """The commits to replay, oldest first."""
    return repo.run("rev-list", "--reverse", f"HEAD..{last}").split()


def hash_selection(repo: GitRepo, commit: str, *patterns: str) -> dict[str, str]:
    """What git itself says is selected: the SHA-256 of every file with content, by path."""
    globs = [f":(glob){pattern}" for pattern in patterns]
    listed = repo.run("ls-files", "--with-tree", commit, "-z", "--", *globs).split("\0")
    contents = {path: (repo.root / path).read_bytes() for path in listed if path}
    return {
        path: hashlib.sha256(content).hexdigest()
        for path, content in contents.items()
        if content.strip()
    }


def count_changes(repo: GitRepo, commit: str, *patterns: str) -> dict[str, int]:
    """What `git diff --name-status -M100%` says of a commit, in our words."""
    globs = [f":(glob){pattern}" for pattern in patterns]
    lines = repo.run("diff", "--name-status", "-M100%", f"{commit}~", commit, "--", *globs)
    letters = Counter(line[0] for line in lines.splitlines())
    names = {"A": "added", "M": "updated", "R": "renamed", "D": "deleted"}
    return {name: letters[letter] for letter, name in names.items()}


def replay(
    repo: GitRepo,
    patterns: tuple[str, ...],
    run: Callable[[], Record],
    hash_store: Callable[[], dict[str, str]],
    last: str = "master",
) -> None:
    """Sync every commit; after each the store is the selection, and a second run does nothing."""
    for commit in list_commits(repo, last):
        repo.run("checkout", "-q", commit)
        first = run()
        expected = count_changes(repo, commit, *patterns)
        assert expected == {name: first.counts[name] for name in expected}, commit
        assert hash_selection(repo, commit, *patterns) == hash_store(), commit
        assert (False, "no-changes") == ((second := run()).changed, second.status), commit


@pytest.mark.parametrize("patterns", [(DOCUMENTS,), (DOCUMENTS, CODE)], ids=["docs", "code"])
def test_replay_in_memory(repo: GitRepo, patterns: tuple[str, ...]) -> None:
    """The store follows 60 commits exactly, each at the cost that git's diff names."""
    lab = Lab(repo)
    lab.settings = lab.settings.model_copy(update={"patterns": patterns})
    lab.sync()

    def hash_store() -> dict[str, str]:
        return {path: hashlib.sha256(body).hexdigest() for path, body in lab.contents.items()}

    replay(repo, patterns, lab.sync, hash_store)
    assert len(lab.contents) == lab.copies
    assert repo.fsck() == ""


def test_replay_against_openai(repo: GitRepo) -> None:
    """Store, manifest and tree are the same after each of 20 commits that change 62 documents."""
    repo.run("checkout", "-q", "--detach", "master~100")
    with OpenAIServer(clock=Clock(scale=0)) as server:
        lab = OpenAILab(repo, server)
        lab.settings = lab.settings.model_copy(update={"patterns": (DOCUMENTS,)})

        def hash_store() -> dict[str, str]:
            stored = {(it.attributes or {})["path"]: it.file.sha256 for it in lab.attachments}
            assert stored == {path: entry.hash for path, entry in lab.manifest.items()}
            return {str(path): digest for path, digest in stored.items()}

        lab.sync()
        replay(repo, (DOCUMENTS,), lab.sync, hash_store, last="master~80")
        ids = {entry.file_id for entry in lab.manifest.values()}
        assert ids == lab.store.attachments.keys() == server.state.files.keys()
    assert repo.fsck() == ""


def test_replay_in_the_local_store(repo: GitRepo) -> None:
    """The embedded store follows 60 commits exactly, and then finds what people ask for."""
    settings = Settings(repository=repo.root, patterns=(DOCUMENTS,), limit=3)

    def run() -> Record:
        session = Session(settings, ENVIRON, time.time, Event())
        try:
            return Run(session, Witness()).carry_out()
        finally:
            session.close()

    def hash_store() -> dict[str, str]:
        files = list(list_files(settings, ENVIRON))
        assert len({file.path for file in files}) == len(files)
        return {file.path: file.attributes["vn_sha"] for file in files}

    run()
    replay(repo, (DOCUMENTS,), run, hash_store)
    assert repo.fsck() == ""
    hits = search(settings, ENVIRON, "how do I upload a file")
    assert "docs/en/docs/tutorial/request-files.md" in [hit.path for hit in hits]


def test_nothing_is_stopped_in_vain(repo: GitRepo) -> None:
    """Of all files of the documentation, the search for secrets stops at most one in a thousand."""
    find_leaks = open_scanner()
    paths = repo.run("ls-files", "-z").split("\0")
    files = [repo.root / path for path in paths if (repo.root / path).is_file()]
    stopped = [file for file in files if any(find_leaks("", file.read_bytes()))]
    assert len(stopped) <= len(files) / 1000, stopped
