"""Faults of connections, of bodies."""

import time

import pytest
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from tests.imitation.catalogue import shows
from tests.support.caller import Caller


@shows("refuse-connect")
def test_refuse_connect(caller: Caller) -> None:
    """The port is closed for a while, and open again."""
    caller.arm("refuse-connect")
    with pytest.raises(ProtocolError):
        caller.ask("GET", "/files")
    with pytest.raises(ConnectionRefusedError):
        caller.connect()
    wait_until_open(caller)
    assert [] == caller.kinds()


@shows("reset-unread")
def test_reset_unread(caller: Caller) -> None:
    """The connection is reset though the body never came."""
    caller.arm("reset-unread", route="files.create")
    with caller.connect() as sock:
        sock.sendall(b"POST /v1/files HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


@shows("reset-before")
def test_reset_before(caller: Caller) -> None:
    """Nothing is done."""
    caller.arm("reset-before")
    with pytest.raises(ProtocolError, match="reset"):
        caller.ask("POST", "/vector_stores", {})
    assert [] == caller.kinds()


@shows("reset-after")
def test_reset_after(caller: Caller) -> None:
    """The work is done, and the ledger knows that no answer was sent."""
    caller.arm("reset-after")
    with pytest.raises(ProtocolError, match="reset"):
        caller.ask("POST", "/vector_stores", {})
    assert ["store created"] == caller.kinds()
    record = caller.server.ledger.requests[0]
    assert (0, ["reset-after"]) == (record.status, record.faults)


@shows("hang-before", "hang-after")
def test_hang(caller: Caller) -> None:
    """Nothing comes until the client gives up; only after the work the store is there."""
    for name in ("hang-before", "hang-after"):
        caller.arm(name)
        with pytest.raises(ReadTimeoutError):
            caller.pool.request("POST", f"{caller.server.url}/vector_stores", json={}, timeout=0.1)
    assert ["store created"] == caller.kinds()
    assert [0, 0] == [record.status for record in caller.server.ledger.requests]


@shows("truncated")
def test_truncated(caller: Caller) -> None:
    """The body ends before the announced length."""
    caller.arm("truncated")
    with pytest.raises(ProtocolError, match="42 bytes read"):
        caller.ask("GET", "/files")


@shows("drip", "chunked")
def test_slow_body(caller: Caller) -> None:
    """The body arrives whole in the end."""
    want = caller.get("/files")
    caller.arm("drip")
    assert want == caller.get("/files")
    caller.arm("chunked")
    answer = caller.ask("GET", "/files")
    assert (want, "chunked") == (answer.json(), answer.headers["transfer-encoding"])


@shows("closing")
def test_closing(caller: Caller) -> None:
    """The answer does not say that the connection ends, and it ends."""
    caller.arm("closing")
    with caller.connect() as sock:
        sock.sendall(b"GET /v1/files HTTP/1.1\r\nAuthorization: Bearer sk-imitation\r\n\r\n")
        answer = b"".join(iter(lambda: sock.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" not in answer


@shows("missing-fields")
def test_missing_fields(caller: Caller) -> None:
    """Only `object` is left."""
    caller.arm("missing-fields")
    assert {"object": "vector_store"} == caller.post("/vector_stores")


@shows("wrong-types")
def test_wrong_types(caller: Caller) -> None:
    """Texts are numbers and objects are null."""
    caller.arm("wrong-types")
    store = caller.post("/vector_stores")
    assert (7, None) == (store["id"], store["file_counts"])


def wait_until_open(caller: Caller) -> None:
    """Return when connections are let in again."""
    deadline = time.monotonic() + 10
    while True:
        try:
            caller.connect().close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        else:
            return
