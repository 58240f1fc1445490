"""Starts vectornator where no installed command is: in the image and in a checkout."""

import sys

from vectornator.cli import main

if __name__ == "__main__":
    sys.exit(main())
