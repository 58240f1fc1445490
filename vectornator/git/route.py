"""How to get to a remote: which client speaks for a URL, with which credential and patience."""

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from dulwich.client import (
    LocalGitClient,
    SSHGitClient,
    SubprocessGitClient,
    SubprocessSSHVendor,
    TraditionalGitClient,
    parse_rsync_url,
)
from dulwich.config import StackedConfig
from dulwich.protocol import Protocol

from vectornator.errors import SettingsError
from vectornator.git.client import Access, HttpClient
from vectornator.git.credentials import (
    ask_helper,
    decide_authorization,
    hide_credentials,
    list_extra_headers,
)
from vectornator.git.failures import heed_errors
from vectornator.git.transport import (
    Timeouts,
    Traffic,
    find_ssh_command,
    open_pool,
    read_http_settings,
)
from vectornator.git.wire import SizeLimits


@dataclass(frozen=True, slots=True)
class Patience:
    """How a call is repeated when the remote is unreachable."""

    tries: int = 4
    longest: float = 60.0
    """The longest single wait, in seconds, whatever the server wishes."""

    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a remote is used."""

    timeouts: Timeouts = field(default_factory=Timeouts)
    sizes: SizeLimits = field(default_factory=SizeLimits)
    patience: Patience = field(default_factory=Patience)


class Sessions(TraditionalGitClient):
    """What is ours in the clients that talk to another process.

    It heeds the other side's error packets, counts sessions, and remembers the last one, which
    dulwich leaves open when it fails early.
    """

    _traffic: Traffic
    _session: Protocol | None = None

    def close(self) -> None:
        """End the last session."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _connect(
        self, cmd: bytes, path: str | bytes, protocol_version: int | None = None
    ) -> tuple[Protocol, Callable[[], bool], IO[bytes] | None]:
        self.close()
        session, can_read, errors = super()._connect(cmd, path, protocol_version)
        session.read = heed_errors(session.read)
        self._session = session
        self._traffic.requests += 1
        return session, can_read, errors


class SshClient(Sessions, SSHGitClient):
    """Dulwich's client over the user's ssh."""

    def __init__(self, host: str, traffic: Traffic, **options: Any) -> None:  # noqa: ANN401
        super().__init__(host, **options)
        self._traffic = traffic


class PathClient(Sessions, SubprocessGitClient):
    """Dulwich's client over the git that is installed: hooks and filters are as git has them."""

    def __init__(self, git: str, traffic: Traffic) -> None:
        super().__init__(report_activity=traffic.count)
        self._traffic = traffic
        # Dulwich gives the process no environment of its own to say what is spoken.
        speak = ("env", "GIT_PROTOCOL=version=2", git, "-c", "uploadpack.allowFilter=true")
        self.git_command = list(speak)


@dataclass(frozen=True, slots=True)
class Route:
    """A client, the path it asks for, and the URL as it may be shown."""

    client: HttpClient | SshClient | PathClient | LocalGitClient
    path: bytes
    shown: str


def build_route(
    url: str,
    *,
    token: str,
    config: StackedConfig,
    environ: Mapping[str, str],
    terms: Terms,
    traffic: Traffic,
) -> Route:
    """The client for a URL or a path. Raises `SettingsError` for one of an unknown scheme."""
    parts = urlsplit(url)
    match parts.scheme:
        case "http" | "https":
            access = Access(
                url,
                list_extra_headers(url, config),
                decide_authorization(url, config, environ, token),
                partial(ask_helper, url, config, environ),
            )
            pool = open_pool(read_http_settings(url, config, environ), terms.timeouts)
            client = HttpClient(url, pool, access, traffic, terms.sizes.pack)
            return Route(client, parts.path.encode(), hide_credentials(url))
        case "ssh" | "git+ssh":
            command = find_ssh_command(config, environ, terms.timeouts)
            where = (parts.username, parts.hostname or "", parts.port)
            return _build_ssh(where, unquote(parts.path), command, traffic)
        case "file":
            return _build_path(unquote(parts.path), parts.path, traffic)
        case scheme if "://" in url:
            raise SettingsError(
                f"The remote {hide_credentials(url)} has the scheme {scheme!r}. "
                "Use https://, http://, ssh://, file:// or a path."
            )
        case _ if "::" in url.partition("/")[0]:
            raise SettingsError(
                f"The remote {url.partition('::')[0]}:: asks for a helper program, which is never "
                "run. Use https://, http://, ssh://, file:// or a path."
            )
        case _ if ":" in url.partition("/")[0]:
            user, host, path = parse_rsync_url(url)
            command = find_ssh_command(config, environ, terms.timeouts)
            return _build_ssh((user, host, None), path, command, traffic)
        case _:
            return _build_path(str(Path(url).expanduser()), url, traffic)


def _build_path(path: str, shown: str, traffic: Traffic) -> Route:
    """The installed git where there is one; else dulwich, which copies more and runs no hook."""
    git = shutil.which("git")
    client = PathClient(git, traffic) if git else LocalGitClient()
    return Route(client, path.encode(), shown)


def _build_ssh(
    where: tuple[str | None, str, int | None], path: str, command: str, traffic: Traffic
) -> Route:
    user, host, port = where
    if any(word.startswith("-") for word in (user or "", host, path)):
        raise SettingsError(
            "The remote's ssh URL names a user, host or path that begins with a hyphen, which ssh "
            "would take for an option. Correct the URL."
        )
    client = SshClient(
        host,
        traffic,
        port=port,
        username=user,
        ssh_command=command,
        vendor=SubprocessSSHVendor(),
        report_activity=traffic.count,
    )
    return Route(client, path.encode(), f"ssh://{host}/{path.lstrip('/')}")
