"""A running imitation server for each test."""

from collections.abc import Iterator

import openai
import pytest

from tests.support.caller import Caller


@pytest.fixture
def caller() -> Iterator[Caller]:
    """A server and plain HTTP to it."""
    with Caller() as caller:
        yield caller


@pytest.fixture
def sdk(caller: Caller) -> Iterator[openai.OpenAI]:
    """The official SDK as its users make it, without retries, talking to the server."""
    server = caller.server
    with openai.OpenAI(api_key=server.key, base_url=server.url, max_retries=0) as client:
        yield client
