"""The settings of the provider `openai` alone; it says what they mean and checks them."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from vectornator.settings.option import CALLS, COMPARES, DESCRIBES, PLANS, STORES, Group, Option
from vectornator.settings.values import Count, Lines, Text, Word, Words

_NAME = "openai"


class OpenAISettings(BaseModel):
    """What a run asks of OpenAI or of a server that is compatible with it."""

    base_url: Annotated[
        Word,
        Option(
            "Talk to this address instead of OpenAI's own, such as Azure's v1 endpoint.",
            Group.OPENAI,
            CALLS,
            metavar="URL",
            environment=("OPENAI_BASE_URL",),
            is_in_file=False,  # whoever may change it is sent the key
            provider=_NAME,
        ),
    ] = ""
    organization: Annotated[
        Word,
        Option(
            "Act for this organization.",
            Group.OPENAI,
            CALLS,
            metavar="ID",
            environment=("OPENAI_ORG_ID",),
            provider=_NAME,
        ),
    ] = ""
    project: Annotated[
        Word,
        Option(
            "Act for this project.",
            Group.OPENAI,
            CALLS,
            metavar="ID",
            environment=("OPENAI_PROJECT_ID",),
            provider=_NAME,
        ),
    ] = ""
    # Whoever may change the next three decides whose account the documents go to, and what else
    # a job's identity token is good for; so no pull request may, and the file holds none of them.
    identity_provider_id: Annotated[
        Word,
        Option(
            "Without an API key, prove who the CI job is to this workload identity provider.",
            Group.OPENAI,
            CALLS,
            metavar="ID",
            is_in_file=False,
            provider=_NAME,
        ),
    ] = ""
    service_account_id: Annotated[
        Word,
        Option(
            "Without an API key, act as this service account.",
            Group.OPENAI,
            CALLS,
            metavar="ID",
            is_in_file=False,
            provider=_NAME,
        ),
    ] = ""
    oidc_audience: Annotated[
        Word,
        Field(min_length=1),
        Option(
            "Ask GitHub for identity tokens for this audience, the one that the provider expects.",
            Group.OPENAI,
            CALLS,
            metavar="AUDIENCE",
            is_in_file=False,
            provider=_NAME,
        ),
    ] = "https://api.openai.com/v1"
    purpose: Annotated[
        Literal["assistants", "user_data"],
        Option("Upload files for this purpose.", Group.OPENAI, COMPARES, provider=_NAME),
    ] = "assistants"
    attach_mode: Annotated[
        Literal["auto", "batch", "single"],
        Option(
            "Attach files in batches, one by one, or as the server turns out to need it.",
            Group.OPENAI,
            PLANS,
            provider=_NAME,
        ),
    ] = "auto"
    rate_limits: Annotated[
        Literal["auto", "openai", "none"],
        Option(
            "Keep the limits OpenAI documents: at its own addresses (auto), anywhere, or never.",
            Group.OPENAI,
            CALLS,
            provider=_NAME,
        ),
    ] = "auto"
    chunk_size: Annotated[
        Count | None,
        Field(ge=100, le=4096),
        Option(
            "Cut documents into chunks of this many tokens, 100 to 4096.",
            Group.OPENAI,
            DESCRIBES,
            metavar="TOKENS",
            provider=_NAME,
        ),
    ] = None
    chunk_overlap: Annotated[
        Count | None,
        Field(ge=0, le=2048),
        Option(
            "Let chunks overlap by this many tokens, half of a chunk at most.",
            Group.OPENAI,
            DESCRIBES,
            metavar="TOKENS",
            provider=_NAME,
        ),
    ] = None
    expires_after: Annotated[
        Count | None,
        Field(ge=1, le=365),
        Option(
            "Let a store that is created expire after this many days without use.",
            Group.OPENAI,
            (*STORES, "create-store"),
            metavar="DAYS",
            provider=_NAME,
        ),
    ] = None
    index_timeout: Annotated[
        Count | None,
        Field(ge=1, le=86_400),
        Option(
            "Give up on documents that can't be searched after this many seconds.",
            Group.OPENAI,
            STORES,
            metavar="SECONDS",
            provider=_NAME,
        ),
    ] = None
    front_matter: Annotated[
        Words,
        Option(
            "Keep these keys of a document's front matter as attributes.",
            Group.OPENAI,
            DESCRIBES,
            metavar="KEYS",
            provider=_NAME,
        ),
    ] = ()
    url_template: Annotated[
        Text,
        Option(
            "Give each document a url attribute, such as https://example.com/{path_without_suffix}.",
            Group.OPENAI,
            DESCRIBES,
            metavar="TEMPLATE",
            provider=_NAME,
        ),
    ] = ""
    attributes: Annotated[
        Lines,
        Option(
            "Give documents that match an attribute of your own: PATTERN:KEY=VALUE, one a line.",
            Group.OPENAI,
            DESCRIBES,
            metavar="ATTRIBUTE",
            provider=_NAME,
        ),
    ] = ()
