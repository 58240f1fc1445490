"""The page on writing a provider is true: what it says to do is done here."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from vectornator.providers import ENTRY_POINTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "providers.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The page's blocks of code in one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def run(command: list[str], folder: Path) -> str:
    """Run a command in `folder` as a reader would, and return what it prints."""
    python = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{python}:{os.environ['PATH']}", "PYTHONPATH": f"{ROOT}:."}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder where step 1 was done."""
    run(["sh", "-c", blocks("sh")[0]], tmp_path)
    return tmp_path


def test_the_suite_passes(folder: Path) -> None:
    """The copied provider passes the suite, run as the page says."""
    (folder / "test_acme.py").write_text(blocks("python")[0])
    assert " passed" in run(["sh", "-c", blocks("sh")[1]], folder)


def test_the_entry_point_leads_to_the_provider(folder: Path) -> None:
    """The lines for `pyproject.toml` name the group we read and a class that is there."""
    [(name, spec)] = tomllib.loads(blocks("toml")[0])["project"]["entry-points"][
        ENTRY_POINTS
    ].items()
    module, attribute = spec.split(":")
    code = f"import {module}; print({module}.{attribute}.name)"
    assert run([sys.executable, "-c", code], folder) == f"{name}\n"


def test_a_program_registers_the_provider(folder: Path) -> None:
    """The program on the page opens the provider by its name."""
    printed = run([sys.executable, "-c", blocks("python")[1]], folder)
    assert re.fullmatch(r"acme [0-9a-f]{32}\n", printed)
