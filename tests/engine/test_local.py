"""Runs on the embedded store, which replaces a copy in place."""

from pathlib import Path

from tests.machine.inmemory import LocalLab
from tests.support.repositories import GitRepo


def test_update_leaves_embedded_store_clean(tmp_path: Path) -> None:
    """After an update, the next run believes the ledger and lists nothing."""
    repo = GitRepo.init(tmp_path)
    repo.commit({"a.md": "# A\n", "b.md": "# B\n"})
    lab = LocalLab(repo)
    lab.sync()
    repo.commit({"a.md": "# new\n"})
    assert 1 == lab.sync().counts["updated"]
    lab.sync()
    assert [] == lab.calls("list_files", "write_mark")
