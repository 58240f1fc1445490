"""Pushes that are looked after until it is known what became of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.git.test_remote import REF, make_note, open_remote, push_note
from tests.support.git_server import Fault, GitServer, run_git
from vectornator.git.remote import PushDenied, Remote, StaleRef, Unreachable

POST = "/git-receive-pack"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A server with an empty repository."""
    with GitServer(tmp_path) as server:
        server.create()
        yield server


def land_note(remote: Remote, text: str, old: str | None) -> str:
    """Land one commit on top of `old`; returns its id."""
    new, objects = make_note(text, [old] if old else [])
    remote.land(REF, new, old, objects)
    return new


@pytest.mark.parametrize(
    "fault",
    [
        Fault(503, on=POST),
        Fault(drop="unread", on=POST),
        Fault(drop="before", on=POST),
        Fault(drop="after", on=POST),
        Fault(200, (("Content-Type", "text/html"),), on=POST),
        Fault(200, (("Content-Type", "text/html"),), on=POST, is_late=True),
    ],
)
def test_push_of_which_nobody_knows_lands(server: GitServer, fault: Fault) -> None:
    """Where an answer says nothing of the ref, the ref is read, and pushed again if need be."""
    server.meet(fault)
    with open_remote(server.url("origin.git")) as remote:
        tip = land_note(remote, "one", None)
        assert {REF: tip} == remote.list_refs(REF)


def test_lost_race_is_told_at_once(server: GitServer) -> None:
    """A ref that somebody else moved is pushed to once."""
    with open_remote(server.url("origin.git")) as remote:
        push_note(remote, "one", None)
        server.requests.clear()
        with pytest.raises(StaleRef, match="fetch it again"):
            land_note(remote, "late", "1" * 40)
    assert 0 == sum(
        request.method == "POST" and POST in request.path for request in server.requests
    )


def test_lock_that_stays_is_told(server: GitServer) -> None:
    """A ref that nobody moves, and that can't be moved, is no lost race."""
    lock = server.root / "origin.git" / f"{REF}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    with open_remote(server.url("origin.git")) as remote:
        with pytest.raises(Unreachable, match="a lock that was left behind"):
            land_note(remote, "one", None)
        lock.unlink()
        assert {REF: land_note(remote, "one", None)} == remote.list_refs(REF)


def test_ref_that_became_hidden_is_denied(server: GitServer) -> None:
    """A ref that is shown to who reads, and not to who pushes, is a rule and no race."""
    with open_remote(server.url("origin.git")) as remote:
        tip = push_note(remote, "one", None)
        run_git(server.root / "origin.git", "config", "receive.hideRefs", "refs/notes")
        with pytest.raises(PushDenied, match=r"hidden.*contents: write"):
            land_note(remote, "two", tip)
