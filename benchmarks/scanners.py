"""`python -m benchmarks.scanners FOLDER…`: what secret scanners catch, and what they stop in vain.

Every plant is a document with one made-up secret; every document below the folders is a real one.
detect-secrets is compared where it is installed.
"""

import argparse
import importlib
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from kingfisher_sdk import DetectionScanner

from benchmarks.plants import KINDS, Plant, plant_all
from vectornator.scanner import open_scanner

Judge: TypeAlias = Callable[[bytes], bool]
"""Tells whether a document would be stopped."""


@dataclass(frozen=True, slots=True)
class Score:
    """What one scanner made of plants and documents."""

    name: str
    missed: Sequence[Plant]
    stopped: Sequence[Path]
    seconds: float
    """For the documents, without loading."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table, then what ours missed and stopped."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scanners", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--seeds", type=int, default=5, help="rounds of plants (default: 5)")
    given = parser.parse_args(argv)
    plants = [plant for seed in range(given.seeds) for plant in plant_all(seed)]
    files = [one for folder in given.folders for one in sorted(folder.rglob("*")) if one.is_file()]
    scores = [rate(name, judge, plants, files) for name, judge in open_judges()]
    print(f"{len(plants)} plants of {len(KINDS)} kinds, {len(files)} documents\n")
    print("| scanner | caught | documents stopped | per 1,000 | seconds |\n|---|---|---|---|---|")
    for score in scores:
        print(to_row(score, len(plants), len(files)))
    ours = scores[-1]
    print("\nMissed:", dict(Counter(f"{one.kind} ({one.context})" for one in ours.missed)))
    print("Stopped:", *ours.stopped, sep="\n  ")
    return 0


def rate(name: str, judge: Judge, plants: Sequence[Plant], files: Sequence[Path]) -> Score:
    """Let a scanner judge everything."""
    missed = [plant for plant in plants if not judge(plant.text.encode())]
    started = time.perf_counter()
    stopped = [file for file in files if judge(file.read_bytes())]
    return Score(name, missed, stopped, time.perf_counter() - started)


def to_row(score: Score, plants: int, documents: int) -> str:
    """One row of the table, in Markdown."""
    caught = 100 * (plants - len(score.missed)) / plants
    stops = len(score.stopped)
    share = 1000 * stops / max(documents, 1)
    return f"| {score.name} | {caught:.1f} % | {stops} | {share:.1f} | {score.seconds:.1f} |"


def open_judges() -> Iterator[tuple[str, Judge]]:
    """Every scanner by its name, ours last."""
    try:
        yield "detect-secrets", open_detect_secrets()
    except ImportError:
        print("detect-secrets is not installed.")
    bare = DetectionScanner(inline_ignores=False)
    yield "Kingfisher", lambda content: any(found.visible for found in bare.scan(content))
    find_leaks = open_scanner()
    yield "Kingfisher and our rules", lambda content: any(find_leaks("", content))


def open_detect_secrets() -> Judge:
    """Yelp's scanner with its usual settings, which reads files. Raises `ImportError`."""
    scan = importlib.import_module("detect_secrets.core.scan")
    settings = importlib.import_module("detect_secrets.settings")

    def judge(content: bytes) -> bool:
        with tempfile.NamedTemporaryFile(suffix=".md") as place, settings.default_settings():
            Path(place.name).write_bytes(content)
            return any(scan.scan_file(place.name))

    return judge


if __name__ == "__main__":
    raise SystemExit(main())
