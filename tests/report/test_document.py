"""What machines read."""

import json

from tests.report.builders import record
from vectornator.model import Hit
from vectornator.report.document import dump_json, hits_to_json, to_json_document


def test_a_record_keeps_its_keys() -> None:
    """Scripts rely on these names; adding one is fine, losing one is not."""
    document = to_json_document(record())
    assert {
        "schema-version", "command", "status", "changed", "provider", "store-id", "target",
        "commit", "base", "counts", "plan", "failed", "documents", "started", "seconds",
        "bytes-uploaded", "requests", "retries", "saved-to", "state-commit", "remarks",
    } <= document.keys()  # fmt: skip
    assert document["counts"] == {
        "added": 1, "updated": 0, "renamed": 0, "relabelled": 0, "deleted": 1,
        "unchanged": 1200, "skipped": 5, "failed": 1,
    }  # fmt: skip
    assert document["failed"] == {"old.md": "too odd to store"}


def test_a_document_survives_its_text() -> None:
    """What is written reads back equal, and holds nothing that acts on a log."""
    document = hits_to_json([Hit("##[x]\u202e\x1b.md", 0.5, "::error::ü\n")])
    text = dump_json(document)
    assert json.loads(text) == document
    assert text.isascii()
    assert "##[" not in text
