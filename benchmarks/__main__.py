"""`python -m benchmarks`: make repositories, measure, print one table."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gitside import LARGE, PARTS, measure_growth
from benchmarks.local import explain_absence, measure_local
from benchmarks.render import describe_machine, to_json, to_markdown, to_text
from benchmarks.rows import Row, find_missed, sort_rows
from benchmarks.service import measure_service
from benchmarks.site import open_site


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
    measured = []
    for row in measure(wish):
        measured.append(row)
        tell(f"  {row.name}")
    rows = sort_rows(measured)
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
    names = [*PARTS, "local", "service"]
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
        if set(wish.only) & set(PARTS):
            yield from _measure_git_side(folder, wish)
        if "local" in wish.only:
            yield from _measure_local(folder, wish.runs)
        if "service" in wish.only:
            tell("a service at the other end of a network")
            yield from measure_service(folder, wish.runs)


def _measure_git_side(folder: Path, wish: Wish) -> Iterator[Row]:
    with ExitStack() as stack:
        tell(f"repositories of {', '.join(f'{files:,}' for files in wish.sizes)} documents")
        sites = [
            stack.enter_context(open_site(folder, files, commits=wish.runs + 1))
            for files in wish.sizes
        ]
        for name in (name for name in PARTS if name in wish.only):
            # Start-up knows no documents, so one site is enough.
            for site in sites[:1] if name == "start" else sites:
                tell(f"{name}, {site.files:,} documents")
                yield from PARTS[name](site, wish.runs)
            if name == "no-op" and len(sites) > 1:
                yield measure_growth(sites[0], sites[-1], wish.runs)


def _measure_local(folder: Path, runs: int) -> Iterator[Row]:
    tell("the embedded store")
    if reason := explain_absence():
        tell(f"  skipped: {reason}")
        return
    yield from measure_local(folder, runs)


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
