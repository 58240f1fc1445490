"""Faults that change what the server holds its client to, and what it does with files."""

from tests.imitation.catalogue import shows
from tests.support.caller import Caller


@shows("few-uploads")
def test_few_uploads(caller: Caller) -> None:
    """The third upload in a minute is refused, and passes a minute later."""
    caller.arm("few-uploads", count=None)
    assert [200, 200, 429] == [caller.send().status for _ in range(3)]
    caller.server.clock.advance(60)
    assert 200 == caller.send().status


@shows("few-attaches")
def test_few_attaches(caller: Caller) -> None:
    """The third request that attaches is refused, single and batch alike."""
    store, file_id = caller.create_store(), caller.upload()
    caller.arm("few-attaches", count=None)
    caller.attach(store, file_id)
    caller.post(f"{store}/file_batches", {"file_ids": [file_id]})
    answer = caller.ask("POST", f"{store}/files", {"file_id": file_id})
    assert (429, "60") == (answer.status, answer.headers["retry-after"])


@shows("few-files")
def test_few_files(caller: Caller) -> None:
    """Files count, not requests."""
    store, ids = caller.create_store(), [caller.upload() for _ in range(3)]
    caller.arm("few-files", count=None)
    caller.post(f"{store}/file_batches", {"file_ids": ids[:2]})
    assert 429 == caller.ask("POST", f"{store}/files", {"file_id": ids[2]}).status


@shows("batch-500")
def test_batch_500(caller: Caller) -> None:
    """501 files are too many."""
    store = caller.create_store()
    caller.arm("batch-500")
    answer = caller.ask("POST", f"{store}/file_batches", {"file_ids": ["file-1"] * 501})
    assert (400, "array_above_max_length") == (answer.status, answer.json()["error"]["code"])


@shows("values-256")
def test_values_256(caller: Caller) -> None:
    """257 characters are too many."""
    store = caller.create_store()
    body = {"file_id": caller.upload(), "attributes": {"a": "x" * 257}}
    assert 200 == caller.ask("POST", f"{store}/files", body).status
    caller.arm("values-256")
    error = caller.ask("POST", f"{store}/files", body).json()["error"]
    assert ("attributes.a", "string_above_max_length") == (error["param"], error["code"])


@shows("store-10000", "store-full")
def test_full_store(caller: Caller) -> None:
    """A store takes as many files as it is for."""
    store, file_id = caller.create_store(), caller.upload()
    caller.arm("store-10000")
    assert 200 == caller.ask("POST", f"{store}/files", {"file_id": file_id}).status
    caller.arm("store-full")
    assert 400 == caller.ask("POST", f"{store}/files", {"file_id": file_id}).status


@shows("file-hidden")
def test_file_hidden(caller: Caller) -> None:
    """A new File can't be attached or retrieved for five seconds."""
    store = caller.create_store()
    caller.arm("file-hidden")
    file_id = caller.upload()
    for when, status in ((0, 404), (5, 200)):
        caller.server.clock.advance(when)
        assert status == caller.ask("GET", f"/files/{file_id}").status
        assert status == caller.ask("POST", f"{store}/files", {"file_id": file_id}).status


@shows("unseen-400")
def test_unseen_400(caller: Caller) -> None:
    """A File that is not seen is refused with 400."""
    store = caller.create_store()
    caller.arm("unseen-400")
    answer = caller.ask("POST", f"{store}/files", {"file_id": "file-1"})
    assert 400 == answer.status
    assert answer.json()["error"]["message"].startswith("Cannot find file file-1, or project")


@shows("file-unlisted")
def test_file_unlisted(caller: Caller) -> None:
    """A new File is not listed for five seconds."""
    caller.arm("file-unlisted")
    file_id = caller.upload()
    assert [] == caller.list_ids("/files")
    caller.server.clock.advance(5)
    assert [file_id] == caller.list_ids("/files")


@shows("user-data-refused")
def test_user_data_refused(caller: Caller) -> None:
    """The purpose `user_data` is refused."""
    caller.arm("user-data-refused")
    assert 400 == caller.send(purpose="user_data").status
    assert 200 == caller.send(purpose="user_data").status


@shows("filename-base", "filename-truncated")
def test_filename(caller: Caller) -> None:
    """The server keeps another name than it was sent."""
    caller.arm("filename-base")
    assert "a.md" == caller.read(caller.send("docs/a.md"))["filename"]
    caller.arm("filename-truncated")
    assert "x" * 29 + ".md" == caller.read(caller.send("x" * 99 + ".md"))["filename"]


@shows("file-disappears")
def test_file_disappears(caller: Caller) -> None:
    """The upload succeeds and the File is gone."""
    caller.arm("file-disappears")
    assert 404 == caller.ask("GET", f"/files/{caller.upload()}").status


