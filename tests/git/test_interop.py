"""Git and we work on the same notes: each reads, keeps and extends what the other wrote."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

import pytest

from tests.support.git_server import GitServer, git_environ, run_git
from vectornator.git.config import load_config
from vectornator.git.notes import Change, edit_tree, list_notes, make_commit, place_note
from vectornator.git.objects import MODE_FILE, Kind, Oid, Stored, parse_commit, parse_tree
from vectornator.git.remote import PackedObject, Patience, Remote, Terms, make_object

REF = "refs/notes/vectornator"
FOREIGN = {
    ".vectornator/ledger.json": "ledger",
    ".vectornator/entries/ab.json": "entries",
    "ab.json": "looks like a fan-out",
    "ab/meta.json": "lies in one",
    "deadbeef/x": "hexadecimal",
}


@dataclass(frozen=True)
class Project:
    """A bare repository behind a server, and a clone of it with some commits."""

    server: GitServer
    clone: Path

    @property
    def bare(self) -> Path:
        """The repository that is served."""
        return self.server.root / "origin.git"

    def git(self, *arguments: str, stdin: bytes | None = None) -> str:
        """What git says in the clone."""
        return run_git(self.clone, *arguments, stdin=stdin)

    def notes(self, *arguments: str) -> str:
        """What `git notes` says in the clone."""
        return self.git("notes", "--ref=vectornator", *arguments)

    def commit(self, **files: str) -> Oid:
        """A new commit with these files, pushed."""
        for name, text in files.items():
            (self.clone / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "work")
        self.git("push", "-q", "origin", "HEAD:main")
        return self.git("rev-parse", "HEAD")

    def open(self) -> Remote:
        """The served repository."""
        environ, terms = git_environ(), Terms(patience=Patience(sleep=lambda _: None))
        url = self.server.url("origin.git")
        return Remote.open(url, load_config(None, environ), environ, terms=terms)

    def read(self, oid: bytes) -> Stored:
        """An object of the clone."""
        kind = self.git("cat-file", "-t", oid.hex())
        answer = subprocess.run(
            ["git", "cat-file", kind, oid.hex()],
            cwd=self.clone,
            env=git_environ(),
            capture_output=True,
            check=True,
        )
        return Kind[kind.upper()], answer.stdout

    def write(self, notes: dict[Oid, str | None], paths: dict[str, str]) -> int:
        """Set notes and paths in the served ref, as a sync does; returns the bytes sent."""
        with self.open() as remote:
            old = remote.list_refs(REF).get(REF)
            known = remote.fetch([old], depth=1) if old else {}
            tree = find_tree(known, old)
            blobs: list[PackedObject] = []
            changes: dict[bytes, Change] = {
                path.encode(): (MODE_FILE, keep(blobs, text)) for path, text in paths.items()
            }
            for noted, text in notes.items():
                blob = keep(blobs, text) if text is not None else None
                changes |= place_note(known.__getitem__, tree, noted, blob)
            root, trees = edit_tree(known.__getitem__, tree, changes)
            assert root is not None
            parents = [old] if old else []
            commit = make_commit(root, parents, "Sync", "Ada <ada@example.com>", 1_700_000_000)
            remote.push(REF, commit.oid.hex(), old, [*blobs, *trees, commit])
            return remote.traffic.bytes_sent

    def pull(self) -> None:
        """Bring the served notes into the clone."""
        self.git("fetch", "-q", "origin", f"+{REF}:{REF}")

    def push(self) -> None:
        """Bring the clone's notes to the server."""
        self.git("push", "-q", "origin", REF)

    def show(self) -> dict[str, str]:
        """Every path below the served ref, by git."""
        names = run_git(self.bare, "ls-tree", "-r", "--name-only", REF).splitlines()
        return {name: run_git(self.bare, "show", f"{REF}:{name}") for name in names}

    def list_ours(self) -> dict[Oid, Oid]:
        """The served notes as we see them."""
        with self.open() as remote:
            tip = remote.list_refs(REF)[REF]
            known = remote.fetch([tip], depth=1, filter_spec="blob:none")
            return list_notes(known.__getitem__, find_tree(known, tip))

    def list_gits(self) -> dict[Oid, Oid]:
        """The served notes as git sees them."""
        self.pull()
        pairs = (line.split() for line in self.notes("list").splitlines())
        return {commit: blob for blob, commit in pairs}


def keep(blobs: list[PackedObject], text: str) -> bytes:
    """Add a blob to those that are sent; returns its id."""
    blobs.append(make_object(Kind.BLOB, text.encode()))
    return blobs[-1].oid


def find_tree(known: dict[bytes, Stored], commit: Oid | None) -> bytes | None:
    """The root of a fetched commit."""
    if commit is None:
        return None
    return bytes.fromhex(parse_commit(commit, known[bytes.fromhex(commit)][1]).tree)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A served repository with two commits."""
    with GitServer(tmp_path) as server:
        server.create()
        run_git(tmp_path, "init", "-q", "-b", "main", "clone")
        made = Project(server, tmp_path / "clone")
        made.git("remote", "add", "origin", str(made.bare))
        made.commit(a="1")
        made.commit(a="2")
        yield made


def name_commit(number: int) -> Oid:
    """An id that could be a commit's."""
    return sha1(b"%d" % number, usedforsecurity=False).hexdigest()


