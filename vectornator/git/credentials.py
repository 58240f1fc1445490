"""Which Authorization a remote gets: one at most, and never another host's."""

import base64
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from dulwich.config import StackedConfig

from vectornator.git.config import list_http_values, read_value

_HELPER_TIMEOUT = 20.0
_NEVER_ASK = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GCM_INTERACTIVE": "0",
}
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Authorization:
    """The value of one Authorization header, and where it comes from."""

    value: str = field(repr=False)
    source: str
    """For messages: the setting or variable, never the secret."""


def decide_authorization(
    url: str, config: StackedConfig, environ: Mapping[str, str], token: str = ""
) -> Authorization | None:
    """The first of: `token`, an Authorization in `http.extraheader`, the URL, a CI's own token.

    A CI's token goes only to the server that issued it, and in a job a token that was given only
    to the server of the job: whoever can write to a repository's configuration can have it name
    another remote. None when nothing applies: try without, then ask `ask_helper`.
    """
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if token and _is_meant_for(url, token, environ):
        is_job_token = token == environ.get("CI_JOB_TOKEN")
        default = "gitlab-ci-token" if is_job_token else "x-access-token"
        return _to_basic(user or default, token, "the given token")
    configured = list_extra_headers(url, config).get("authorization")
    if configured:
        return Authorization(configured, "http.extraheader in git's configuration")
    if password:
        return _to_basic(user, password, "the remote's URL")
    return _find_ci_token(url, environ)


def list_extra_headers(url: str, config: StackedConfig) -> dict[str, str]:
    """Every `http.extraheader` that applies to a URL, by lower-case name."""
    headers: dict[str, str] = {}
    for line in list_http_values(config, url, "extraheader"):
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return headers


def ask_helper(url: str, config: StackedConfig, environ: Mapping[str, str]) -> Authorization | None:
    """What git's own credential helper knows, without ever asking a person.

    None when there is no git or no `credential.helper`, or when it takes longer than 20 seconds.
    """
    git = shutil.which("git", path=environ.get("PATH"))
    if git is None or not _has_helper(config):
        return None
    parts = urlsplit(url)
    asked = {"protocol": parts.scheme, "host": parts.netloc.rpartition("@")[2]}
    asked |= {"path": parts.path.lstrip("/"), "username": unquote(parts.username or "")}
    if any(set("\r\n\0") & set(value) for value in asked.values()):
        return None
    try:
        answer = subprocess.run(
            [git, "credential", "fill"],
            input="".join(f"{name}={value}\n" for name, value in asked.items() if value),
            env={**environ, **_NEVER_ASK},
            capture_output=True,
            text=True,
            check=False,
            timeout=_HELPER_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    found = dict(line.split("=", 1) for line in answer.stdout.splitlines() if "=" in line)
    if answer.returncode or not found.get("password"):
        return None
    return _to_basic(found.get("username", ""), found["password"], "git's credential helper")


def hide_credentials(url: str) -> str:
    """A URL that may be shown: without user, password, query and fragment."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def to_origin(url: str) -> tuple[str, str, int | None]:
    """The scheme, host and port that credentials belong to."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def _is_meant_for(url: str, token: str, environ: Mapping[str, str]) -> bool:
    """Whether a token that was given may go to a URL; outside of a job, the user says where."""
    if token == environ.get("GITHUB_TOKEN") or environ.get("GITHUB_ACTIONS"):
        return _is_github(url, environ)
    if token == environ.get("CI_JOB_TOKEN") or environ.get("GITLAB_CI"):
        return _is_gitlab(url, environ)
    return True


def _find_ci_token(url: str, environ: Mapping[str, str]) -> Authorization | None:
    if environ.get("GITHUB_TOKEN") and _is_github(url, environ):
        return _to_basic("x-access-token", environ["GITHUB_TOKEN"], "GITHUB_TOKEN")
    if environ.get("CI_JOB_TOKEN") and _is_gitlab(url, environ):
        return _to_basic("gitlab-ci-token", environ["CI_JOB_TOKEN"], "CI_JOB_TOKEN")
    return None


def _is_github(url: str, environ: Mapping[str, str]) -> bool:
    """Whether a URL leads to the GitHub that runs this job, by scheme, host and port."""
    return to_origin(url) == to_origin(environ.get("GITHUB_SERVER_URL") or "https://github.com")


def _is_gitlab(url: str, environ: Mapping[str, str]) -> bool:
    """Whether a URL leads to the GitLab that runs this job, and no less safely than it says."""
    parts = urlsplit(url)
    is_host = bool(parts.hostname) and parts.hostname == environ.get("CI_SERVER_HOST", "").lower()
    return is_host and environ.get("CI_SERVER_PROTOCOL", parts.scheme) == parts.scheme


def _has_helper(config: StackedConfig) -> bool:
    sections = [section for section in config.sections() if section[0].lower() == b"credential"]
    names = [tuple(part.decode("utf-8", "replace") for part in section) for section in sections]
    return any(read_value(config, name, "helper") for name in names)


def _to_basic(user: str, password: str, source: str) -> Authorization:
    pair = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    return Authorization(f"Basic {pair}", source)
