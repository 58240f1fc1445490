"""An imitation of OpenAI's Files, Uploads and Vector Stores on loopback, with faults to order.

In a test, without waiting for anything:

    with OpenAIServer(clock=Clock(scale=0)) as server:
        client = openai.OpenAI(api_key=server.key, base_url=server.url, max_retries=0)
        server.add_fault(make_fault("reset-after", route="files.create", nth=2))
        ...
        server.clock.advance(1)  # indexing ends
        assert 3 == server.ledger.count("files.create")

By hand: `python -m tests.openai_server --help`.
"""

from tests.openai_server.catalogue import make_fault, make_weather
from tests.openai_server.clock import Clock
from tests.openai_server.faults import (
    Act,
    Alter,
    Behave,
    Fault,
    Hang,
    Refuse,
    Reply,
    Reset,
    Send,
    Tamper,
    Weather,
)
from tests.openai_server.rules import UNLIMITED, Behaviour, Limits
from tests.openai_server.server import OpenAIServer

__all__ = [
    "UNLIMITED",
    "Act",
    "Alter",
    "Behave",
    "Behaviour",
    "Clock",
    "Fault",
    "Hang",
    "Limits",
    "OpenAIServer",
    "Refuse",
    "Reply",
    "Reset",
    "Send",
    "Tamper",
    "Weather",
    "make_fault",
    "make_weather",
]
