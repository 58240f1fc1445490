"""Access without a key: the job's identity, its exchange, and that neither is ever shown."""

import traceback
from collections.abc import Iterator, Mapping

import pytest

from tests.openai_server import Clock, Fault, OpenAIServer, Reply
from tests.openai_server.call import Request
from tests.support.issuer import AUDIENCE, Issuer
from vectornator.errors import Fatal, NoCredentials, ProviderError, Transient
from vectornator.providers.base import ProviderConfig
from vectornator.providers.openai import OpenAIProvider
from vectornator.providers.openai.access import find_exchange
from vectornator.providers.openai.hosts import is_exposed, is_loopback, is_openai
from vectornator.providers.openai.identity import read_identity

IDENTITY = {"identity-provider-id": "idp_1", "service-account-id": "sa_1"}


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """Run a server on a clock that only waiting moves, with a store in it."""
    with OpenAIServer(clock=Clock(scale=0)) as server:
        server.state.add_store("docs")
        yield server


@pytest.fixture
def issuer(server: OpenAIServer) -> Iterator[Issuer]:
    """Run GitHub's side."""
    with Issuer(server) as issuer:
        yield issuer


def ask(server: OpenAIServer, environ: Mapping[str, str], times: int = 1, **given: str) -> None:
    """Look at the server's store so many times, with an identity and no key."""
    [store_id] = server.state.stores
    options = {"base-url": server.url, **IDENTITY}
    provider = OpenAIProvider()
    provider.initialize(
        ProviderConfig(store_id=store_id, environ=environ, options=options, **given)  # type: ignore[arg-type]  # texts
    )
    try:
        for _ in range(times):
            assert provider.verify_store()
    finally:
        provider.cleanup()


def fail(server: OpenAIServer, environ: Mapping[str, str]) -> ProviderError:
    """What looking at the store ends with; no secret is in it or in what led to it."""
    with pytest.raises(ProviderError) as caught:
        ask(server, environ)
    trace = "".join(traceback.format_exception(caught.value))
    secrets = {*server.state.subjects, *server.state.tokens, Issuer.bearer}
    assert [secret for secret in secrets if secret[:24] in trace] == []
    return caught.value


def echo(request: Request) -> bytes:
    """Repeat everything secret about a request, and then some."""
    said = f"{request.headers.get('authorization')} {request.body.decode()}".replace('"', "'")
    return f'{{"error_description": "x {said}", "error": {{"message": "y {said}"}}}}'.encode()


def test_github_vouches(server: OpenAIServer, issuer: Issuer) -> None:
    """A job asks GitHub once, exchanges the token once, and goes on with what it got."""
    ask(server, issuer.environ, times=3)
    assert issuer.audiences == [AUDIENCE]
    assert server.ledger.counts() == {"oauth.token": 1, "vector_stores.retrieve": 3}
    [exchange, *others] = server.ledger.requests
    assert exchange.body == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": issuer.tokens[0],
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "identity_provider_id": "idp_1",
        "service_account_id": "sa_1",
    }
    [key] = server.state.tokens
    assert {one.headers["authorization"] for one in others} == {f"Bearer {key}"}


def test_the_job_was_given_a_token(server: OpenAIServer, issuer: Issuer) -> None:
    """GitLab puts the token in a variable; nobody is asked for another."""
    ask(server, {**issuer.environ, "OPENAI_ID_TOKEN": f"{issuer.make_token()}\n"})
    assert (issuer.tokens, server.ledger.count("oauth.token")) == ([], 1)


def test_a_key_goes_first(server: OpenAIServer, issuer: Issuer) -> None:
    """Where there is an API key, no identity is asked for."""
    ask(server, issuer.environ, api_key=server.key)
    assert (issuer.tokens, server.ledger.count("oauth.token")) == ([], 0)


