"""What a connection to a remote needs: certificates, proxies, patience, an ssh that never asks."""

import ipaddress
import re
import shlex
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from urllib.parse import unquote, urlsplit

import certifi
import urllib3
from dulwich.config import StackedConfig

from vectornator.errors import SettingsError
from vectornator.git.config import list_http_values, read_value
from vectornator.git.credentials import hide_credentials

_FALSE = frozenset({"false", "no", "off", "0"})
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for a remote, in seconds."""

    connect: float = 10.0
    read: float = 60.0


@dataclass(slots=True)
class Traffic:
    """What one remote has cost so far."""

    requests: int = 0
    """HTTP requests; over ssh, sessions."""

    bytes_sent: int = 0
    """Bodies only; on this machine, nothing."""

    bytes_received: int = 0
    """Bodies only; on this machine, packs."""

    def count(self, size: int, direction: str) -> None:
        """Add `size` bytes of the `direction` "read" or "write", dulwich's words."""
        if direction == "read":
            self.bytes_received += size
        else:
            self.bytes_sent += size


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What a pool of connections to one URL needs to know."""

    ca_file: str = ""
    """The authorities to trust; empty for those of the machine."""

    is_verified: bool = True
    proxy: str = field(default="", repr=False)


def read_http_settings(url: str, config: StackedConfig, environ: Mapping[str, str]) -> HttpSettings:
    """Certificates and proxy for a URL.

    Git's variables beat its configuration, as in git. After those come what GitLab sets for its
    own server, and what users of Python and curl set.
    """
    verify = (list_http_values(config, url, "sslVerify") or ["true"])[-1]
    is_gitlab = urlsplit(url).hostname == environ.get("CI_SERVER_HOST", "").lower()
    files = [
        environ.get("GIT_SSL_CAINFO"),
        *list_http_values(config, url, "sslCAInfo")[-1:],
        environ.get("CI_SERVER_TLS_CA_FILE") if is_gitlab else None,
        *map(environ.get, ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")),
    ]
    return HttpSettings(
        ca_file=next(filter(None, files), ""),
        is_verified=verify.lower() not in _FALSE and not environ.get("GIT_SSL_NO_VERIFY"),
        proxy=_find_proxy(url, config, environ),
    )


def open_pool(settings: HttpSettings, timeouts: Timeouts) -> urllib3.PoolManager:
    """Connections that never wait for ever, and never retry or follow a redirect by themselves.

    Raises `SettingsError` for certificates or a proxy that can't be used.
    """
    if settings.ca_file and not Path(settings.ca_file).is_file():
        raise SettingsError(
            f"The certificates {settings.ca_file!r} are not there. Correct http.sslCAInfo or the "
            "variable that names them."
        )
    wait = urllib3.Timeout(connect=timeouts.connect, read=timeouts.read)
    verify = "CERT_REQUIRED" if settings.is_verified else "CERT_NONE"
    trusted = settings.ca_file or _find_certificates()
    if not settings.proxy:
        return urllib3.PoolManager(timeout=wait, retries=False, cert_reqs=verify, ca_certs=trusted)
    proxy = urlsplit(settings.proxy)
    user, password = unquote(proxy.username or ""), unquote(proxy.password or "")
    return urllib3.ProxyManager(
        hide_credentials(settings.proxy),
        proxy_headers=urllib3.make_headers(proxy_basic_auth=f"{user}:{password}" if user else None),
        timeout=wait,
        retries=False,
        cert_reqs=verify,
        ca_certs=trusted,
    )


def find_ssh_command(config: StackedConfig, environ: Mapping[str, str], timeouts: Timeouts) -> str:
    """The ssh to run, its variables filled in, never asking and never waiting for ever.

    actions/checkout writes `$RUNNER_TEMP` into `core.sshCommand`. No shell runs here: a variable
    fills a place inside one word, whatever is in it. Raises `SettingsError` for open quotes.
    """
    command = (
        environ.get("GIT_SSH_COMMAND")
        or read_value(config, ("core",), "sshCommand")
        or shlex.quote(environ.get("GIT_SSH") or "ssh")
    )
    try:
        words = [_expand(word, environ) for word in shlex.split(command)]
    except ValueError as error:
        raise SettingsError(
            f"The ssh command of GIT_SSH_COMMAND or core.sshCommand can't be read: {error}."
        ) from error
    if words and PurePath(words[0]).name == "ssh":
        # The first value counts in ssh: what the user's own command says stays in force.
        words += ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={max(1, int(timeouts.connect))}"]
        words += ["-o", f"ServerAliveInterval={max(1, int(timeouts.read / 3))}"]
    return shlex.join(words)


def _expand(word: str, environ: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: environ.get(match[1] or match[2], ""), word)


def _find_certificates() -> str | None:
    """Certifi's authorities on a machine that has none of its own, like a slim container."""
    paths = ssl.get_default_verify_paths()
    has_own = paths.cafile or (paths.capath and any(Path(paths.capath).iterdir()))
    return None if has_own else certifi.where()


def _find_proxy(url: str, config: StackedConfig, environ: Mapping[str, str]) -> str:
    """The proxy for a URL, or nothing; see git-config(1) `http.proxy` and curl(1) `NO_PROXY`."""
    parts = urlsplit(url)
    names = (f"{parts.scheme}_proxy", "all_proxy")
    known = [environ.get(name) or environ.get(name.upper(), "") for name in names]
    chosen = next(filter(None, [*list_http_values(config, url, "proxy")[-1:], *known]), "")
    if not chosen or _is_direct(parts.hostname or "", environ):
        return ""
    chosen = chosen if "://" in chosen else f"http://{chosen}"
    if urlsplit(chosen).scheme not in {"http", "https"}:
        raise SettingsError(
            f"The proxy {hide_credentials(chosen)} is of a kind we don't speak. "
            "Use http:// or https://."
        )
    return chosen


def _is_direct(host: str, environ: Mapping[str, str]) -> bool:
    """Whether NO_PROXY names a host, by name, domain, address or network."""
    excepted = environ.get("no_proxy") or environ.get("NO_PROXY", "")
    names = [part.strip().lstrip(".").lower() for part in excepted.split(",")]
    return any(
        name in {"*", host} or host.endswith(f".{name}") or _is_within(host, name)
        for name in names
        if name
    )


def _is_within(host: str, network: str) -> bool:
    """Whether an address lies in a network like 10.0.0.0/8; a name never does."""
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
