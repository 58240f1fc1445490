"""A remote is read and written with few requests, within limits, and every failure has a name."""

import re
import socket
import zlib
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
from dulwich.errors import GitProtocolError

from tests.support.git_server import Fault, GitServer, Request, git_environ, run_git, to_basic
from vectornator.errors import SettingsError, SourceError, StateConflict
from vectornator.git.config import load_config
from vectornator.git.failures import translating
from vectornator.git.notes import edit_tree, make_commit
from vectornator.git.objects import MODE_FILE, Kind, MissingObject, Stored, hash_object
from vectornator.git.remote import (
    AccessDenied,
    BadAnswer,
    PackedObject,
    Patience,
    PushDenied,
    Remote,
    SizeLimits,
    StaleRef,
    Terms,
    Timeouts,
    Unreachable,
    make_object,
)
from vectornator.git.wire import unpack

REF = "refs/notes/vectornator"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A server with one empty repository."""
    with GitServer(tmp_path) as running:
        running.create()
        yield running


def open_remote(url: str, *, token: str = "", terms: Terms | None = None, **more: str) -> Remote:
    """A remote that waits for nobody."""
    environ = git_environ() | more
    terms = terms or Terms(patience=Patience(sleep=lambda _: None))
    return Remote.open(url, load_config(None, environ), environ, token=token, terms=terms)


def find_nothing(oid: bytes) -> Stored:
    """Objects of ours: none."""
    raise MissingObject(oid)


def make_note(text: str, parents: list[str]) -> tuple[str, list[PackedObject]]:
    """A commit with one file, and all its objects."""
    blob = make_object(Kind.BLOB, text.encode())
    tree, trees = edit_tree(find_nothing, None, {b"x": (MODE_FILE, blob.oid)})
    assert tree is not None
    commit = make_commit(tree, parents, "Sync", "Ada <ada@example.com>", 1_700_000_000)
    return commit.oid.hex(), [blob, *trees, commit]


def push_note(remote: Remote, text: str, old: str | None) -> str:
    """Push one commit on top of `old`; returns its id."""
    new, objects = make_note(text, [old] if old else [])
    remote.push(REF, new, old, objects)
    return new


def show(requests: list[Request]) -> list[str]:
    """The requests, in short."""
    return [f"{request.method} {request.path.rpartition('/')[2]}" for request in requests]


def test_listing_costs_two_requests_and_each_fetch_one(server: GitServer) -> None:
    """The advertisement is asked for once; a fetch does not list the refs again."""
    with open_remote(server.url("origin.git")) as remote:
        tip = push_note(remote, "one", None)
        server.requests.clear()
        assert remote.list_refs("refs/notes/") == {REF: tip}
        assert len(remote.fetch([tip], depth=1)) == 3
        assert len(remote.fetch([tip], depth=1, filter_spec="tree:0")) == 1
        assert remote.list_refs("refs/notes/") == {REF: tip}
    expected = ["GET refs", *["POST git-upload-pack"] * 4]
    assert show(server.requests) == expected


def test_a_fetch_alone_costs_two_requests(server: GitServer) -> None:
    """What is wanted is known by its id, so no ref is listed."""
    with open_remote(server.url("origin.git")) as remote:
        tip = push_note(remote, "one", None)
    server.requests.clear()
    with open_remote(server.url("origin.git")) as remote:
        remote.fetch([tip])
    assert show(server.requests) == ["GET refs", "POST git-upload-pack"]


def test_a_push_costs_two_requests(server: GitServer) -> None:
    """One to see where the ref is, one to move it."""
    with open_remote(server.url("origin.git")) as remote:
        push_note(remote, "one", None)
    assert show(server.requests) == ["GET refs", "POST git-receive-pack"]


def test_traffic_is_what_the_server_saw(server: GitServer) -> None:
    """The counters agree with the server's ledger."""
    with open_remote(server.url("origin.git")) as remote:
        tip = push_note(remote, "one", None)
        remote.list_refs("refs/")
        remote.fetch([tip])
    seen = server.requests
    assert remote.traffic.requests == len(seen)
    assert remote.traffic.bytes_sent == sum(request.bytes_in for request in seen)
    assert remote.traffic.bytes_received == sum(request.bytes_out for request in seen)


def test_only_refs_with_the_prefix_are_listed(server: GitServer) -> None:
    """The server is told the prefix and sends no other ref."""
    with open_remote(server.url("origin.git")) as remote:
        tip = push_note(remote, "one", None)
        for number in range(50):
            remote_path = server.root / "origin.git"
            run_git(remote_path, "update-ref", f"refs/heads/b{number}", tip)
        server.requests.clear()
        assert remote.list_refs("refs/notes/") == {REF: tip}
    assert server.requests[-1].bytes_out < 100


