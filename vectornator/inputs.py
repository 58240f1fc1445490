"""Where settings come from: flag > action input > environment > configuration file > default."""

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from vectornator.errors import SettingsError, list_choices
from vectornator.settings import DEFAULT_CONFIG_FILE, Declaration, Settings, declarations

_PREFIX = "VECTORNATOR_"

_LARGEST_FILE = 1024 * 1024
"""In bytes: whoever opens a pull request writes the configuration file."""

_LONGEST_VALUE = 60
"""How much of a wrong value is worth repeating."""

_NEARLY = 0.7
"""How alike a variable must be to one of ours to be taken for a slip; IMAGE_BUILD is no REBUILD."""

_COMPLAINTS: Mapping[str, str] = {
    "byte_size": "is not a size; try 500kB or 10MB",
    "byte_size_unit": "is not a size; try 500kB or 10MB",
    "greater_than_equal": "is less than {ge}",
    "int_from_float": "is not a whole number",
    "int_parsing": "is not a whole number",
    "int_parsing_size": "is not a number anyone needs",
    "int_type": "is not a whole number",
    "less_than_equal": "is more than {le}",
    "path_type": "is not text",
    "string_too_short": "is empty",
    "string_type": "is not text",
    "too_short": "names nothing",
}
"""What pydantic's error types mean to the one who gave the value."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value as somebody gave it, unchecked."""

    value: object
    origin: str
    """Where it came from, in words that follow "from"."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Checked settings, and the account of where they came from."""

    settings: Settings
    origins: Mapping[str, str]
    """By field of `Settings`: `--target`, `the input target`, `VECTORNATOR_TARGET`, `default`, …"""

    remarks: tuple[str, ...] = ()
    """What is probably a mistake but stops nothing."""


def resolve_settings(
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    command: str,
    defaults: Mapping[str, Given] | None = None,
) -> Resolved:
    """Gather the settings of `command` from every source and check them.

    `flags` are by field of `Settings`, as text or lists of text; so are `defaults`, which
    every source outweighs. An empty variable is one that was not given. Raises
    `SettingsError` with one line that names every problem.
    """
    outside = {
        declared.name: found
        for declared in declarations()
        if (found := _from_flag(declared, flags) or _from_environment(declared, environ))
    }
    file, problems = _read_file(outside)
    weak = {**(defaults or {}), **file}
    provider = outside.get("provider", weak.get("provider"))
    given = {**weak, **_from_provider(provider, environ), **outside}
    settings, complaints = _check(given, command)
    if settings is None or problems:
        raise SettingsError("; ".join([*problems, *complaints]))
    origins = {
        name: given[name].origin if name in given else "default" for name in Settings.model_fields
    }
    return Resolved(settings, origins, tuple(_remark_misspelt(environ)))


def _from_flag(declared: Declaration, flags: Mapping[str, object]) -> Given | None:
    return Given(flags[declared.name], declared.flag) if declared.name in flags else None


def _from_environment(declared: Declaration, environ: Mapping[str, str]) -> Given | None:
    # A runner keeps the hyphens of an input's name; a shell can only set the other spelling.
    hyphenated = f"INPUT_{declared.key.upper()}"
    inputs = dict.fromkeys((hyphenated, hyphenated.replace("-", "_")), f"the input {declared.key}")
    variables = {name: name for name in (declared.variable, *declared.option.environment)}
    return _first({**inputs, **variables}, environ)


def _first(names: Mapping[str, str], environ: Mapping[str, str]) -> Given | None:
    """The first of `names` that is set to something, with its origin."""
    return next(
        (
            Given(environ[name], origin)
            for name, origin in names.items()
            if environ.get(name, "").strip()
        ),
        None,
    )


def _from_provider(provider: Given | None, environ: Mapping[str, str]) -> dict[str, Given]:
    """The variables that a provider's own tools use, such as `OPENAI_API_KEY`."""
    name = provider.value if provider else Settings.model_fields["provider"].default
    prefix = str(name).strip().upper().replace("-", "_")
    found = {
        name: _first({variable: variable}, environ)
        for name, variable in (("api_key", f"{prefix}_API_KEY"), ("store_id", f"{prefix}_STORE_ID"))
    }
    return {name: given for name, given in found.items() if given}


