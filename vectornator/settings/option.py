"""What is said of a setting beside its type: help, heading, commands, and where it may be given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Group(StrEnum):
    """The headings of `--help`, in order."""

    PLACE = "where to work"
    SOURCE = "which documents"
    STORE = "which store"
    STATE = "where the state is kept"
    SAFETY = "what a run may do"
    PACE = "how fast"
    OPENAI = "the provider openai"
    START = "what is written"
    CI = "what GitHub and GitLab are told"
    OUTPUT = "what is shown"


COMMANDS: Mapping[str, str] = {
    "sync": "Bring the store in line with the repository's documents.",
    "plan": "Show what a sync would do; changes nothing.",
    "verify": "Check that ledger, store and commit agree; changes nothing.",
    "repair": "Bring ledger and store in line again, newer commits aside.",
    "adopt": "Take over the copies of a repository or target of another name.",
    "list": "List the files in the store, foreign ones too.",
    "search": "Search the stored documents.",
    "create-store": "Create a store and print its id.",
    "show-metadata": "Show what a sync recorded about a commit.",
    "status": "Tell whether the store is in line with the repository.",
    "log": "List the syncs so far, newest first.",
    "init": "Write a vectornator.toml and a job for CI.",
    "doctor": "Check everything a sync needs; changes nothing.",
}
"""The commands that take settings, with what each is for."""

ALL = tuple(COMMANDS)
SYNCS = ("sync", "plan")
STORES = ("sync", "repair")
PLANS = ("sync", "plan", "repair")
DESCRIBES = (*PLANS, "adopt")
COMPARES = (*DESCRIBES, "verify")
SELECTS = (*COMPARES, "status", "doctor")
CHOOSES = (*SELECTS, "init")
CALLS = (*SELECTS, "list", "search", "create-store")
REMEMBERS = tuple(command for command in COMMANDS if command not in {"create-store", "init"})


@dataclass(frozen=True, slots=True)
class Option:
    """What people read about a setting, and where they may give it."""

    help: str
    """One sentence."""

    group: Group
    commands: tuple[str, ...] = ALL
    short: str = ""
    """A one-letter flag, such as `-q`."""

    key: str = ""
    """The name outside Python, where it is not the field's own in kebab-case."""

    metavar: str = ""
    environment: tuple[str, ...] = ()
    """Well-known variables that are read after our own."""

    is_in_file: bool = True
    """Whether `vectornator.toml` may hold it."""

    provider: str = ""
    """The only provider it is for; it is handed on under its key."""

    by_command: Mapping[str, object] = field(default_factory=dict)
    """Defaults of single commands that differ from the common one."""
