"""The imitation server runs in a thread and as a command, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import threading

import openai
import pytest
import urllib3

from tests.openai_server import Clock, OpenAIServer
from tests.openai_server.ledger import Record
from tests.openai_server.state import State
from tests.support.caller import Caller


def test_no_thread_is_left() -> None:
    """Leaving the server ends its thread and frees its port, though a request hangs."""
    before = threading.active_count()
    with Caller() as caller:
        port = caller.server.origin.rpartition(":")[2]
        caller.arm("hang-before")
        with caller.connect() as sock:
            sock.sendall(b"GET /v1/files HTTP/1.1\r\n\r\n")
            caller.connect().close()
    assert before == threading.active_count()
    server = OpenAIServer()
    server.start(int(port))
    server.stop()


def test_taken_port() -> None:
    """A port that is taken is an error, not a silence."""
    with OpenAIServer() as server, pytest.raises(OSError, match="in use"):
        OpenAIServer().start(int(server.origin.rpartition(":")[2]))


def test_watcher_sees_every_request(caller: Caller) -> None:
    """A watcher is called after each request with what was done by then."""
    seen: list[tuple[str, int]] = []

    def watch(state: State, record: Record) -> None:
        seen.append((record.route, len(state.files)))

    caller.server.watch(watch)
    file_id = caller.upload()
    caller.arm("reset-after")
    caller.try_ask("DELETE", f"/files/{file_id}")
    assert [("files.create", 1), ("files.delete", 0)] == seen


def ask_under_a_failing_watcher() -> None:
    """Run a server whose watcher does not like a request."""

    def watch(_: State, record: Record) -> None:
        assert record.route != "files.list"

    with Caller() as caller:
        caller.server.watch(watch)
        assert 200 == caller.ask("GET", "/files").status


def test_failed_watcher_fails_the_test() -> None:
    """What a watcher raises is raised when the server is left."""
    with pytest.raises(AssertionError, match="assert"):
        ask_under_a_failing_watcher()


def test_completed_and_orphans(caller: Caller) -> None:
    """The state tells what is searchable and which Files no store holds."""
    store, ids = caller.fill(2)
    orphan, late = caller.upload(), caller.upload()
    caller.attach(store, late)
    state = caller.server.state
    with caller.server.lock:
        completed = [each.file.id for each in state.completed(store.rpartition("/")[2])]
        assert (ids, [orphan]) == (completed, [file.id for file in state.orphans()])


def test_ledger_counts(caller: Caller) -> None:
    """Requests are counted by route, and a cleared ledger counts anew."""
    caller.fill(3)
    ledger = caller.server.ledger
    counts = {"vector_stores.create": 1, "files.create": 3, "vector_stores.files.create": 3}
    assert counts == ledger.counts()
    assert (4, 3) == (ledger.count("vector_stores.*"), ledger.count("files.create"))
    ledger.clear()
    caller.get("/files?limit=5")
    (record,) = ledger.requests
    assert (8, {"limit": "5"}, 200) == (record.number, record.query, record.status)


def test_ids_are_those_of_the_seed() -> None:
    """Two servers of one seed give the same ids in the same order."""
    ids = []
    for _ in range(2):
        with Caller() as caller:
            ids.append(caller.fill())
    assert ids[0] == ids[1]


def test_clock_runs_at_its_scale() -> None:
    """Simulated time passes with real time, with requests and by hand."""
    still, fast = Clock(scale=0, tick=2), Clock(scale=1e6)
    start = still.now()
    assert start == still.now()
    still.advance(5)
    assert start + 5 == still.now()
    assert fast.now() < fast.now()
    with OpenAIServer(clock=still) as server:
        urllib3.request("GET", server.url, headers={"connection": "close"})
    assert start + 7 == still.now()


def test_latency(caller: Caller) -> None:
    """Late answers don't keep each other waiting."""
    caller.server.delay(0.05)
    threads = [threading.Thread(target=caller.ask, args=("GET", "/files")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 4 == caller.server.ledger.count("files.list")


def test_big_upload(sdk: openai.OpenAI, caller: Caller) -> None:
    """A document of megabytes arrives whole, and its beginning is kept."""
    content = b"0123456789abcdef" * (1 << 17)
    file = sdk.files.create(file=("big.txt", content, "text/plain"), purpose="assistants")
    assert (len(content), 1 << 18) == (file.bytes, len(caller.server.state.files[file.id].content))


def test_azure() -> None:
    """Azure's errors have a numeric code and nothing else, and it knows no `user_data`."""
    with Caller("azure") as caller:
        answer = caller.ask("GET", "/files/file-1")
        error = {"code": "404", "message": "No such File object: file-1"}
        assert (404, {"error": error}) == (answer.status, answer.json())
        assert 400 == caller.send(purpose="user_data").status


def test_compatible_server() -> None:
    """A compatible server indexes at once, ignores `files` and answers 400 for what is gone."""
    with Caller("compatible") as caller:
        store, batch = caller.start_batch()
        assert 0 == caller.get(batch)["file_counts"]["total"]
        assert "completed" == caller.attach(store, caller.upload("a.mdx"))["status"]
        assert 1 == len(caller.list_ids(f"{store}/files", "limit=1000&after=file-1"))
        answer = caller.ask("DELETE", f"{store}/files/file-1")
        store_id = store.rpartition("/")[2]
        message = f"Invalid value: File file-1 not found in vector store {store_id}"
        error = {"message": message, "type": "invalid_request_error"}
        assert (400, {"error": error}) == (answer.status, answer.json())


def test_command() -> None:
    """The command prints what to export, serves, meets faults and counts at the end."""
    options = ["--port", "0", "--fault", "429-seconds:route=files.list,count=1"]
    command = [sys.executable, "-m", "tests.openai_server", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        lines = dict(process.stdout.readline().split()[1].split("=") for _ in range(2))
        headers = {"authorization": f"Bearer {lines['OPENAI_API_KEY']}", "connection": "close"}
        url = lines["OPENAI_BASE_URL"] + "/files"
        got = [urllib3.request("GET", url, headers=headers, retries=False) for _ in range(2)]
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert [429, 200] == [answer.status for answer in got]
    assert '"files.list": 2' in errors
    assert 0 == process.returncode


def test_command_lists_faults() -> None:
    """The command names every fault."""
    command = [sys.executable, "-m", "tests.openai_server", "--list-faults"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert "reset-after" in answer.stdout


def test_pipelined_requests(caller: Caller) -> None:
    """Requests sent at once are answered one by one, in order."""
    caller.server.delay(0.01)
    heads = "\r\n".join(f"GET /v1/{path} HTTP/1.1\r\n" for path in ("a", "b", "c"))
    with caller.connect() as sock:
        sock.sendall(heads.encode() + b"connection: close\r\n\r\n")
        answers = b"".join(iter(lambda: sock.recv(4096), b"")).decode()
    assert 3 == answers.count("HTTP/1.1 401")
    assert ["/a", "/b", "/c"] == [record.path for record in caller.server.ledger.requests]


def test_what_is_no_http(caller: Caller) -> None:
    """A connection that does not speak HTTP is closed."""
    with caller.connect() as sock:
        sock.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        answer = b"".join(iter(lambda: sock.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
