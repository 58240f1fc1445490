"""`python -m vectornator`."""

from vectornator.cli import run

run()
