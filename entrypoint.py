"""Starts vectornator where no installed command is: in the image and in a checkout."""

import os
import sys

_SHELLS = {"bash", "sh"}


def main() -> None:
    """Run vectornator, or the shell that the first argument names."""
    program, *_ = (*sys.argv[1:], "")
    if program.rpartition("/")[2] in _SHELLS:
        # GitLab's runner starts a job's script through the image's entrypoint.
        os.execvp(program, sys.argv[1:])  # noqa: S606  (it is what the caller asked for)

    from vectornator.cli import run  # noqa: PLC0415  (a shell needs none of it)

    run()


if __name__ == "__main__":
    main()
