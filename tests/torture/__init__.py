"""Whatever may happen to a run, tried over and over: `python -m tests.torture --help`.

Each campaign makes one claim and tries to break it. `make torture` tries them all at length and
writes what came of it to RELIABILITY.md; the tests try a few of each.
"""