def test_an_old_server_is_still_understood(server: GitServer) -> None:
    """Protocol version 0 lists every ref; what comes out is the same."""
    server.protocol = 0
    with open_remote(server.url("origin.git")) as remote:
        tip = push_note(remote, "one", None)
        run_git(server.root / "origin.git", "update-ref", "refs/heads/main", tip)
        assert remote.list_refs("refs/notes/") == {REF: tip}
        assert len(remote.fetch([tip], depth=1)) == 3


def test_a_server_without_filters_sends_more(server: GitServer) -> None:
    """The objects that were asked for are there, and others too."""
    server.has_filters = False
    with open_remote(server.url("origin.git")) as remote:
        tip = push_note(remote, "one", None)
        assert len(remote.fetch([tip], depth=1, filter_spec="blob:none")) == 3


def test_a_want_that_is_not_there_is_named(server: GitServer) -> None:
    """A commit that was pushed over and collected is missing, not a broken connection."""
    with open_remote(server.url("origin.git")) as remote:
        push_note(remote, "one", None)
        with pytest.raises(MissingObject, match="1" * 40):
            remote.fetch(["1" * 40], depth=1)
    assert show(server.requests).count("POST git-upload-pack") == 1


def test_a_path_and_a_file_url_work_without_a_server(server: GitServer) -> None:
    """The same calls on this machine, with the same answers."""
    path = server.root / "origin.git"
    for number, url in enumerate((str(path), path.as_uri())):
        with open_remote(url) as remote:
            old = remote.list_refs("refs/notes/").get(REF)
            tip = push_note(remote, f"text {number}", old)
            assert remote.list_refs("refs/notes/") == {REF: tip}
            assert bytes.fromhex(tip) in remote.fetch([tip], depth=1, filter_spec="blob:none")
            with pytest.raises(StaleRef):
                push_note(remote, "late", "1" * 40)
            with pytest.raises(MissingObject):
                remote.fetch(["1" * 40])
    assert run_git(path, "fsck", "--strict") == ""


@pytest.fixture
def ssh(tmp_path: Path) -> str:
    """A program that stands for ssh: it runs what the other side would run."""
    path = tmp_path / "fake ssh"
    path.write_text(
        "#!/bin/sh\n"
        f'printf "%s\\n" "$@" > "{tmp_path}/arguments"\n'
        'for last; do :; done\ncase "$*" in *version=2*) export GIT_PROTOCOL=version=2;; esac\n'
        'exec sh -c "$last"\n'
    )
    path.chmod(0o755)
    return f"'{path}'"


def test_ssh_works_in_both_spellings(server: GitServer, ssh: str) -> None:
    """`ssh://host/path` and `user@host:path` list, fetch and push."""
    path = server.root / "origin.git"
    run_git(path, "config", "uploadpack.allowFilter", "true")
    old = None
    for url in (f"ssh://git@host:2222{path}", f"git@host:{path}"):
        with open_remote(url, GIT_SSH_COMMAND=ssh) as remote:
            old = push_note(remote, url, old)
            assert remote.list_refs("refs/notes/") == {REF: old}
            assert len(remote.fetch([old], depth=1, filter_spec="blob:none")) == 2
            assert remote.traffic.requests == 3
            with pytest.raises(MissingObject):
                remote.fetch(["1" * 40])


def test_a_broken_pipe_is_trouble_on_the_way() -> None:
    """An ssh that ends while it is written to leaves open what the remote would have said."""
    with pytest.raises(Unreachable), translating("ssh://host/a.git", AccessDenied):
        raise GitProtocolError("Broken pipe") from BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Permission denied (publickey).", AccessDenied),
        ("ERROR: Repository not found.", AccessDenied),
        ("kex_exchange_identification: read: Connection reset", Unreachable),
    ],
)
def test_what_ssh_says_tells_refusal_from_trouble(
    tmp_path: Path, words: str, kind: type[Exception]
) -> None:
    """Its last words are in the message."""
    program = tmp_path / "ssh"
    program.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 255\n")
    program.chmod(0o755)
    remote = open_remote("git@host:o/r.git", GIT_SSH_COMMAND=str(program))
    with remote, pytest.raises(kind, match=re.escape(words[-20:-1])):
        remote.list_refs("refs/")


