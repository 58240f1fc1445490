"""Git's configuration as git would read it here: files, includes and the environment passed in."""

import errno
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import SplitResult, urlsplit

from dulwich.config import (
    ConfigFile,
    StackedConfig,
    apply_instead_of,
    env_config,
    match_glob_pattern,
)
from dulwich.wildmatch import translate

from vectornator.errors import SourceError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LARGEST = 1 << 20
"""Bytes of a file of configuration: reading a line takes the square of its length."""


class Located(Protocol):
    """A repository, as far as its configuration is concerned."""

    @property
    def git_dir(self) -> str | os.PathLike[str]:
        """The `.git` directory of this work tree."""

    @property
    def common_dir(self) -> str | os.PathLike[str]:
        """The `.git` directory that all work trees share."""


def load_config(repository: Located | None, environ: Mapping[str, str]) -> StackedConfig:
    """Everything `git config --list` would show, the most important first.

    That is `GIT_CONFIG_COUNT` and its keys, the repository's files and the user's and the
    system's, each with `include` and `includeIf`. Raises `SourceError` for a file or a variable
    that git would not read either.
    """
    is_active = _build_conditions(repository)
    try:
        first = env_config(environ)
    except (KeyError, ValueError) as error:
        raise SourceError(
            f"GIT_CONFIG_COUNT is set, but {error}. Correct the variables."
        ) from error
    local = list(_read_local(repository, is_active)) if repository else []
    outer = [_read_file(path, is_active) for path in _list_outer_paths(environ)]
    return StackedConfig([file for file in (first, *local, *outer) if file is not None])


def read_value(config: StackedConfig, section: tuple[str, ...], name: str) -> str:
    """The value that counts, or an empty string."""
    try:
        value = config.get(tuple(part.encode() for part in section), name.encode())
    except KeyError:
        return ""
    return _decode(value)


def list_http_values(config: StackedConfig, url: str, name: str) -> list[str]:
    """All values of `http.<name>` and `http.<url>.<name>` for a URL; the last one counts most.

    As in git, a section for a longer part of the URL beats a shorter one wherever it stands,
    and an empty value takes back everything before it.
    """
    values: list[str] = []
    best = (0, 0, False)
    for file in reversed(config.backends):
        for section in file.sections():
            rank = _rank_section(section, url)
            if rank is None or rank < best:
                continue
            for value in _list_values(file, section, name):
                best = rank
                values = [*values, value] if value else []
    return values


def list_remotes(config: StackedConfig) -> list[str]:
    """The names of the remotes that are configured, each once."""
    sections = (section for file in config.backends for section in file.sections())
    names = (_decode(section[1]) for section in sections if section[0] == b"remote" and section[1:])
    return list(dict.fromkeys(names))


def find_usual_remote(config: StackedConfig) -> str:
    """`origin`, or the only remote there is; empty when there is none to talk to.

    A clone of a bundle has a remote that is a file: nothing can be pushed there.
    """
    names = list_remotes(config)
    name = "origin" if "origin" in names else "".join(names[:1] if len(names) == 1 else ())
    return "" if not name or Path(find_remote_url(config, name)).is_file() else name


def find_remote_url(config: StackedConfig, name: str, *, push: bool = False) -> str:
    """The URL of a remote, or `name` itself when it is none; rewritten by `url.*.insteadOf`."""
    section = ("remote", name)
    url = (read_value(config, section, "pushurl") if push else "") or read_value(
        config, section, "url"
    )
    return apply_instead_of(config, url or name, push=push)


def _read_local(
    repository: Located, is_active: Mapping[str, Callable[[str], bool]]
) -> Iterator[ConfigFile | None]:
    local = _read_file(Path(repository.common_dir, "config"), is_active)
    if local and local.get_boolean((b"extensions",), b"worktreeConfig", False):
        yield _read_file(Path(repository.git_dir, "config.worktree"), is_active)
    yield local


