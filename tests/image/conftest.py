"""The image, the servers beside it, and a job that uses it."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.image.checkout import TOKEN, Credentials, Project
from tests.image.runner import Runner, Step
from tests.openai_server import Clock, OpenAIServer
from tests.support.git_server import GitServer, to_basic


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the image, and skip it where there is none."""
    missing = "" if os.environ.get("VECTORNATOR_IMAGE") else "VECTORNATOR_IMAGE names no image"
    for item in items:
        if "image" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.image)
            if missing:
                item.add_marker(pytest.mark.skip(reason=missing))


@pytest.fixture(scope="session")
def image() -> str:
    """The image that `VECTORNATOR_IMAGE` names; it must be there."""
    name = os.environ["VECTORNATOR_IMAGE"]
    subprocess.run(["docker", "image", "inspect", name], check=True, capture_output=True)
    return name


@dataclass
class Desk:
    """A project, OpenAI, and jobs that sync the one with the other."""

    folder: Path
    image: str
    project: Project
    openai: OpenAIServer
    jobs: int = 0

    def start_job(self, credentials: Credentials = "v6") -> Runner:
        """Check the newest commit out on a fresh runner."""
        self.jobs += 1
        runner = Runner(self.image, self.folder / f"job{self.jobs}", self.project.server.origin)
        runner.variables = {"OPENAI_API_KEY": self.openai.key}
        self.project.check_out(runner.workspace, runner.temp, credentials)
        return runner

    def sync(self, runner: Runner | None = None, /, **inputs: str) -> Step:
        """Run the action in a job of its own, unless one is given."""
        given = {"store-name": "docs", "base-url": self.openai.url}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        return (runner or self.start_job()).run(given)

    def fill(self) -> None:
        """Sync once, and forget which requests that took."""
        assert self.sync().exit_code == 0
        self.openai.ledger.clear()

    @property
    def stored(self) -> dict[str, bytes]:
        """What the stores hold by path."""
        return {
            str((one.attributes or {})["path"]): one.file.content
            for store in self.openai.state.stores.values()
            for one in store.attachments.values()
        }


@pytest.fixture
def desk(tmp_path: Path, image: str) -> Iterator[Desk]:
    """A project with two documents; the servers stop with the test."""
    root = tmp_path / "served"
    root.mkdir()
    authorization = to_basic("x-access-token", TOKEN)
    with (
        GitServer(root, authorization=authorization) as server,
        OpenAIServer(clock=Clock(scale=20)) as openai,
    ):
        openai.change_rules(indexing_seconds=0)
        yield Desk(tmp_path, image, Project.create(tmp_path, server), openai)
