"""`python -m benchmarks.summary`: print the summary that a job on GitHub gets of a real sync."""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.local import DOCUMENTS, explain_absence, find_corpus
from benchmarks.process import PROJECT
from tests.support.repositories import ENVIRON, GitRepo

COMMITS = 120
"""How many commits of the documentation the second sync covers."""


def main() -> int:
    """Sync a documentation repository twice as the action does, and print the second summary."""
    if reason := explain_absence():
        print(reason, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="summary-") as name:
        folder = Path(name).resolve()
        repo = GitRepo.clone(find_corpus(), folder / "docs", "-b", "master")
        repo.run("checkout", "-q", "--detach", f"HEAD~{COMMITS}")
        sync(repo, folder / "first.md")
        repo.run("checkout", "-q", "--detach", "master")
        sync(repo, folder / "second.md")
        print("<!-- Made by `make examples`. -->\n")
        print((folder / "second.md").read_text(encoding="utf-8"), end="")
    return 0


def sync(repo: GitRepo, summary: Path) -> None:
    """Run the action on a repository and leave its summary in a file."""
    summary.touch()
    environ = {
        **ENVIRON,
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/docs",
        "GITHUB_SERVER_URL": "https://git.example.com",
        "GITHUB_STEP_SUMMARY": str(summary),
        "INPUT_COMMAND": "sync",
        "INPUT_MAX-DELETES": "100%",
        "INPUT_PATTERNS": DOCUMENTS,
        "INPUT_PROVIDER": "local",
    }
    command = [sys.executable, str(PROJECT / "entrypoint.py")]
    subprocess.run(command, cwd=repo.root, env=environ, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
