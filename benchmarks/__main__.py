"""`python -m benchmarks`: make repositories, measure, print one table."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gitside import LARGE, PARTS
from benchmarks.local import explain_absence, measure_local
from benchmarks.render import describe_machine, to_json, to_markdown, to_text
from benchmarks.rows import Row, compare_sizes, find_missed
from benchmarks.site import open_site

FLAT = "no-op sync in CI, over HTTP"
"""The row that must not grow with the repository."""

MAX_GROWTH = 1.25
"""How much it may grow from the smallest size to the largest; the machine's noise is in there."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    sizes: tuple[int, ...]
    runs: int
    only: tuple[str, ...]
    keep: Path | None
    json: Path | None
    markdown: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return 0; missed aims are results, not failures."""
    wish = parse_arguments(argv)
    rows = []
    for row in measure(wish):
        rows.append(row)
        tell(f"  {row.name}")
    rows += find_growth(rows)
    print(" · ".join(f"{name} {value}" for name, value in describe_machine().items()), "\n")
    print(to_markdown(rows) if wish.markdown else to_text(rows))
    missed = find_missed(rows)
    print(f"\n{sum(row.is_met is True for row in rows)} aims met, {len(missed)} missed.")
    if wish.json:
        wish.json.write_text(json.dumps(to_json(rows), indent=2) + "\n", encoding="utf-8")
    return 0


def parse_arguments(argv: Sequence[str] | None) -> Wish:
    """Read the command line; a wrong word ends the program with an explanation."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    sizes = "documents per repository (default: 1000,10000,100000)"
    parser.add_argument("--sizes", default=f"1000,10000,{LARGE}", metavar="N,N", help=sizes)
    parser.add_argument("--runs", type=int, default=5, help="runs of each command (default: 5)")
    names = [*PARTS, "local"]
    parser.add_argument("--only", action="append", choices=names, help="measure this part alone")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the repositories here")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to a file")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    given = parser.parse_args(argv)
    try:
        numbers = tuple(sorted(int(size) for size in given.sizes.split(",")))
    except ValueError:
        parser.error(f"--sizes takes numbers separated by commas, not {given.sizes!r}")
    if given.runs < 1 or numbers[0] < 100:
        parser.error("--runs must be at least 1, and every size at least 100")
    only = tuple(given.only or names)
    return Wish(numbers, given.runs, only, given.keep, given.json, given.markdown)


def measure(wish: Wish) -> Iterator[Row]:
    """Every row that was asked for, as it is measured."""
    with _open_folder(wish.keep) as folder:
        for files in wish.sizes if set(wish.only) & set(PARTS) else ():
            tell(f"{files:,} documents")
            with open_site(folder, files, commits=wish.runs + 1) as site:
                # Start-up knows no documents, so once is enough.
                once = {"start"} if files != wish.sizes[0] else set()
                for name, part in PARTS.items():
                    if name in wish.only and name not in once:
                        yield from part(site, wish.runs)
        if "local" in wish.only:
            yield from _measure_local(folder, wish.runs)


def _measure_local(folder: Path, runs: int) -> Iterator[Row]:
    tell("the embedded store")
    if reason := explain_absence():
        tell(f"  skipped: {reason}")
        return
    yield from measure_local(folder, runs)


def find_growth(rows: Sequence[Row]) -> list[Row]:
    """How much the run that must be flat grows from the smallest size to the largest."""
    flat = sorted((row for row in rows if row.name == FLAT), key=lambda row: row.files)
    return [compare_sizes(flat[-1], flat[0], MAX_GROWTH)] if len(flat) > 1 else []


@contextmanager
def _open_folder(keep: Path | None) -> Iterator[Path]:
    """The folder that the user named, or one that is gone afterwards."""
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
    else:
        with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
            yield Path(name).resolve()


def tell(words: str) -> None:
    """Say how far it is; the table alone is on stdout."""
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