def _read_file(outside: Mapping[str, Given]) -> tuple[dict[str, Given], list[str]]:
    """The values of the configuration file, and what is wrong with its keys."""
    path, origin = _locate_file(outside)
    if path is None:
        return {}, []
    table = _parse_file(path, origin)
    allowed = {one.key: one.name for one in declarations() if one.option.is_in_file}
    problems = [_refuse_key(key, allowed, origin) for key in table if key not in allowed]
    return {allowed[key]: Given(table[key], origin) for key in table if key in allowed}, problems


def _locate_file(outside: Mapping[str, Given]) -> tuple[Path | None, str]:
    """The file to read, if any, and its name in messages."""
    if named := outside.get("config"):
        path = Path(str(named.value))
        if not path.is_file():
            raise SettingsError(f"config: {_quote(path)} (from {named.origin}) is not a file")
        return path, path.name
    repository = outside.get("repository")
    path = find_root(Path(str(repository.value if repository else "."))) / DEFAULT_CONFIG_FILE
    return (path if path.is_file() else None), path.name


def find_root(folder: Path) -> Path:
    """The nearest folder upwards that holds a repository; `folder` itself if none does."""
    folder = folder.absolute()
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def _parse_file(path: Path, origin: str) -> dict[str, object]:
    try:
        with path.open("rb") as opened:
            content = opened.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise SettingsError(f"{origin} can't be read: {error.strerror}") from error
    if len(content) > _LARGEST_FILE:
        raise SettingsError(f"{origin} is larger than 1 MiB; it can't be a configuration file")
    try:
        return tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"{origin} is not valid TOML: {error}") from error


def _refuse_key(key: str, allowed: Iterable[str], origin: str) -> str:
    known = {one.key: one for one in declarations()}
    if key not in known:
        return f"{_quote(key)} (in {origin}) is not a setting{_suggest(key, allowed)}"
    if known[key].is_secret:
        return f"{key} must not be in {origin}; give it in {known[key].variable}"
    return f"{key} has no meaning in {origin}; give it with {known[key].flag}"


def _suggest(wrong: str, valid: Iterable[str]) -> str:
    close = difflib.get_close_matches(wrong, list(valid), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _check(given: Mapping[str, Given], command: str) -> tuple[Settings | None, list[str]]:
    """The settings, or else every complaint about them."""
    by_command = {
        one.name: one.option.by_command[command]
        for one in declarations()
        if command in one.option.by_command
    }
    values = {name: one.value for name, one in given.items()}
    try:
        return Settings.model_validate({**by_command, **values}), []
    except ValidationError as error:
        return None, [_describe(problem, given) for problem in error.errors(include_url=False)]


def _describe(problem: ErrorDetails, given: Mapping[str, Given]) -> str:
    """One problem in words: setting, value, origin, complaint."""
    if problem["type"] == "contradiction":
        names = cast("tuple[str, ...]", problem["ctx"]["names"])
        return f"{' and '.join(_trace(name, given) for name in names)} {problem['msg']}"
    declared = next(one for one in declarations() if one.name == problem["loc"][0])
    one = given[declared.name]
    value = "" if declared.is_secret else f" {_quote(one.value)}"
    return f"{declared.key}:{value} (from {one.origin}) {_complain(problem, declared)}"


def _trace(name: str, given: Mapping[str, Given]) -> str:
    return f"{name} (from {given[name].origin})" if name in given else name


def _complain(problem: ErrorDetails, declared: Declaration) -> str:
    """What is wrong with a value, as the end of a sentence."""
    context = problem.get("ctx", {})
    if problem["type"] == "value_error":
        return str(context["error"])
    if problem["type"] == "literal_error":
        suggestion = _suggest(str(problem["input"]), declared.choices)
        return f"is not one of {list_choices(declared.choices)}{suggestion}"
    return _COMPLAINTS.get(problem["type"], "is not valid").format_map(context)


def _quote(value: object) -> str:
    text = repr(str(value) if isinstance(value, Path) else value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _remark_misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    """Name variables that look like ours and set nothing."""
    known = {"COMMAND", *(one.variable.removeprefix(_PREFIX) for one in declarations())}
    for name in sorted(environ):
        rest = name.removeprefix(_PREFIX)
        if rest in known or rest == name:
            continue
        if close := difflib.get_close_matches(rest, known, n=1, cutoff=_NEARLY):
            yield f"{name} sets nothing; did you mean {_PREFIX}{close[0]}?"
