"""GitLab's faces: a CI/CD component with typed inputs, and a template to extend."""

from collections.abc import Mapping

import yaml

from faces.inputs import COMMAND, Input, list_inputs


class _Quoted(str):
    """Text in single quotes: GitLab fills inputs in before it parses the YAML around them."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes YAML as GitLab needs it."""


_Dumper.add_representer(
    _Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'")
)

IMAGE = "ghcr.io/org/vectornator:1"
"""Where the action's image is published; whoever publishes another names it here."""

OUTPUTS_FILE = "vectornator.env"

_ELSEWHERE = {"job-summary", "outputs-path"}
"""Meant for GitHub, or decided by the job."""

_HEAD = """\
# Made from the settings by `make faces`; a test compares the two.
# Keys are CI/CD variables, masked and protected: OPENAI_API_KEY. See docs/gitlab.md.
"""


def list_component_inputs() -> tuple[Input, ...]:
    """The settings that the component takes as inputs; secrets are variables of the project."""
    return tuple(one for one in list_inputs() if not one.is_secret and one.name not in _ELSEWHERE)


def render_component() -> str:
    """`templates/sync.yml`: what `include: component` takes in."""
    taken = list_component_inputs()
    spec = {
        "stage": {"description": "Run in this stage.", "default": "deploy"},
        "image": {"description": "Run in this image.", "default": IMAGE},
        **{one.name: _specify(one) for one in (COMMAND, *taken)},
    }
    filled = {one.variable: _Quoted(f"$[[ inputs.{one.name} ]]") for one in (COMMAND, *taken)}
    job = {
        "stage": _Quoted("$[[ inputs.stage ]]"),
        **_make_job(_Quoted("$[[ inputs.image ]]"), filled),
        "resource_group": _Quoted("vectornator-$[[ inputs.target ]]"),
    }
    return _HEAD + _dump({"spec": {"inputs": spec}}) + "---\n" + _dump({"vectornator": job})


def render_template() -> str:
    """`gitlab/vectornator.yml`: a hidden job for `extends`."""
    job = _make_job(IMAGE, {COMMAND.variable: COMMAND.default})
    return _HEAD + _dump({".vectornator": {**job, "resource_group": "vectornator"}})


def _make_job(image: str, variables: Mapping[str, str]) -> dict[str, object]:
    """A job for the default branch, and for merge requests, on which a sync makes a plan."""
    return {
        "image": image,
        "variables": {"GIT_DEPTH": "1", "VECTORNATOR_OUTPUTS_PATH": OUTPUTS_FILE, **variables},
        # The command comes from a variable: nothing that anybody gives passes through the shell.
        "script": ["vectornator"],
        "artifacts": {"when": "always", "reports": {"dotenv": OUTPUTS_FILE}},
        "interruptible": False,
        "rules": [
            {"if": '$CI_PIPELINE_SOURCE == "merge_request_event"'},
            {"if": "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"},
        ],
    }


def _specify(one: Input) -> dict[str, object]:
    """An input that is left out says nothing, so that vectornator.toml may."""
    options = {"options": ["", *one.choices]} if one.choices else {}
    return {"description": one.description, "default": "", **options}


def _dump(document: object) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=100)
