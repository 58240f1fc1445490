"""What GitHub's runner makes of what an action leaves behind: files of commands, and its log.

After `FileCommandManager` and `ActionCommand` of actions/runner.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LARGEST_SUMMARY = 1024 * 1024
"""In bytes; the runner uploads nothing of a summary that is larger."""

_COMMAND = re.compile(r"^\s*::([a-z-]+)(?: +([^:]*(?::(?!:)[^:]*)*))?::(.*)$")
_UNESCAPES = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))


@dataclass(frozen=True, slots=True)
class Command:
    """A line of the log that the runner carries out."""

    name: str
    properties: dict[str, str]
    message: str


def read_pairs(text: str) -> dict[str, str]:
    """The names and values of a command file.

    A line is `NAME=VALUE`, or `NAME<<END` and everything up to a line that says `END`.
    Raises `ValueError` where the runner fails the step.
    """
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if not line:
            continue
        name, mark, rest = _split(line)
        if not name or not mark or (mark == "<<" and not rest):
            raise ValueError(f"invalid format {line!r}")
        found[name] = rest if mark == "=" else "\n".join(_read_until(rest, lines))
    return found


def read_commands(log: str) -> list[Command]:
    """The commands in a log, those in brackets too, less what `::stop-commands::` holds back."""
    found: list[Command] = []
    token = ""
    for line in log.splitlines():
        if token:
            token = "" if line.strip() == f"::{token}::" else token
        elif match := _COMMAND.match(line):
            command = Command(match[1], _read_properties(match[2] or ""), _unescape(match[3]))
            token = command.message if command.name == "stop-commands" else ""
            found.append(command)
        elif "##[" in line:
            found.append(Command(line.partition("##[")[2].split("]")[0], {}, line))
    return found


def _split(line: str) -> tuple[str, str, str]:
    """A line at `=` or `<<`, whichever comes first."""
    equals, heredoc = line.find("="), line.find("<<")
    mark = "=" if equals >= 0 and (heredoc < 0 or equals < heredoc) else "<<"
    return line.partition(mark)


def _read_until(end: str, lines: Iterator[str]) -> list[str]:
    taken: list[str] = []
    for line in lines:
        if line == end:
            return taken
        taken.append(line)
    raise ValueError(f"no line says {end!r}")


def _read_properties(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    return {name.strip(): _unescape(value) for name, _, value in pairs if value}


def _unescape(text: str) -> str:
    for escaped, plain in _UNESCAPES:
        text = text.replace(escaped, plain)
    return text
