"""Real git repositories for tests, made and changed with the real git."""

import os
import subprocess
from pathlib import Path
from typing import Self

ENVIRON = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "KF_RULE_CACHE_DIR": str(Path.home() / ".cache" / "kingfisher" / "rule-cache"),
}
"""The environment of every git that tests run: nothing of the user's reaches it.

Only the secret scanner's compiled rules do, which take seconds to make anew in every process.
"""

_EPOCH = 1_700_000_000


class GitRepo:
    """A repository in a folder; every commit is a minute younger than the one before."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._minutes = 0

    @classmethod
    def init(cls, root: Path, *options: str) -> Self:
        """Make an empty repository."""
        root.mkdir(parents=True, exist_ok=True)
        repo = cls(root)
        repo.run("init", "--quiet", "-b", "main", *options)
        return repo

    @classmethod
    def clone(cls, source: str | Path, root: Path, *options: str) -> Self:
        """Clone a repository."""
        root.parent.mkdir(parents=True, exist_ok=True)
        run_git(root.parent, "clone", "--quiet", *options, str(source), str(root))
        return cls(root)

    def run(self, *arguments: str, stdin: bytes = b"", check: bool = True) -> str:
        """Run git in the repository and return what it prints, without the last line break."""
        return run_git(self.root, *arguments, stdin=stdin, minutes=self._minutes, check=check)

    def write(self, files: dict[str, str | bytes]) -> None:
        """Write files into the work tree."""
        for path, content in files.items():
            place = self.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: dict[str, str | bytes | None] | None = None, message: str = "x") -> str:
        """Write files (None removes one), commit everything, and return the commit's id."""
        files = files or {}
        self.write({path: content for path, content in files.items() if content is not None})
        for path in (path for path, content in files.items() if content is None):
            (self.root / path).unlink()
        self._minutes += 1
        self.run("add", "--all")
        self.run("commit", "--quiet", "--allow-empty", "-m", message)
        return self.head

    @property
    def head(self) -> str:
        """The id of the commit that is checked out."""
        return self.run("rev-parse", "HEAD")

    def fsck(self) -> str:
        """What git finds wrong with the repository; empty for nothing.

        Its graph of commits is left out: `git repack -d` forgets commits that stay in there.
        """
        graph = ("-c", "core.commitGraph=false")
        return self.run(*graph, "fsck", "--strict", "--full", "--no-dangling", "--no-progress")


def run_git(
    folder: Path, *arguments: str, stdin: bytes = b"", minutes: int = 0, check: bool = True
) -> str:
    """Run git in a folder and return what it prints, without the last line break."""
    moment = f"{_EPOCH + 60 * minutes} +0000"
    environ = {**ENVIRON, "GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
    result = subprocess.run(
        ["git", *arguments], cwd=folder, env=environ, input=stdin, capture_output=True, check=False
    )
    if check and result.returncode:
        raise AssertionError(f"git {' '.join(arguments)}: {result.stderr.decode()}")
    return (
        (result.stdout + (b"" if check else result.stderr))
        .decode(errors="surrogateescape")
        .removesuffix("\n")
    )
