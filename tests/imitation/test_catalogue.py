"""The catalogue of faults is whole, and its faults meet whom they are to meet."""

import random

import pytest

from tests.imitation import test_lies, test_replies, test_rules, test_transport
from tests.imitation.catalogue import SHOWN
from tests.openai_server import Alter, Fault, Weather, make_fault, make_weather
from tests.openai_server.__main__ import read_fault
from tests.openai_server.catalogue import CATALOGUE
from tests.support.caller import Caller

TESTS = (test_lies, test_replies, test_rules, test_transport)


def test_every_fault_is_shown() -> None:
    """Each fault has a test, and no test shows a fault that is not there."""
    assert all(module.__doc__ for module in TESTS)
    assert set(CATALOGUE) == SHOWN


def meets(fault: Fault, count: int) -> list[bool]:
    """Which of `count` uploads meet a fault."""
    return [fault.meets("files.create", "POST", "/files") for _ in range(count)]


def test_nth_and_count() -> None:
    """A fault is met from the nth fitting request on, as often as it is to be."""
    fault = make_fault("reset-after", route="files.*", nth=2, count=2)
    assert [False] == [fault.meets("vector_stores.create", "POST", "/vector_stores")]
    assert [False, True, True, False] == meets(fault, 4)
    assert (4, 2) == (fault.seen, fault.met)


def test_probability_is_seeded() -> None:
    """A probability gives the same hits for the same seed."""
    faults = [make_fault("401", count=None, probability=0.3, seed=seed) for seed in (1, 1, 2)]
    one, again, other = (meets(fault, 1000) for fault in faults)
    assert one == again != other
    assert 250 < sum(one) < 350


def test_method_and_path() -> None:
    """A fault is selected by method and by a pattern of the path."""
    fault = make_fault("401", method="DELETE", path="/files/*", count=None)
    asked = [("GET", "/files/file-1"), ("DELETE", "/files/file-1"), ("DELETE", "/vector_stores/1")]
    assert [False, True, False] == [fault.meets("any", *each) for each in asked]


def test_weather_is_seeded(caller: Caller) -> None:
    """A share of all requests meets a fault that fits, the same ones for the same seed."""
    faults = [Fault(Alter(lambda answer: answer), name="a", route="files.list")]
    runs = [Weather(tuple(faults), 0.3, seed) for seed in (1, 1, 2)]
    one, again, other = ([run.pick("files.list") for _ in range(300)] for run in runs)
    assert one == again != other
    assert None is runs[0].pick("files.create")
    weather = caller.server.add_weather(faults, probability=1.0, seed=0)
    caller.get("/files")
    assert (1, ["a"]) == (weather.met, caller.server.ledger.requests[-1].faults)


def test_all_weather_passes(caller: Caller) -> None:
    """Whatever faults the weather brings, the server itself does not break."""
    caller.server.add_weather(make_weather(), probability=0.5, seed=3)
    store, path = random.Random(3), "/vector_stores"
    for _ in range(300):
        body: dict[str, object] = {} if store.random() < 0.5 else {"wrong": 1}
        caller.try_ask("POST", path, body)
    assert [] == caller.server.app.failures


def test_fault_of_the_command_line() -> None:
    """A fault is written as its name and what selects it."""
    fault = read_fault("429-seconds:route=files.create,nth=3,count=all,probability=0.5,after=true")
    assert ("429-seconds", "files.create", 3, None) == (
        *(fault.name, fault.route),
        *(fault.nth, fault.count),
    )


@pytest.mark.parametrize("text", ["nope", "401:nth=x", "401:colour=red", "reset-after:after=true"])
def test_wrong_fault_of_the_command_line(text: str) -> None:
    """A fault that is written wrong is named."""
    with pytest.raises(Exception, match="--list-faults"):
        read_fault(text)


@pytest.mark.parametrize("name", sorted(set(CATALOGUE) - {"hang-before", "hang-after"}))
def test_fault_anywhere(caller: Caller, name: str) -> None:
    """A fault that is ordered for a route it is not made for breaks nothing."""
    store, ids = caller.fill()
    caller.arm(name, route="*", count=None)
    for path in (store, f"{store}/files?after={ids[0]}", f"/files/{ids[0]}", "/files", "/nothing"):
        caller.try_ask("GET", path)
    caller.try_ask("POST", f"{store}/search", {"query": "hello"})
    caller.try_ask("DELETE", f"{store}/files/{ids[0]}")
    assert [] == caller.server.app.failures