def test_an_ssh_that_does_not_exist_is_explained() -> None:
    """A container without ssh is told what to do instead."""
    remote = open_remote("git@host:o/r.git", GIT_SSH_COMMAND="/none/ssh")
    with remote, pytest.raises(AccessDenied, match="use an https URL with a token"):
        remote.list_refs("refs/")


@pytest.mark.parametrize("url", ["git://host/r", "ftp://u:s3cret@host/r"])
def test_an_unknown_scheme_is_refused(url: str) -> None:
    """The message lists the schemes there are, and hides secrets."""
    with pytest.raises(SettingsError, match="Use https://, http://, ssh://") as caught:
        open_remote(url)
    assert "s3cret" not in str(caught.value)


def test_a_ref_is_moved_only_from_where_we_saw_it(server: GitServer) -> None:
    """Neither a wrong old id, nor one that is gone, nor a ref that appeared is pushed over."""
    with open_remote(server.url("origin.git")) as remote:
        with pytest.raises(StaleRef):
            push_note(remote, "early", "1" * 40)
        tip = push_note(remote, "one", None)
        for old in (None, "1" * 40):
            with pytest.raises(StateConflict, match="fetch it again"):
                push_note(remote, "late", old)
        assert remote.list_refs(REF) == {REF: tip}


def test_a_race_lost_after_the_advertisement_is_stale(server: GitServer) -> None:
    """The server compares once more under its lock; what it says then is understood."""
    hook = server.root / "origin.git/hooks/pre-receive"
    other = run_git(server.root / "origin.git", "hash-object", "-w", "--stdin", stdin=b"x")
    hook.write_text(f"#!/bin/sh\nunset GIT_QUARANTINE_PATH\ngit update-ref {REF} {other}\n")
    hook.chmod(0o755)
    with open_remote(server.url("origin.git")) as remote, pytest.raises(StaleRef):
        push_note(remote, "one", None)


def test_a_declining_hook_is_final_and_quoted(server: GitServer) -> None:
    """The message carries what the hook said."""
    hook = server.root / "origin.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho notes are frozen >&2\nexit 1\n")
    hook.chmod(0o755)
    with open_remote(server.url("origin.git")) as remote:
        with pytest.raises(PushDenied, match=r"hook declined.*notes are frozen.*contents: write"):
            push_note(remote, "one", None)
        assert remote.list_refs(REF) == {}


def test_a_server_that_hides_the_ref_denies_it(server: GitServer) -> None:
    """`receive.hideRefs` is a refusal and no race."""
    run_git(server.root / "origin.git", "config", "receive.hideRefs", "refs/notes")
    with open_remote(server.url("origin.git")) as remote, pytest.raises(PushDenied, match="hidden"):
        push_note(remote, "one", None)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, PushDenied, "contents: write.*write_repository"),
        (403, PushDenied, "contents: write.*write_repository"),
        (404, PushDenied, "not found"),
        (413, PushDenied, "413"),
        (429, Unreachable, "429"),
        (500, Unreachable, "500"),
        (503, Unreachable, "503"),
    ],
)
def test_every_status_of_a_push_has_a_meaning(
    server: GitServer, status: int, kind: type[Exception], words: str
) -> None:
    """A refusal says which permission is missing; a push is not repeated."""
    server.meet(Fault(status, on="POST"))
    with open_remote(server.url("origin.git")) as remote, pytest.raises(kind, match=words):
        push_note(remote, "one", None)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "token that may read"), (403, "token that may read"), (404, "not found")],
)
def test_a_refused_read_is_not_repeated(server: GitServer, status: int, words: str) -> None:
    """The message says what to give."""
    server.meet(Fault(status))
    with open_remote(server.url("origin.git")) as remote, pytest.raises(AccessDenied, match=words):
        remote.list_refs("refs/")
    assert len(server.requests) == 1


def test_a_repository_that_is_not_there_is_denied(server: GitServer) -> None:
    """The real backend answers 404."""
    with (
        open_remote(server.url("none.git")) as remote,
        pytest.raises(AccessDenied, match="not found, or the credential may not see it"),
    ):
        remote.list_refs("refs/")


@pytest.mark.parametrize(
    "fault", [Fault(429), Fault(502), Fault(503), Fault(504), Fault(drop="before")]
)
def test_a_read_is_repeated_until_the_server_is_back(server: GitServer, fault: Fault) -> None:
    """Two failures in a row are survived."""
    server.meet(fault, fault)
    with open_remote(server.url("origin.git")) as remote:
        assert remote.list_refs("refs/") == {}


