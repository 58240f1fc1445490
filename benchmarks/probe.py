"""Finds the documents that differ between a commit and a base, and prints the seconds it took."""

import sys
import time
from pathlib import Path

from vectornator.git import Repository
from vectornator.settings import Settings
from vectornator.source import CommitSource, Selection


def main(folder: str, base: str, commit: str) -> None:
    """Open the repository, compare, and print seconds and number of documents."""
    selection = Selection(Settings().patterns)
    started = time.perf_counter()
    with Repository.open(Path(folder)) as repository:
        source = CommitSource(repository, commit, selection)
        found = source.find_changes(repository.read_commit(base).tree)
    print(time.perf_counter() - started, len(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
