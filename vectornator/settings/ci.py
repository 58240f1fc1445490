"""The settings of what a job on GitHub or GitLab is told."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, SecretStr

from vectornator.settings.option import PLANS, Group, Option
from vectornator.settings.values import Secret, Switch


class CISettings(BaseModel):
    """How a run tells the job around it how it went."""

    comment_on_pr: Annotated[
        Literal["auto", "always", "never"],
        Option(
            "Comment on pull requests: when something would change, in any case, or not at all.",
            Group.CI,
            PLANS,
        ),
    ] = "auto"
    job_summary: Annotated[
        Switch, Option("Write a summary to the page of a job on GitHub.", Group.CI)
    ] = True
    outputs_path: Annotated[
        Path | None,
        Option(
            "Write the outputs to this file as lines NAME=VALUE, for GitLab's dotenv report.",
            Group.CI,
            metavar="FILE",
            is_in_file=False,
        ),
    ] = None
    gitlab_token: Annotated[
        Secret,
        Option(
            "The token for merge requests.",
            Group.CI,
            PLANS,
            environment=("GITLAB_TOKEN",),
            is_in_file=False,
        ),
    ] = SecretStr("")
