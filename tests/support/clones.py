"""Every kind of clone of a repository; each function makes one at `new` and returns its folder."""

from pathlib import Path

from tests.support.repositories import GitRepo

_ALLOW_FILES = ("-c", "protocol.file.allow=always")


def in_folder(repo: GitRepo, _: Path) -> Path:
    """A folder inside the repository itself."""
    return repo.root / "docs"


def bare(repo: GitRepo, new: Path) -> Path:
    """A bare clone."""
    return GitRepo.clone(repo.root, new, "--bare").root


def mirror(repo: GitRepo, new: Path) -> Path:
    """A mirror: bare, with every ref."""
    return GitRepo.clone(repo.root, new, "--mirror").root


def worktree(repo: GitRepo, new: Path) -> Path:
    """A linked work tree."""
    repo.run("worktree", "add", "--quiet", "--detach", str(new))
    return new


def separate(repo: GitRepo, new: Path) -> Path:
    """A clone whose git directory lies elsewhere."""
    return GitRepo.clone(repo.root, new, f"--separate-git-dir={new}.git").root


def submodule(repo: GitRepo, new: Path) -> Path:
    """The repository as a submodule of another."""
    outer = GitRepo.init(new)
    outer.run(*_ALLOW_FILES, "submodule", "--quiet", "add", str(repo.root), "sub")
    return new / "sub"


def detached(repo: GitRepo, _: Path) -> Path:
    """The repository with a detached HEAD."""
    repo.run("checkout", "--quiet", "--detach")
    return repo.root


def shallow(repo: GitRepo, new: Path) -> Path:
    """A clone of one commit."""
    return GitRepo.clone(repo.root.as_uri(), new, "--depth=1").root


def sparse(repo: GitRepo, new: Path) -> Path:
    """A clone with a sparse index and next to nothing checked out."""
    clone = GitRepo.clone(repo.root, new)
    clone.run("sparse-checkout", "set", "--cone", "--sparse-index", "other")
    return new


def partial(repo: GitRepo, new: Path) -> Path:
    """A clone without trees and blobs, nothing checked out."""
    repo.run("config", "uploadpack.allowFilter", "true")
    return GitRepo.clone(repo.root.as_uri(), new, "--filter=tree:0", "--no-checkout").root


def packed_refs(repo: GitRepo, _: Path) -> Path:
    """The repository with all its refs packed."""
    repo.run("pack-refs", "--all")
    return repo.root


def linked(repo: GitRepo, new: Path) -> Path:
    """A symbolic link to the repository."""
    new.symlink_to(repo.root)
    return new