def test_expired_keys_are_renewed(server: OpenAIServer, issuer: Issuer) -> None:
    """A key that is refused is exchanged anew, and the request made again, without a word."""
    server.clock.tick = 1500.0
    ask(server, issuer.environ, times=6)
    refused = [one.status for one in server.ledger.requests].count(401)
    assert (len(issuer.tokens), server.ledger.count("vector_stores.retrieve")) == (
        refused + 1,
        refused + 6,
    )
    assert refused > 1


def test_a_key_is_renewed_once(server: OpenAIServer, issuer: Issuer) -> None:
    """Where the new key is refused as well, that is the answer."""
    server.add_fault(Fault(Reply(401, echo), route="vector_stores.*", count=None))
    error = fail(server, issuer.environ)
    assert isinstance(error, Fatal)
    assert str(error).endswith("Check what the service account may do.")
    assert server.ledger.counts() == {"oauth.token": 2, "vector_stores.retrieve": 2}


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused_exchange(server: OpenAIServer, issuer: Issuer, status: int) -> None:
    """An identity that is not trusted ends the run and says what to check."""
    server.change_rules(exchange_refusal=status)
    error = fail(server, {"OPENAI_ID_TOKEN": "eyJ.other"})
    assert (type(error), error.reason) == (Fatal, "auth")
    assert str(error) == (
        f"OpenAI exchanges no key for this job's identity: HTTP {status}: The subject token is not"
        " trusted. Check identity-provider-id and service-account-id, and that their mapping"
        f" covers this repository and the audience {AUDIENCE}."
    )
    assert issuer.tokens == []


def test_refused_exchange_that_repeats_the_token(server: OpenAIServer, issuer: Issuer) -> None:
    """A server that repeats the identity it refuses does not get it printed."""
    server.add_fault(Fault(Reply(403, echo), route="oauth.token"))
    assert "***" in str(fail(server, issuer.environ))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, echo),
        Reply(404, echo),
        Reply(302, b"", (("location", "http://elsewhere.invalid/"),)),
        Reply(200, b"<html>"),
        Reply(200, b"[]"),
        Reply(200, b'{"access_token": "eyJ"}'),
        Reply(200, b'{"access_token": "eyJ\\nX: y", "expires_in": 3600}'),
        Reply(200, b'{"access_token": "eyJ", "expires_in": 0}'),
    ],
)
def test_exchange_that_fails(server: OpenAIServer, issuer: Issuer, reply: Reply) -> None:
    """An exchange without a result may have one later."""
    server.add_fault(Fault(reply, route="oauth.token"))
    error = fail(server, issuer.environ)
    assert isinstance(error, Transient)
    assert str(error).startswith("OpenAI exchanged no key for this job's identity: ")
    ask(server, issuer.environ)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b"{}", Fatal),
        (403, b"no", Fatal),
        (307, b"http://127.0.0.1:9/", Fatal),
        (429, b"", Transient),
        (503, b"", Transient),
        (200, b"<html>", Transient),
        (200, b'{"value": ""}', Transient),
        (200, b'{"value": "a\\nb"}', Transient),
        (200, b"[]", Transient),
    ],
)
def test_github_does_not_vouch(
    server: OpenAIServer, issuer: Issuer, status: int, body: bytes, kind: type[ProviderError]
) -> None:
    """What GitHub refuses is refused for good, what it fails at may work later; nobody else is
    asked, and nothing exchanged.
    """
    issuer.answers.append((status, body))
    assert type(fail(server, issuer.environ)) is kind
    assert server.ledger.count("oauth.token") == 0


def test_github_is_not_there(server: OpenAIServer, issuer: Issuer) -> None:
    """A request that reaches nobody may reach somebody later."""
    environ = {**issuer.environ, "ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9/?a=b"}
    assert str(fail(server, environ)) == "GitHub gave no identity token: ConnectError"


