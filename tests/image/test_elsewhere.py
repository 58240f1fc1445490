"""The image in other runners: a workflow under act, a pipeline under gitlab-ci-local."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.image.runner import ACTION
from tests.support.repositories import GitRepo

ROOT = ACTION.parent
BASE = "python:3.13-slim-bookworm"
"""Stands in for the machine that a job runs on; the base of the image is there already."""


def copy_project(folder: Path, image: str) -> GitRepo:
    """A repository of what is committed here, whose action is an image that was built before."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    metadata = (folder / "action.yml").read_text()
    built = metadata.replace("image: Dockerfile", f"image: docker://{image}")
    (folder / "action.yml").write_text(built)
    repo = GitRepo.init(folder)
    repo.commit()
    return repo


def find_socket() -> str:
    """Where the engine listens."""
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


def test_workflow_runs_under_act(tmp_path: Path, image: str) -> None:
    """Our own workflow uses the action of its checkout, and finds in its outputs what is true."""
    act = Path(sys.executable).with_name("act")
    if not act.exists():
        pytest.skip("act is not installed")
    repo = copy_project(tmp_path / "repo", image)
    done = subprocess.run(
        [
            *(str(act), "push", "--pull=false", "-P", f"ubuntu-latest={BASE}"),
            *("--container-daemon-socket", find_socket(), "-W", ".github/workflows/action.yml"),
        ],
        cwd=repo.root,
        env={**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout
    assert re.search(r"set-output:: status=planned", done.stdout), done.stdout
    assert "Job succeeded" in done.stdout


PIPELINE = """\
include:
  - local: templates/sync.yml
    inputs:
      image: {image}
      provider: example
      patterns: "**/*.md,!drafts/"
  - local: gitlab/vectornator.yml

default:
  after_script: [cat vectornator.env]

overridden:
  extends: .vectornator
  image:
    name: {image}
    entrypoint: [""]
  variables:
    VECTORNATOR_PROVIDER: example
    VECTORNATOR_TARGET: other
"""


def test_pipeline_runs_under_gitlab_ci_local(tmp_path: Path, image: str) -> None:
    """The component and the template sync, with the image's entry point and without it."""
    program = os.environ.get("GITLAB_CI_LOCAL")
    if not program or not shutil.which("rsync"):
        pytest.skip("GITLAB_CI_LOCAL names no program, or rsync is missing")
    repo = copy_project(tmp_path / "repo", image)
    repo.commit({".gitlab-ci.yml": PIPELINE.format(image=image)})
    repo.run("remote", "add", "origin", "git@gitlab.example.com:octo/demo.git")
    repo.run("update-ref", "refs/remotes/origin/main", "HEAD")
    repo.run("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    options = ("--pull-policy", "if-not-present", "--helper-image", BASE, "--color=false")
    done = subprocess.run(
        [program, *options, "--variable", "GITLAB_CI=true"],
        cwd=repo.root,
        env={**os.environ, "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout
    jobs = sorted(re.findall(r"^(\w+) +> VN_STATUS=synced$", done.stdout, re.MULTILINE))
    assert ["overridden", "vectornator"] == jobs, done.stdout
