"""Runs that are killed: a few of the moments that `python -m tests.torture` tries all of."""

from collections.abc import Iterator

import pytest

from tests.torture.kills import Kill, list_kills, try_kills
from tests.torture.scene import Scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A clone with a commit that is to be synced."""
    with Scene(tmp_path_factory.mktemp("scene")) as scene:
        scene.advance()
        scene.save()
        yield scene


def test_moments(scene: Scene) -> None:
    """A run has moments of each kind: requests to the store and to git, and steps on disk."""
    scene.restore()
    kills = list_kills(scene)
    assert {"store", "git", "disk"} == {kill.kind for kill in kills}
    assert len(kills) > 50


@pytest.mark.parametrize(
    "kills",
    [
        (Kill("store", 5, "after"),),
        (Kill("store", 12, "before"),),
        (Kill("store", 16, "after"), Kill("store", 4, "after")),
        (Kill("git", 4, "after"),),
        (Kill("disk", 20, "before"), Kill("git", 4, "before")),
    ],
    ids=lambda kills: ", then ".join(map(str, kills)),
)
def test_killed_and_repaired(scene: Scene, kills: tuple[Kill, ...]) -> None:
    """One clean run later the store is the tree, with nothing left over and nobody else touched."""
    verdict = try_kills(scene, *kills)
    assert (True, ()) == (verdict.was_killed, verdict.faults)
