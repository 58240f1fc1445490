"""Runs that share their ledger through a remote: shallow clones, races, refusals."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.git_server import GitServer
from tests.support.lab import Lab
from tests.support.repositories import GitRepo
from vectornator.errors import StateError
from vectornator.git.remote import PushDenied
from vectornator.providers.memory import MemoryStore

NAMES = [f"docs/{letter}.md" for letter in "abcdef"]


class Team:
    """An origin on a real server, somebody who commits to it, and CI jobs that sync."""

    def __init__(self, root: Path, server: GitServer) -> None:
        self.root = root
        self.server = server
        self.store = MemoryStore()
        self.author = GitRepo.init(root / "author")
        self.author.run("remote", "add", "origin", str(root / "srv" / "origin.git"))
        self.origin = GitRepo.init(root / "srv" / "origin.git", "--bare")
        self.origin.run("config", "http.receivepack", "true")
        self._clones = 0

    def push(self, files: dict[str, str | bytes | None], *options: str) -> str:
        """Commit and push; return the commit."""
        commit = self.author.commit(files)
        self.author.run("push", "-q", *options, "origin", "main")
        return commit

    def check_out(self, *options: str, commit: str = "") -> Lab:
        """A fresh clone, of depth 1 unless told otherwise, as a CI job gets it."""
        self._clones += 1
        root = self.root / f"job-{self._clones}"
        options = options or ("--depth=1",)
        clone = GitRepo.clone(self.server.url("origin.git"), root, *options)
        if commit:
            clone.run("fetch", "-q", "--depth=1", "origin", commit)
            clone.run("checkout", "-q", "--detach", commit)
        lab = Lab(clone, self.store)
        lab.environ["CI"] = "true"
        return lab

    @property
    def expected(self) -> dict[str, bytes]:
        """What the store must hold: the documents of the newest commit."""
        paths = self.author.run("ls-files", "*.md").splitlines()
        return {path: (self.author.root / path).read_bytes() for path in paths}

    def check(self, lab: Lab) -> None:
        """The store is the newest commit's tree, without duplicates; every clone is sound."""
        assert (self.expected, len(self.expected)) == (lab.contents, lab.copies)
        assert ("", "") == (self.origin.fsck(), lab.repo.fsck())


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """An origin with six documents."""
    with GitServer(tmp_path / "srv") as server:
        team = Team(tmp_path, server)
        team.push({name: f"# {name}\n" for name in NAMES})
        yield team


def test_ledger_travels_through_the_remote(team: Team) -> None:
    """A fresh depth-1 clone of a later commit knows what an earlier job stored."""
    team.check_out().sync()
    for number in range(3):
        team.push({NAMES[number]: f"# new {number}\n", "code.py": f"{number}\n"})
    team.push({NAMES[4]: None})
    lab = team.check_out()
    record = lab.sync()
    assert (3, 1, 0) == tuple(record.counts[name] for name in ("updated", "deleted", "added"))
    team.check(lab)


def test_note_is_readable_with_git(team: Team) -> None:
    """Everybody who fetches the notes ref reads the note with plain git."""
    lab = team.check_out()
    lab.sync()
    team.author.run("fetch", "-q", "origin", "refs/notes/*:refs/notes/*")
    note = json.loads(team.author.run("notes", "--ref=vectornator", "show", "HEAD"))
    assert (6, lab.store_id, "synced") == (
        note["counts"]["added"],
        note["storeId"],
        note["status"],
    )


def test_nothing_to_do_costs_two_requests(team: Team) -> None:
    """A second run in the same clone lists the ref and fetches nothing."""
    lab = team.check_out()
    lab.sync()
    team.server.requests.clear()
    assert "no-changes" == lab.sync().status
    assert 2 == len(team.server.requests)


def test_nothing_to_do_in_a_fresh_clone_costs_three_requests(team: Team) -> None:
    """A second run in another clone fetches one commit more."""
    team.check_out().sync()
    lab = team.check_out()
    team.server.requests.clear()
    assert "no-changes" == lab.sync().status
    assert 3 == len(team.server.requests)


def test_shallow_clone_fetches_few_trees(team: Team) -> None:
    """The trees of the base that a depth-1 clone lacks are a few kilobytes."""
    team.push({f"deep/{n % 40}/{n}.md": f"# {n}\n" for n in range(2000)})
    team.check_out().sync()
    team.push({f"deep/{n}/{n}.md": "# changed\n" for n in range(10)})
    lab = team.check_out()
    before = lab.repo.run("count-objects", "-v")
    team.server.requests.clear()
    record = lab.sync()
    received = sum(request.bytes_out for request in team.server.requests)
    assert 10 == record.counts["updated"]
    assert received < 40_000, [(r.path, r.bytes_out) for r in team.server.requests]
    assert before == lab.repo.run("count-objects", "-v")
    team.check(lab)


