"""All campaigns, in the order in which they are told."""

import sys

from tests.torture.bugs import BUGS
from tests.torture.campaign import Campaign, Tally, Trial, hold
from tests.torture.configs import CONFIGS
from tests.torture.disasters import DISASTERS
from tests.torture.drift import DRIFT
from tests.torture.instants import INSTANTS
from tests.torture.kills import KILLS
from tests.torture.mixes import MIXES
from tests.torture.notes import NOTES
from tests.torture.paths import PATHS
from tests.torture.programs import PROGRAMS
from tests.torture.races import RACES
from tests.torture.rejections import REJECTIONS
from tests.torture.secrets import SECRETS
from tests.torture.signals import SIGNALS

CAMPAIGNS: tuple[Campaign, ...] = (
    KILLS,
    INSTANTS,
    SIGNALS,
    MIXES,
    RACES,
    REJECTIONS,
    DRIFT,
    PROGRAMS,
    DISASTERS,
    SECRETS,
    NOTES,
    PATHS,
    CONFIGS,
    BUGS,
)

BY_NAME = {campaign.name: campaign for campaign in CAMPAIGNS}


def hold_by_name(name: str, *, seed: int, size: int | None, is_long: bool, limit: float) -> Tally:
    """Hold a campaign in whatever process this is, and say on stderr what came of each trial."""
    campaign = BY_NAME[name]

    def tell(trial: Trial) -> None:
        words = "; ".join(trial.faults) or trial.outcome
        print(f"{name}: {trial.name}: {words}", file=sys.stderr, flush=True)

    number = size or (campaign.long if is_long else campaign.short)
    return hold(campaign, number, seed, tell, limit=limit)
