"""What lets requests in: an API key, or keys for which a CI job's identity is exchanged."""

import re
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from vectornator.errors import Fatal, ProviderError, Transient, WrongOption
from vectornator.providers.openai.hosts import is_loopback, is_openai
from vectornator.providers.openai.identity import is_word, read_identity
from vectornator.providers.openai.options import Options

if TYPE_CHECKING:
    import openai
    from openai.auth import WorkloadIdentityAuth

_EXCHANGE = "https://auth.openai.com/oauth/token"
"""The SDK's own default, written out: this is where the job's identity goes."""

_HEAD = 12
"""So much of a secret gives it away: servers cut what they repeat."""


class Access(Protocol):
    """Knows the secrets that requests are made with, and keeps them out of messages."""

    advice: str
    """What to check when a request is refused."""

    def open(self) -> str | Callable[[], str]:
        """What the SDK takes for `api_key`: a key, or what returns one from any thread."""

    def renew(self, refused: str) -> bool:
        """Give a refused key up; False when the next one would be the same."""

    def mask(self, text: str) -> str:
        """The same text without secrets, or the beginnings of them."""


class ApiKey:
    """A key that is good until somebody revokes it."""

    advice = "Check the API key and what it may do."

    def __init__(self, key: str) -> None:
        self._key = key

    def open(self) -> str:
        """Return the key."""
        return self._key

    def renew(self, refused: str) -> bool:
        """There is no other."""
        del refused
        return False

    def mask(self, text: str) -> str:
        """Some servers repeat the key they refuse."""
        return _mask(text, self._key)


class ExchangedKeys:
    """Keys that OpenAI gives in exchange for the job's identity, good for about an hour each.

    The SDK makes the exchange, and makes it again in good time before a key expires.
    """

    advice = "Check what the service account may do."

    def __init__(self, options: Options, environ: Mapping[str, str]) -> None:
        self._options = options
        self._environ = environ
        self._secrets: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._exchange: WorkloadIdentityAuth

    def open(self) -> Callable[[], str]:
        """Prepare the exchange; the first request makes it."""
        from openai.auth import WorkloadIdentityAuth  # noqa: PLC0415  (loaded with the SDK)

        self._exchange = WorkloadIdentityAuth(
            workload_identity={
                "identity_provider_id": self._options.identity_provider_id,
                "service_account_id": self._options.service_account_id,
                "provider": {"token_type": "jwt", "get_token": self._identify},
            },
            token_exchange_url=find_exchange(self._options.base_url),
        )
        return self.take_key

    def renew(self, refused: str) -> bool:
        """Have the identity exchanged anew, unless another thread has done so already."""
        self._exchange.invalidate_token(refused)
        return True

    def mask(self, text: str) -> str:
        """Mask every key and every identity of this run."""
        for secret in self._secrets:
            text = _mask(text, secret)
        return text

    def take_key(self) -> str:
        """Return a key for one request.

        Raises `Fatal` when the exchange is refused, `Transient` when it failed, and whatever
        `read_identity` raises.
        """
        import httpx2  # noqa: PLC0415  (both loaded by now)
        import openai  # noqa: PLC0415

        try:
            key = self._exchange.get_token()
        except openai.OAuthError as error:
            raise self._refuse(error) from None  # the answer may repeat what was sent
        except (openai.OpenAIError, httpx2.HTTPError, RuntimeError) as error:
            words = f"{type(error).__name__}: {self.mask(str(error))}"
            raise Transient(f"OpenAI exchanged no key for this job's identity: {words}") from None
        if not is_word(key):
            raise Transient("OpenAI exchanged no key for this job's identity: it can't be sent")
        self._remember(key)
        return key

    def _identify(self) -> str:
        token = read_identity(self._environ, self._options.oidc_audience)
        self._remember(token)
        return token

    def _remember(self, secret: str) -> None:
        with self._lock:
            if secret not in self._secrets:
                self._secrets = (*self._secrets, secret)

    def _refuse(self, error: "openai.OAuthError") -> ProviderError:
        said = " ".join(self.mask(str(error)).split())[:300].rstrip(".")
        return Fatal(
            f"OpenAI exchanges no key for this job's identity: HTTP {error.status_code}: {said}."
            " Check identity-provider-id and service-account-id, and that their mapping covers"
            f" this repository and the audience {self._options.oidc_audience}.",
            reason="auth",
        )


def choose_access(options: Options, api_key: str, environ: Mapping[str, str]) -> Access | None:
    """The API key where there is one, else the job's identity; None without either.

    Raises `WrongOption` for half an identity, and for one that would go to anybody but OpenAI.
    """
    ids = (options.identity_provider_id, options.service_account_id)
    if api_key or not any(ids):
        return ApiKey(api_key) if api_key else None
    if not all(ids):
        raise WrongOption(
            "Access without a key needs both identity-provider-id and service-account-id."
        )
    if not (is_openai(options.base_url) or is_loopback(options.base_url)):
        raise WrongOption(
            "Access without a key is for OpenAI's own addresses, and base-url is another: give an"
            " api-key, or drop base-url."
        )
    return ExchangedKeys(options, environ)


def find_exchange(base_url: str) -> str:
    """Where identities are exchanged; a stand-in on this machine does it itself."""
    if is_openai(base_url):
        return _EXCHANGE
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}/oauth/token"


def _mask(text: str, secret: str) -> str:
    if len(secret) <= _HEAD:
        return text.replace(secret, "***")
    return re.sub(re.escape(secret[:_HEAD]) + r"[\w.~+/=-]*", "***", text)
