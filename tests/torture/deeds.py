"""What people and jobs do by mistake, and how it is put right."""

import json
import shutil
import unicodedata
from collections.abc import Iterable, Mapping

from tests.support.repositories import GitRepo
from tests.torture.site import API, BLOG, GUIDE, OURS, TOP, Site, write

DOCS = (*GUIDE, *API)
"""What is below `docs`."""

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 120\n".format("0" * 64)


def pass_by(_: Site) -> None:
    """Change nothing: the words of the command are the mistake."""


def remove(paths: Iterable[str], site: Site) -> None:
    """Commit the removal of documents."""
    site.repo.commit(dict.fromkeys(paths))


def rewrite(paths: Iterable[str], content: str | bytes, site: Site) -> None:
    """Commit another content of documents; `{}` stands for their path."""
    text = content if isinstance(content, bytes) else None
    site.repo.commit({path: text or str(content).replace("{}", path) for path in paths})


def move(old: str, new: str, site: Site) -> None:
    """Commit a rename, in two steps for systems that don't tell case apart."""
    site.repo.run("mv", old, "moving")
    (site.clone / new).parent.mkdir(parents=True, exist_ok=True)
    site.repo.run("mv", "moving", new)
    site.repo.commit()


def move_and_edit(site: Site) -> None:
    """Commit a rename of the documentation in which every file was changed too."""
    move("docs", "handbook", site)
    files = {path.replace("docs/", "handbook/"): f"# New {path}\n" for path in DOCS}
    site.repo.commit({**files})


def ignore(pattern: str, site: Site) -> None:
    """Commit an ignore file."""
    site.repo.commit({".vectornatorignore": f"{pattern}\n"})


def configure(text: str, site: Site) -> None:
    """Commit another configuration."""
    site.repo.commit({"vectornator.toml": text})


def check_out_orphan(site: Site, files: Mapping[str, str] = {}) -> None:
    """Check out a branch that shares nothing with the others."""
    site.repo.run("checkout", "--quiet", "--orphan", "site")
    site.repo.run("rm", "-rfq", ".")
    site.repo.commit({**files})


def unborn(site: Site) -> None:
    """Check out a branch that has no commit."""
    site.repo.run("checkout", "--quiet", "--orphan", "site")
    site.repo.run("rm", "-rfq", ".")


def lose_checkout(site: Site) -> None:
    """Have an empty folder where the clone should be."""
    shutil.rmtree(site.clone)
    site.clone.mkdir()


def lose_files(site: Site) -> None:
    """Have the repository, and none of its files."""
    for path in site.clone.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def make_sparse(site: Site) -> None:
    """Check out a part of the tree."""
    site.repo.run("update-index", "-q", "--refresh")
    site.repo.run("sparse-checkout", "set", "--no-cone", "blog/", "vectornator.toml")


def lose_settings(site: Site) -> None:
    """Check out a part of the tree that the settings are not in."""
    site.repo.run("update-index", "-q", "--refresh")
    site.repo.run("sparse-checkout", "set", "--no-cone", "blog/")


def make_submodule(site: Site) -> None:
    """Commit the documentation as a submodule, which this clone does not fetch."""
    site.repo.run("rm", "-rq", "docs")
    site.repo.run("update-index", "--add", "--cacheinfo", f"160000,{site.repo.head},docs")
    site.repo.run("commit", "--quiet", "-m", "submodule")


def link_documents(site: Site) -> None:
    """Commit symbolic links in place of documents."""
    for path in DOCS:
        (site.clone / path).unlink()
        (site.clone / path).symlink_to("/etc/passwd")
    site.repo.commit()


def go_back(revision: str, site: Site) -> None:
    """Check out a revision."""
    site.repo.run("checkout", "--quiet", revision)


def go_astray(site: Site) -> None:
    """Check out a branch that left the main one long ago and got a commit of its own."""
    site.repo.run("checkout", "--quiet", "-b", "stale", "v1")
    site.repo.commit({"README.md": "# Stale\n"})


def revert_all(site: Site) -> None:
    """Revert every commit, the first one too."""
    site.repo.run("rm", "-rfq", "docs", "blog", *TOP)
    site.repo.commit()


def push_other_history(site: Site, files: Mapping[str, str | None]) -> None:
    """Force-push a history of one new commit, and clone it shallowly."""
    tree = site.repo.run("rev-parse", "HEAD^{tree}")
    root = site.repo.run("commit-tree", tree, "-m", "rewritten")
    site.repo.run("reset", "--quiet", "--hard", root)
    site.repo.commit({**files})
    site.repo.run("push", "--quiet", "--force", str(site.bare), "HEAD:main")
    shutil.rmtree(site.clone)
    source = f"file://{site.bare}"
    site.repo = GitRepo.clone(source, site.clone, "--depth=1", "-b", "main")
    site.repo.run("remote", "set-url", "origin", "https://example.com/team/docs.git")


