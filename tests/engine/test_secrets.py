"""Secrets in what would be sent: nothing leaves, everything is told but the value."""

import json

import pytest

from benchmarks.plants import KINDS, Mint
from tests.support.lab import Lab
from tests.support.scanner import without_scanner
from vectornator.errors import Refused, SettingsError
from vectornator.report.document import dump_json, to_json_document
from vectornator.report.plans import render_record
from vectornator.report.summary import Context, render_comment, render_summary
from vectornator.scanner import make_fingerprint

TOKEN = KINDS["GITHUB_TOKEN"](Mint(5))
LEAKY = f"# Deploy\n\nRun it with `{TOKEN}`.\n"


def test_secret_stops_the_run(lab: Lab) -> None:
    """A run with a secret is refused before the store is made or a byte has left."""
    lab.repo.commit({"docs/deploy.md": LEAKY})
    with pytest.raises(Refused, match=r"docs/deploy\.md:3 \(github-pat\)") as refused:
        lab.sync()
    assert (3, "secret-found") == (refused.value.exit_code, refused.value.reason)
    assert ([], {}, "blocked") == (lab.calls(), lab.server.shelves, lab.witness.records[0].status)


def test_value_is_told_nowhere(lab: Lab) -> None:
    """The error and every report name the fingerprint, and never the value."""
    lab.repo.commit({"docs/deploy.md": LEAKY})
    with pytest.raises(Refused) as refused:
        lab.sync()
    record = lab.witness.records[0]
    told = [
        str(refused.value),
        render_record(record, is_whole=True),
        dump_json(to_json_document(record)),
        render_summary(record, Context(), 100_000),
        render_comment(record, Context()),
    ]
    print_of_it = make_fingerprint(TOKEN)
    assert ([True] * 5, [False] * 5) == (
        [print_of_it in text for text in told],
        [TOKEN[8:] in text for text in told],
    )


def test_plan_says_it_too(lab: Lab) -> None:
    """A plan is refused for the same secrets, with all of them in its record."""
    lab.sync()
    lab.repo.commit({"a.md": LEAKY, "docs/new.md": LEAKY})
    with pytest.raises(Refused):
        lab.plan()
    document = json.loads(dump_json(to_json_document(lab.witness.records[0])))
    secrets = document["plan"]["secrets"]
    assert [("a.md", 3), ("docs/new.md", 3)] == [(one["path"], one["line"]) for one in secrets]


def test_secret_in_an_update_keeps_the_old_copy(lab: Lab) -> None:
    """A stored document that gets a secret stays stored as it was."""
    lab.sync()
    lab.repo.commit({"a.md": LEAKY})
    with pytest.raises(Refused):
        lab.sync()
    assert b"# A\n" == lab.contents["a.md"]


def test_allowed_secret_is_sent(lab: Lab) -> None:
    """A value whose fingerprint is allowed goes; another one in the same run does not."""
    lab.repo.commit({"docs/deploy.md": LEAKY})
    allowed = (make_fingerprint(TOKEN),)
    lab.sync(allow_secrets=allowed)
    assert LEAKY.encode() == lab.contents["docs/deploy.md"]
    other = KINDS["GITHUB_TOKEN"](Mint(6))
    lab.repo.commit({"docs/deploy.md": f"{LEAKY}{other}\n"})
    with pytest.raises(Refused, match=r"^Nothing was sent\. 1 secret is .*deploy\.md:4"):
        lab.sync(allow_secrets=allowed)


def test_warning(lab: Lab) -> None:
    """With `warn`, the secret is told and the document sent."""
    lab.repo.commit({"docs/deploy.md": LEAKY})
    record = lab.sync(secret_scan="warn")
    assert ("synced", 1) == (record.status, len(record.plan.leaks))
    assert "docs/deploy.md:3" in record.remarks[0]
    assert "docs/deploy.md" in lab.contents


def test_no_search(lab: Lab) -> None:
    """With `off`, nothing is searched."""
    lab.repo.commit({"docs/deploy.md": LEAKY, ".env": "A=1\n"})
    record = lab.sync(secret_scan="off", patterns=("**/*.md", "**/.env"))
    assert ("synced", ()) == (record.status, record.plan.leaks)


def test_secret_file_stops_the_run(lab: Lab) -> None:
    """A file that is secret by its name stops a run, until its fingerprint is allowed."""
    lab.repo.commit({"deploy/.env": "DEBUG=1\n"})
    with pytest.raises(Refused, match=r"deploy/\.env \(file-name\)"):
        lab.sync(patterns=("**/*.md", "**/.env"))
    lab.sync(patterns=("**/*.md", "**/.env"), allow_secrets=(make_fingerprint("deploy/.env"),))
    assert "deploy/.env" in lab.contents


def test_what_is_not_sent_is_not_searched(lab: Lab) -> None:
    """A secret that is stored already, or only moves, stops no run."""
    lab.repo.commit({"docs/deploy.md": LEAKY})
    lab.sync(secret_scan="off")
    lab.repo.commit({"docs/deploy.md": None, "docs/moved.md": LEAKY, "a.md": "# A2\n"})
    assert "synced" == lab.sync().status


def test_repair_that_would_send_a_secret_stops(lab: Lab) -> None:
    """A copy that was lost is not stored anew if it gives a secret away."""
    lab.repo.commit({"docs/deploy.md": LEAKY})
    lab.sync(secret_scan="off")
    copies = lab.server.shelves[lab.store_id].copies
    [lost] = [key for key, copy in copies.items() if copy.content == LEAKY.encode()]
    del copies[lost]
    with pytest.raises(Refused, match=r"docs/deploy\.md:3"):
        lab.repair()
    assert "docs/deploy.md" not in lab.contents


def test_verification_does_not_search(lab: Lab) -> None:
    """A verification sends nothing and has nothing to search."""
    lab.repo.commit({"docs/deploy.md": LEAKY})
    lab.sync(secret_scan="off")
    assert lab.verify().is_in_line


def test_missing_scanner_stops_the_run(lab: Lab) -> None:
    """Where the scanner is missing, nothing is sent unless that is asked for."""
    with without_scanner():
        with pytest.raises(SettingsError, match="--secret-scan=off"):
            lab.sync()
        assert ([], {}) == (lab.calls(), lab.server.shelves)
        record = lab.sync(secret_scan="warn")
    remark = "Nothing was searched for secrets. The secret scanner does not work on this machine"
    assert ("synced", True) == (record.status, record.remarks[0].startswith(remark))
