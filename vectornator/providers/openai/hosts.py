"""Where secrets may go: addresses sorted by who can read what is sent there (pure)."""

import ipaddress
from urllib.parse import urlsplit

_OPENAI = "api.openai.com"


def is_openai(url: str) -> bool:
    """Tell whether a URL leads to OpenAI's own service, or to one of its regions, safely."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" and (host == _OPENAI or host.endswith(f".{_OPENAI}"))


def is_loopback(url: str) -> bool:
    """Tell whether a URL leads to this machine and no other."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_exposed(url: str) -> bool:
    """Tell whether what is sent to a URL can be read on the way."""
    return urlsplit(url).scheme != "https" and not is_loopback(url)
