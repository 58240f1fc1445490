"""Starts vectornator where no installed command is: in the image and in a checkout."""

import os
import sys
from pathlib import Path

_SHELLS = {"bash", "sh"}


def main() -> None:
    """Run vectornator, or the shell that the first argument names."""
    program, *_ = (*sys.argv[1:], "")
    if program.rpartition("/")[2] in _SHELLS:
        # GitLab's runner starts a job's script through the image's entrypoint.
        os.execvp(program, sys.argv[1:])  # noqa: S606  (it is what the caller asked for)
    become_runner()

    from vectornator.cli import run  # noqa: PLC0415  (a shell needs none of it)

    run()


def become_runner() -> None:
    """Go on as the user whose checkout this is, so that later steps can change what is left.

    GitHub starts containers as root. Root it stays where files belong to several users, as in
    jobs that run in a container of their own.
    """
    workspace, outputs = os.environ.get("GITHUB_WORKSPACE"), os.environ.get("GITHUB_OUTPUT")
    if os.geteuid() or not workspace or not outputs:
        return
    objects = (Path(workspace) / ".git" / "objects").glob("*")
    places = [place for place in (Path(workspace), Path(outputs), *objects) if place.exists()]
    owners = {(place.stat().st_uid, place.stat().st_gid) for place in places}
    if len(owners) == 1:
        user, group = owners.pop()
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)


if __name__ == "__main__":
    main()