def _list_outer_paths(environ: Mapping[str, str]) -> list[Path]:
    """The user's and the system's files; see git-config(1), "FILES"."""
    home = environ.get("HOME", "")
    if "GIT_CONFIG_GLOBAL" in environ:
        paths = [environ["GIT_CONFIG_GLOBAL"]]
    else:
        xdg = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
        paths = [f"{home}/.gitconfig" if home else "", f"{xdg}/git/config" if xdg else ""]
    if environ.get("GIT_CONFIG_NOSYSTEM", "0").lower() in {"", "0", "false", "no", "off"}:
        paths.append(environ.get("GIT_CONFIG_SYSTEM", "/etc/gitconfig"))
    return [Path(path) for path in paths if path]


def _read_file(path: Path, is_active: Mapping[str, Callable[[str], bool]]) -> ConfigFile | None:
    try:
        return ConfigFile.from_path(path, condition_matchers=is_active, file_opener=open_config)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except (OSError, ValueError) as error:
        raise SourceError(
            f"Git configuration {path} can't be read: {error}. Correct it."
        ) from error


def open_config(path: str | os.PathLike[str]) -> IO[bytes]:
    """Open a file of configuration, for dulwich. Raises `OSError` for what is no file.

    An `include` may name a device or a pipe, which would be read for ever. `/dev/null` is how
    many say that there is none.
    """
    place = Path(path)
    if not (place.is_file() or place.samefile(os.devnull)):
        raise OSError(errno.EINVAL, "not a file", str(path))
    if place.stat().st_size > _LARGEST:
        raise OSError(errno.EFBIG, "it is larger than 1 MiB", str(path))
    return place.open("rb")


def _build_conditions(repository: Located | None) -> dict[str, Callable[[str], bool]]:
    """What an `includeIf` may ask, for files outside the repository too."""
    if repository is None:
        return {}
    git_dir = Path(repository.git_dir)
    return {
        "gitdir:": partial(_is_git_dir, git_dir, ignore_case=False),
        "gitdir/i:": partial(_is_git_dir, git_dir, ignore_case=True),
        "onbranch:": partial(_is_branch, git_dir),
    }


def _is_git_dir(git_dir: Path, pattern: str, *, ignore_case: bool) -> bool:
    """Whether the repository lies where a `gitdir:` pattern says; see git-config(1)."""
    pattern = str(Path(pattern).expanduser()) + "/" * pattern.endswith("/")
    if not pattern.startswith(("/", "**")):
        pattern = "**/" + pattern
    if pattern.endswith("/"):
        pattern += "**"
    expression = re.compile(translate(pattern.encode()), re.IGNORECASE if ignore_case else 0)
    return any(expression.fullmatch(os.fsencode(path)) for path in {git_dir.resolve(), git_dir})


def _is_branch(git_dir: Path, pattern: str) -> bool:
    try:
        head = Path(git_dir, "HEAD").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    branch = head.removeprefix("ref: refs/heads/").strip()
    return head.startswith("ref: refs/heads/") and match_glob_pattern(branch, pattern)


def _list_values(file: ConfigFile, section: tuple[bytes, ...], name: str) -> list[str]:
    try:
        return [_decode(value) for value in file.get_multivar(section, name.encode())]
    except KeyError:
        return []


def _rank_section(section: tuple[bytes, ...], url: str) -> tuple[int, int, bool] | None:
    """How closely an `http` section fits a URL, to compare; None when it does not."""
    if section[0].lower() != b"http":
        return None
    if len(section) == 1:
        return 0, 0, False
    asked, given = urlsplit(url), urlsplit(_decode(section[1]))
    path = given.path.rstrip("/")
    is_below = asked.path.rstrip("/") == path or asked.path.startswith(path + "/")
    is_same_user = given.username is None or given.username == asked.username
    if not given.hostname or not is_below or not is_same_user or not _is_same_host(given, asked):
        return None
    return len(given.hostname), len(path), given.username is not None


def _is_same_host(given: SplitResult, asked: SplitResult) -> bool:
    """Whether scheme, port and host agree; a `*` stands for one part of the host's name."""
    ports = [part.port or _DEFAULT_PORTS.get(part.scheme) for part in (given, asked)]
    if given.scheme != asked.scheme or ports[0] != ports[1]:
        return False
    labels = [(part.hostname or "").split(".") for part in (given, asked)]
    return len(labels[0]) == len(labels[1]) and all(
        pattern in {"*", label} for pattern, label in zip(*labels, strict=True)
    )


def _decode(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