def test_the_server_says_how_long_to_wait(server: GitServer) -> None:
    """Retry-After is obeyed, up to a limit of ours, in seconds and as a date."""
    waits: list[float] = []
    values = ("7", "100000", "Wed, 21 Oct 2015 07:28:00 GMT")
    server.meet(*(Fault(503, (("Retry-After", value),)) for value in values))
    terms = Terms(patience=Patience(longest=30, sleep=waits.append))
    with open_remote(server.url("origin.git"), terms=terms) as remote:
        remote.list_refs("refs/")
    assert waits == [7, 30, 0]


def test_a_server_that_stays_away_is_given_up(server: GitServer) -> None:
    """After a few tries the last failure is what the caller gets."""
    server.meet(*[Fault(503)] * 9)
    terms = Terms(patience=Patience(tries=3, sleep=lambda _: None))
    with (
        open_remote(server.url("origin.git"), terms=terms) as remote,
        pytest.raises(Unreachable, match="answered 503"),
    ):
        remote.list_refs("refs/")
    assert len(server.requests) == 3


def test_a_silent_server_is_not_waited_for(server: GitServer) -> None:
    """Reading has a limit in seconds."""
    server.meet(Fault(hang=True))
    terms = Terms(Timeouts(1, 0.05), patience=Patience(tries=1))
    with (
        open_remote(server.url("origin.git"), terms=terms) as remote,
        pytest.raises(Unreachable, match="ReadTimeout"),
    ):
        remote.list_refs("refs/")


