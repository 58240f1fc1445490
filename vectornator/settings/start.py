"""The settings of `init` alone."""

from typing import Annotated, Literal

from pydantic import BaseModel

from vectornator.settings.option import Group, Option


class StartSettings(BaseModel):
    """What `init` writes beside `vectornator.toml`."""

    ci: Annotated[
        Literal["auto", "github", "gitlab", "none"],
        Option(
            "Write a job for this CI; auto goes by what is in the repository.",
            Group.START,
            ("init",),
            is_in_file=False,
        ),
    ] = "auto"
