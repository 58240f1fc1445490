"""The arguments of every command, made from the declarations of the settings."""

import difflib
import json
import shutil
import sys
from argparse import (
    SUPPRESS,
    ArgumentParser,
    Namespace,
    RawDescriptionHelpFormatter,
    _ActionsContainer,
)
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import vectornator
from vectornator.errors import SettingsError
from vectornator.settings import COMMANDS, Declaration, Group, declarations

SHELLS = ("bash", "tcsh", "zsh")
"""The shells that `completion` writes for."""

KINDS = ("settings", "report")
"""What `schema` describes: `vectornator.toml`, and what a run prints with `--json`."""

_EXIT_CODES = """\
exit codes:
  0 done · 1 some documents failed · 2 wrong settings · 3 refused by a brake
  4 store or credentials · 5 state
  20 differences (verify, plan --detailed-exitcode)
  70 a bug of ours · 124 out of time · 130, 143 interrupted"""

_PRECEDENCE = """\
A flag outweighs the environment, which outweighs vectornator.toml, where an
option is written like this: max-deletes = "25%". Every switch has a --no- form."""

_WIDEST_HELP = 110
"""In columns; longer lines are tiring to read."""

_PRINTED: Mapping[str, tuple[str, str, tuple[str, ...], str]] = {
    "completion": (
        "Print the completion script for a shell.",
        "shell",
        SHELLS,
        "the shell to complete in",
    ),
    "schema": ("Print a JSON Schema.", "kind", KINDS, "what to describe"),
}
"""The commands that take no settings: purpose, name of the argument, its values, its help."""

_POSITIONALS: Mapping[str, tuple[str, ...]] = {
    "search": ("query", "QUERY", "what to look for"),
    "create-store": ("name", "NAME", "what to call the store"),
}


class Parser(ArgumentParser):
    """A parser whose complaints are ours to show."""

    def error(self, message: str) -> NoReturn:
        """Raise `SettingsError` instead of printing and leaving."""
        raise SettingsError(f"{message}; see `{self.prog} --help`")


class _Format(RawDescriptionHelpFormatter):
    """Keeps the lines of what is written, and leaves room for long flags."""

    def __init__(self, prog: str) -> None:
        width = min(shutil.get_terminal_size().columns, _WIDEST_HELP)
        super().__init__(prog, max_help_position=30, width=width)


_STYLE: dict[str, Any] = {
    "allow_abbrev": False,
    "argument_default": SUPPRESS,
    "formatter_class": _Format,
}
"""What all parsers have in common. Abbreviated flags would break when options are added."""


def parse_arguments(argv: Sequence[str]) -> Namespace:
    """Read the command and its arguments; only what was given is set, as text or lists of text.

    Options may stand before the command too. Raises `SettingsError`, and `SystemExit` when
    help or the version was asked for.
    """
    ordered = _put_command_first(argv)
    if not ordered:
        raise SettingsError("No command is given; try `vectornator sync` or `vectornator --help`")
    if ordered[0] not in {*COMMANDS, *_PRINTED} and not ordered[0].startswith("-"):
        raise SettingsError(_refuse_command(ordered[0]))
    found, unknown = build_parser().parse_known_args(ordered)
    if unknown:
        raise SettingsError(_refuse(unknown, found.command))
    return found


def _put_command_first(argv: Sequence[str]) -> list[str]:
    """Move the options before the command behind it; empty when there is no command.

    Help and the version stay where they are: before a command they are about the program.
    """
    valued = [one for one in declarations() if not one.is_switch]
    with_value = {name for one in valued for name in (*_spell(one), f"--{one.key}")}
    place = 0
    while place < len(argv) and argv[place].startswith("-"):
        if argv[place] in {"-h", "--help", "--version"}:
            return list(argv[place:])
        place += 2 if argv[place] in with_value else 1
    return [*argv[place : place + 1], *argv[:place], *argv[place + 1 :]] if argv[place:] else []


def _refuse_command(word: str) -> str:
    close = difflib.get_close_matches(word, [*COMMANDS, *_PRINTED], n=1)
    advice = f"; did you mean {close[0]}?" if close else "; see `vectornator --help`"
    return f"{word} is not a command{advice}"


def _refuse(unknown: Sequence[str], command: str | None) -> str:
    flag = unknown[0].partition("=")[0]
    if not flag.startswith("-"):
        return f"{unknown[0]} is one word too many; put quotes around what belongs together"
    secrets = {f"--{one.key}": one.variable for one in declarations() if one.is_secret}
    if flag in secrets:
        return f"{flag} is not an option, lest it be seen by others; set {secrets[flag]}"
    offered = [one for one in declarations(command) if one.flag]
    flags = [name for one in offered for name in (one.flag, _negate(one))]
    close = difflib.get_close_matches(flag, flags, n=1)
    program = f"vectornator {command}" if command else "vectornator"
    advice = f"; did you mean {close[0]}?" if close else f"; see `{program} --help`"
    return f"{flag} is not an option of {command or program}{advice}"


