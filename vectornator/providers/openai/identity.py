"""Who a CI job is: the token by which GitHub, GitLab or anybody else vouches for it."""

import json
import re
from collections.abc import Mapping

from vectornator.errors import Fatal, NoCredentials, Transient
from vectornator.providers.openai.hosts import is_exposed

VARIABLE = "OPENAI_ID_TOKEN"
"""Holds the token where the job is given one; GitLab sets what `id_tokens` names."""

_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
_BEARER = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
"""Where GitHub's jobs ask for one, and with what; set in jobs that have `id-token: write`."""

_SECONDS = 20.0


def read_identity(environ: Mapping[str, str], audience: str) -> str:
    """Return a token that says to `audience` who this job is; GitHub makes a new one each time.

    Raises `NoCredentials` where nobody vouches for the job, `Fatal` for what can't be a token
    and where GitHub refuses one, and `Transient` where GitHub can't be asked at present.
    """
    if token := environ.get(VARIABLE, "").strip():
        return _check(token, VARIABLE)
    url, bearer = environ.get(_URL, "").strip(), environ.get(_BEARER, "").strip()
    if not url or not bearer:
        raise NoCredentials(_explain_missing(environ, audience))
    if is_exposed(url):
        raise Fatal(f"{_URL} does not begin with https://: no token is asked for.", reason="auth")
    return _ask_github(url, _check(bearer, _BEARER), audience)


def is_word(secret: object) -> bool:
    """Tell whether a secret can be sent in a header: printable ASCII without spaces."""
    return isinstance(secret, str) and bool(re.fullmatch("[!-~]+", secret))


def _check(token: str, variable: str) -> str:
    """Refuse what HTTP libraries would spell out in the error that they raise of it."""
    if not is_word(token):
        raise Fatal(f"{variable} is no token: was it copied whole?", reason="auth")
    return token


def _explain_missing(environ: Mapping[str, str], audience: str) -> str:
    if environ.get("GITHUB_ACTIONS"):
        return (
            "This job may not ask GitHub for an identity token: add `id-token: write` to"
            " `permissions` in its workflow. Pull requests from forks never get one."
        )
    if environ.get("GITLAB_CI"):
        return (
            f"This job has no {VARIABLE}: add `id_tokens: {{{VARIABLE}: {{aud: {audience}}}}}` to"
            " it in .gitlab-ci.yml."
        )
    return f"There is no API key and no identity token: set OPENAI_API_KEY or {VARIABLE}."


def _ask_github(url: str, bearer: str, audience: str) -> str:
    """Ask as GitHub documents it; a redirect is not followed."""
    import httpx2  # noqa: PLC0415  (as heavy as the SDK, which brings it along)

    try:
        target = httpx2.URL(url).copy_merge_params({"audience": audience})
        with httpx2.Client(timeout=_SECONDS, follow_redirects=False) as client:
            answer = client.get(target, headers={"Authorization": f"Bearer {bearer}"})
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Transient(f"GitHub gave no identity token: {type(error).__name__}") from error
    if answer.status_code == 429 or answer.status_code >= 500:  # noqa: PLR2004  (HTTP's own)
        raise Transient(f"GitHub gave no identity token: HTTP {answer.status_code}")
    if answer.status_code != 200:  # noqa: PLR2004
        raise Fatal(
            f"GitHub gives this job no identity token: HTTP {answer.status_code}. Check"
            " `id-token: write` in the workflow's `permissions`.",
            reason="auth",
        )
    return _read_token(answer.content)


def _read_token(body: bytes) -> str:
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    token = answer.get("value") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not is_word(token):
        raise Transient("GitHub gave no identity token: its answer holds none")
    return token
