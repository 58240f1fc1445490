"""`python -m tests.torture`: try to prove the claims wrong, and tell what came of it."""

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.torture.board import Circumstances, Held, keep, load, render
from tests.torture.campaign import Tally
from tests.torture.campaigns import BY_NAME, hold_by_name

KEPT = Path("build/torture.jsonl")


def main(argv: Sequence[str] | None = None) -> int:
    """Hold the campaigns that were asked for; 1 when any claim fell."""
    asked = _parse(argv)
    seen = Circumstances.observe()
    has_failed = False
    for tally in _hold_all(asked):
        has_failed |= bool(tally.failed)
        print(_describe(tally), flush=True)
        for trial in tally.failed:
            print(f"  {trial.name}: {'; '.join(trial.faults)}", flush=True)
        keep(Held(tally, seen), asked.keep)
    if asked.write:
        asked.write.write_text(render(load(asked.keep)), encoding="utf-8")
    return 1 if has_failed else 0


def _hold_all(asked: argparse.Namespace) -> Iterator[Tally]:
    """Hold several campaigns at once, and tell of them in their order."""
    act = partial(
        hold_by_name,
        seed=asked.seed,
        size=asked.size,
        is_long=asked.long,
        limit=60 * asked.minutes,
    )
    with ProcessPoolExecutor(asked.jobs, get_context("spawn")) as pool:
        yield from pool.map(act, asked.campaigns or BY_NAME)


def _describe(tally: Tally) -> str:
    ends = ", ".join(f"{number} {outcome}" for outcome, number in tally.outcomes)
    return (
        f"{tally.name}: {tally.tried} trials in {tally.seconds:.0f} s,"
        f" {len(tally.failed)} failed ({ends})"
    )


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("campaigns", nargs="*", help=f"from {', '.join(BY_NAME)} (default: all)")
    parser.add_argument("--long", action="store_true", help="as often as for RELIABILITY.md")
    parser.add_argument("--size", type=int, metavar="N", help="how many trials of each")
    parser.add_argument(
        "--minutes", type=float, metavar="N", default=math.inf, help="begin no trial after so many"
    )
    parser.add_argument("--seed", type=int, default=0, help="draws the trials (default: 0)")
    parser.add_argument("--jobs", type=int, default=2, help="campaigns at once (default: 2)")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", default=KEPT, help=f"of all results (default: {KEPT})"
    )
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="a page of the newest kept result of each"
    )
    asked = parser.parse_args(argv)
    if unknown := [name for name in asked.campaigns if name not in BY_NAME]:
        parser.error(f"there is no campaign {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    return asked


if __name__ == "__main__":
    sys.exit(main())