def test_partial_clone_fetches_what_it_sends(team: Team) -> None:
    """A clone without blobs syncs; contents are fetched when they are to be sent."""
    team.origin.run("config", "uploadpack.allowFilter", "true")
    lab = team.check_out("--filter=blob:none", "--no-checkout")
    lab.sync()
    assert team.expected == lab.contents


def test_partial_clone_fetches_what_it_renames_and_its_ignore_file(team: Team) -> None:
    """A clone without blobs renames a document, and knows what the ignore file excludes."""
    team.origin.run("config", "uploadpack.allowFilter", "true")
    team.check_out().sync()
    team.push({NAMES[0]: None, "moved/a.md": f"# {NAMES[0]}\n", ".vectornatorignore": "*.txt\n"})
    lab = team.check_out("--filter=blob:none", "--no-checkout")
    record = lab.sync()
    assert (1, "synced") == (record.counts["renamed"], record.status)
    team.check(lab)


def test_refused_push_is_explained_and_healed(team: Team) -> None:
    """A server that declines the notes says so; the next run needs no upload."""
    hook = team.origin.root / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(PushDenied):
        team.check_out().sync()
    hook.unlink()
    lab = team.check_out()
    lab.sync(store_id=lab.store_id)
    assert [] == lab.calls("upload_file", "update_file", "delete_file")
    team.check(lab)


def test_unreachable_remote_changes_nothing(team: Team) -> None:
    """Without the ledger nothing is changed."""
    lab = team.check_out()
    lab.repo.run("remote", "set-url", "origin", "http://127.0.0.1:1/origin.git")
    with pytest.raises(StateError):
        lab.sync()
    assert ([], {}) == (lab.calls(), lab.server.shelves)


def test_late_run_is_superseded(team: Team) -> None:
    """A depth-1 clone of an older commit that comes late changes nothing."""
    old = team.author.head
    team.check_out().sync()
    for number in range(3):
        team.push({NAMES[0]: f"# {number}\n"})
    lab = team.check_out()
    lab.sync()
    late = team.check_out(commit=old)
    assert ("superseded", []) == (late.sync().status, late.calls())
    team.check(lab)


def test_rewritten_history(team: Team) -> None:
    """After a force push and a gc, the base is gone and the result is right all the same."""
    team.push({NAMES[0]: "# doomed\n"})
    team.check_out().sync()
    team.author.run("reset", "-q", "--hard", "HEAD~1")
    team.push({NAMES[1]: "# rewritten\n"}, "--force")
    team.origin.run("reflog", "expire", "--expire=now", "--all")
    team.origin.run("gc", "-q", "--prune=now")
    lab = team.check_out()
    lab.sync()
    team.check(lab)


@pytest.mark.parametrize("order", ["same", "older-first", "newer-first"])
def test_two_runs_at_once(team: Team, order: str) -> None:
    """Whichever of two runs saves first, the store ends at the newest commit, each copy once."""
    team.check_out().sync()
    older = team.push({NAMES[0]: "# 1\n", NAMES[1]: "# 1\n", "x.md": "# x\n", NAMES[5]: None})
    newer = team.push({NAMES[0]: "# 2\n", NAMES[1]: "# docs/b.md\n", "y.md": "# y\n"})
    mine, theirs = {
        "same": (newer, newer),
        "older-first": (newer, older),
        "newer-first": (older, newer),
    }[order]
    one, other = team.check_out(commit=mine), team.check_out(commit=theirs)

    def interfere(_: object) -> None:
        one.witness.on_settled = lambda _: None
        other.sync()

    one.witness.on_settled = interfere
    one.sync(concurrency=1)
    last = team.check_out()
    last.sync()
    team.check(last)
    assert ([], "no-changes") == ((again := team.check_out()).calls(), again.sync().status)
    notes = team.origin.run("notes", "--ref=vectornator", "list").splitlines()
    assert {mine, theirs} <= {line.split()[1] for line in notes}


def test_many_runs_lose_no_note(team: Team) -> None:
    """Targets that sync at once have refs of their own, and all of them are there."""
    for target in ("one", "two", "three"):
        lab = team.check_out()
        lab.sync(target=target, store_name=target)
    refs = team.origin.run("for-each-ref", "--format=%(refname:short)", "refs/notes")
    assert ["notes/vectornator-one", "notes/vectornator-three", "notes/vectornator-two"] == (
        refs.splitlines()
    )
