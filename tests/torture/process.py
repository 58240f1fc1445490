"""The real command line in a process of its own."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.openai_server import OpenAIServer
from tests.support.repositories import ENVIRON

ROOT = Path(__file__).resolve().parents[2]

PLAIN = "vectornator"
CHILD = "tests.torture.child"
"""The module that is the command line, and the one that is killed at a step on disk."""

SECONDS = 120.0
"""How long a run may take before it counts as hanging."""

_ALWAYS = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "CI": "true"}


def name_server(openai: OpenAIServer, key: str = "") -> dict[str, str]:
    """The variables that lead a run to a server."""
    return {"OPENAI_API_KEY": key or openai.key, "OPENAI_BASE_URL": openai.url}


@dataclass(frozen=True, slots=True)
class Result:
    """What a run left behind."""

    code: int
    out: str
    err: str


class Running:
    """A run under way."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    @classmethod
    def start(cls, module: str, *words: str, folder: Path, environ: Mapping[str, str] = {}) -> Self:
        """Start a module in a folder, in an environment that has nothing but `environ` of ours."""
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            cwd=folder,
            env={**ENVIRON, **_ALWAYS, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return cls(process)

    def wait(self, seconds: float = SECONDS) -> Result:
        """Wait for its end. Raises `subprocess.TimeoutExpired` for a run that hangs."""
        with self.process as process:
            try:
                out, err = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Result(process.returncode, out, err)
