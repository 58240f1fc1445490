"""GitHub's runner as far as it reads: commands in a log, and files of outputs."""

import re
from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True)
class Command:
    """One command that the runner would carry out."""

    name: str
    properties: dict[str, str]
    message: str


def find_commands(log: str) -> list[Command]:
    """Every command in a log, by the rules of `ActionCommand.cs` of actions/runner.

    `::name key=value::message` at the start of a line, whatever space is before it, and
    `##[name key=value]message` anywhere.
    """
    found = []
    for line in re.split(r"\r\n|\r|\n", log):
        new = re.match(r"\s*::([^\s:]+)(?: ([^:]*(?::(?!:)[^:]*)*))?::(.*)$", line, re.DOTALL)
        old = re.search(r"##\[([^\s\]]+)(?: ([^\]]*))?\](.*)$", line, re.DOTALL)
        if match := new or old:
            pairs = (pair.partition("=") for pair in (match[2] or "").split(","))
            properties = {key: unquote(value) for key, _, value in pairs if value}
            found.append(Command(match[1].lower(), properties, unquote(match[3])))
    return found


def read_outputs(text: str) -> dict[str, str]:
    """A file of outputs: `name=value` lines and heredocs. Raises `ValueError`."""
    outputs, lines = {}, iter(text.splitlines())
    for line in lines:
        if not line:
            continue
        found = re.match(r"([^=<]+)(=|<<)(.*)$", line)
        if not found:
            raise ValueError(line)
        if found[2] == "=":
            outputs[found[1]] = found[3]
            continue
        value = []
        for one in lines:
            if one == found[3]:
                break
            value.append(one)
        else:
            raise ValueError(f"no {found[3]}")
        outputs[found[1]] = "\n".join(value)
    return outputs
