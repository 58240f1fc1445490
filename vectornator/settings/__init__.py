"""Every option, declared once: its name, type, default, help, group and the commands it is for."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self, cast, get_args

from pydantic import ByteSize, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from vectornator.settings.ci import CISettings
from vectornator.settings.openai import OpenAISettings
from vectornator.settings.option import (
    CALLS,
    CHOOSES,
    COMMANDS,
    COMPARES,
    DESCRIBES,
    REMEMBERS,
    SELECTS,
    STORES,
    Group,
    Option,
)
from vectornator.settings.safety import SafetySettings
from vectornator.settings.start import StartSettings
from vectornator.settings.values import (
    Conditions,
    Count,
    DeleteLimit,
    Directory,
    Number,
    Patterns,
    Provider,
    Secret,
    Size,
    Storage,
    Switch,
    Target,
    Text,
    Word,
)

__all__ = [
    "COMMANDS",
    "DEFAULT_CONFIG_FILE",
    "Declaration",
    "DeleteLimit",
    "Group",
    "Option",
    "Settings",
    "declarations",
]

DEFAULT_CONFIG_FILE = "vectornator.toml"


class Settings(StartSettings, SafetySettings, CISettings, OpenAISettings):
    """What a run is asked to do; checked, complete and never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    repository: Annotated[
        Path,
        Option(
            "Work on the repository at this folder.",
            Group.PLACE,
            short="-C",
            metavar="FOLDER",
            is_in_file=False,
        ),
    ] = Path()
    config: Annotated[
        Path | None,
        Option(
            "Read settings from this file instead of the repository's vectornator.toml.",
            Group.PLACE,
            metavar="FILE",
            is_in_file=False,
        ),
    ] = None
    directory: Annotated[
        Directory,
        Option(
            "Take the documents below this folder; paths stay relative to the root.",
            Group.SOURCE,
            CHOOSES,
            metavar="FOLDER",
        ),
    ] = ""
    patterns: Annotated[
        Patterns,
        Field(min_length=1),
        Option(
            "Take the files that match; a leading ! takes matches out.",
            Group.SOURCE,
            CHOOSES,
            metavar="PATTERNS",
        ),
    ] = ("**/*.md", "**/*.mdx", "**/*.txt")
    exclude: Annotated[
        Patterns,
        Option(
            "Leave out the files that match, as in .gitignore.",
            Group.SOURCE,
            CHOOSES,
            metavar="PATTERNS",
        ),
    ] = ("node_modules/",)
    commit: Annotated[
        Word,
        Field(min_length=1),
        Option(
            "Use this revision.",
            Group.SOURCE,
            (*DESCRIBES, "status", "show-metadata", "doctor"),
            metavar="REVISION",
        ),
    ] = "HEAD"
    source: Annotated[
        Literal["commit", "worktree"],
        Option("Read documents from the commit or from the work tree.", Group.SOURCE, SELECTS),
    ] = "commit"
    max_file_size: Annotated[
        Size,
        Option(
            "Skip files larger than this, such as 500kB or 10MB.",
            Group.SOURCE,
            COMPARES,
            metavar="SIZE",
        ),
    ] = ByteSize(10_000_000)

    provider: Annotated[
        Provider,
        Option("Keep the documents with this provider.", Group.STORE, metavar="NAME"),
    ] = "local"
    store_id: Annotated[Word, Option("Use the store with this id.", Group.STORE, metavar="ID")] = ""
    store_name: Annotated[
        Text,
        Option(
            "Use the store of this name when none is known yet; a run creates it if need be.",
            Group.STORE,
            (*COMPARES, "init", "doctor"),
            metavar="NAME",
        ),
    ] = ""
    target: Annotated[
        Target,
        Option(
            "Name this pairing of documents and store; each name has its own state.",
            Group.STORE,
            metavar="NAME",
        ),
    ] = "default"
    source_id: Annotated[
        Word,
        Field(max_length=200),
        Option(
            "Call this repository so in the store instead of by its remote: for one that moved.",
            Group.STORE,
            (*COMPARES, "doctor"),
            metavar="ID",
            is_in_file=False,
        ),
    ] = ""
    api_key: Annotated[Secret, Option("The provider's key.", Group.STORE, is_in_file=False)] = (
        SecretStr("")
    )
    model_path: Annotated[
        Path | None,
        Option(
            "Read the local provider's embedding model from this folder.",
            Group.STORE,
            CALLS,
            metavar="FOLDER",
            provider="local",
        ),
    ] = None

    metadata_storage: Annotated[
        Storage,
        Option("Keep the state in git notes or in a file.", Group.STATE, REMEMBERS),
    ] = "git-notes"
    metadata_file: Annotated[
        Path,
        Option(
            "Keep the state in this file with --metadata-storage file.",
            Group.STATE,
            REMEMBERS,
            metavar="FILE",
            is_in_file=False,
        ),
    ] = Path(".vectornator/metadata.json")
    remote: Annotated[
        Word,
        Field(min_length=1),
        Option(
            "Share the notes through this remote: a name, a URL, none, or auto for the usual one.",
            Group.STATE,
            REMEMBERS,
            metavar="REMOTE",
            is_in_file=False,
        ),
    ] = "auto"
    github_token: Annotated[
        Secret,
        Option(
            "The token for notes and comments.",
            Group.STATE,
            REMEMBERS,
            environment=("GITHUB_TOKEN",),
            is_in_file=False,
        ),
    ] = SecretStr("")

    concurrency: Annotated[
        Count,
        Field(ge=1, le=64),
        Option(
            "Make this many calls at once, 1 to 64.",
            Group.PACE,
            (*STORES, "adopt"),
            metavar="NUMBER",
        ),
    ] = 4
    requests_per_minute: Annotated[
        Count | None,
        Field(ge=1),
        Option("Make no more requests than this in a minute.", Group.PACE, CALLS, metavar="NUMBER"),
    ] = None
    timeout_minutes: Annotated[
        Number | None,
        Field(gt=0, allow_inf_nan=False),
        Option(
            "Start nothing new after this many minutes; what was done is saved.",
            Group.PACE,
            (*STORES, "adopt"),
            metavar="MINUTES",
        ),
    ] = None

    limit: Annotated[
        Count,
        Field(ge=1),
        Option(
            "Show at most this many.",
            Group.OUTPUT,
            ("search", "log"),
            by_command={"log": 20},
            metavar="NUMBER",
        ),
    ] = 5
    where: Annotated[
        Conditions,
        Option(
            "Search only documents with this attribute: KEY=VALUE or KEY!=VALUE, one a line.",
            Group.OUTPUT,
            ("search",),
            metavar="CONDITION",
        ),
    ] = ()
    detailed_exitcode: Annotated[
        Switch, Option("Exit with 20 when something would change.", Group.OUTPUT, ("plan",))
    ] = False
    json_output: Annotated[
        Switch,
        Option("Print one JSON document and nothing else on stdout.", Group.OUTPUT, key="json"),
    ] = False
    report_path: Annotated[
        Path | None,
        Option(
            "Write what --json prints to this file too.",
            Group.OUTPUT,
            metavar="FILE",
            is_in_file=False,
        ),
    ] = None
    color: Annotated[Literal["auto", "always", "never"], Option("Use colour.", Group.OUTPUT)] = (
        "auto"
    )
    verbose: Annotated[
        Switch,
        Option(
            "Show everything: long lists whole, errors with their traces.", Group.OUTPUT, short="-v"
        ),
    ] = False
    quiet: Annotated[Switch, Option("Show errors and results only.", Group.OUTPUT, short="-q")] = (
        False
    )

    def provider_options(self) -> dict[str, str]:
        """What is handed on to the provider by name, as text; lists have an item a line."""
        own = (one for one in declarations() if one.option.provider == self.provider)
        given = ((one.key, getattr(self, one.name)) for one in own)
        return {
            key: "\n".join(value) if isinstance(value, tuple) else str(value)
            for key, value in given
            if value not in (None, "", ())
        }

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret that was given."""
        values = (getattr(self, one.name) for one in declarations() if one.is_secret)
        return tuple(text for value in values if (text := value.get_secret_value()))

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if self.quiet and self.verbose:
            raise _contradiction("quiet", "verbose", "contradict each other; drop one")
        if self.rebuild and self.orphans:
            raise _contradiction("rebuild", "orphans", "contradict each other; drop one")
        if self.source == "worktree" and self.commit != "HEAD":
            raise _contradiction(
                "source", "commit", "contradict each other: a work tree has no revision; drop one"
            )
        return self


def _contradiction(first: str, second: str, complaint: str) -> PydanticCustomError:
    return PydanticCustomError(
        "contradiction", "{complaint}", {"complaint": complaint, "names": (first, second)}
    )


@dataclass(frozen=True, slots=True)
class Declaration:
    """One setting as the command line, the action and the documentation see it."""

    name: str
    """The field of `Settings`."""

    option: Option
    default: object
    choices: tuple[str, ...]
    """The valid values, where they can be listed."""

    is_switch: bool
    is_list: bool
    is_secret: bool

    @property
    def key(self) -> str:
        """The name in the configuration file and in the action: kebab-case."""
        return self.option.key or self.name.replace("_", "-")

    @property
    def flag(self) -> str:
        """The name on the command line; empty for a secret, which is never given there."""
        return "" if self.is_secret else f"--{self.key}"

    @property
    def variable(self) -> str:
        """The name in the environment."""
        return f"VECTORNATOR_{self.key.replace('-', '_').upper()}"

    def default_of(self, command: str) -> object:
        """The value that `command` uses when nobody gives one."""
        return self.option.by_command.get(command, self.default)

    def default_text(self, command: str) -> str:
        """The default as people would write it; empty where there is none."""
        match self.default_of(command):
            case bool() | None | SecretStr():
                return ""
            case ByteSize() as size:
                return size.human_readable(decimal=True).replace(".0", "")
            case tuple() as patterns:
                return ",".join(patterns)
            case value:
                return str(value)


@cache
def declarations(command: str | None = None) -> tuple[Declaration, ...]:
    """Every setting, or those that `command` takes, in the order of declaration."""
    every = (_declare(name) for name in Settings.model_fields)
    return tuple(one for one in every if command is None or command in one.option.commands)


def _declare(name: str) -> Declaration:
    declared = Settings.model_fields[name]
    option = next(item for item in declared.metadata if isinstance(item, Option))
    return Declaration(
        name=name,
        option=option,
        default=declared.default,
        choices=cast("tuple[str, ...]", _literals(declared.annotation)),
        is_switch=declared.annotation is bool,
        is_list=isinstance(declared.default, tuple),
        is_secret=isinstance(declared.default, SecretStr),
    )


def _literals(annotation: object) -> tuple[object, ...]:
    return tuple(value for value in get_args(annotation) if isinstance(value, str))
