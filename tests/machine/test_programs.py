"""Any sequence of commits, faults, races and tampering: a clean run puts everything right.

`python -m tests.torture programs` runs many more programs, and longer ones.
"""

import pytest

from tests.machine.programs import run_programs


@pytest.mark.parametrize(("kind", "number"), [("memory", 10), ("openai", 5), ("local", 3)])
@pytest.mark.filterwarnings("default::hypothesis.errors.HypothesisWarning")
def test_programs(kind: str, number: int) -> None:
    """Whatever happened before, one clean run leaves store, ledger and notes as they must be."""
    ran = run_programs(kind, number, steps=20, draw=0)
    assert ran.fault == ""
    assert len(ran.lengths) == number
