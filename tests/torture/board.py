"""RELIABILITY.md: what was tried, how often, and what came of it."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter

from tests.torture.campaign import Campaign, Tally
from tests.torture.campaigns import BY_NAME, CAMPAIGNS

ROOT = Path(__file__).resolve().parents[2]

_OPENING = """\
# Reliability

Each campaign makes a claim that users rely on and tries to prove it wrong, against real git
servers and an imitation of OpenAI's API on this machine. This page is written by `make torture`;
the tests try a few of each at every change (`pytest tests/test_torture.py`). The command below a
claim repeats its trials; where it was given a size that there was no time for, it makes more.
"""

_LIMITS = """\
- Nothing here has met the real OpenAI, GitHub or GitLab: what the imitation takes for granted is
  listed in `tests/openai_server/assumptions.py`.
- A disk that loses what it reported as written, and a git server that loses what it acknowledged.
- The runs of one store share one dictionary of marks, which the API can't change atomically: two
  that write theirs in the same moment can undo one. That costs a listing; only where one of the
  two is killed as well may what it left stay unnoticed until the next `repair`.
"""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Where and when the campaigns were held."""

    commit: str
    day: str
    machine: str

    @classmethod
    def observe(cls) -> Self:
        """Look at the repository, the clock and the machine."""
        words = ("git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12")
        commit = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
        machine = f"Python {platform.python_version()}, {sys.platform}, {os.cpu_count()} cores"
        return cls(commit, datetime.now(UTC).strftime("%Y-%m-%d"), machine)


@dataclass(frozen=True, slots=True)
class Held:
    """What came of a campaign, where and when."""

    tally: Tally
    seen: Circumstances


_LINE = TypeAdapter(Held)


def keep(held: Held, place: Path) -> None:
    """Add what came of a campaign to a file, as a line of JSON."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("ab") as file:
        file.write(_LINE.dump_json(held) + b"\n")


def load(place: Path) -> list[Held]:
    """What came last of each campaign that a file has, in the order in which they are told."""
    newest = {}
    for line in place.read_bytes().splitlines():
        held = _LINE.validate_json(line)
        newest[held.tally.name] = held
    return [newest[campaign.name] for campaign in CAMPAIGNS if campaign.name in newest]


def render(results: Sequence[Held]) -> str:
    """The page, as Markdown."""
    tallies = [held.tally for held in results]
    return "\n".join(
        [
            _OPENING,
            *_render_summary(results),
            "## The claims",
            "",
            *(line for tally in tallies for line in _render_claim(tally, BY_NAME[tally.name])),
            "## Not covered",
            "",
            *(f"- {line}" for line in _list_gaps(tallies)),
            _LIMITS,
        ]
    )


def _render_summary(results: Sequence[Held]) -> Iterator[str]:
    tried = sum(held.tally.tried for held in results)
    failed = sum(len(held.tally.failed) for held in results)
    days = ", ".join(sorted({held.seen.day for held in results}))
    machines = "; ".join(sorted({held.seen.machine for held in results}))
    yield f"{tried:,} trials, {failed} failed ({days}; {machines})."
    yield ""
    yield "| campaign | trials | failed | seed | minutes | commit |"
    yield "|---|--:|--:|--:|--:|---|"
    for held in results:
        tally = held.tally
        yield (
            f"| [{tally.name}](#{tally.name}) | {tally.tried:,} | {len(tally.failed)} |"
            f" {tally.seed} | {tally.seconds / 60:.1f} | `{held.seen.commit}` |"
        )
    yield ""


def _render_claim(tally: Tally, campaign: Campaign) -> Iterator[str]:
    yield f"### {tally.name}"
    yield ""
    yield campaign.claim
    yield ""
    yield "; ".join(f"{number:,} {outcome}" for outcome, number in tally.outcomes) + "."
    yield ""
    yield f"    {tally.command}"
    yield ""
    for trial in tally.failed:
        yield f"- **failed**: {trial.name}: {'; '.join(trial.faults)}"
    if tally.failed:
        yield ""


def _list_gaps(tallies: Sequence[Tally]) -> Iterator[str]:
    held = {tally.name for tally in tallies}
    for campaign in CAMPAIGNS:
        if campaign.name in held:
            yield from campaign.not_covered
        else:
            yield f"The campaign `{campaign.name}` was not held."
