"""An imitation of OpenAI's Files, Uploads and Vector Stores on loopback, with faults to order."""

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