def print_completion(shell: str) -> None:
    """Print what makes `shell`, one of `SHELLS`, complete our commands, options and values."""
    import shtab  # noqa: PLC0415  (only this command pays for it)

    sys.stdout.write(f"{shtab.complete(build_parser(is_completing=True), shell)}\n")


def print_schema(kind: str) -> None:
    """Print the JSON Schema of `kind`, one of `KINDS`."""
    from vectornator.report.schema import SCHEMAS  # noqa: PLC0415  (only this command pays for it)

    sys.stdout.write(f"{json.dumps(SCHEMAS[kind](), indent=2)}\n")


def build_parser(*, is_completing: bool = False) -> Parser:
    """The whole command line; `is_completing` adds the valid values that shells offer."""
    parser = Parser(
        prog="vectornator",
        usage="%(prog)s COMMAND [options]",
        description=vectornator.__doc__,
        epilog=_EXIT_CODES,
        **_STYLE,
    )
    parser.add_argument(
        "--version", action="version", version=f"vectornator {vectornator.__version__}"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND [options]", dest="command")
    for command, purpose in COMMANDS.items():
        positional = _POSITIONALS.get(command, ())
        one = commands.add_parser(
            command,
            prog=f"vectornator {command}",
            usage=" ".join(["vectornator", command, "[options]", *positional[1:2]]),
            help=purpose,
            description=purpose,
            epilog=_write_epilog(command),
            **_STYLE,
        )
        _add_options(one, command, is_completing=is_completing)
        if positional:
            name, metavar, text = positional
            one.add_argument(name, metavar=metavar, help=text)
    for command, (purpose, name, choices, text) in _PRINTED.items():
        program = f"vectornator {command}"
        one = commands.add_parser(
            command, prog=program, help=purpose, description=purpose, **_STYLE
        )
        one.add_argument(name, choices=choices, help=text)
    return parser


def _add_options(parser: ArgumentParser, command: str, *, is_completing: bool) -> None:
    """Add every option of `command`, under the heading of its group."""
    offered = [one for one in declarations(command) if one.flag]
    for heading in Group:
        members = [one for one in offered if one.option.group is heading]
        group = parser.add_argument_group(heading) if members else parser
        for one in members:
            if one.is_switch:
                _add_switch(group, one)
            else:
                _add_value(group, one, command, is_completing=is_completing)


def _add_switch(group: _ActionsContainer, declared: Declaration) -> None:
    group.add_argument(
        *_spell(declared),
        dest=declared.name,
        action="store_const",
        const="true",
        help=f"{_soften(declared.option.help)} [{declared.variable}]",
    )
    group.add_argument(
        _negate(declared), dest=declared.name, action="store_const", const="false", help=SUPPRESS
    )


def _add_value(
    group: _ActionsContainer, declared: Declaration, command: str, *, is_completing: bool
) -> None:
    default = declared.default_text(command)
    text = f"{_soften(declared.option.help)}{f' (default: {default})' if default else ''}"
    group.add_argument(
        *_spell(declared),
        dest=declared.name,
        metavar=_name_value(declared),
        action="append" if declared.is_list else "store",
        # Checking is left to the settings, whose complaint is better.
        choices=declared.choices if declared.choices and is_completing else None,
        help=f"{text} [{declared.variable}]".replace("%", "%%"),
    )


def _spell(declared: Declaration) -> list[str]:
    return [name for name in (declared.option.short, declared.flag) if name]


def _soften(sentence: str) -> str:
    """A sentence as argparse's help lines look: no capital, no full stop."""
    return f"{sentence[0].lower()}{sentence[1:].removesuffix('.')}"


def _negate(declared: Declaration) -> str:
    return f"--no-{declared.key}"


def _name_value(declared: Declaration) -> str:
    """What stands for the value in help; the valid values themselves where they are few."""
    if declared.choices:
        return "{" + ",".join(declared.choices) + "}"
    return declared.option.metavar


def _write_epilog(command: str) -> str:
    """What is never given by flag, and what weighs more than what."""
    secrets = [one for one in declarations(command) if one.is_secret]
    lines = [
        f"  {one.variable:<26}  {_soften(one.option.help)}, or {_name_alternative(one)}"
        for one in secrets
    ]
    return "\n".join(["from the environment only:", *lines, "", _PRECEDENCE])


def _name_alternative(declared: Declaration) -> str:
    return next(iter(declared.option.environment), f"<PROVIDER>_{declared.name.upper()}")