@pytest.mark.parametrize(
    ("environ", "advice"),
    [
        ({"GITHUB_ACTIONS": "true"}, "add `id-token: write` to `permissions` in its workflow"),
        ({"GITLAB_CI": "true"}, f"add `id_tokens: {{OPENAI_ID_TOKEN: {{aud: {AUDIENCE}}}}}`"),
        ({}, "set OPENAI_API_KEY or OPENAI_ID_TOKEN"),
    ],
)
def test_nobody_vouches(environ: Mapping[str, str], advice: str) -> None:
    """A job that nobody vouches for is told what its workflow lacks."""
    with pytest.raises(NoCredentials) as caught:
        read_identity(environ, AUDIENCE)
    assert advice in str(caught.value)
    assert caught.value.reason == "auth"


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("OPENAI_ID_TOKEN", "eyJ.secret\nX: y", "is no token"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret\nX: y", "is no token"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://example.com/", "does not begin with https://"),
    ],
)
def test_wrong_variables(issuer: Issuer, name: str, value: str, complaint: str) -> None:
    """What can't be sent, or not safely, is named by its variable and not sent."""
    with pytest.raises(Fatal, match=complaint) as caught:
        read_identity({**issuer.environ, name: value}, AUDIENCE)
    assert "secret" not in "".join(traceback.format_exception(caught.value))
    assert issuer.tokens == []


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"identity-provider-id": "idp_1"}, "needs both identity-provider-id and service-acc"),
        ({"service-account-id": "sa_1"}, "needs both identity-provider-id and service-acc"),
        ({**IDENTITY, "base-url": "https://openai.example.com/v1"}, "base-url is another"),
        ({**IDENTITY, "base-url": "http://api.openai.com/v1"}, "base-url is another"),
    ],
)
def test_wrong_options(options: Mapping[str, str], complaint: str) -> None:
    """Half an identity is none, and an identity is for OpenAI alone."""
    with pytest.raises(Fatal, match=complaint):
        OpenAIProvider().initialize(ProviderConfig(options=options))
    OpenAIProvider().initialize(ProviderConfig(options=options, api_key="sk-1"))


@pytest.mark.parametrize(
    ("url", "openai", "loopback", "exposed"),
    [
        ("https://api.openai.com/v1", True, False, False),
        ("https://eu.api.openai.com/v1", True, False, False),
        ("http://api.openai.com/v1", False, False, True),
        ("https://xapi.openai.com/v1", False, False, False),
        ("https://api.openai.com.example.com/v1", False, False, False),
        ("https://example.com?.api.openai.com", False, False, False),
        ("http://127.0.0.1:8080/v1", False, True, False),
        ("http://[::1]:8080/v1", False, True, False),
        ("http://localhost/v1", False, True, False),
        ("http://localhost.example.com/v1", False, False, True),
        ("http://10.0.0.7:8080/v1", False, False, True),
    ],
)
def test_hosts(url: str, openai: bool, loopback: bool, exposed: bool) -> None:
    """It is known of every address whose it is, and whether others can listen."""
    assert (is_openai(url), is_loopback(url), is_exposed(url)) == (openai, loopback, exposed)


def test_exchanges() -> None:
    """OpenAI's regions share one exchange; only a stand-in here has its own."""
    assert find_exchange("https://eu.api.openai.com/v1") == "https://auth.openai.com/oauth/token"
    assert find_exchange("http://127.0.0.1:8080/v1") == "http://127.0.0.1:8080/oauth/token"


@pytest.mark.parametrize(
    ("url", "remarks"),
    [
        ("https://gateway.example.com/v1", 0),
        ("http://127.0.0.1:8080/v1", 0),
        ("http://gateway.example.com/v1", 1),
    ],
)
def test_listeners_are_remarked(url: str, remarks: int) -> None:
    """A key that goes over the network in the clear does so with a remark."""
    provider = OpenAIProvider()
    provider.initialize(ProviderConfig(api_key="sk-1", options={"base-url": url}))
    assert len(provider.remarks) == remarks