def write_many_notes(project: Project, count: int) -> None:
    """Let git write a note on HEAD and on `count` other commits, flat or fanned out as it likes."""
    one = "commit refs/many\ncommitter A <a@b> {} +0000\ndata 1\nx\n"
    project.git("fast-import", "--quiet", stdin="".join(map(one.format, range(count))).encode())
    project.notes("add", "-f", "-m", "theirs", "HEAD")
    head = project.git("rev-parse", "HEAD")
    commits = project.git("rev-list", "refs/many").splitlines()
    pairs = "".join(f"{head} {commit}\n" for commit in commits)
    project.git("notes", "--ref=vectornator", "copy", "--stdin", stdin=pairs.encode())


def test_git_shows_the_notes_we_write(project: Project) -> None:
    """`git notes show` reads our text byte for byte, and fsck finds nothing."""
    head = project.git("rev-parse", "HEAD")
    project.write({head: '{\n  "version": 1\n}\n'}, FOREIGN)
    project.pull()
    assert project.notes("show", head) == '{\n  "version": 1\n}'
    assert run_git(project.bare, "fsck", "--strict") == ""


def test_we_list_the_notes_git_writes(project: Project) -> None:
    """Both lists agree."""
    project.notes("add", "-m", "one", "HEAD")
    project.notes("add", "-m", "two", "HEAD~1")
    project.push()
    assert len(project.list_ours()) == 2
    assert project.list_ours() == project.list_gits()


def has_fan_out(project: Project) -> bool:
    """Whether git has spread the served notes over directories."""
    names = run_git(project.bare, "ls-tree", "-d", "--name-only", REF).splitlines()
    return len(names) > 100


@pytest.mark.parametrize(("count", "is_fanned"), [(20, False), (300, True)])
def test_both_add_to_each_others_notes(project: Project, count: int, is_fanned: bool) -> None:
    """Flat or fanned out by git, no note is lost and the tree keeps its shape."""
    write_many_notes(project, count)
    project.push()
    assert has_fan_out(project) is is_fanned
    new = project.commit(a="3")
    project.write({new: "ours"}, FOREIGN)
    assert has_fan_out(project) is is_fanned
    assert len(project.list_ours()) == count + 2
    assert project.list_ours() == project.list_gits()
    assert run_git(project.bare, "fsck", "--strict") == ""


def test_what_is_not_a_note_survives_git(project: Project) -> None:
    """`add`, `copy`, `append`, `remove` and `prune` keep every foreign path."""
    head = project.git("rev-parse", "HEAD")
    project.write({head: "ours", name_commit(1): "on a commit that is gone"}, FOREIGN)
    project.pull()
    project.notes("add", "-m", "theirs", "HEAD~1")
    project.notes("append", "-m", "more", "HEAD~1")
    project.notes("copy", "-f", "HEAD", "HEAD~1")
    project.notes("remove", "HEAD")
    project.notes("prune")
    project.push()
    expected = FOREIGN | {project.git("rev-parse", "HEAD~1"): "ours"}
    assert project.show() == expected


def test_what_is_not_a_note_survives_gits_fan_out(project: Project) -> None:
    """Three hundred notes later the foreign paths are where they were."""
    project.write({project.git("rev-parse", "HEAD"): "ours"}, FOREIGN)
    project.pull()
    write_many_notes(project, 300)
    project.push()
    assert has_fan_out(project)
    assert FOREIGN.items() <= project.show().items()


def test_a_note_on_two_levels_is_written_as_one(project: Project) -> None:
    """Git joins two copies; after our write it reads ours alone."""
    head = project.git("rev-parse", "HEAD")
    project.write({}, {head: "flat", f"{head[:2]}/{head[2:]}": "fanned"})
    project.pull()
    assert set(project.notes("show", head).split()) == {"flat", "fanned"}
    project.write({head: "ours"}, {})
    project.pull()
    assert project.notes("show", head) == "ours"


def test_a_note_is_removed_for_git_too(project: Project) -> None:
    """Git sees the other note and every foreign path, and no more."""
    head, before = project.git("rev-parse", "HEAD", "HEAD~1").splitlines()
    project.write({head: "one", before: "two"}, FOREIGN)
    project.write({head: None}, {})
    assert list(project.list_gits()) == [before]
    assert project.show() == FOREIGN | {before: "two"}


def test_a_push_sends_what_changed(project: Project) -> None:
    """Among 300 notes, one more costs deltas of two trees and not the trees."""
    write_many_notes(project, 300)
    project.push()
    paths = {f".vectornator/entries/{number:02x}.json": f"{number}" for number in range(256)}
    project.write({}, paths)
    sent = project.write({project.commit(a="3"): "ours"}, {".vectornator/entries/07.json": "x"})
    assert sent < 1500
    assert run_git(project.bare, "fsck", "--strict") == ""


