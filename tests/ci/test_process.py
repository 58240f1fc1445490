"""The action as a process of its own, on a repository whose file names are hostile."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from markdown_it import MarkdownIt

from tests.support.hostile import list_hostile
from tests.support.repositories import ENVIRON, GitRepo
from tests.support.runner import find_commands, read_outputs
from vectornator.report.escape import escape

COMMAND = [sys.executable, str(Path(__file__).parents[2] / "entrypoint.py")]


def list_names() -> list[str]:
    """The names that a file system takes, as documents."""
    names = (name.replace("/", "\u2215").strip() for name in list_hostile())
    return sorted({f"docs/{name[:60]}.md" for name in names if name.strip(".")})


def make_environ(folder: Path, repo: GitRepo) -> dict[str, str]:
    """The variables of an action, and its files, which are empty yet."""
    for name in ("output", "summary"):
        (folder / name).touch()
    return {
        **ENVIRON,
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_WORKSPACE": str(repo.root),
        "INPUT_PROVIDER": "example",
    }


def test_hostile_files_are_synced_and_nothing_else_happens(tmp_path: Path) -> None:
    """Over 200 names pass through a whole run: all are stored, none is obeyed, none is lost."""
    names = list_names()
    repo = GitRepo.init(tmp_path / "work")
    repo.commit({name: f"# {number}\n" for number, name in enumerate(names)})
    environ = {
        **make_environ(tmp_path, repo),
        "INPUT_API-KEY": "a-key-of-no-use",
        "INPUT_VERBOSE": "true",
    }
    done = subprocess.run(COMMAND, cwd=repo.root, env=environ, capture_output=True, check=False)
    log = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert {one.name for one in find_commands(log)} == {"add-mask", "group", "endgroup"}
    assert read_outputs((tmp_path / "output").read_text())["files-added"] == str(len(names))
    tokens = MarkdownIt("gfm-like").parse((tmp_path / "summary").read_text())
    spans = {child.content for token in tokens for child in token.children or []}
    listed = names[:200]
    assert len(names) > 200
    assert [name for name in listed if escape(name) not in spans] == []


def test_an_action_that_is_cancelled_says_so(tmp_path: Path) -> None:
    """The runner gives ten seconds: enough to save, to set outputs and to write the summary."""
    repo = GitRepo.init(tmp_path / "work")
    repo.commit({f"{number}.md": f"# {number}\n" for number in range(400)})
    environ = {**make_environ(tmp_path, repo), "INPUT_CONCURRENCY": "1"}
    with subprocess.Popen(COMMAND, cwd=repo.root, env=environ, stdout=subprocess.PIPE) as process:
        folder = repo.root / ".vectornator" / "example"
        while process.poll() is None and len(list(folder.glob("*/copies/*"))) < 5:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    outputs = read_outputs((tmp_path / "output").read_text())
    assert (outputs["status"], outputs["failure-reason"]) == ("interrupted", "interrupted")
    assert int(outputs["files-added"]) >= 5
    assert (tmp_path / "summary").read_text().startswith("## ⏹️ Stopped early")
