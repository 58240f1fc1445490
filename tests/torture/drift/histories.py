"""What becomes of the repository: rewritten, cut, reverted, switched, merged, moved."""

import random
from functools import partial

from tests.torture.drift.place import BINDING, Place
from tests.torture.drift.sorts import Act, Cure, Drift

_OLDER = frozenset({"superseded"})
_MOVED = frozenset({"other-source"})


def _amend(place: Place, _: random.Random) -> None:
    place.clone.run("commit", "--amend", "--quiet", "--allow-empty", "-m", "amended")
    _force(place)


def _force(place: Place) -> None:
    place.clone.run("push", "--quiet", "--force", "origin", "HEAD:refs/heads/main")


def _rebase(place: Place, chance: random.Random) -> None:
    """The newest commits again, on an older one."""
    back = chance.randrange(1, 3)
    tree, run = place.clone.run("rev-parse", "HEAD^{tree}"), place.clone.run
    run("reset", "--quiet", "--hard", f"HEAD~{back}")
    place.clone.commit({"docs/rebased.md": "# Rebased\n"})
    run("read-tree", "-u", "--reset", tree)
    place.push({"docs/rebased.md": "# Rebased\n"})


def _rewrite_all(place: Place, chance: random.Random) -> None:
    """Every commit is made anew; now and then a document never was."""
    doomed = chance.choice(("", "docs/c.md"))
    run, parent = place.clone.run, ""
    for commit in run("rev-list", "--reverse", "--first-parent", "HEAD").split():
        run("read-tree", commit)
        if doomed:
            run("rm", "--cached", "--force", "--quiet", "--ignore-unmatch", doomed)
        words = ("-p", parent) if parent else ()
        parent = run("commit-tree", run("write-tree"), *words, "-m", "filtered")
    run("reset", "--quiet", "--hard", parent)
    run("clean", "-qfd")
    _force(place)


def _collect(place: Place, chance: random.Random) -> None:
    """History is rewritten, and what it was is gone for good."""
    chance.choice((_amend, _rebase, _rewrite_all))(place, chance)
    for repo in (place.clone, place.origin):
        repo.run("update-ref", "-d", "ORIG_HEAD")
        repo.run("update-ref", "-d", "refs/remotes/origin/main", check=False)
        repo.run("reflog", "expire", "--expire=now", "--all")
        repo.run("gc", "--quiet", "--prune=now")


def _be_shallow(place: Place, _: random.Random, *, depth: int) -> None:
    place.reclone(f"--depth={depth}", "--branch=main")


def _be_partial(place: Place, _: random.Random) -> None:
    place.origin.run("config", "uploadpack.allowFilter", "true")
    place.reclone("--filter=blob:none", "--branch=main")


def _be_fresh(place: Place, _: random.Random) -> None:
    place.reclone("--branch=main")


def _revert(place: Place, chance: random.Random) -> None:
    """The tree of an earlier commit, committed again."""
    earlier = f"HEAD~{chance.randrange(1, 3)}"
    place.clone.run("read-tree", "-u", "--reset", earlier)
    place.push({})


def _switch(place: Place, _: random.Random) -> None:
    """Another branch, which left the first one two commits ago."""
    place.clone.run("checkout", "--quiet", "-b", "side", "HEAD~2")
    place.clone.commit({"docs/side.md": "# Side\n"})
    place.clone.run("push", "--quiet", "origin", "HEAD:refs/heads/side")


def _detach(place: Place, _: random.Random) -> None:
    place.clone.run("checkout", "--quiet", "--detach")


def _merge(place: Place, chance: random.Random) -> None:
    _switch(place, chance)
    place.clone.run("merge", "--quiet", "--no-edit", "main")
    _force(place)


def _be_unrelated(place: Place, _: random.Random) -> None:
    place.clone.run("checkout", "--quiet", "--orphan", "new")
    place.push({"docs/new.md": "# New\n"})


def _be_older(place: Place, chance: random.Random) -> None:
    place.clone.run("checkout", "--quiet", "--detach", f"HEAD~{chance.randrange(1, 3)}")


def _link(place: Place, _: random.Random) -> None:
    """A symbolic link where a document was."""
    link = place.clone.root / "docs/e.md"
    link.unlink(missing_ok=True)
    link.parent.mkdir(exist_ok=True)
    link.symlink_to("../code.py")
    place.push({})


def _nest(place: Place, _: random.Random) -> None:
    """A submodule where a document was."""
    run = place.clone.run
    run("rm", "--quiet", "--ignore-unmatch", "docs/f.md")
    run("update-index", "--add", "--cacheinfo", f"160000,{place.clone.head},docs/f.md")
    run("commit", "--quiet", "-m", "submodule")
    _force(place)


def _retype(place: Place, _: random.Random) -> None:
    """A folder where a document was, and contents that are no documents."""
    place.clone.run("rm", "--quiet", "-r", "--ignore-unmatch", "docs/g.md")
    place.push({"docs/g.md/in.md": "# In\n", "docs/h.txt": "h\n"})


def _narrow(place: Place, _: random.Random) -> None:
    """Other documents are chosen, and somebody commits."""
    place.change_settings(patterns=("docs/**/*.md",))
    place.prefix = "docs/"
    place.push({"docs/narrowed.md": "# Narrowed\n"})


def _move(place: Place, _: random.Random) -> None:
    """The repository gets another address."""
    moved = place.origin.root.with_name("moved.git")
    if not moved.exists():
        moved.symlink_to("origin.git")
    url = place.url.replace("origin.git", "moved.git")
    place.clone.run("remote", "set-url", "origin", url)


def _make_plain() -> tuple[tuple[str, Act], ...]:
    depths = (1, 2, 3, 4, 5)
    return (
        ("commit amended", _amend),
        ("commits rebased", _rebase),
        ("history rewritten", _rewrite_all),
        ("base gone for good", _collect),
        *((f"clone of depth {depth}", partial(_be_shallow, depth=depth)) for depth in depths),
        ("clone without blobs", _be_partial),
        ("fresh clone", _be_fresh),
        ("commits reverted", _revert),
        ("branch switched", _switch),
        ("HEAD detached", _detach),
        ("branches merged", _merge),
        ("history unrelated", _be_unrelated),
        ("link in place of a document", _link),
        ("submodule in place of a document", _nest),
        ("folder in place of a document", _retype),
        ("patterns narrowed", _narrow),
    )


HISTORIES = (
    *(Drift(name, act, Cure.RUN) for name, act in _make_plain()),
    Drift(
        "older commit", _be_older, Cure.SETTINGS, {"allow_rollback": True}, _OLDER, is_single=True
    ),
    Drift(
        "repository moved",
        _move,
        Cure.SETTINGS,
        {"source_id": BINDING.source},
        _MOVED,
        is_single=True,
    ),
)
