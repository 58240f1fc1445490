"""Runs that meet a mix of every fault there is, in a store that others use too.

`python -m tests.faultmix --seeds 200` tries more of them.
"""

from pathlib import Path

import pytest

from tests.support.mixes import Mix


@pytest.mark.parametrize("seed", range(25))
def test_mixes(tmp_path: Path, seed: int) -> None:
    """A run ends in time, or fails and says so; one clean run later the store is the tree.

    Of no document there are two copies, no File is left over and nothing foreign was touched. At
    no request was a stored document without a version that search finds.
    """
    verdict = Mix(tmp_path, seed).run()
    assert verdict.problems == (), f"repeat: python -m tests.faultmix --first {seed} --seeds 1"
