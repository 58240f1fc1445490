"""`python -m tests.torture`: kill runs wherever they can be killed, and tell what came of it."""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.torture.kills import Kill, Verdict, choose, list_kills, try_kills
from tests.torture.scene import Scene


def main(argv: Sequence[str] | None = None) -> int:
    """Torture, print a line for each fault and the sum; 1 when anything was wrong."""
    wish = _parse(argv)
    verdicts = []
    for number, verdict in enumerate(torture(wish.kills, wish.seed), 1):
        verdicts.append(verdict)
        print(f"{number}: {_describe(verdict)}", file=sys.stderr, flush=True)
    for verdict in verdicts:
        for fault in verdict.faults:
            print(f"killed {_name(verdict.kills)}: {fault}")
    kinds = Counter(verdict.kills[0].kind for verdict in verdicts)
    wrong = sum(bool(verdict.faults) for verdict in verdicts)
    print(
        f"{len(verdicts)} kills ({', '.join(f'{n} at {kind}' for kind, n in kinds.items())}):"
        f" {wrong} left something wrong after one clean run"
    )
    return 1 if wrong else 0


def torture(number: int | None, seed: int) -> Iterator[Verdict]:
    """Kill a sync at `number` moments drawn by `seed`, or at each there is."""
    with tempfile.TemporaryDirectory(prefix="torture-") as folder, Scene(Path(folder)) as scene:
        scene.advance()
        scene.save()
        scene.restore()
        kills = list_kills(scene)
        for drawn in choose(kills, number or len(kills), seed):
            yield try_kills(scene, *drawn)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, metavar="N", help="how many moments (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="draws and orders them (default: 0)")
    return parser.parse_args(argv)


def _describe(verdict: Verdict) -> str:
    how = "killed" if verdict.was_killed else "not killed"
    return f"{_name(verdict.kills)}: {how}, {'; '.join(verdict.faults) or 'repaired'}"


def _name(kills: Sequence[Kill]) -> str:
    return ", then ".join(map(str, kills))


if __name__ == "__main__":
    sys.exit(main())
