"""What users may choose about this provider, checked once when it is opened."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from vectornator.errors import WrongOption, list_choices
from vectornator.providers.openai.hosts import is_openai

BASE_URL = "https://api.openai.com/v1"
AUDIENCE = "https://api.openai.com/v1"
"""Whom identity tokens are for, as OpenAI's guides for identity providers have it."""

ATTACH_MODES = ("auto", "batch", "single")
PURPOSES = ("assistants", "user_data")
RATE_LIMITS = ("auto", "openai", "none")

PLACEHOLDERS = ("dir", "name", "path", "path_without_suffix", "stem")
"""What a URL template may hold in braces."""


@dataclass(frozen=True, slots=True)
class StaticAttribute:
    """An attribute that all documents matching a pattern carry."""

    pattern: str
    """As in a `.gitignore` file; empty for every document."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Options:
    """The checked form of `ProviderConfig.options`."""

    base_url: str = BASE_URL
    organization: str = ""
    project: str = ""
    identity_provider_id: str = ""
    service_account_id: str = ""
    oidc_audience: str = AUDIENCE
    purpose: str = "assistants"
    attach_mode: str = "auto"
    chunk_size: int = 0
    """In tokens; 0 leaves it to the service."""

    chunk_overlap: int = 0
    expires_after: int = 0
    """In days without use, of a store that is created; 0 for never."""

    rate_limits: str = "auto"
    index_timeout: float = 0.0
    """In seconds; 0 for a limit that grows with the batch."""

    front_matter: tuple[str, ...] = ()
    url_template: str = ""
    attributes: tuple[StaticAttribute, ...] = ()

    @property
    def has_limits(self) -> bool:
        """Whether calls keep the limits that OpenAI documents; those of others are not known."""
        if self.rate_limits == "auto":
            return is_openai(self.base_url)
        return self.rate_limits == "openai"

    @property
    def chunking(self) -> dict[str, Any] | None:
        """The chunking strategy as a request says it; None for the service's own."""
        if not self.chunk_size:
            return None
        sizes = {
            "max_chunk_size_tokens": self.chunk_size,
            "chunk_overlap_tokens": self.chunk_overlap,
        }
        return {"type": "static", "static": sizes}


def read_options(given: Mapping[str, str]) -> Options:
    """Check options given by name, as text. Raises `WrongOption` for what is wrong or unknown."""
    chunk_size = _read_number(given, "chunk-size", 100, 4096)
    overlap_given = given.get("chunk-overlap", "")
    overlap = _read_number(given, "chunk-overlap", 0, (chunk_size or 800) // 2)
    return Options(
        base_url=_read_url(given.get("base-url", "")),
        organization=given.get("organization", ""),
        project=given.get("project", ""),
        identity_provider_id=given.get("identity-provider-id", ""),
        service_account_id=given.get("service-account-id", ""),
        oidc_audience=given.get("oidc-audience") or AUDIENCE,
        purpose=_choose(given, "purpose", PURPOSES),
        attach_mode=_choose(given, "attach-mode", ATTACH_MODES),
        chunk_size=chunk_size or (800 if overlap_given else 0),
        chunk_overlap=overlap if overlap_given else chunk_size // 2,
        expires_after=_read_number(given, "expires-after", 1, 365),
        rate_limits=_choose(given, "rate-limits", RATE_LIMITS),
        index_timeout=_read_number(given, "index-timeout", 1, 86_400),
        front_matter=tuple(_split(given.get("front-matter", ""))),
        url_template=_read_template(given.get("url-template", "")),
        attributes=tuple(map(_read_attribute, _split(given.get("attributes", "")))),
    )


def _split(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _choose(given: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    choice = given.get(name) or choices[0]
    if choice not in choices:
        raise WrongOption(f"{name} is {choice!r}: choose {list_choices(choices)}.")
    return choice


def _read_number(given: Mapping[str, str], name: str, least: int, most: int) -> int:
    text = given.get(name) or ""
    if not text:
        return 0
    if not re.fullmatch("[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise WrongOption(f"{name} is {text!r}: give a whole number from {least} to {most}.")
    return int(text)


def _read_url(text: str) -> str:
    url = text.strip().rstrip("/")
    if url and not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", url):
        raise WrongOption(
            "base-url is no address: give one such as https://example.com/v1, without a key."
        )
    return url or BASE_URL


def _read_template(text: str) -> str:
    try:
        fields = [field for _, field, _, _ in Formatter().parse(text) if field is not None]
    except ValueError as error:
        raise WrongOption(f"url-template {text!r} can't be read: {error}.") from error
    if unknown := [field for field in fields if field not in PLACEHOLDERS]:
        choices = list_choices(PLACEHOLDERS)
        raise WrongOption(f"url-template knows no {{{unknown[0]}}}: use {choices}, in braces.")
    return text


def _read_attribute(text: str) -> StaticAttribute:
    """Read `PATTERN:KEY=VALUE` or `KEY=VALUE`."""
    left, sign, value = text.partition("=")
    pattern, _, key = left.rpartition(":")
    key, value = key.strip(), value.strip()
    if not sign or not value or not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,63}", key):
        raise WrongOption(
            f"attributes: {text!r} is not of the form PATTERN:KEY=VALUE or KEY=VALUE."
        )
    if key == "path" or key.startswith("vn_"):
        raise WrongOption(f"attributes: {key} is Vectornator's own; choose another key.")
    return StaticAttribute(pattern.strip(), key, value)
