"""Which settings are inputs of the action and of the component, and how they are described."""

from dataclasses import dataclass

from vectornator.settings import COMMANDS, Declaration, Group, declarations

_BY_HAND = {"create-store", "init", "search"}
"""Commands that need an argument, or somebody who commits what they wrote."""

RUNS = tuple(command for command in COMMANDS if command not in _BY_HAND)
"""The commands that an input can name."""

_TERMINAL_ONLY = {"color", "json", "limit", "quiet"}
"""Settings for people in front of a screen."""

_HOSTED_DEFAULTS = {"provider": "openai"}
"""Defaults that differ where there is no machine to keep an embedded store on."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input as people read of it."""

    name: str
    variable: str
    """The environment variable that means the same."""

    help: str
    """One sentence."""

    choices: tuple[str, ...]
    """The valid values, where they can be listed."""

    default: str
    """The default in words; empty where there is none."""

    is_secret: bool = False

    @property
    def description(self) -> str:
        """The sentence with valid values and default."""
        facts = [_enumerate(self.choices)] if self.choices else []
        facts += [f"default: {self.default}"] if self.default else []
        return f"{self.help.removesuffix('.')} ({'; '.join(facts)})." if facts else self.help


COMMAND = Input("command", "VECTORNATOR_COMMAND", "Run this command.", RUNS, "sync")
"""The one input that is no setting: what the command line has as its first word."""


def list_inputs() -> tuple[Input, ...]:
    """The inputs that stand for settings, in the order of `--help`."""
    offered = (
        one
        for one in declarations()
        if one.key not in _TERMINAL_ONLY and set(one.option.commands) & set(RUNS)
    )
    headings = list(Group)
    return tuple(
        _to_input(one) for one in sorted(offered, key=lambda one: headings.index(one.option.group))
    )


def _to_input(declared: Declaration) -> Input:
    return Input(
        declared.key,
        declared.variable,
        # Where there is no command line, options are written without their hyphens.
        declared.option.help.replace(" --", " "),
        ("true", "false") if declared.is_switch else declared.choices,
        _HOSTED_DEFAULTS.get(declared.key, _find_default(declared)),
        declared.is_secret,
    )


def _find_default(declared: Declaration) -> str:
    return str(declared.default).lower() if declared.is_switch else declared.default_text("sync")


def _enumerate(choices: tuple[str, ...]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"
