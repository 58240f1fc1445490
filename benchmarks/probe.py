"""Times one step inside a process: `changes` from a base, or `documents` of a commit.

Prints the seconds it took and the number of paths it found. Imports are not in the time.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from vectornator.git import Repository
from vectornator.selection import Selection
from vectornator.settings import Settings
from vectornator.source import CommitSource


def find_changes(repository: Repository, commit: str, base: str) -> int:
    """Find the documents that differ between two commits."""
    source = _open_source(repository, commit)
    return len(source.find_changes(repository.read_commit(base).tree))


def list_documents(repository: Repository, commit: str) -> int:
    """List every document of a commit."""
    return len(list(_open_source(repository, commit).list_documents()))


def _open_source(repository: Repository, commit: str) -> CommitSource:
    settings = Settings()
    return CommitSource(repository, commit, Selection(settings.patterns, settings.exclude))


STEPS: dict[str, Callable[..., int]] = {"changes": find_changes, "documents": list_documents}


def main(step: str, folder: str, *commits: str) -> None:
    """Open the repository in `folder`, do the step, and print what it took."""
    started = time.perf_counter()
    with Repository.open(Path(folder)) as repository:
        found = STEPS[step](repository, *commits)
    print(time.perf_counter() - started, found)


if __name__ == "__main__":
    main(*sys.argv[1:])
