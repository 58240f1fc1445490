"""The metadata file of the GitHub action."""

import yaml

from faces.inputs import COMMAND, Input, list_inputs
from vectornator import __doc__ as purpose
from vectornator.report.outputs import OUTPUTS

_HEAD = """\
# Made from the settings by `make faces`; a test compares the two.
# Most inputs have no `default`: an input outweighs vectornator.toml, and an unset one must not.
"""

_EXPRESSIONS = {"command": "sync", "github-token": "${{ github.token }}"}
"""Values that the runner fills in where a workflow gives none."""


def render_action() -> str:
    """`action.yml`."""
    document = {
        "name": "Vectornator",
        "description": purpose,
        "branding": {"icon": "database", "color": "purple"},
        "inputs": {one.name: _describe(one) for one in (COMMAND, *list_inputs())},
        "outputs": {name: {"description": sentence} for name, sentence in OUTPUTS.items()},
        "runs": {"using": "docker", "image": "Dockerfile"},
    }
    return _HEAD + yaml.safe_dump(document, sort_keys=False, width=100)


def _describe(one: Input) -> dict[str, str]:
    default = _EXPRESSIONS.get(one.name)
    return {"description": one.description, **({"default": default} if default else {})}
