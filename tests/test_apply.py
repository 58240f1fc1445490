"""What carrying out a plan rests on: waiting with patience, and content within a budget."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from vectornator.apply import ByteBudget
from vectornator.errors import ProviderError, Transient, Withheld
from vectornator.providers.patience import Patience, await_files


def test_waits_grow_until_all_has_settled() -> None:
    """What is asked for again and again is asked for less and less often."""
    answers: list[dict[str, ProviderError | None]] = [{}, {"a": None}, {}, {"a": None, "b": None}]
    waits: list[float] = []
    patience = Patience(first=1.0, longest=2.0)
    settled = await_files(lambda: answers.pop(0), ["a", "b"], patience=patience, wait=waits.append)
    assert settled == {"a": None, "b": None}
    assert waits == [1.0, 1.5, 2.0]


def test_patience_ends() -> None:
    """What has not settled in time is given up; what has, counts."""
    waits: list[float] = []
    patience = Patience(first=10.0, longest=10.0, least=30.0, each=0.0)
    settled = await_files(lambda: {"a": None}, ["a", "b"], patience=patience, wait=waits.append)
    assert settled["a"] is None
    assert isinstance(settled["b"], Transient)
    assert sum(waits) == 60.0  # the limit of two copies: a minute and nothing for each


def test_waiting_ends_with_the_run() -> None:
    """What the waiting raises ends it."""

    def wait(seconds: float) -> None:
        raise Withheld(f"stopped instead of waiting {seconds:g} s")

    with pytest.raises(Withheld):
        await_files(dict, ["a"], patience=Patience(), wait=wait)


def test_content_is_held_within_a_budget() -> None:
    """Who asks for more than is left waits until it is given back."""
    budget, release, entered = ByteBudget(100), Event(), Event()

    def hold(size: int) -> None:
        with budget.hold(size):
            entered.set()
            release.wait(10)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(hold, 80)
        assert entered.wait(10)
        entered.clear()
        second = pool.submit(hold, 40)
        assert not entered.wait(0.1)
        release.set()
        first.result(10)
        assert entered.wait(10)
        second.result(10)


def test_more_than_the_budget_is_held_alone() -> None:
    """Something larger than the whole budget is not refused."""
    with ByteBudget(10).hold(1000):
        pass