def give(site: Site, **variables: str) -> None:
    """Set variables of the job."""
    for name, value in variables.items():
        site.environ[name if name.isupper() else f"VECTORNATOR_{name.upper()}"] = value


def rename_origin(url: str, site: Site) -> None:
    """Be a clone of another remote."""
    site.repo.run("remote", "set-url", "origin", url)


def be_other_repository(site: Site) -> None:
    """Be a job of another repository, with documents of its own and the same store id."""
    site.bare = site.folder / "other.git"
    GitRepo.init(site.bare, "--bare")
    shutil.rmtree(site.clone)
    site.repo = GitRepo.init(site.clone)
    site.repo.run("remote", "add", "origin", "https://example.com/second/docs.git")
    site.repo.commit({"README.md": "# Second\n", "docs/guide/00.md": write("docs/guide/00.md")})


def be_template(site: Site) -> None:
    """Be a copy of this repository's files under another name, with the same store id."""
    site.bare = site.folder / "other.git"
    GitRepo.init(site.bare, "--bare")
    site.repo.run("update-ref", "-d", "refs/notes/vectornator")
    rename_origin("https://example.com/second/docs.git", site)


def be_fork(site: Site) -> None:
    """Be a fork that was mirrored with its notes, and synced with the same store id."""
    other = site.folder / "other.git"
    shutil.copytree(site.bare, other, symlinks=True)
    site.bare = other
    rename_origin("https://example.com/fork/docs.git", site)
    remove(GUIDE[:5], site)


def return_home(site: Site) -> None:
    """Be the job of this repository again."""
    site.bare = site.folder / "origin.git"
    site.restore()


def adopt_former(site: Site) -> None:
    """Take over what the store holds under the former name."""
    answer = site.run("adopt", "--from", OURS.source)
    assert answer.code == 0, answer.log
    assert {method for method, _ in site.changes()} == {"change_attributes"}
    given = site.run("adopt", "--from", "example.com/moved/docs", "--source-id", OURS.source)
    assert given.code == 0, given.log
    site.restore()


def replay_notes(site: Site) -> None:
    """Force-push an older state after a newer one was saved."""
    ref = "refs/notes/vectornator"
    old = GitRepo(site.bare).run("rev-parse", ref)
    site.repo.commit({"README.md": "# Newer\n"})
    assert site.run("sync").code == 0
    GitRepo(site.bare).run("update-ref", ref, old)


def lose_notes(site: Site) -> None:
    """Delete the state on the remote, and here."""
    GitRepo(site.bare).run("update-ref", "-d", "refs/notes/vectornator")
    site.repo.run("update-ref", "-d", "refs/notes/vectornator", check=False)


def leave_files(site: Site) -> None:
    """Have files in the work tree that nobody committed."""
    site.repo.write({"notes/private.md": "# Mine\n", "README.md": "# Edited\n"})


def swap_targets(site: Site) -> None:
    """Give two targets of a monorepo each other's patterns, after both were synced."""
    for name, pattern in (("guide", "docs/guide/**/*.md"), ("api", "docs/api/**/*.md")):
        done = site.run("sync", "--target", name, "--patterns", pattern)
        assert done.code == 0, done.log


def sync_small(site: Site) -> None:
    """Have a target of four documents."""
    done = site.run("sync", "--target", "small", "--directory", "blog")
    assert done.code == 0, done.log


def sync_half(site: Site) -> None:
    """Let the first job of a matrix sync the documentation to the target of both."""
    first = site.run("sync", "--directory", "docs")
    assert first.code == 0, first.log


def pose(event: str, head: int | None, site: Site, gone: Iterable[str] = GUIDE[:5]) -> None:
    """Be a job of GitHub about a pull request that removes documents."""
    remove(gone, site)
    be_job(event, head, site)


def be_job(event: str, head: int | None, site: Site) -> None:
    """Be a job of GitHub."""
    place = site.folder / "event.json"
    ends = {"head": {"repo": {"id": head}}, "base": {"repo": {"id": 1}}}
    pull = {"pull_request": {"number": 12, **ends}} if head else {}
    place.write_text(json.dumps({**pull, "repository": {"id": 1}}))
    for name in ("output", "summary"):
        (site.folder / name).write_text("")
    give(
        site,
        GITHUB_ACTIONS="true",
        GITHUB_EVENT_NAME=event,
        GITHUB_EVENT_PATH=str(place),
        GITHUB_OUTPUT=str(site.folder / "output"),
        GITHUB_STEP_SUMMARY=str(site.folder / "summary"),
        GITHUB_WORKSPACE=str(site.clone),
        comment_on_pr="never",
    )


def be_merge_request(site: Site) -> None:
    """Be a job of GitLab about a merge request that removes documents."""
    remove(GUIDE[:5], site)
    give(site, GITLAB_CI="true", CI_MERGE_REQUEST_IID="3", comment_on_pr="never")


def normalise(site: Site) -> None:
    """Commit a name in the other form that Unicode has for it, as some systems do."""
    move(BLOG[3], unicodedata.normalize("NFD", BLOG[3]), site)
