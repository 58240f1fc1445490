"""What the image is, and how it starts."""

import re
import subprocess
from pathlib import Path

import pytest

import vectornator
from benchmarks.plants import KINDS, Mint
from tests.image.checkout import RUNNER
from tests.image.conftest import Desk

DOCKERFILE = Path(__file__).parents[2] / "Dockerfile"

LARGEST = 140_000_000
"""In bytes above the base: what a runner fetches on top of an image that it has.

The secret scanner is a third of it: 36 MB of code, 8 MB of the licences of what it is made of, and
2 MB of compiled rules.
"""

CENSUS = """
import sys, os, openai, vectornator.cli.commands
from openai.resources import files, vector_stores
files = (getattr(module, "__cached__", None) for module in sys.modules.values())
print(*(file for file in files if file and not os.path.exists(file)))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run docker to its end."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)


def inspect(image: str, template: str) -> str:
    """What docker says of an image."""
    return run("image", "inspect", "--format", template, image).stdout.strip()


def test_version_is_told(image: str) -> None:
    """The entry point is vectornator, and the label says the same."""
    said = run("run", "--rm", image, "--version").stdout.strip()
    assert f"vectornator {vectornator.__version__}" == said
    label = '{{index .Config.Labels "org.opencontainers.image.version"}}'
    assert vectornator.__version__ == inspect(image, label)


@pytest.mark.parametrize("shell", ["sh", "bash", "/bin/sh"])
def test_shell_is_started(image: str, shell: str) -> None:
    """GitLab's way to start a job: the script is run, and its exit code is the container's."""
    done = run("run", "--rm", image, shell, "-c", "vectornator --version; exit 3")
    assert (3, f"vectornator {vectornator.__version__}\n") == (done.returncode, done.stdout)


def test_unknown_command_fails(image: str) -> None:
    """What is neither a command nor a shell is not passed over."""
    assert 2 == run("run", "--rm", image, "busybox").returncode


def test_image_is_small(image: str) -> None:
    """What stands above the base stays small."""
    base = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert base
    below = inspect(base[1], "{{.Size}}")
    if not below:
        pytest.skip(f"{base[1]} is not on this machine")
    assert int(inspect(image, "{{.Size}}")) - int(below) <= LARGEST


def test_everything_imported_is_compiled(image: str) -> None:
    """No run compiles what it imports, of the standard library or of anything else."""
    done = run("run", "--rm", "--entrypoint", "python", image, "-IBc", CENSUS)
    assert (0, "\n", "") == (done.returncode, done.stdout, done.stderr)


def test_runs_as_anybody_on_a_read_only_root(desk: Desk) -> None:
    """A plain `docker run` writes nowhere but into the repository, as whoever it is told to be."""
    runner = desk.start_job()
    user, group = RUNNER
    options = ("--user", f"{user}:{group}", "--read-only", "-v", f"{runner.workspace}:/w")
    command = ("plan", "--remote", "none", "--provider", "openai")
    done = run("run", "--rm", "--network", "none", *options, "-w", "/w", desk.image, *command)
    assert 0 == done.returncode, done.stderr
    assert "2 to upload" in done.stdout


LOCKED_DOWN = ("--rm", "--network", "none", "--user", "12345", "--read-only")


def test_rules_are_compiled_already(image: str) -> None:
    """The secret scanner finds its rules compiled, whoever the user is, with no place to write."""
    program = "from vectornator.scanner import load_rules; print(load_rules().cache_status)"
    done = run("run", *LOCKED_DOWN, "--entrypoint", "python", image, "-Ic", program)
    assert (0, "loaded\n") == (done.returncode, done.stdout), done.stderr


def test_secret_is_blocked_anywhere(desk: Desk) -> None:
    """Without a network, a place to write or a name, a secret stops a run and is not told."""
    token = KINDS["GITHUB_TOKEN"](Mint(1))
    desk.project.push({"docs/deploy.md": f"# Deploy\n\nThe token is {token}.\n"})
    runner = desk.start_job()
    command = ("plan", "--remote", "none", "--provider", "openai", "-C", "/w")
    done = run("run", *LOCKED_DOWN, "-v", f"{runner.workspace}:/w:ro", desk.image, *command)
    assert 3 == done.returncode, done.stderr
    assert "docs/deploy.md:3 (github-pat)" in done.stderr
    assert token not in done.stdout + done.stderr


def test_home_keeps_no_rules(desk: Desk) -> None:
    """Compiled rules are not kept in the home, where another step could put its own."""
    runner = desk.start_job()
    assert 0 == desk.sync(runner).exit_code
    assert not list(runner.home.rglob("*.vscdb"))


def test_repository_can_not_replace_modules(desk: Desk) -> None:
    """Modules in the workspace, or in the home that steps share, are never imported."""
    desk.project.push(
        {"openai.py": "raise SystemExit(66)\n", "vectornator/__init__.py": "raise SystemExit(66)\n"}
    )
    runner = desk.start_job()
    site = runner.home / ".local/lib/python3.13/site-packages"
    site.mkdir(parents=True)
    (site / "usercustomize.py").write_text("raise SystemExit(66)\n")
    (site / "trap.pth").write_text("import os; os._exit(66)\n")
    runner.variables["PYTHONPATH"] = "/github/workspace"
    assert 0 == desk.sync(runner).exit_code


def test_inputs_may_have_underscores(desk: Desk) -> None:
    """A shell in between drops names with hyphens; the other spelling is read as well."""
    runner = desk.start_job()
    runner.variables["INPUT_DRY_RUN"] = "true"
    assert "planned" == desk.sync(runner).outputs["status"]
