"""Starts vectornator where no installed command is: in the image and in a checkout."""

from vectornator.cli import run

if __name__ == "__main__":
    run()
