"""Runs of the real command that are killed wherever they can be, and what the next run finds.

By hand: `python -m tests.torture --help`.
"""
