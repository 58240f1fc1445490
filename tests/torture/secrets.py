"""Plants made-up secrets in documents, syncs them as a job does, and looks where they went."""

import contextlib
import io
import os
import random
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, product
from pathlib import Path
from typing import Literal, Self, TypeAlias
from unittest.mock import patch

from benchmarks.plants import CONTEXTS, KINDS, Mint, Plant, make_plant
from tests.openai_server import Behaviour, OpenAIServer
from tests.support.repositories import ENVIRON, GitRepo
from tests.support.runner import read_outputs
from tests.torture.campaign import Campaign, Trial
from vectornator.cli import main

Mode: TypeAlias = Literal["block", "warn", "off"]

RECALL = 0.95
"""The share of the plants that must be found."""

_MODES: tuple[Mode, ...] = ("block", "block", "block", "block", "block", "block", "warn", "off")
_COMMANDS = ("sync", "sync", "plan", "repair")
_PATHS = ("README.md", "docs/setup.md", "docs/deep/naïve page.md")
_BEFORE = (
    "",
    "<!-- kingfisher:ignore gitleaks:allow pragma: allowlist secret -->\n",
    "This is only an EXAMPLE, a fake, a dummy, a placeholder for tests:\n",
    "---\ntitle: Setup\n---\n",
    "\ufeff",
)
"""What a document begins with; no word of it excuses what follows."""

_PIECE = re.compile(r"[\w+/=.~!%*-]{12,}")
"""What of a secret must not be told: its words alone are long enough to be of use."""


