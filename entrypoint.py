"""Starts vectornator where no installed command is: in the image and in a checkout."""

import os
import sys

SHELLS = {"bash", "sh"}

if __name__ == "__main__":
    # GitLab's runner sends a job's script to `sh` through the image's entrypoint.
    if os.path.basename(sys.argv[1] if sys.argv[1:] else "") in SHELLS:
        os.execvp(sys.argv[1], sys.argv[1:])

    from vectornator.cli import run

    run()
