"""What people and jobs do by mistake, each with what must come of it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from tests.torture.deeds import (
    DOCS,
    LFS,
    adopt_former,
    be_fork,
    be_job,
    be_merge_request,
    be_other_repository,
    be_template,
    check_out_orphan,
    configure,
    give,
    go_astray,
    go_back,
    ignore,
    leave_files,
    link_documents,
    lose_checkout,
    lose_files,
    lose_notes,
    lose_settings,
    make_sparse,
    make_submodule,
    move,
    move_and_edit,
    normalise,
    pass_by,
    pose,
    push_other_history,
    remove,
    rename_origin,
    replay_notes,
    return_home,
    revert_all,
    rewrite,
    swap_targets,
    sync_half,
    sync_small,
    unborn,
)
from tests.torture.site import BLOG, DOCUMENTS, EMPTY, GUIDE, OURS, THEIRS, TOP, Site

Act: TypeAlias = Callable[[Site], object]


@dataclass(frozen=True, slots=True)
class Mishap:
    """A mistake, and what must come of it."""

    name: str
    strike: Act = pass_by
    words: tuple[str, ...] = ("sync",)
    code: int = 0
    reason: str = ""
    """The reason for the failure; empty for a run that is carried out."""

    says: tuple[str, ...] = ()
    """What the message must hold: the numbers, and the way past it."""

    status: str = ""
    goes: frozenset[str] = frozenset()
    """The paths that may go, and must."""

    resent: frozenset[str] = frozenset()
    """The paths whose copies may be others in the end: what was changed, or went."""

    renews: bool = False
    """Whether every copy may be another in the end."""

    heal: Act = Site.restore
    """Puts things right."""

    @property
    def changes_nothing(self) -> bool:
        """Whether neither store nor state may change."""
        return bool(self.reason) or self.status in {"planned", "superseded", "no-changes"}

    @property
    def outcome(self) -> str:
        """What comes of it, in words that many share."""
        return f"refused: {self.reason}" if self.reason else f"done: {self.status or 'synced'}"


def refuse(name: str, reason: str, strike: Act = pass_by, **more: object) -> Mishap:
    """A mistake that a brake stops."""
    codes = {"config": 2, "source": 2, "store-not-found": 4}
    return Mishap(name, strike, reason=reason, code=codes.get(reason, 3), **more)  # type: ignore[arg-type]


def empty(name: str, strike: Act = pass_by, *words: str) -> Mishap:
    """A mistake after which no document would be left."""
    says = ("all 40", "--allow-empty")
    return refuse(name, "empty-source", strike, words=("sync", *words), says=says)


def exceed(
    name: str, number: int, strike: Act = pass_by, *words: str, known: int = 40, **more: object
) -> Mishap:
    """A mistake by which so many documents would go, and that is too many."""
    says = (f"{number} of {known} documents", f"--max-deletes={number}")
    given = {"words": ("sync", *words), "says": says, **more}
    return refuse(name, "delete-limit", strike, **given)


def let_go(name: str, paths: Collection[str], *words: str, strike: Act | None = None) -> Mishap:
    """What is within the limits, and is done."""
    gone = frozenset(paths)
    strike = strike or partial(remove, paths)
    return Mishap(name, strike, ("sync", *words), goes=gone, resent=gone, heal=Site.undo)


def only_plan(name: str, strike: Act, *words: str) -> Mishap:
    """What is only planned, whatever it would do."""
    return Mishap(name, strike, words or ("sync",), status="planned")


_SMALL = ("--target", "small", "--directory", "docs/api")
_EMPTIED = ("--target", "small", "--directory", "src", "--allow-empty")
_REMOVED = partial(remove, GUIDE[:11])

MISHAPS: tuple[Mishap, ...] = (
    # Selections.
    empty("a pattern with a typo", pass_by, "--patterns", "**/*.mdd"),
    empty("a pattern of a folder with a typo", pass_by, "--patterns", "doc/**/*.md"),
    empty("a pattern that only takes out", pass_by, "--patterns", "!drafts/"),
    empty("everything excluded", pass_by, "--exclude", "*"),
    empty("a folder without documents", pass_by, "--directory", "src"),
    empty("an ignore file of one star", partial(ignore, "*")),
    exceed("an ignore file of the wrong folder", 34, partial(ignore, "docs/")),
    exceed("the folder of another place", 36, pass_by, "--directory", "blog"),
    exceed("the wrong folder excluded", 34, pass_by, "--exclude", "docs"),
    exceed("a pattern without its stars", 38, pass_by, "--patterns", "/*.md"),
    refuse("a folder that is not there", "source", words=("sync", "--directory", "doc")),
    refuse("a renamed folder in the settings", "source", partial(configure, 'directory = "Doc"\n')),
    refuse("settings that are broken", "config", partial(configure, "patterns = [\n")),
    refuse("settings with a typo", "config", partial(configure, 'pattern = "*.md"\n')),
    Mishap(
        "the settings are deleted",
        lambda site: site.repo.commit({"vectornator.toml": None}),
        heal=Site.undo,
    ),
    exceed("the settings name another folder", 36, partial(configure, 'directory = "blog"\n')),
    # Checkouts.
    exceed(
        "a branch of another kind is checked out",
        39,
        partial(check_out_orphan, files={"README.md": "# Site\n", "index.md": "# I\n"}),
    ),
    empty("a branch without files is checked out", check_out_orphan),
    refuse("a branch without a commit is checked out", "source", unborn),
    refuse("the checkout failed, and the folder is empty", "source", lose_checkout),
    refuse(
        "the folder is not there", "source", lambda site: give(site, repository="/nonexistent/x")
    ),
    refuse(
        "the files are missing beside the repository",
        "source",
        lose_files,
        says=("vectornator.toml", "--config"),
    ),
    refuse("a sparse checkout without the settings", "source", lose_settings),
    empty("the work tree is empty", lose_files, "--source", "worktree"),
    Mishap("a sparse checkout", make_sparse, status="no-changes"),
    exceed("a sparse work tree", 36, make_sparse, "--source", "worktree"),
    exceed("a submodule that is not fetched", 34, make_submodule),
    exceed("pointers to LFS in place of content", 34, partial(rewrite, DOCS, LFS + "{}")),
    exceed("encrypted content", 34, partial(rewrite, DOCS, b"\0GITCRYPT\0\x01\x02")),
    exceed("emptied files", 34, partial(rewrite, DOCS, "\n")),
    exceed("links in place of files", 34, link_documents),
    Mishap(
        "a work tree with files nobody committed",
        leave_files,
        ("sync", "--source", "worktree"),
        resent=frozenset({"README.md"}),
    ),
    # Histories.
    exceed("a branch with few documents", 34, partial(remove, DOCS)),
    empty("a revert of everything", revert_all),
    Mishap("an older commit", partial(go_back, "HEAD~1"), status="superseded"),
    Mishap("the build of a tag", partial(go_back, "v1"), status="superseded"),
    exceed("going back to what had less", 12, partial(go_back, "v1"), "--allow-rollback"),
    exceed("a scheduled run on a stale branch", 12, go_astray),
    exceed(
        "a shallow clone after a force-push of less",
        34,
        partial(push_other_history, files=dict.fromkeys(DOCS)),
    ),
    Mishap(
        "a shallow clone after a force-push",
        partial(push_other_history, files={"README.md": "# New\n"}),
        resent=frozenset({"README.md"}),
    ),
    Mishap(
        "a mass rename",
        partial(move, "docs", "handbook"),
        goes=frozenset(DOCS),
        heal=Site.undo,
    ),
    exceed("a mass rename with edits", 34, move_and_edit),
    Mishap(
        "a rename of case alone",
        partial(move, "README.md", "readme.md"),
        goes=frozenset({"README.md"}),
        heal=Site.undo,
    ),
    Mishap(
        "a folder renamed in case alone",
        partial(move, "docs", "Docs"),
        goes=frozenset(DOCS),
        heal=Site.undo,
    ),
    Mishap(
        "a name in the other form of Unicode", normalise, goes=frozenset(BLOG[3:]), heal=Site.undo
    ),
    Mishap(
        "new line endings everywhere",
        partial(rewrite, sorted(DOCUMENTS), "# {}\r\n"),
        renews=True,
        heal=Site.undo,
    ),
    # Limits.
    let_go("as many deletes as a percentage allows", GUIDE[:10]),
    exceed("one delete more than a percentage allows", 11, _REMOVED),
    let_go("as many deletes as a number allows", GUIDE[:5], "--max-deletes", "5"),
    exceed(
        "one delete more than a number allows",
        6,
        partial(remove, GUIDE[:6]),
        "--max-deletes",
        "5",
    ),
    exceed("a delete where none is allowed", 1, partial(remove, TOP[:1]), "--max-deletes", "0"),
    exceed("a delete at no percent", 1, partial(remove, TOP[:1]), "--max-deletes", "0%"),
    let_go("half of the documents at 50 %", GUIDE[:20], "--max-deletes", "50%"),
    exceed("one more than half at 50 %", 21, partial(remove, GUIDE[:21]), "--max-deletes", "50%"),
    let_go("all but one, as the message says", sorted(DOCUMENTS)[1:], "--max-deletes=39"),
    Mishap(
        "as many documents as may be sent",
        partial(rewrite, GUIDE[:5], "# New {}\n"),
        ("sync", "--max-files", "5"),
        resent=frozenset(GUIDE[:5]),
        heal=Site.undo,
    ),
    refuse(
        "one document more than may be sent",
        "file-limit",
        partial(rewrite, GUIDE[:6], "# New {}\n"),
        words=("sync", "--max-files", "5"),
        says=("6 documents", "--max-files=6"),
    ),
    Mishap(
        "as many bytes as may be sent",
        partial(rewrite, GUIDE[:4], "x" * 250),
        ("sync", "--max-bytes", "1000"),
        resent=frozenset(GUIDE[:4]),
        heal=Site.undo,
    ),
    refuse(
        "one byte more than may be sent",
        "byte-limit",
        partial(rewrite, GUIDE[:7], "x" * 143),
        words=("sync", "--max-bytes", "1000"),
        says=("1001 bytes", "--max-bytes=1001"),
    ),
    let_go(
        "a file that grew beyond the limit",
        GUIDE[:1],
        strike=partial(rewrite, GUIDE[:1], "x" * 10_000_001),
    ),
    empty("a limit on sizes in the wrong unit", pass_by, "--max-file-size", "10"),
    exceed(
        "files that grew beyond the limit",
        11,
        partial(rewrite, GUIDE[:11], "x" * 2001),
        "--max-file-size",
        "2kB",
    ),
    # Permissions that are given too freely.
    exceed("a wrong folder with allow-empty", 40, pass_by, "--directory", "src", "--allow-empty"),
    exceed("a typo with allow-empty", 40, pass_by, "--patterns", "*.mdd", "--allow-empty"),
    empty("a typo with max-deletes", pass_by, "--patterns", "*.mdd", "--max-deletes", "100%"),
    let_go(
        "all of it, and it is meant",
        sorted(DOCUMENTS),
        *("--patterns", "*.mdd", "--max-deletes", "100%", "--allow-empty"),
        strike=pass_by,
    ),
    only_plan("force with dry-run", pass_by, "sync", "--force", "--dry-run"),
    Mishap("force", words=("sync", "--force"), renews=True),
    exceed("force with fewer documents", 34, partial(remove, DOCS), "--force"),
    exceed("refresh with fewer documents", 34, partial(remove, DOCS), "--refresh", "always"),
    refuse(
        "a repair of the wrong folder",
        "delete-limit",
        words=("repair", "--directory", "blog"),
        says=("36 of 40", "--max-deletes=36"),
    ),
    # Pull requests, and what runs for them.
    only_plan("a pull request with secrets", partial(pose, "pull_request", 1)),
    only_plan("a pull request of a fork", partial(pose, "pull_request", 2)),
    only_plan("pull_request_target", partial(pose, "pull_request_target", 2)),
    only_plan("a merge queue", partial(pose, "merge_group", None)),
    only_plan("a merge request on GitLab", be_merge_request),
    Mishap(
        "a repair for a pull request",
        partial(pose, "pull_request", 1),
        ("repair",),
        status="no-changes",
    ),
    exceed("a small target with the wrong folder", 4, sync_small, *_SMALL, known=4),
    exceed("a small target, emptied on purpose", 4, sync_small, *_EMPTIED, known=4),
    refuse(
        "pull_request_target that is allowed",
        "pull-request",
        partial(pose, "pull_request_target", 1),
        words=("sync", "--allow-pull-request"),
    ),
    refuse(
        "a fork that is allowed",
        "pull-request",
        partial(pose, "pull_request", 2),
        words=("sync", "--allow-pull-request"),
    ),
    refuse(
        "adopting for a pull request",
        "pull-request",
        partial(be_job, "pull_request", 1),
        words=("adopt", "--from", "example.com/other/docs"),
    ),
    exceed(
        "a pull request that is allowed",
        16,
        partial(pose, "pull_request", 1, gone=GUIDE[8:]),
        "--allow-pull-request",
    ),
    exceed(
        "a plan of a pull request that removes too much",
        16,
        partial(pose, "pull_request", 1, gone=GUIDE[8:]),
    ),
    # Stores, states and names.
    Mishap("two repositories with one store", be_other_repository, heal=return_home),
    Mishap("a copy of a template with its store", be_template, heal=return_home),
    refuse(
        "a fork with the notes and the store",
        "other-source",
        be_fork,
        says=(OURS.source, "vectornator adopt", "--source-id", "--target"),
        heal=return_home,
    ),
    Mishap("the store of another team", partial(give, store_id=THEIRS)),
    refuse("a store that is not there", "store-not-found", partial(give, store_id="nonexistent")),
    Mishap("an empty store", partial(give, store_id=EMPTY)),
    refuse(
        "another provider with the ledger",
        "config",
        partial(give, provider="local", store_id=""),
        says=("--target local",),
    ),
    refuse(
        "a renamed repository",
        "other-source",
        partial(rename_origin, "https://example.com/moved/docs.git"),
        says=("vectornator adopt --from example.com/team/docs",),
    ),
    refuse(
        "a renamed repository that adopts, and is named back",
        "other-source",
        partial(rename_origin, "https://example.com/moved/docs.git"),
        heal=adopt_former,
    ),
    Mishap("a renamed target", words=("sync", "--target", "public")),
    exceed(
        "two targets with swapped patterns",
        24,
        swap_targets,
        *("--target", "guide", "--patterns", "docs/api/**/*.md"),
        known=24,
    ),
    exceed(
        "two targets with swapped patterns, the other one",
        10,
        swap_targets,
        *("--target", "api", "--patterns", "docs/guide/**/*.md"),
        known=10,
    ),
    exceed(
        "two jobs of a matrix with one target",
        34,
        sync_half,
        *("--directory", "blog"),
        known=34,
        resent=frozenset({*BLOG, *TOP}),
    ),
    Mishap("a state that was rolled back", replay_notes, resent=frozenset({"README.md"})),
    Mishap("a state that was deleted", lose_notes),
)
