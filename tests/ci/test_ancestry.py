"""An old run that finishes late, in a clone that knows too little to notice by itself."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forge import Forge, open_forge
from tests.support.repositories import ENVIRON, GitRepo
from vectornator.cli import main
from vectornator.providers import provider_registry
from vectornator.providers.memory import MemoryProvider, MemoryStore


@pytest.fixture
def forge() -> Iterator[Forge]:
    """An API that can compare commits."""
    with open_forge() as forge:
        yield forge


@pytest.mark.parametrize(("relation", "status"), [("ahead", "superseded"), ("diverged", "synced")])
def test_github_tells_what_git_can_not(
    tmp_path: Path,
    forge: Forge,
    capsys: pytest.CaptureFixture[str],
    relation: str,
    status: str,
) -> None:
    """Without a remote to ask, a shallow clone of an old commit leaves a newer store alone."""
    store = MemoryStore()
    provider_registry.register("shelf", lambda _: MemoryProvider(store), replace=True)
    github = {"GITHUB_API_URL": forge.url, "GITHUB_REPOSITORY": "acme/docs"}
    environ = {**ENVIRON, "GITHUB_ACTIONS": "true", **github}
    sync = ("sync", "--provider=shelf", "--remote=none", "--metadata-storage=file", "--json", "-C")
    origin = GitRepo.init(tmp_path / "origin")
    for number in range(4):
        origin.commit({"a.md": f"{number}\n"})
    assert main([*sync, str(origin.root), "--store-name=docs"], environ) == 0
    capsys.readouterr()
    origin.run("branch", "old", "HEAD~2")
    old = GitRepo.clone(f"file://{origin.root}", tmp_path / "old", "--depth=1", "-b", "old")
    state = Path(".vectornator") / "metadata.json"
    old.write({str(state): (origin.root / state).read_bytes()})
    forge.relation = relation
    assert main([*sync, str(old.root)], environ) == 0
    assert json.loads(capsys.readouterr().out)["status"] == status
    assert f"{old.head}...{origin.head}" in forge.requests[-1]
