"""The action, the GitLab component and the documentation repeat the settings, word for word."""

import re
import subprocess
import sys

import pytest
import yaml

from faces.action import render_action
from faces.files import FACES, ROOT
from faces.gitlab import render_component
from faces.inputs import list_inputs
from vectornator.report.outputs import OUTPUTS
from vectornator.settings import declarations

ORIGINAL_INPUTS = {
    *("directory", "provider", "api-key", "store-id", "patterns", "exclude", "dry-run", "force"),
    *("metadata-storage", "metadata-file", "verbose"),
}
ORIGINAL_OUTPUTS = {"files-added", "files-updated", "files-deleted", "files-failed"}


@pytest.mark.parametrize("name", FACES)
def test_face_is_what_the_settings_make(name: str) -> None:
    """Each committed file is the one that `make faces` writes."""
    text = (ROOT / name).read_text()
    assert FACES[name](text) == text


def test_action_replaces_the_original() -> None:
    """A workflow of the original action finds its inputs and outputs."""
    action = yaml.safe_load(render_action())
    assert set(action["inputs"]) >= ORIGINAL_INPUTS
    assert set(action["outputs"]) >= ORIGINAL_OUTPUTS


def test_inputs_leave_the_configuration_file_its_say() -> None:
    """No input has a default that would outweigh `vectornator.toml`."""
    action = yaml.safe_load(render_action())
    given = {name for name, one in action["inputs"].items() if "default" in one}
    assert {"command", "github-token"} == given
    assert not any(one.option.is_in_file for one in declarations() if one.key in given)


def test_descriptions_are_one_sentence() -> None:
    """What people read of an input or an output is one sentence."""
    sentences = [one.description for one in list_inputs()] + list(OUTPUTS.values())
    assert [] == [text for text in sentences if not re.fullmatch(r"[A-Z](?s:.)*\.", text)]


def test_component_fills_in_what_it_declares() -> None:
    """Every input of the component is used, every one that is used is declared, none is secret."""
    head, job = render_component().split("---\n")
    declared = set(yaml.safe_load(head)["spec"]["inputs"])
    assert declared == set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", job))
    assert declared.isdisjoint({"api-key", "github-token", "gitlab-token"})


def test_no_input_reaches_a_shell() -> None:
    """The scripts of the component are fixed text."""
    _, job = yaml.safe_load_all(render_component())
    assert ["vectornator"] == job["vectornator"]["script"]


def test_examples_use_declared_inputs() -> None:
    """Each example for GitHub gives inputs and reads outputs that there are."""
    action = yaml.safe_load(render_action())
    for path in (ROOT / "examples" / "github").glob("*.yml"):
        jobs = yaml.safe_load(path.read_text())["jobs"].values()
        steps = [step for job in jobs for step in job["steps"] if "vectornator" in str(step)]
        given = {name for step in steps for name in step.get("with", {}) if "uses" in step}
        assert given <= set(action["inputs"])
        read = re.findall(r"steps\.docs\.outputs\.([\w-]+)", path.read_text())
        assert set(read) <= set(action["outputs"])


def test_entry_point_starts_the_command() -> None:
    """The entry point passes arguments on, in a checkout as in the image."""
    command = [sys.executable, "entrypoint.py", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("vectornator ")


def test_entry_point_becomes_a_shell() -> None:
    """A shell as first argument takes the place of vectornator."""
    command = [sys.executable, "entrypoint.py", "sh", "-c", "exit 3"]
    assert 3 == subprocess.run(command, cwd=ROOT, check=False).returncode
