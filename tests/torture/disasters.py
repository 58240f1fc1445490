"""The campaign of disasters: what people and jobs do by mistake, and what must not go for it."""

import random
from collections.abc import Collection, Iterator

from tests.torture.campaign import Campaign, Trial
from tests.torture.mishaps import MISHAPS, Mishap
from tests.torture.site import STORE, Answer, Site, open_site


def try_disasters(size: int, seed: int) -> Iterator[Trial]:
    """Try each mishap once at most, in an order drawn by the seed."""
    order = random.Random(seed).sample(MISHAPS, len(MISHAPS))
    with Site() as founded:
        founded.found()
        for mishap in order[:size]:
            with open_site(founded) as site:
                faults = tuple(_try(site, mishap))
            yield Trial(mishap.name, mishap.outcome, faults)


def _try(site: Site, mishap: Mishap) -> Iterator[str]:
    """Let it happen, put things right, run once more; yield what was wrong on the way."""
    foreign, ids = site.list_foreign(), site.ids
    mishap.strike(site)
    before, stored = site.describe(), site.contents
    answer = site.run(*mishap.words)
    yield from _judge(answer, mishap)
    if mishap.changes_nothing and site.describe() != before:
        yield "something was changed all the same"
    if gone := stored.keys() - site.contents.keys() ^ mishap.goes:
        yield f"gone, or kept, against what was to come: {sorted(gone)[:5]}"
    if site.list_foreign() != foreign:
        yield "what others keep was touched"
    mishap.heal(site)
    stored = site.contents
    answer = site.run("sync")
    if answer.code:
        yield f"the clean run ended with {answer.code}: {answer.message or answer.log[-300:]}"
        return
    yield from _check_end(site, stored)
    if not mishap.renews:
        kept = {path for path in ids if path not in mishap.resent}
        if other := [path for path in sorted(kept) if site.ids.get(path) != ids[path]]:
            yield f"stored anew, though never changed: {other[:5]}"
    if site.list_foreign() != foreign:
        yield "what others keep was touched by the clean run"


def _judge(answer: Answer, mishap: Mishap) -> Iterator[str]:
    if (answer.code, answer.reason) != (mishap.code, mishap.reason):
        told = answer.message or answer.log[-300:]
        yield f"ended with {answer.code} {answer.reason!r} {answer.status!r}: {told}"
    if mishap.status and answer.status != mishap.status:
        yield f"ended as {answer.status!r}, not {mishap.status!r}"
    for words in mishap.says:
        if words not in answer.message:
            yield f"the message does not say {words!r}: {answer.message}"


def _check_end(site: Site, stored: dict[str, bytes]) -> Iterator[str]:
    """What is wrong after the clean run; `stored` is what was there when it began."""
    tree = site.read_tree()
    needless = [path for path in site.sent() if stored.get(path) == tree.get(path)]
    if needless:
        yield f"sent although it was stored: {needless[:5]}"
    if site.contents != tree:
        yield f"the store is not the tree: {_differ(site.contents, tree)[:5]}"
    if len(site.ours) != len(tree):
        yield f"{len(site.ours)} copies of {len(tree)} documents"
    again = site.run("sync")
    if (again.status, site.changes()) != ("no-changes", []):
        yield f"a third run: {again.status} {site.changes()[:3]}"
    verified = site.run("verify", "--store-id", STORE)
    if verified.code:
        yield f"verify: {verified.log[-300:]}"


def _differ(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    paths: Collection[str] = one.keys() | other.keys()
    return sorted(path for path in paths if one.get(path) != other.get(path))


DISASTERS = Campaign(
    name="disasters",
    claim=(
        "Whatever people and jobs get wrong, nothing is deleted but what was declared beforehand: "
        "a run is refused with the numbers and the way past it, or does exactly that; set right, "
        "one run later the store is the tree, and nothing unchanged was sent again."
    ),
    short=24,
    long=len(MISHAPS),
    trials=try_disasters,
    not_covered=(
        "The store is one in memory, and the command line runs in the process of the tests.",
        "A mistake below the limits of the brakes is carried out: nothing tells it from intent.",
    ),
)
