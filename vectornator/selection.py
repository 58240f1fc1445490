"""Which paths are documents: patterns, exclusions and ignore files, as in a `.gitignore` file."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore import GitIgnorePatternError

from vectornator.errors import SettingsError

IGNORE_FILE = ".vectornatorignore"

Matches: TypeAlias = Callable[[str], bool]
"""Tells whether a path matches."""

_GROUP_NAME = re.compile(r"\(\?P<\w+>")
"""How a named group begins; names would clash where expressions are joined."""


@dataclass(frozen=True)
class Selection:
    """Which paths are documents: patterns with the meaning they have in a `.gitignore` file.

    The last pattern that matches decides; a leading `!` takes a path out again, and a folder
    with all that is in it. `patterns` and `exclude` are relative to `directory`; each ignore
    file is relative to its own folder.
    """

    patterns: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    directory: str = ""
    """Relative to the root with forward slashes; empty for the root itself."""

    ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The lines of ignore files by the folder they lie in."""

    max_size: int = 0
    """The largest document in bytes, for the fingerprint; no path tells the size."""

    @cached_property
    def fingerprint(self) -> str:
        """Changes when another set of paths could be chosen."""
        parts = [str(self.max_size), self.directory, *self.patterns, "", *self.exclude]
        for folder in sorted(self.ignores):
            parts += ["", folder, *self.ignores[folder]]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    @cached_property
    def _chosen(self) -> Matches:
        lines = [line for pattern in self.patterns for line in _spell_out(pattern)]
        return _compile(lines, "patterns", self._prefix)

    @cached_property
    def _excluded(self) -> tuple[Matches, ...]:
        """What is excluded below the directory, and below the folder of each ignore file."""
        compiled = [_compile(self.exclude, "exclude", self._prefix)] if self.exclude else []
        for folder, lines in self.ignores.items():
            prefix = f"{folder}/" if folder else ""
            compiled.append(_compile(lines, f"{prefix}{IGNORE_FILE}", prefix))
        return tuple(compiled)

    @cached_property
    def _prefix(self) -> str:
        return f"{self.directory}/" if self.directory else ""

    @cached_property
    def _literal_folders(self) -> tuple[str, ...] | None:
        """Folders that all chosen paths lie under; None when they can be anywhere."""
        folders = []
        for pattern in (one for one in self.patterns if not one.startswith("!")):
            folder = _find_literal_folder(pattern)
            if not folder:
                return None
            folders.append(self._prefix + folder + "/")
        return tuple(folders)

    def check(self) -> None:
        """Raise `SettingsError` for a pattern that is not valid, before any path is judged."""
        _ = (self._chosen, self._excluded)

    def is_chosen(self, path: str) -> bool:
        """Tell whether the patterns name `path`, excluded or not."""
        return self._chosen(path)

    def is_excluded(self, path: str) -> bool:
        """Tell whether `exclude` or an ignore file takes `path` out."""
        for matches in self._excluded:  # noqa: SIM110  (any() costs half as much again)
            if matches(path):
                return True
        return False

    def may_hold(self, folder: str) -> bool:
        """Tell whether a folder can hold a chosen path, so that it is worth opening."""
        below = folder + "/"
        base = self._prefix
        if not (below.startswith(base) or base.startswith(below)):
            return False
        folders = self._literal_folders
        return folders is None or any(
            below.startswith(literal) or literal.startswith(below) for literal in folders
        )


def _spell_out(pattern: str) -> tuple[str, ...]:
    """A pattern, and for `!folder/` also the pattern that takes out the files in the folder.

    In a `.gitignore` file that line names the folder alone; here it can only mean its files.
    """
    if not (pattern.startswith("!") and pattern.endswith("/")):
        return (pattern,)
    folder = pattern[1:]
    anywhere = "" if "/" in folder[:-1] else "**/"
    return (pattern, f"!{anywhere}{folder}**")


def _compile(lines: Iterable[str], origin: str, prefix: str) -> Matches:
    """What tells whether a path below `prefix` matches. Raises `SettingsError`.

    Where no line takes a match back, one regular expression for all lines answers, which is
    faster: it is asked for every file of the repository.
    """
    try:
        spec = GitIgnoreSpec.from_lines(lines)
    except (GitIgnorePatternError, ValueError, re.error) as error:
        raise SettingsError(f"A pattern in {origin} is not valid: {error}") from error
    rules = [rule for rule in spec.patterns if rule.include is not None]
    start = len(prefix)
    if not all(rule.include for rule in rules):
        return lambda path: path.startswith(prefix) and bool(spec.check_file(path[start:]).include)
    if not rules:
        return lambda _: False
    unnamed = (_GROUP_NAME.sub("(?:", rule.regex.pattern) for rule in rules if rule.regex)
    match_any = re.compile("|".join(unnamed)).match
    return lambda path: path.startswith(prefix) and match_any(path[start:]) is not None


def _find_literal_folder(pattern: str) -> str:
    """The folder that every match of an anchored pattern lies under; empty when unknown."""
    is_anchored = "/" in pattern.rstrip("/")
    if not is_anchored or pattern.startswith("#") or "\\" in pattern:
        return ""
    parts = pattern.lstrip("/").split("/")[:-1]
    literal = []
    for part in parts:
        if any(sign in part for sign in "*?["):
            break
        literal.append(part)
    return "/".join(literal)


def read_ignore_files(
    read_file: Callable[[str], bytes | None], directory: str
) -> dict[str, tuple[str, ...]]:
    """The ignore files that apply to `directory`: its own and the root's.

    `read_file` returns the content of a file by its path, or None where there is none.
    """
    ignores = {}
    for folder in dict.fromkeys(("", directory)):
        content = read_file(f"{folder}/{IGNORE_FILE}" if folder else IGNORE_FILE)
        if content is not None:
            ignores[folder] = tuple(content.decode("utf-8", "replace").splitlines())
    return ignores
