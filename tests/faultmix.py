"""Looks for mixes of faults that leave something behind: `python -m tests.faultmix --seeds 200`."""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.support.mixes import Mix


def main() -> int:
    """Try so many seeds; say of each that fails what is wrong, and how to repeat it."""
    parser = argparse.ArgumentParser(prog="python -m tests.faultmix", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many mixes to try")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    asked = parser.parse_args()
    began, failed, endings = time.monotonic(), 0, Counter[str]()
    requests, seconds = 0, 0.0
    for seed in range(asked.first, asked.first + asked.seeds):
        with tempfile.TemporaryDirectory(prefix="faultmix-") as folder:
            verdict = Mix(Path(folder), seed).run(with_large=seed % 50 == 49)
        requests, seconds = max(requests, verdict.requests), max(seconds, verdict.seconds)
        endings.update(ending.partition(":")[0] for ending in verdict.endings)
        failed += bool(verdict.problems)
        for problem in verdict.problems:
            print(f"seed {seed}: {problem}")
        if verdict.problems:
            print(f"  {'; '.join(verdict.endings)}")
            print(f"  python -m tests.faultmix --first {seed} --seeds 1", flush=True)
    print(
        f"{asked.seeds} mixes in {time.monotonic() - began:.0f} s, {failed} with problems; "
        f"runs ended {dict(endings)}; at most {requests} requests and {seconds:.0f} simulated s."
    )
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