def test_a_server_that_is_not_there_is_unreachable() -> None:
    """Nobody listens on a port that was just free."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://u:s3cret@127.0.0.1:{taken.getsockname()[1]}/r"
        with open_remote(url) as remote, pytest.raises(Unreachable) as caught:
            remote.list_refs("refs/")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(("drop", "landed"), [("before", False), ("after", True)])
def test_a_push_with_no_answer_may_have_landed(server: GitServer, drop: str, landed: bool) -> None:
    """The caller is told that nobody knows, and can see it in the refs."""
    server.meet(Fault(drop=drop, on="POST"))
    with open_remote(server.url("origin.git")) as remote:
        with pytest.raises(Unreachable):
            push_note(remote, "one", None)
        assert (REF in remote.list_refs(REF)) is landed


def test_a_push_that_is_not_reported_on_may_have_landed(server: GitServer) -> None:
    """An empty report is no success."""
    kind = ("Content-Type", "application/x-git-receive-pack-result")
    server.meet(Fault(200, (kind,), b"0000", on="POST"))
    with open_remote(server.url("origin.git")) as remote, pytest.raises(Unreachable):
        push_note(remote, "one", None)


def test_pushing_what_is_there_costs_nothing(server: GitServer) -> None:
    """A ref that would not move is not asked about."""
    with open_remote(server.url("origin.git")) as remote:
        remote.push(REF, "1" * 40, "1" * 40, [])
    assert server.requests == []


def test_asking_to_push_sends_nothing(server: GitServer) -> None:
    """A writer is let in by the advertisement of the service that takes pushes, and leaves."""
    with open_remote(server.url("origin.git"), token="t") as remote:
        remote.ask_to_push()
        assert (show(server.requests), remote.credential) == (["GET refs"], "the given token")
        assert remote.list_refs("refs/") == {}


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_push_learns_it_by_asking(server: GitServer, status: int) -> None:
    """A remote that does not let a writer in says so before anything is pushed."""
    server.meet(Fault(status, on="git-receive-pack"))
    with (
        open_remote(server.url("origin.git")) as remote,
        pytest.raises(PushDenied, match="contents: write"),
    ):
        remote.ask_to_push()


def test_asking_to_push_to_a_path_changes_nothing(server: GitServer) -> None:
    """The session with a path ends before a ref is named, and the next one works."""
    with open_remote(str(server.root / "origin.git")) as remote:
        remote.ask_to_push()
        push_note(remote, "one", None)
        remote.ask_to_push()
        assert [*remote.list_refs("refs/")] == [REF]


def test_a_given_token_is_the_only_authorization(server: GitServer) -> None:
    """Every request carries exactly one header."""
    server.authorization = to_basic("x-access-token", "mine")
    remote = open_remote(
        server.url("origin.git"),
        token="mine",
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="http.extraheader",
        GIT_CONFIG_VALUE_0="Authorization: Basic b3RoZXI=",
    )
    with remote:
        push_note(remote, "one", None)
        remote.list_refs("refs/")
    assert [request.authorizations for request in server.requests] == [[server.authorization]] * 4


def test_git_is_asked_for_a_credential_only_after_a_refusal(
    server: GitServer, tmp_path: Path
) -> None:
    """One 401, one question, and then the credential is kept."""
    server.authorization = to_basic("ada", "known")
    helper = tmp_path / "helper"
    helper.write_text("#!/bin/sh\n[ $1 = get ] && echo username=ada && echo password=known\n")
    helper.chmod(0o755)
    user = tmp_path / "user"
    user.write_text(f"[credential]\n\thelper = {helper}\n")
    with open_remote(server.url("origin.git"), GIT_CONFIG_GLOBAL=str(user)) as remote:
        remote.list_refs("refs/")
    assert [request.status for request in server.requests] == [401, 200, 200]


def test_a_redirect_is_followed_without_the_credential(server: GitServer, tmp_path: Path) -> None:
    """Another host gets the question and not the secret, and stays the one to talk to."""
    (tmp_path / "other").mkdir()
    with GitServer(tmp_path / "other") as other:
        other.create("moved.git")
        there = other.url("moved.git/info/refs?service=git-upload-pack")
        server.meet(Fault(301, (("Location", there),)))
        with open_remote(server.url("origin.git"), token="mine") as remote:
            assert remote.list_refs("refs/") == {}
        assert [request.authorizations for request in other.requests] == [[], []]
    assert len(server.requests) == 1


def test_a_helper_program_is_refused() -> None:
    """A URL that asks git to run a program is no URL of ours."""
    with pytest.raises(SettingsError, match="ext:: asks for a helper program"):
        open_remote("ext::sh -c id")


def test_a_redirect_of_a_push_is_not_followed(server: GitServer) -> None:
    """Objects go where the advertisement came from, or nowhere."""
    server.meet(Fault(307, (("Location", server.url("other.git")),), on="POST"))
    with open_remote(server.url("origin.git")) as remote, pytest.raises(PushDenied, match="307"):
        push_note(remote, "one", None)


def test_redirects_in_a_circle_end(server: GitServer) -> None:
    """A few are followed, then it is an error."""
    here = server.url("origin.git/info/refs?service=git-upload-pack")
    server.meet(*[Fault(302, (("Location", here),))] * 20)
    with open_remote(server.url("origin.git")) as remote, pytest.raises(AccessDenied, match="302"):
        remote.list_refs("refs/")
    assert len(server.requests) == 6


def test_certificates_are_checked(tmp_path: Path) -> None:
    """A server that signed for itself is trusted only when its certificate is named."""
    with GitServer(tmp_path, tls=True) as server:
        server.create()
        url, trusted = server.url("origin.git"), str(server.certificate)
        with open_remote(url) as remote, pytest.raises(AccessDenied, match="GIT_SSL_CAINFO"):
            remote.list_refs("refs/")
        with open_remote(url, GIT_SSL_CAINFO=trusted) as remote:
            assert remote.list_refs("refs/") == {}


def test_a_server_that_is_no_git_server_is_a_bad_answer(server: GitServer) -> None:
    """A page where the protocol was expected, and packets that make no sense."""
    kind = "application/x-git-upload-pack-advertisement"
    for headers in ((("Content-Type", "text/html"),), (("Content-Type", kind),)):
        server.meet(Fault(200, headers))
        with open_remote(server.url("origin.git")) as remote, pytest.raises(BadAnswer):
            remote.list_refs("refs/")


def test_sha256_repositories_are_refused(server: GitServer) -> None:
    """The message says what is supported."""
    args = ("init", "-q", "--bare", "-b", "main", "--object-format=sha256", "new.git")
    run_git(server.root, *args)
    with open_remote(server.url("new.git")) as remote, pytest.raises(SourceError, match="sha256"):
        remote.list_refs("refs/")


def test_an_answer_that_is_too_large_is_refused(server: GitServer) -> None:
    """The limit on bytes holds before anything is unpacked."""
    terms = Terms(sizes=SizeLimits(pack=10_000))
    noise = "".join(sha1(b"%d" % number).hexdigest() for number in range(1000))
    with open_remote(server.url("origin.git"), terms=terms) as remote:
        tip = push_note(remote, noise, None)
        with pytest.raises(BadAnswer, match="10000 bytes"):
            remote.fetch([tip])


def test_a_list_that_is_too_large_is_refused(server: GitServer) -> None:
    """The limit holds for every answer, not only for packs."""
    terms = Terms(sizes=SizeLimits(pack=50))
    remote = open_remote(server.url("origin.git"), terms=terms)
    with remote, pytest.raises(BadAnswer, match="50 bytes"):
        remote.list_refs("refs/")
    assert remote.traffic.bytes_sent == 0


def pack(*records: bytes, count: int | None = None) -> bytes:
    """A pack of raw records, with a right checksum."""
    number = len(records) if count is None else count
    body = b"PACK\0\0\0\2" + number.to_bytes(4, "big") + b"".join(records)
    return body + sha1(body, usedforsecurity=False).digest()


def record(kind: int, content: bytes, *, size: int | None = None, base: bytes = b"") -> bytes:
    """One record; `size` is a lie when given."""
    left = len(content) if size is None else size
    head = bytearray([kind << 4 | left & 15])
    left >>= 4
    while left:
        head[-1] |= 0x80
        head.append(left & 0x7F)
        left >>= 7
    return bytes(head) + base + zlib.compress(content)


BLOB = record(3, b"hello")
HELLO = bytes.fromhex(hash_object(Kind.BLOB, b"hello"))
COPY = b"\x05\x05\x90\x05"
"""A delta that copies five bytes."""


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"PACK",
        pack(BLOB)[:-1] + b"\0",
        pack(BLOB, count=2),
        pack(BLOB, BLOB, count=1),
        pack(record(3, b"hello", size=4)),
        pack(record(3, b"hello", size=6)),
        pack(BLOB[:-6]),
        pack(record(3, b"hello", size=1 << 40)),
        pack(record(0, b"hello")),
        pack(record(5, b"hello")),
        pack(b"\xbf" + b"\xff" * 40),
        pack(record(7, COPY, base=b"\1" * 20)),
        pack(record(6, COPY, base=b"\x05")),
        pack(BLOB, record(6, COPY, base=b"\xff" * 30)),
        pack(BLOB, record(7, b"", base=HELLO)),
        pack(BLOB, record(7, b"\x04" + COPY[1:], base=HELLO)),
        pack(BLOB, record(7, b"\x05\x06\x90\x05", base=HELLO)),
        pack(BLOB, record(7, b"\x05\xff\xff\xff\xff\x7f\x90\x05", base=HELLO)),
        pack(BLOB, record(7, b"\x05\x05\x00", base=HELLO)),
        pack(BLOB, record(7, b"\x05\x05\x91\xff\x05", base=HELLO)),
    ],
)
def test_damaged_and_hostile_packs_are_refused(damaged: bytes) -> None:
    """Lies about sizes, circles, bombs and noise end in one kind of error, without the memory."""

    def circle(oid: bytes) -> Stored:
        if oid == b"\1" * 20:
            raise BadAnswer("no such base")
        raise MissingObject(oid)

    with pytest.raises(BadAnswer):
        unpack(damaged, circle, SizeLimits())


def test_deltas_are_resolved_in_any_order() -> None:
    """A delta may come before its base, lean on another delta, or on an object of ours."""
    ours = bytes.fromhex(hash_object(Kind.BLOB, b"world"))
    first = record(7, b"\x05\x06\x90\x05\x01!", base=HELLO)
    second = record(6, b"\x06\x07\x90\x06\x01?", base=bytes([len(first)]))
    thin = record(7, b"\x05\x02\x90\x02", base=ours)
    found = unpack(pack(first, second, BLOB, thin), {ours: (3, b"world")}.__getitem__, SizeLimits())
    assert {content for _, content in found.values()} == {b"hello", b"hello!", b"hello!?", b"wo"}


@pytest.mark.parametrize(
    "limits", [{"item": 4}, {"total": 9, "item": 8}], ids=["one object", "all together"]
)
def test_unpacked_sizes_are_limited(limits: dict[str, Any]) -> None:
    """Each object counts, and the result of each delta."""
    data = pack(BLOB, record(7, COPY, base=HELLO))
    with pytest.raises(BadAnswer, match="more than we accept"):
        unpack(data, find_nothing, SizeLimits(**limits))


@pytest.mark.parametrize("url", ["ssh://-oProxyCommand=x/r", "-oProxyCommand=x:r", "host:-r"])
def test_ssh_options_in_a_url_are_refused(url: str) -> None:
    """A URL whose parts ssh would take for options is refused before anything runs."""
    config = load_config(None, git_environ())
    with pytest.raises(SettingsError, match="hyphen"):
        Remote.open(url, config, git_environ())
