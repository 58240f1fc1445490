"""Runs a step as GitHub's runner does: the same mounts, variables and files.

After `ContainerActionHandler` of actions/runner. The only addition is the host's network, on which
the imitations of OpenAI and of a git server are reached.
"""

import json
import os
import re
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.image.checkout import TOKEN, give_away
from tests.support.repositories import run_git
from tests.support.runner import Command, find_commands, read_outputs

ACTION = Path(__file__).parents[2] / "action.yml"

_FILES = {
    "GITHUB_OUTPUT": "set_output",
    "GITHUB_ENV": "set_env",
    "GITHUB_PATH": "add_path",
    "GITHUB_STATE": "save_state",
    "GITHUB_STEP_SUMMARY": "step_summary",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What a step left behind."""

    exit_code: int
    log: str
    outputs: dict[str, str]
    environment: dict[str, str]
    summary: str
    commands: list[Command]


@dataclass
class Runner:
    """One job on a runner: a workspace and a folder for temporary files."""

    image: str
    folder: Path
    server_url: str
    event_name: str = "push"
    event: Mapping[str, Any] | None = field(default_factory=dict)
    """The payload; None for a job whose event file is missing."""

    variables: dict[str, str] = field(default_factory=dict)
    """What the workflow sets with `env:`."""

    network: str = "host"

    def __post_init__(self) -> None:
        self.container = f"vectornator_{uuid.uuid4().hex}"
        for folder in (self.temp, self.home, self.flow):
            folder.mkdir(parents=True)

    @property
    def workspace(self) -> Path:
        """The folder that the repository is checked out into."""
        return self.folder / "workspace"

    @property
    def temp(self) -> Path:
        """`$RUNNER_TEMP`."""
        return self.folder / "temp"

    @property
    def home(self) -> Path:
        """The home that container actions of a job share."""
        return self.temp / "_github_home"

    @property
    def flow(self) -> Path:
        """Where the event file is."""
        return self.temp / "_github_workflow"

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """`action.yml`."""
        loaded: dict[str, Any] = yaml.safe_load(ACTION.read_text())
        return loaded

    def run(self, inputs: Mapping[str, str]) -> Step:
        """Run the action with the inputs of a workflow."""
        commands = self.temp / f"_runner_file_commands_{uuid.uuid4().hex}"
        commands.mkdir()
        for name in _FILES.values():
            (commands / name).touch()
        if self.event is not None:
            (self.flow / "event.json").write_text(json.dumps(self.event))
        give_away(self.temp)
        given = self._name_inputs(inputs) | self._describe_job() | self.variables
        done = subprocess.run(
            self._compose(given, commands),
            env={**os.environ, **given},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        log = done.stdout.decode(errors="replace")
        written = {name: (commands / file).read_text() for name, file in _FILES.items()}
        return Step(
            done.returncode,
            log,
            read_outputs(written["GITHUB_OUTPUT"]),
            read_outputs(written["GITHUB_ENV"]),
            written["GITHUB_STEP_SUMMARY"],
            find_commands(log),
        )

    def cancel(self) -> None:
        """Do what the runner does first when somebody cancels the job."""
        subprocess.run(["docker", "kill", "--signal", "INT", self.container], check=True)

    def _compose(self, given: Mapping[str, str], commands: Path) -> list[str]:
        """The command line; values travel in the environment and never on it."""
        mounts = {
            self.temp: "/github/runner_temp",
            self.home: "/github/home",
            self.flow: "/github/workflow",
            commands: "/github/file_commands",
            self.workspace: "/github/workspace",
        }
        return [
            *("docker", "run", "--name", self.container, "--workdir", "/github/workspace", "--rm"),
            *("--network", self.network),
            *(word for name in given for word in ("-e", name)),
            *("-e", "GITHUB_ACTIONS=true", "-e", "CI=true"),
            *(word for here, there in mounts.items() for word in ("-v", f"{here}:{there}")),
            self.image,
        ]

    def _name_inputs(self, inputs: Mapping[str, str]) -> dict[str, str]:
        """The variable of every input: hyphens stay, and unset ones are empty."""
        declared = self.metadata["inputs"]
        assert set(inputs) <= set(declared), "the runner warns of undeclared inputs"
        values = {name: str(one.get("default", "")) for name, one in declared.items()}
        filled = {name: _evaluate(value) for name, value in values.items()} | dict(inputs)
        return {f"INPUT_{name.replace(' ', '_').upper()}": text for name, text in filled.items()}

    def _describe_job(self) -> dict[str, str]:
        """The variables that the runner sets for every step."""
        head = run_git(self.workspace, "-c", "safe.directory=*", "rev-parse", "HEAD")
        return {
            "HOME": "/github/home",
            "GITHUB_WORKSPACE": "/github/workspace",
            "GITHUB_EVENT_PATH": "/github/workflow/event.json",
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_REPOSITORY": "octo/demo",
            "GITHUB_REPOSITORY_OWNER": "octo",
            "GITHUB_SHA": head,
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REF_NAME": "main",
            "GITHUB_REF_TYPE": "branch",
            "GITHUB_BASE_REF": "",
            "GITHUB_HEAD_REF": "",
            "GITHUB_RUN_ID": "1",
            "GITHUB_RUN_NUMBER": "1",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_WORKFLOW": "docs",
            "GITHUB_JOB": "sync",
            "GITHUB_ACTION": "__self",
            "GITHUB_ACTOR": "octo",
            "GITHUB_SERVER_URL": self.server_url,
            "GITHUB_API_URL": f"{self.server_url}/api/v3",
            "GITHUB_GRAPHQL_URL": f"{self.server_url}/api/graphql",
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            "RUNNER_TEMP": "/github/runner_temp",
            **{name: f"/github/file_commands/{file}" for name, file in _FILES.items()},
        }


def _evaluate(text: str) -> str:
    """Fill in the only expression that `action.yml` uses."""
    filled = re.sub(r"\$\{\{ github\.token \}\}", TOKEN, text)
    assert "${{" not in filled
    return filled
