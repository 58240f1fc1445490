"""The first files: what is written, what is left alone, and that CI takes it."""

import json
import os
import pty
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.clones import make_bare
from tests.support.repositories import ENVIRON, GitRepo
from vectornator.cli import main

GITHUB_JOB = ".github/workflows/vectornator.yml"
BIN = Path(sys.executable).parent


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """A repository on GitHub with a folder of documents and a README."""
    repo = GitRepo.init(tmp_path / "handbook")
    repo.commit({"docs/a.md": "a", "docs/b/c.md": "c", "README.md": "x", "main.py": ""})
    repo.run("remote", "add", "origin", "https://github.com/acme/handbook.git")
    return repo


def start(repo: GitRepo, *arguments: str, environ: Mapping[str, str] = ENVIRON) -> int:
    """Run `init` on a repository; nobody is there to answer."""
    return main(["init", "-C", str(repo.root), *arguments], environ)


def read_settings(repo: GitRepo) -> dict[str, object]:
    """What the written configuration file says."""
    return tomllib.loads((repo.root / "vectornator.toml").read_text())


def test_what_is_found_decides_where_nobody_answers(
    repo: GitRepo, capsys: pytest.CaptureFixture[str]
) -> None:
    """The remote tells the CI, the documents the patterns, the folder the name of the store."""
    assert start(repo) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Wrote vectornator.toml",
        f"Wrote {GITHUB_JOB}",
        "",
        "Next:",
        "  1. Add the secret OPENAI_API_KEY: Settings > Secrets and variables > Actions,",
        "     or `gh secret set OPENAI_API_KEY`.",
        "  2. See what a first sync would do: `vectornator plan`. Commit and push these",
        "     files.",
    ]
    assert read_settings(repo) == {
        "patterns": ["docs/**/*.md", "/*.md"],
        "provider": "openai",
        "store-name": "handbook",
    }


def test_what_was_written_works(repo: GitRepo, capsys: pytest.CaptureFixture[str]) -> None:
    """A plan goes by the written file: it takes the documents, and needs no key."""
    start(repo)
    capsys.readouterr()
    environ = {**ENVIRON, "VECTORNATOR_REMOTE": "none"}
    assert main(["plan", "--json", "-C", str(repo.root)], environ) == 0
    plan = json.loads(capsys.readouterr().out)
    assert [one["path"] for one in plan["plan"]["uploads"]] == [
        "README.md",
        "docs/a.md",
        "docs/b/c.md",
    ]


def test_flags_and_variables_are_written_down(repo: GitRepo) -> None:
    """Whatever may stand in the file and was given does; secrets and the rest do not."""
    environ = {**ENVIRON, "VECTORNATOR_EXCLUDE": 'a"b\n\x7f', "OPENAI_API_KEY": "sk-secret"}
    flags = ["--ci=none", "--provider=openai", "--store-id=vs_1", "--directory=docs"]
    assert start(repo, *flags, environ=environ) == 0
    assert read_settings(repo) == {
        "directory": "docs",
        "exclude": ['a"b', "\x7f"],
        "provider": "openai",
        "store-id": "vs_1",
    }
    assert not (repo.root / ".github").exists()


