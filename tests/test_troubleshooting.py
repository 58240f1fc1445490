"""The page for those whose run failed knows every reason there is."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_REASON = re.compile(r'\breason\s*=\s*"([a-z-]+)"|output\.fail\(\s*"([a-z-]+)"')


def test_every_reason_is_explained() -> None:
    """A word that a run can end with stands in the page, marked as code."""
    page = (ROOT / "docs/troubleshooting.md").read_text()
    sources = [path.read_text() for path in (ROOT / "vectornator").rglob("*.py")]
    reasons = {one or other for text in sources for one, other in _REASON.findall(text)}
    assert {reason for reason in reasons if f"`{reason}`" not in page} == set()
    assert {"auth", "config", "internal", "delete-limit"} <= reasons
