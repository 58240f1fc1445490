"""What the embedded store costs: a real documentation repository, a real model."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from benchmarks.process import PROJECT, Command, Sample, alternate, peak_of, python, run, seconds_of
from benchmarks.rows import Peer, Row, Unit
from tests.support.repositories import GitRepo

DOCUMENTS = "docs/en/docs/**/*.md"
_NEEDED = ("numpy", "onnxruntime", "semantic_text_splitter")


def find_corpus() -> Path:
    """The bundle to measure with, whether or not it is there."""
    beside = PROJECT.parent / "shared" / "corpus" / "fastapi-docs.bundle"
    return Path(os.environ.get("VECTORNATOR_CORPUS") or beside)


def explain_absence() -> str:
    """Why the embedded store can't be measured; empty when it can."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        return f"the extra `local` is not installed ({', '.join(missing)})"
    corpus = find_corpus()
    return "" if corpus.is_file() else "there is no bundle at $VECTORNATOR_CORPUS"


def measure_local(folder: Path, runs: int) -> Iterator[Row]:
    """The first sync, one changed document, and searches, each a whole process."""
    place = folder / "corpus"
    shutil.rmtree(place, ignore_errors=True)
    repo = GitRepo.clone(find_corpus(), place, "-b", "master")
    files = len(repo.run("ls-files", "--", f":(glob){DOCUMENTS}").splitlines())
    first = run(_sync(place))
    chunks = count_chunks(place)
    yield _one("local: first sync (one run)", files, "s", first.seconds)
    yield _one("local: first sync, chunks", files, "chunks", chunks)
    yield _one("local: first sync, chunks per second", files, "chunks/s", chunks / first.seconds)
    yield _one("local: first sync, peak memory", files, "MB", first.peak)
    whole = Peer("the first sync", (first.seconds,))
    changed = [_change_one(repo, number) for number in range(runs)]
    yield Row("local: one changed document", files, "s", seconds_of(changed), whole)
    yield from _measure_reading(place, files, runs)


def _change_one(repo: GitRepo, number: int) -> Sample:
    """Sync a commit that adds a paragraph to one document."""
    document = repo.root / "docs/en/docs/tutorial/first-steps.md"
    text = document.read_text(encoding="utf-8")
    document.write_text(f"{text}\nA remark that was added, number {number}.\n", encoding="utf-8")
    repo.commit()
    return run(_sync(repo.root))


def _measure_reading(place: Path, files: int, runs: int) -> Iterator[Row]:
    """A search and a run with nothing to do, beside Python's own start."""
    search = _search(place, "how do I upload a file")
    found, idle, bare = alternate((search, _sync(place), python(place, "-c", "pass")), runs)
    beside = Peer("python -c pass", seconds_of(bare))
    yield Row("local: search, cold process", files, "s", seconds_of(found), beside)
    yield _one("local: search, peak memory", files, "MB", peak_of(found))
    yield Row("local: no-op sync", files, "s", seconds_of(idle), beside)


def count_chunks(place: Path) -> int:
    """How many chunks the embedded store of a repository holds."""
    uri = f"file:{place / '.vectornator' / 'store.db'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as store:
        return int(store.execute("SELECT count(*) FROM chunks").fetchone()[0])


def _sync(place: Path) -> Command:
    options = ("--patterns", DOCUMENTS, "--provider", "local", "--remote", "none")
    return python(place, "-m", "benchmarks.child", "sync", "-C", str(place), *options)


def _search(place: Path, query: str) -> Command:
    options = ("-C", str(place), "--provider", "local")
    return python(place, "-m", "benchmarks.child", "search", query, *options)


def _one(name: str, files: int, unit: Unit, value: float) -> Row:
    return Row(name, files, unit, (float(value),))