@shows("index-server-error", "index-unsupported-file", "index-invalid-file")
def test_failed_indexing(caller: Caller) -> None:
    """Indexing fails with the code once, and attaching again succeeds."""
    store, file_id = caller.create_store(), caller.upload()
    for code in ("server_error", "unsupported_file", "invalid_file"):
        caller.arm(f"index-{code.replace('_', '-')}")
        assert "in_progress" == caller.attach(store, file_id)["status"]
        caller.server.clock.advance(1)
        entry = caller.get(f"{store}/files/{file_id}")
        assert ("failed", code) == (entry["status"], entry["last_error"]["code"])
        assert 0 == entry["usage_bytes"]
    caller.attach(store, file_id)
    caller.server.clock.advance(1)
    assert "completed" == caller.get(f"{store}/files/{file_id}")["status"]


@shows("index-stuck", "index-cancelled", "index-slow", "index-at-once")
def test_indexing(caller: Caller) -> None:
    """Indexing takes its time, or for ever, or ends otherwise."""
    store, file_id = caller.create_store(), caller.upload()
    statuses: dict[str, list[str]] = {}
    for name in ("index-stuck", "index-cancelled", "index-slow", "index-at-once"):
        caller.arm(name)
        statuses[name] = [caller.attach(store, file_id)["status"]]
        for seconds in (10, 600):
            caller.server.clock.advance(seconds)
            statuses[name].append(caller.get(f"{store}/files/{file_id}")["status"])
    assert {
        "index-stuck": ["in_progress"] * 3,
        "index-cancelled": ["in_progress", "cancelled", "cancelled"],
        "index-slow": ["in_progress", "in_progress", "completed"],
        "index-at-once": ["completed"] * 3,
    } == statuses


@shows("attributes-dropped", "attributes-null", "attributes-partly")
def test_lost_attributes(caller: Caller) -> None:
    """Attributes are accepted and not kept."""
    store, file_id = caller.create_store(), caller.upload()
    for name, kept in (("dropped", {}), ("null", None), ("partly", {"a": "1"})):
        caller.arm(f"attributes-{name}")
        caller.attach(store, file_id, a="1", b="2")
        assert kept == caller.get(f"{store}/files/{file_id}")["attributes"]


@shows("attributes-floats")
def test_float_attributes(caller: Caller) -> None:
    """Whole numbers come back as floats, in lists as well."""
    store, file_id = caller.create_store(), caller.upload()
    caller.attach(store, file_id, n=1, yes=True)
    caller.arm("attributes-floats", count=2)
    one = caller.ask("GET", f"{store}/files/{file_id}").data
    many = caller.ask("GET", f"{store}/files").data
    assert (True, True) == (b'{"n": 1.0, "yes": true}' in one, b'"n": 1.0' in many)


@shows("attributes-fixed")
def test_fixed_attributes(caller: Caller) -> None:
    """An update is accepted and changes nothing."""
    store, (file_id,) = caller.fill()
    caller.arm("attributes-fixed")
    entry = caller.post(f"{store}/files/{file_id}", {"attributes": {"path": "new.md"}})
    assert {"path": "0.md"} == entry["attributes"]


@shows("reattach-keeps")
def test_reattach(caller: Caller) -> None:
    """Attaching again answers what is there."""
    store, (file_id,) = caller.fill()
    caller.arm("reattach-keeps")
    entry = caller.attach(store, file_id, path="new.md")
    assert ({"path": "0.md"}, "completed") == (entry["attributes"], entry["status"])


@shows("entry-hidden", "entry-unlisted", "entry-uncounted")
def test_late_entry(caller: Caller) -> None:
    """For five seconds a new attachment is unknown to one kind of reading."""
    for name in ("entry-hidden", "entry-unlisted", "entry-uncounted"):
        store, file_id = caller.create_store(), caller.upload()
        caller.arm(name)
        caller.attach(store, file_id)
        seen = see_entry(caller, store, file_id)
        assert seen == {"entry-hidden", "entry-unlisted", "entry-uncounted"} - {name}
        caller.server.clock.advance(5)
        assert 3 == len(see_entry(caller, store, file_id))


def see_entry(caller: Caller, store: str, file_id: str) -> set[str]:
    """The lags that do not keep the attachment from being seen."""
    seen = {
        "entry-hidden": caller.ask("GET", f"{store}/files/{file_id}").status == 200,
        "entry-unlisted": caller.list_ids(f"{store}/files") == [file_id],
        "entry-uncounted": caller.get(store)["file_counts"]["total"] == 1,
    }
    return {name for name, is_seen in seen.items() if is_seen}