def test_without_ci_the_store_is_local(repo: GitRepo, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no machine but this one syncs, no key is needed."""
    repo.run("remote", "remove", "origin")
    assert start(repo) == 0
    assert read_settings(repo)["provider"] == "local"
    assert "KEY" not in capsys.readouterr().out


def test_files_that_are_there_are_left_alone(
    repo: GitRepo, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second run writes nothing, and says what would have to change."""
    repo.write({"vectornator.toml": 'patterns = ["*.md"]\n', GITHUB_JOB: "on: push\n"})
    assert start(repo, "--store-name=docs") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert 'set provider = "openai" and store-name = "docs".' in shown
    assert f"{GITHUB_JOB} is there already and was left as it is; `vectornator init" in shown
    assert read_settings(repo) == {"patterns": ["*.md"]}
    assert (repo.root / GITHUB_JOB).read_text() == "on: push\n"


@pytest.mark.parametrize("ci", ["github", "gitlab", "none"])
def test_twice_is_once(repo: GitRepo, ci: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What an earlier run wrote is as it should be."""
    start(repo, "--ci", ci)
    before = repo.run("status", "--porcelain", "--untracked-files=all")
    capsys.readouterr()
    assert start(repo, "--ci", ci, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["written"] == []
    assert {remark.partition(" is there ")[2] for remark in answer["remarks"]} == {
        "already, as it should be."
    }
    assert repo.run("status", "--porcelain", "--untracked-files=all") == before


def test_a_dry_run_shows_the_files(repo: GitRepo, capsys: pytest.CaptureFixture[str]) -> None:
    """Every file is shown whole, and none is written."""
    assert start(repo, "--dry-run", "--ci=gitlab", "--json") == 0
    assert sorted(json.loads(capsys.readouterr().out)["files"]) == [
        ".gitlab-ci.yml",
        "vectornator.toml",
    ]
    assert repo.run("status", "--porcelain") == ""


def test_a_pipeline_that_is_there_includes_the_job(
    repo: GitRepo, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where GitLab has a pipeline already, the job gets a file of its own."""
    repo.write({".gitlab-ci.yml": "test:\n  script: [make]\n"})
    assert start(repo) == 0
    shown = capsys.readouterr().out
    assert "Wrote .gitlab/vectornator.yml" in shown
    assert "Add to .gitlab-ci.yml: `include: [{local: .gitlab/vectornator.yml}]`." in shown
    assert (repo.root / ".gitlab-ci.yml").read_text() == "test:\n  script: [make]\n"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--ci=github", "--provider=local"], "Choose --provider openai, or --ci none"),
        (["--provider=opneai"], "There is no provider 'opneai'"),
        (["--ci=jenkins"], "'jenkins' (from --ci) is not one of auto, github, gitlab or none"),
    ],
)
def test_what_makes_no_sense_is_refused(
    repo: GitRepo, capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    """Nothing is written where the choices can't work."""
    assert start(repo, *flags) == 2
    assert message in capsys.readouterr().err
    assert repo.run("status", "--porcelain") == ""


def test_a_repository_without_a_commit_is_surveyed_on_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Documents that are not committed yet count, and the steps say that they must be."""
    repo = GitRepo.init(tmp_path / "new")
    repo.write({"guides/a.rst": "a", "node_modules/b.md": "b"})
    assert start(repo) == 0
    assert read_settings(repo)["patterns"] == ["guides/**/*.rst"]
    assert "1. Commit the documents" in capsys.readouterr().out


def test_a_bare_repository_has_no_place_for_files(
    repo: GitRepo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files are written into a work tree, or nowhere."""
    assert start(GitRepo(make_bare(repo, tmp_path))) == 2
    assert "is a bare repository. Run in a clone" in capsys.readouterr().err


def test_what_is_in_the_way_is_named(repo: GitRepo, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that can't be written is named with the reason."""
    repo.write({".github": "in the way"})
    assert start(repo) == 2
    assert f"{GITHUB_JOB} can't be written: " in capsys.readouterr().err


def answer(repo: GitRepo, keys: bytes, *arguments: str) -> tuple[int, str]:
    """Run `init` on a terminal on which `keys` are typed; its exit code, and what it asked."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "vectornator", "init", *arguments]
    environ = {**ENVIRON, "PYTHONPATH": str(Path.cwd())}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=repo.root, env=environ, stdin=theirs, stdout=pipe, stderr=pipe, text=True
    ) as process:
        os.write(ours, keys)
        asked = process.communicate(timeout=60)[1]
    os.close(ours)
    os.close(theirs)
    return process.returncode, asked


def test_questions_are_asked_on_a_terminal(repo: GitRepo) -> None:
    """A mere Return takes what is offered; a wrong answer is explained and asked for again."""
    exit_code, asked = answer(repo, b"gitlub\ngitlab\nlocal\n\n**/*.md\n")
    assert (exit_code, asked.count("Which CI: github, gitlab or none? [github] ")) == (0, 2)
    assert "did you mean gitlab?" in asked
    assert "The local provider keeps its store on one machine" in asked
    assert read_settings(repo)["patterns"] == ["**/*.md"]
    assert (repo.root / ".gitlab-ci.yml").exists()


def test_who_stops_answering_gets_nothing(repo: GitRepo) -> None:
    """The end of the input is no consent."""
    exit_code, asked = answer(repo, b"\n\x04")
    assert (exit_code, "nothing was written" in asked) == (2, True)
    assert repo.run("status", "--porcelain") == ""


def test_flags_leave_nothing_to_ask(repo: GitRepo) -> None:
    """Whoever says something by flag is asked nothing, terminal or not."""
    assert answer(repo, b"", "--ci=github") == (0, "Found 3 .md, 2 of them in docs/.\n")


@pytest.fixture(params=["main", "release/1.0-№'\"{branch}"])
def jobs(repo: GitRepo, request: pytest.FixtureRequest) -> GitRepo:
    """The same repository with every job, for a plain branch and for one of a strange name."""
    repo.run("branch", "-m", request.param)
    for ci in ("github", "gitlab"):
        start(repo, "--ci", ci, "--provider=openai")
    return repo


PLAIN = {**ENVIRON, "NO_COLOR": "1"}
"""In CI, some checkers paint what they say."""


def check(tool: str, *arguments: str | Path) -> tuple[int, str]:
    """What a checker of jobs has to say, with its exit code; skips where it is missing."""
    if not (BIN / tool).exists():
        pytest.skip(f"{tool} is missing")
    command = [BIN / tool, *arguments]
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=PLAIN)
    return result.returncode, result.stdout


@pytest.mark.parametrize(
    ("schema", "path"),
    [("vendor.github-workflows", GITHUB_JOB), ("vendor.gitlab-ci", ".gitlab-ci.yml")],
)
def test_jobs_have_the_shape_that_ci_expects(jobs: GitRepo, schema: str, path: str) -> None:
    """The vendors' own schemas accept what is written."""
    assert check("check-jsonschema", "--builtin-schema", schema, jobs.root / path)[0] == 0


def test_the_workflow_is_understood(jobs: GitRepo) -> None:
    """Actionlint has nothing to say about the workflow."""
    assert check("actionlint", "-no-color", jobs.root / GITHUB_JOB) == (0, "")


def test_the_workflow_is_safe(repo: GitRepo, tmp_path: Path) -> None:
    """Zizmor finds nothing, once this action may be named by its version."""
    start(repo)
    policy = {"org/*": "ref-pin", "*": "hash-pin"}
    config = tmp_path / "zizmor.yml"
    config.write_text(json.dumps({"rules": {"unpinned-uses": {"config": {"policies": policy}}}}))
    options = ("--offline", "--no-progress", "--config", config)
    exit_code, words = check("zizmor", *options, repo.root / GITHUB_JOB)
    assert (exit_code, words.partition(".")[0]) == (0, "No findings to report")


def test_the_wheel_holds_the_templates(tmp_path: Path) -> None:
    """What is installed can write the files too."""
    options = ("--wheel", "--no-build-isolation", "--offline", "--python", sys.executable)
    assert check("uv", "build", "-o", tmp_path, *options)[0] == 0
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        found = [name for name in opened.namelist() if "/starter/templates/" in name]
    assert len(found) == 3
