"""Every kind of clone that git makes of a repository, made with the real git."""

from pathlib import Path

from tests.support.repositories import GitRepo


def make_subfolder(repo: GitRepo, _: Path) -> Path:
    """A folder inside the work tree."""
    return repo.root / "docs"


def make_bare(repo: GitRepo, folder: Path) -> Path:
    """A bare clone."""
    return GitRepo.clone(repo.root, folder / "bare.git", "--bare").root


def make_worktree(repo: GitRepo, folder: Path) -> Path:
    """A linked work tree."""
    repo.run("worktree", "add", "-q", "--detach", str(folder / "linked"))
    return folder / "linked"


def make_separate(repo: GitRepo, folder: Path) -> Path:
    """A clone whose `.git` is a file that names another folder."""
    options = (f"--separate-git-dir={folder / 'elsewhere'}",)
    return GitRepo.clone(repo.root, folder / "separate", *options).root


def make_submodule(repo: GitRepo, folder: Path) -> Path:
    """A submodule of another repository."""
    outer = GitRepo.init(folder / "outer")
    outer.run("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo.root), "inner")
    return outer.root / "inner"


def make_detached(repo: GitRepo, _: Path) -> Path:
    """The repository itself, with no branch checked out."""
    repo.run("checkout", "-q", "--detach")
    return repo.root


def make_shallow(repo: GitRepo, folder: Path) -> Path:
    """A clone with one commit only."""
    return GitRepo.clone(f"file://{repo.root}", folder / "shallow", "--depth=1").root


def make_sparse(repo: GitRepo, folder: Path) -> Path:
    """A clone with some folders only, and a sparse index."""
    clone = GitRepo.clone(repo.root, folder / "sparse", "--sparse")
    clone.run("sparse-checkout", "set", "--cone", "--sparse-index", "other")
    return clone.root


def make_patterned(repo: GitRepo, folder: Path) -> Path:
    """A clone with the files of a pattern only."""
    clone = GitRepo.clone(repo.root, folder / "patterned")
    clone.run("sparse-checkout", "set", "--no-cone", "/top.md")
    return clone.root


def make_partial(repo: GitRepo, folder: Path) -> Path:
    """A clone without blobs."""
    repo.run("config", "uploadpack.allowFilter", "true")
    options = ("--filter=blob:none", "--no-checkout")
    return GitRepo.clone(f"file://{repo.root}", folder / "partial", *options).root


def make_shared(repo: GitRepo, folder: Path) -> Path:
    """A clone that borrows all objects."""
    return GitRepo.clone(repo.root, folder / "shared", "--shared").root


def make_linked(repo: GitRepo, folder: Path) -> Path:
    """A symbolic link to the repository."""
    (folder / "link").symlink_to(repo.root)
    return folder / "link"


def make_foreign(repo: GitRepo, _: Path) -> Path:
    """The repository itself, with an extension switched on."""
    repo.run("config", "core.repositoryFormatVersion", "1")
    repo.run("config", "extensions.worktreeConfig", "true")
    return repo.root


MAKERS = (
    make_subfolder,
    make_bare,
    make_worktree,
    make_separate,
    make_submodule,
    make_detached,
    make_shallow,
    make_sparse,
    make_patterned,
    make_partial,
    make_shared,
    make_linked,
    make_foreign,
)
"""Each makes its kind of a repository, below a folder where it may, and returns the place."""
