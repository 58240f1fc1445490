"""What `actions/checkout` leaves behind: one commit, its credentials, another user's files."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.support.git_server import GitServer, run_git, to_basic
from tests.support.repositories import GitRepo

TOKEN = "ghs_imitation"
RUNNER = (1001, 121)
"""User and group of GitHub's hosted runners; the container is root."""

Credentials = Literal["v4", "v6", "none"]


@dataclass(frozen=True, slots=True)
class Project:
    """A repository on a server, and somebody who pushes to it."""

    server: GitServer
    repo: GitRepo
    path: str = "octo/demo"

    @classmethod
    def create(cls, folder: Path, server: GitServer) -> "Project":
        """Make the bare repository and a clone to push from, with a first push."""
        (server.root / "octo").mkdir(parents=True)
        project = cls(server, GitRepo.init(folder / "author"))
        server.create(f"{project.path}.git")
        project.push({"docs/a.md": "# A\n", "docs/b.md": "# B\n", "x.py": "1\n"})
        return project

    @property
    def bare(self) -> Path:
        """The repository as the server keeps it."""
        return self.server.root / f"{self.path}.git"

    def push(self, files: dict[str, str | bytes | None]) -> str:
        """Commit and push; None removes a file. Returns the commit's id."""
        commit = self.repo.commit(files)
        self.repo.run("push", "--quiet", str(self.bare), "HEAD:main")
        return commit

    def note(self, commit: str) -> str:
        """The note on a commit, as the server has it."""
        return run_git(self.bare, "notes", "--ref=vectornator", "show", commit)

    @property
    def state_commit(self) -> str:
        """The commit that holds the state, as the server has it."""
        return run_git(self.bare, "rev-parse", "refs/notes/vectornator")

    def has_notes(self) -> bool:
        """Whether anything was saved."""
        return bool(run_git(self.bare, "for-each-ref", "refs/notes"))

    def check_out(self, workspace: Path, temp: Path, credentials: Credentials = "v6") -> None:
        """Do what the action does by default: depth 1, and the token kept for later steps."""
        header = f"AUTHORIZATION: {to_basic('x-access-token', TOKEN)}"
        url, origin = self.server.url(self.path), f"http.{self.server.origin}/.extraheader"
        clone = ("clone", "-q", "--depth=1", "-b", "main", url, str(workspace))
        run_git(temp, "-c", f"http.extraheader={header}", *clone)
        if credentials == "v4":
            run_git(workspace, "config", origin, header)
        if credentials == "v6":
            self._keep_outside(workspace, temp, origin, header)
        give_away(workspace)

    def _keep_outside(self, workspace: Path, temp: Path, key: str, header: str) -> None:
        """Since version 6 the token stands in a file beside the workspace."""
        name = "git-credentials-6ad8b6f6.config"
        run_git(temp, "config", "-f", str(temp / name), key, header)
        for git_dir, folder in (
            (workspace / ".git", temp),
            ("/github/workspace/.git", "/github/runner_temp"),
        ):
            run_git(workspace, "config", f"includeIf.gitdir:{git_dir}.path", f"{folder}/{name}")


def give_away(folder: Path) -> None:
    """Let the files belong to the runner, where we are somebody who can."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, *RUNNER, follow_symlinks=False)
