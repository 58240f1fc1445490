"""Every file that is made from the declarations, with what makes it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from faces.action import render_action
from faces.gitlab import render_component, render_template
from faces.reference import render_reference

ROOT = Path(__file__).parents[1]

FACES: Mapping[str, Callable[[str], str]] = {
    "action.yml": lambda _: render_action(),
    "docs/action.md": render_reference,
    "gitlab/vectornator.yml": lambda _: render_template(),
    "templates/sync.yml": lambda _: render_component(),
}
"""From a file's present text to what it should be; only pages of documentation have any of it."""