@dataclass(frozen=True, slots=True)
class Case:
    """A plant, where it stands, and what is run."""

    plant: Plant
    path: str
    before: str
    mode: Mode
    command: str
    is_stored: bool
    """Whether the store is there already, with a first document."""

    @property
    def text(self) -> str:
        """The document."""
        return f"{self.before}{self.plant.text}"

    def __str__(self) -> str:
        return (
            f"{self.plant.kind} ({self.plant.context}) in {self.path} after {self.before!r},"
            f" {self.command} --secret-scan={self.mode},"
            f" {'a store' if self.is_stored else 'no store'}"
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """What a step left behind."""

    code: int
    reason: str
    """Its `failure-reason`."""

    told: str
    """Its log, outputs, summary and report, and what git has of it, together."""


class Field:
    """A repository, an empty service, and a step of a workflow on GitHub; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        served = OpenAIServer(behaviour=Behaviour(indexing_seconds=0.0))
        self.openai = self._stack.enter_context(served)
        self.repo = GitRepo.init(self._folder / "work")
        self.repo.commit({"README.md": "# Read me\n", "faq.md": "# FAQ\n"})
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, mode: Mode, command: str) -> Ending:
        """Run the step."""
        files = {name: self._folder / name for name in ("output", "summary", "report")}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        environ = self._describe(mode, command, files)
        told = io.StringIO()
        with (
            patch.dict(os.environ, environ),  # the toolkit reads the process's own variables
            contextlib.redirect_stdout(told),
            contextlib.redirect_stderr(told),
        ):
            code = main([], environ)
        written = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
        outputs = read_outputs(written["output"])
        notes = self.repo.run("log", "-p", "--format=%B", "--glob=refs/notes/*", "--")
        everything = "\n".join([told.getvalue(), *written.values(), notes])
        return Ending(code, outputs["failure-reason"], everything)

    def _describe(self, mode: Mode, command: str, files: dict[str, Path]) -> dict[str, str]:
        inputs = {
            "command": command,
            "secret-scan": mode,
            "report-path": str(files["report"]),
            "verbose": "true",
            "store-name": "docs",
            "patterns": "**/*.md",
            "remote": "none",
            "repository": str(self.repo.root),
        }
        return {
            **ENVIRON,
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_REPOSITORY": "acme/docs",
            "GITHUB_OUTPUT": str(files["output"]),
            "GITHUB_STEP_SUMMARY": str(files["summary"]),
            "OPENAI_API_KEY": self.openai.key,
            "OPENAI_BASE_URL": self.openai.url,
            **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
        }

    def plant(self, case: Case) -> None:
        """Bring about that a run would send the document: a repair, because its copy is gone."""
        if case.command == "repair":
            self.repo.commit({case.path: case.text})
        if case.is_stored:
            assert self.run("off", "sync").code == 0
        if case.command == "repair":
            self._lose(case.text.encode())
        else:
            self.repo.commit({case.path: case.text})
        self.openai.ledger.clear()

    def _lose(self, content: bytes) -> None:
        state = self.openai.state
        with self.openai.lock:
            [store], [lost] = (
                state.stores.values(),
                (file.id for file in state.files.values() if file.content == content),
            )
            del store.attachments[lost], state.files[lost]

    @property
    def held(self) -> list[bytes]:
        """Every File of the service."""
        return [file.content for file in self.openai.state.files.values()]

    @property
    def changes(self) -> list[str]:
        """The requests that changed something or had a body."""
        seen = self.openai.ledger.of()
        return [f"{one.method} {one.path}" for one in seen if one.method != "GET" or one.size]


def try_secrets(size: int, seed: int) -> Iterator[Trial]:
    """Plant as many secrets; the last trial is whether enough of all were found."""
    found = missed = 0
    for number, case in zip(range(size), draw_cases(seed), strict=False):
        with tempfile.TemporaryDirectory(prefix="secrets-") as folder, Field(Path(folder)) as field:
            outcome, faults = try_case(field, case)
        found += outcome in {"blocked", "told and sent"}
        missed += outcome == "missed"
        yield Trial(f"plant {number}: {case}", outcome, tuple(faults))
    share = found / max(found + missed, 1)
    words = f"{found} of {found + missed} plants were found, {share:.1%}"
    yield Trial("all plants", "enough found", () if share >= RECALL else (words,))


def draw_cases(seed: int) -> Iterator[Case]:
    """Yield every kind of secret in every context, then all of them anew, for ever."""
    dice = random.Random(seed)
    for lap in count():
        mint = Mint(seed + lap)
        pairs = sorted(product(KINDS, CONTEXTS))
        dice.shuffle(pairs)
        for kind, context in pairs:
            command, is_stored = dice.choice(_COMMANDS), dice.random() < 0.3
            yield Case(
                make_plant(kind, context, mint),
                dice.choice(_PATHS),
                dice.choice(_BEFORE),
                dice.choice(_MODES),
                command if is_stored or command != "repair" else "sync",
                is_stored,
            )


def try_case(field: Field, case: Case) -> tuple[str, list[str]]:
    """How a run with the plant ends, and what is wrong about it."""
    field.plant(case)
    before, stores = field.held, len(field.openai.state.stores)
    ending = field.run(case.mode, case.command)
    secret = case.plant.secret
    faults = [
        f"{len(piece)} characters of the secret were told"
        for piece in _PIECE.findall(secret)
        if piece in ending.told
    ]
    if ending.code == 3:
        return "blocked", [*faults, *_find_leftovers(field, ending, before, stores)]
    if ending.code:
        return "failed", [*faults, f"it ended with {ending.code}: {ending.told}"]
    is_found = "fingerprint" in ending.told
    if case.command != "plan" and case.text.encode() not in field.held:
        faults.append("the document was not sent")
    if case.mode == "off":
        return "sent unsearched", [*faults, *(["it was searched"] if is_found else ())]
    return ("told and sent" if is_found else "missed"), faults


def _find_leftovers(
    field: Field, ending: Ending, before: list[bytes], stores: int
) -> Iterator[str]:
    """What a run that was stopped must not leave behind."""
    if ending.reason != "secret-found":
        yield f"the reason is {ending.reason!r}"
    if field.changes:
        yield f"it made {', '.join(field.changes)}"
    if field.held != before or len(field.openai.state.stores) != stores:
        yield "the service holds something new"


SECRETS = Campaign(
    name="secrets",
    claim=(
        "A run that would send a secret ends before a byte of it or anything else is sent, no "
        f"store is made, and its value is told nowhere; at least {RECALL:.0%} of made-up secrets "
        "of 55 kinds, in prose, commands, settings, tables and addresses, are found."
    ),
    short=24,
    long=660,
    trials=try_secrets,
    not_covered=(
        "Secrets of kinds that are not in `benchmarks/plants.py`, and passwords that are words.",
        "Comments on pull requests: they are made of the same record, and the trials post none.",
    ),
)