def test_a_path_takes_thin_packs_too(project: Project) -> None:
    """A push to a repository on this machine completes the deltas it gets."""
    write_many_notes(project, 300)
    project.push()
    environ = git_environ()
    with Remote.open(str(project.bare), load_config(None, environ), environ) as remote:
        old = remote.list_refs(REF)[REF]
        known = remote.fetch([old], depth=1)
        blob = make_object(Kind.BLOB, b"ours")
        changes = place_note(known.__getitem__, find_tree(known, old), name_commit(1), blob.oid)
        root, trees = edit_tree(known.__getitem__, find_tree(known, old), changes)
        assert root is not None
        commit = make_commit(root, [old], "Sync", "Ada <ada@example.com>", 1_700_000_000)
        remote.push(REF, commit.oid.hex(), old, [blob, *trees, commit])
    assert run_git(project.bare, "fsck", "--strict") == ""


def test_a_filtered_fetch_leaves_the_texts_behind(project: Project) -> None:
    """`blob:none` at depth 1 brings one commit and its trees, a fraction of the bytes."""
    noise = "".join(name_commit(number) for number in range(500))
    project.write({project.git("rev-parse", "HEAD"): noise}, {"a/b/c": noise[1:]})
    sizes = []
    for spec in ("", "blob:none", "tree:0"):
        with project.open() as remote:
            found = remote.fetch([remote.list_refs(REF)[REF]], depth=1, filter_spec=spec)
            sizes.append((len(found), remote.traffic.bytes_received))
    assert [count for count, _ in sizes] == [6, 4, 1]
    assert sizes[0][1] > 10 * sizes[1][1] > 10 * sizes[2][1]


def make_wide(project: Project) -> tuple[Oid, Oid]:
    """A base with 40 directories, and a head that changes one file of them."""
    for number in range(40):
        folder = project.clone / f"d{number}"
        folder.mkdir()
        (folder / "file").write_text(name_commit(number) * 50)
    base = project.commit()
    (project.clone / "d7/file").write_text("changed")
    return base, project.commit()


def test_a_shallow_clone_needs_only_the_trees_that_differ(project: Project) -> None:
    """With depth 1 on our side too, the base comes as its commit and its changed trees."""
    base, head = make_wide(project)
    shutil.rmtree(project.clone)
    run_git(project.server.root, "clone", "-q", "--depth=1", project.bare.as_uri(), "clone")
    with project.open() as remote:
        remote.list_refs("refs/heads/")
        before = remote.traffic.bytes_received
        found = remote.fetch(
            [base],
            haves=[head],
            shallow=[head],
            depth=1,
            filter_spec="blob:none",
            base=project.read,
        )
        assert remote.traffic.bytes_received - before < 1500
    tree = find_tree(found, base)
    assert tree is not None
    trees = [item.oid for item in parse_tree(found[tree][1]) if item.oid in found]
    assert len(found) == 3
    assert len(trees) == 1


def test_the_commits_of_another_branch_come_without_trees(project: Project) -> None:
    """`tree:0` without depth brings exactly the commits that HEAD does not have."""
    project.git("checkout", "-q", "-b", "side")
    for number in range(3):
        project.git("commit", "-q", "--allow-empty", "-m", f"{number}")
    project.git("push", "-q", "origin", "side")
    side = project.git("rev-parse", "HEAD")
    project.git("checkout", "-q", "main")
    head = project.commit(a="3")
    with project.open() as remote:
        found = remote.fetch([side], haves=[head], filter_spec="tree:0", base=project.read)
        merged = remote.fetch([head], haves=[head], filter_spec="tree:0", base=project.read)
    expected = project.git("rev-list", f"{head}..{side}").splitlines()
    assert sorted(oid.hex() for oid in found) == sorted(expected)
    assert merged == {}


def test_a_base_that_we_lack_is_fetched_whole(project: Project) -> None:
    """When the remote builds on an object that a partial clone lacks, it is asked for all."""
    base, head = make_wide(project)
    with project.open() as remote:
        found = remote.fetch([base], haves=[head], shallow=[head], depth=1, filter_spec="blob:none")
        assert remote.traffic.requests == 3
    assert len(found) == 42


def test_single_objects_are_fetched_by_their_id(project: Project) -> None:
    """A blob is wanted like a commit, many in one request."""
    blobs = project.git("rev-parse", "HEAD:a", "HEAD~1:a").splitlines()
    with project.open() as remote:
        found = remote.fetch(blobs)
        assert remote.traffic.requests == 2
    assert [found[bytes.fromhex(blob)] for blob in blobs] == [(3, b"2"), (3, b"1")]


def test_nothing_is_written_here(project: Project) -> None:
    """A fetch leaves the user's repository as it was."""
    before = project.git("count-objects", "-v"), project.git("for-each-ref")
    project.write({project.git("rev-parse", "HEAD"): "ours"}, FOREIGN)
    project.list_ours()
    assert (project.git("count-objects", "-v"), project.git("for-each-ref")) == before
