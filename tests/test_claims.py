"""What SECURITY.md and the changelog say is held by a test is held by one that exists."""

import re
from pathlib import Path

import pytest

from tests.torture.campaigns import BY_NAME

ROOT = Path(__file__).parents[1]
_TEST = re.compile(r"^ *def (test_\w+)", re.MULTILINE)
_CAMPAIGNS = re.compile(r"campaigns? ((?:`\w+`(?:, | and )?)+)")


@pytest.fixture(scope="module")
def tests() -> set[str]:
    """The name of every test there is."""
    places = (ROOT / "tests").rglob("test_*.py")
    return {name for place in places for name in _TEST.findall(place.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("page", ["SECURITY.md", "CHANGELOG.md"])
def test_named_tests_exist(tests: set[str], page: str) -> None:
    """Every test that a page names can be run by its name."""
    named = set(re.findall(r"`(test_\w+)`", (ROOT / page).read_text(encoding="utf-8")))
    assert named
    assert set() == named - tests


def test_named_campaigns_exist() -> None:
    """Every campaign that SECURITY.md names can be held."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = {name for names in _CAMPAIGNS.findall(text) for name in re.findall(r"\w+", names)}
    assert set() == named - {"and"} - BY_NAME.keys()


def test_every_threat_is_held() -> None:
    """Each row of the table of threats names what holds it."""
    rows = re.findall(r"^\| (.+) \| .+ \| (.+) \|$", _read_threats(), re.MULTILINE)[1:]
    assert len(rows) >= 25
    assert [] == [threat for threat, held in rows if "`" not in held]


def _read_threats() -> str:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    return text.split("## Threats")[1].split("\n## ")[0]
