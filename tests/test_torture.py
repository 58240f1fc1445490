"""A few trials of each campaign; `make torture` makes many, and RELIABILITY.md tells of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.torture.board import Circumstances, Held, keep, load, render
from tests.torture.campaign import Campaign, Tally, Trial, hold
from tests.torture.campaigns import CAMPAIGNS
from tests.torture.kills import list_kills, prepare
from tests.torture.scene import Scene
from tests.torture.stories import STORIES

SEED = 0
SEEN = Circumstances("0123456", "2026-01-02", "a machine")


@pytest.mark.parametrize("campaign", CAMPAIGNS, ids=lambda campaign: campaign.name)
def test_campaign(campaign: Campaign) -> None:
    """The claim stands."""
    tally = hold(campaign, campaign.short, SEED)
    assert tally.failed == (), f"repeat: {tally.command}"
    assert tally.tried > 0


def test_moments(tmp_path: Path) -> None:
    """A run has moments of each kind: requests to the store and to git, and steps on disk."""
    with Scene(tmp_path / "scene") as scene:
        scene.save()
        prepare(scene, STORIES[0])
        kills = list_kills(scene, STORIES[0])
    assert {"store", "git", "disk"} == {kill.kind for kill in kills}
    assert len(kills) > 50


def test_fault_is_told() -> None:
    """A trial that went wrong is counted, and stands on the page with its command."""
    kills = next(it for it in CAMPAIGNS if it.name == "kills")
    trials = (Trial("after store 1", "repaired"), Trial("after store 2", "repaired", ("lost",)))
    campaign = Campaign("kills", kills.claim, 1, 2, lambda *_: iter(trials))
    tally = hold(campaign, 2, 7)
    assert (2, (trials[1],)) == (tally.tried, tally.failed)
    page = render([Held(tally, SEEN)])
    assert "2 trials, 1 failed (2026-01-02; a machine)." in page
    assert "- **failed**: after store 2: lost" in page
    assert "python -m tests.torture kills --size 2 --seed 7" in page


def test_time_may_be_limited() -> None:
    """Once its time is over a campaign begins no other trial; its command makes more."""
    trials = (Trial(f"after store {number}", "repaired") for number in range(5))
    campaign = Campaign("kills", "Nothing is lost.", 1, 5, lambda *_: trials)
    tally = hold(campaign, 5, 7, limit=0.0)
    assert (1, "python -m tests.torture kills --size 5 --seed 7") == (tally.tried, tally.command)


def test_newest_result_counts(tmp_path: Path) -> None:
    """A campaign that was held again takes the place of what came of it before."""
    place = tmp_path / "build" / "torture.jsonl"
    first = Tally("kills", 0, 2, 2, 60.0, (("repaired", 2),), (Trial("one", "lost", ("lost",)),))
    held = [Held(first, SEEN), Held(replace(first, failed=()), replace(SEEN, commit="89abcdef"))]
    for one in held:
        keep(one, place)
    assert held[1:] == load(place)


def test_page_names_what_was_left_out() -> None:
    """A campaign that was not held is listed among what is not covered."""
    tally = Tally("kills", 0, 1, 1, 60.0, (("repaired", 1),), ())
    page = render([Held(tally, SEEN)])
    assert "The campaign `mixes` was not held." in page
