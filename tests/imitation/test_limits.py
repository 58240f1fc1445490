"""The imitation server refuses what the service refuses, in its words."""

import pytest
import urllib3

from tests.openai_server import Behaviour
from tests.support.caller import Caller


def refuse(caller: Caller, path: str, body: object, method: str = "POST") -> tuple[object, ...]:
    """Status, `param` and `code` of an answer that refuses."""
    answer = caller.ask(method, path, body)
    error = answer.json()["error"]
    assert "invalid_request_error" == error["type"]
    return answer.status, error["param"], error["code"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [({}, None), ({"Authorization": "Bearer sk-imitation-wrong-1234"}, "invalid_api_key")],
)
def test_key_is_needed(caller: Caller, headers: dict[str, str], code: str | None) -> None:
    """A request without the right key is refused, and the key is not repeated."""
    answer = caller.pool.request("GET", caller.server.url + "/files", headers=headers)
    assert (401, code) == (answer.status, answer.json()["error"]["code"])
    assert b"imitation-wrong" not in answer.data


def test_azure_key_and_base(caller: Caller) -> None:
    """Azure's header and base path are taken as well."""
    url = f"{caller.server.origin}/openai/v1/files"
    answer = caller.pool.request("GET", url, headers={"api-key": caller.server.key})
    assert 200 == answer.status


def test_answers_have_request_ids(caller: Caller) -> None:
    """Every answer has an id of its own, which the ledger knows."""
    answers = [caller.ask("GET", "/files") for _ in range(2)]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert ids == [record.request_id for record in caller.server.ledger.requests]
    assert 2 == len(set(ids))


def test_unknown_address(caller: Caller) -> None:
    """An address that is no endpoint is not found."""
    answer = caller.ask("GET", "/assistants")
    assert (404, "Invalid URL (GET /v1/assistants)") == (
        answer.status,
        answer.json()["error"]["message"],
    )


BODIES = {
    "unknown": ({"nmae": "x"}, "nmae", "unknown_parameter"),
    "type": ({"name": 7}, "name", "invalid_type"),
    "ids": ({"file_ids": ["file-1"] * 501}, "file_ids", "array_above_max_length"),
    "anchor": (
        {"expires_after": {"anchor": "now", "days": 1}},
        *("expires_after.anchor", "invalid_value"),
    ),
    "days": (
        {"expires_after": {"anchor": "last_active_at", "days": 366}},
        *("expires_after.days", "integer_above_max_value"),
    ),
    "text": (
        {"expires_after": {"anchor": "last_active_at", "days": "7"}},
        *("expires_after.days", "invalid_type"),
    ),
    "no days": (
        {"expires_after": {"anchor": "last_active_at"}},
        *("expires_after.days", "missing_required_parameter"),
    ),
    "keys": (
        {"metadata": {str(number): "" for number in range(17)}},
        *("metadata", "object_above_max_properties"),
    ),
    "key": ({"metadata": {"x" * 65: ""}}, f"metadata.{'x' * 65}", "string_above_max_length"),
    "value": ({"metadata": {"a": "x" * 513}}, "metadata.a", "string_above_max_length"),
    "number": ({"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
    "chunks": (
        {"chunking_strategy": {"type": "static", "max_chunk_size_tokens": 800}},
        *("chunking_strategy.max_chunk_size_tokens", "unknown_parameter"),
    ),
    "overlap": (
        {
            "chunking_strategy": {
                "type": "static",
                "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51},
            }
        },
        *("chunking_strategy.static.chunk_overlap_tokens", "invalid_value"),
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_store_bodies(caller: Caller, name: str) -> None:
    """A store's body has no other fields, types and sizes than documented."""
    body, param, code = BODIES[name]
    assert (400, param, code) == refuse(caller, "/vector_stores", body)
    assert {} == caller.server.state.stores


def test_words_of_a_long_string(caller: Caller) -> None:
    """A refusal reads as the service's own."""
    answer = caller.ask("POST", "/vector_stores", {"metadata": {"actual": "x" * 695}})
    assert (
        "Invalid 'metadata.actual': string too long. Expected a string with maximum length 512, "
        "but got a string with length 695 instead."
    ) == answer.json()["error"]["message"]


def test_body_that_is_no_json(caller: Caller) -> None:
    """Broken JSON is refused."""
    url = caller.server.url + "/vector_stores"
    answer = caller.pool.request("POST", url, body=b"{", headers=caller.bearer)
    assert 400 == answer.status


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "file_ids", "missing_required_parameter"),
        ({"file_ids": [], "files": []}, "file_ids", "empty_array"),
        ({"file_ids": ["file-1"], "files": [{"file_id": "file-1"}]}, "files", None),
        ({"file_ids": ["file-1"] * 2001}, "file_ids", "array_above_max_length"),
        ({"files": [{"file_id": "file-1"}] * 2001}, "files", "array_above_max_length"),
        ({"files": [{"attributes": {}}]}, "files.0.file_id", "missing_required_parameter"),
    ],
)
def test_batch_bodies(caller: Caller, body: object, param: str, code: str | None) -> None:
    """A batch has one source of 1 to 2,000 files."""
    store = caller.create_store()
    assert (400, param, code) == refuse(caller, f"{store}/file_batches", body)


def test_nested_attributes(caller: Caller) -> None:
    """Attributes are texts, numbers and truth values."""
    store = caller.create_store()
    values: tuple[object, ...] = ([], {}, None)
    for value in values:
        body = {"file_id": caller.upload(), "attributes": {"a": value}}
        assert (400, "attributes.a", "invalid_type") == refuse(caller, f"{store}/files", body)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=101", "integer_above_max_value"),
        ("limit=0", "integer_below_min_value"),
        ("limit=many", "invalid_type"),
        ("order=up", "invalid_value"),
        ("filter=done", "invalid_value"),
        ("after=file-1", "invalid_value"),
    ],
)
def test_page_limits(caller: Caller, query: str, code: str) -> None:
    """Pages have 1 to 100 items, two orders and cursors that exist."""
    path = f"{caller.create_store()}/files?{query}"
    assert (400, query.partition("=")[0], code) == refuse(caller, path, None, "GET")


def test_wrong_kind_of_id(caller: Caller) -> None:
    """An id of another kind is named."""
    store = caller.create_store()
    store_id = store.rpartition("/")[2]
    answer = caller.ask("GET", f"{store}/file_batches/{store_id}")
    assert 400 == answer.status
    message = f"Invalid 'batch_id': '{store_id}'. Expected an ID that begins with 'vsfb_'."
    assert message == answer.json()["error"]["message"]


def test_empty_file(caller: Caller) -> None:
    """An empty file is refused."""
    answer = caller.send(content=b"")
    assert (400, "File is empty.") == (answer.status, answer.json()["error"]["message"])


@pytest.mark.parametrize(
    ("filename", "purpose", "status"),
    [
        ("a.mdx", "assistants", 400),
        ("Dockerfile", "assistants", 400),
        ("a.csv", "assistants", 200),
        ("a.MD", "assistants", 200),
        ("a.mdx", "user_data", 200),
        ("a.md", "nonsense", 400),
    ],
)
def test_upload_gate(caller: Caller, filename: str, purpose: str, status: int) -> None:
    """Uploads for assistants are checked by extension."""
    answer = caller.send(filename, purpose=purpose)
    assert status == answer.status
    assert (["file created"] if status == 200 else []) == caller.kinds()


def test_retrieval_gate(caller: Caller) -> None:
    """Attaching checks extensions again, and one bad File refuses the whole batch."""
    store, good, bad = caller.create_store(), caller.upload(), caller.upload("a.csv")
    want = (400, "file_ids", "unsupported_file")
    assert want == refuse(caller, f"{store}/files", {"file_id": bad})
    assert want == refuse(caller, f"{store}/file_batches", {"file_ids": [good, bad]})
    answer = caller.ask("POST", f"{store}/files", {"file_id": bad})
    assert "[.csv] are not supported for retrieval" in answer.json()["error"]["message"]
    assert [] == caller.list_ids(f"{store}/files")


def test_content_gate(caller: Caller) -> None:
    """Content that is no text fails when it is indexed, whatever the name says."""
    store = caller.create_store()
    for content in (b"\x89PNG\r\n\x1a\n\x00", "ü".encode("latin-1")):
        caller.attach(store, caller.upload(content=content))
    caller.attach(store, caller.upload(content="ü".encode("utf-16")))
    caller.server.clock.advance(1)
    entries = caller.get(f"{store}/files?order=asc")["data"]
    assert ["failed", "failed", "completed"] == [each["status"] for each in entries]
    message = "The file type is not supported."
    assert {"code": "unsupported_file", "message": message} == entries[0]["last_error"]


def test_too_many_tokens(caller: Caller) -> None:
    """A document of too many tokens fails when it is indexed."""
    caller.server.change_rules(file_tokens=10)
    store = caller.create_store()
    caller.attach(store, caller.upload(content=b"x" * 41))
    caller.server.clock.advance(1)
    error = caller.get(f"{store}/files")["data"][0]["last_error"]
    message = "The file could not be parsed because it is too large."
    assert {"code": "invalid_file", "message": message} == error


def test_storage_quota(caller: Caller) -> None:
    """A full project takes no more Files."""
    caller.server.change_rules(storage_bytes=8)
    assert [200, 400] == [caller.send().status for _ in range(2)]
    assert b"file storage quota" in caller.send().data


def test_upload_rate(caller: Caller) -> None:
    """So many uploads fit into a minute, and Retry-After says when the next one does."""
    caller.server.change_rules(uploads_per_minute=3)
    for _ in range(3):
        caller.server.clock.advance(10)
        caller.send()
    answer = caller.send()
    error = answer.json()["error"]
    assert (429, "40", "rate_limit_exceeded") == (
        *(answer.status, answer.headers["retry-after"]),
        error["code"],
    )
    caller.server.clock.advance(40)
    assert [200, 429] == [caller.send().status for _ in range(2)]


def test_rate_of_each_route(caller: Caller) -> None:
    """A limit for every route holds for each by itself."""
    caller.server.change_rules(requests_per_minute=1)
    paths = ["/files", "/vector_stores", "/files"]
    assert [200, 200, 429] == [caller.ask("GET", path).status for path in paths]


@pytest.mark.parametrize(
    ("rule", "value", "status"), [("missing_status", 400, 400), ("missing_status", 404, 404)]
)
def test_missing_status(caller: Caller, rule: str, value: int, status: int) -> None:
    """How a missing object is answered is a switch."""
    caller.server.change_rules(**{rule: value})
    assert status == caller.ask("GET", "/files/file-1").status


@pytest.mark.parametrize("is_activity", [True, False])
def test_attaching_as_activity(caller: Caller, is_activity: bool) -> None:
    """Whether attaching postpones the expiry of a store is a switch."""
    caller.server.change_rules(attaching_is_activity=is_activity)
    store = caller.create_store()
    created = caller.get(store)["last_active_at"]
    caller.server.clock.advance(60)
    caller.attach(store, caller.upload())
    assert is_activity == (caller.get(store)["last_active_at"] > created)


def test_merged_attributes(caller: Caller) -> None:
    """Whether an update replaces or merges attributes is a switch."""
    caller.server.change_rules(attributes_update="merge")
    store, (file_id,) = caller.fill()
    entry = caller.post(f"{store}/files/{file_id}", {"attributes": {"b": "2"}})
    assert {"path": "0.md", "b": "2"} == entry["attributes"]


def test_one_bad_file_in_a_batch(caller: Caller) -> None:
    """Whether one bad File refuses its batch is a switch."""
    caller.server.change_rules(one_bad_refuses_batch=False)
    store, ids = caller.create_store(), [caller.upload(), caller.upload("a.csv")]
    caller.post(f"{store}/file_batches", {"file_ids": ids})
    caller.server.clock.advance(1)
    entries = caller.get(f"{store}/files?order=asc")["data"]
    assert ["completed", "failed"] == [each["status"] for each in entries]


def test_white_space(caller: Caller) -> None:
    """What becomes of a document of white space is a switch."""
    caller.server.change_rules(whitespace_only="failed", indexing_seconds=0)
    entry = caller.attach(caller.create_store(), caller.upload(content=b" \n"))
    assert "failed" == entry["status"]


def test_slashes_in_names(caller: Caller) -> None:
    """Whether a File keeps the directories of its name is a switch."""
    caller.server.change_rules(keeps_slashes_in_filename=False)
    assert "a.md" == caller.read(caller.send("docs/a.md"))["filename"]


def test_files_of_a_deleted_store(caller: Caller) -> None:
    """Whether the Files of a deleted store stay is a switch."""
    for keeps, count in ((True, 1), (False, 1)):
        caller.server.change_rules(deleting_store_keeps_files=keeps)
        store, _ = caller.fill()
        caller.ask("DELETE", store)
        assert count == len(caller.list_ids("/files"))


def test_unknown_rule(caller: Caller) -> None:
    """A rule that does not exist is named."""
    assert Behaviour() == caller.server.app.rules.behaviour
    with pytest.raises(ValueError, match="no such rule: colour"):
        caller.server.change_rules(colour="red")


def exchange(caller: Caller, subject: str) -> urllib3.BaseHTTPResponse:
    """Exchange an identity token as the SDK does."""
    kinds = "urn:ietf:params:oauth"
    body = {
        "grant_type": f"{kinds}:grant-type:token-exchange",
        "subject_token": subject,
        "subject_token_type": f"{kinds}:token-type:jwt",
        "identity_provider_id": "idp_1",
        "service_account_id": "sa_1",
    }
    return caller.pool.request("POST", f"{caller.server.origin}/oauth/token", json=body, headers={})


def test_exchanged_key(caller: Caller) -> None:
    """A trusted identity token is exchanged for a key that is let in for an hour."""
    caller.server.state.subjects.add("job")
    assert 400 == exchange(caller, "other").status
    bearer = {"Authorization": f"Bearer {exchange(caller, 'job').json()['access_token']}"}
    url = caller.server.url + "/files"
    assert 200 == caller.pool.request("GET", url, headers=bearer).status
    caller.server.clock.advance(3600)
    assert 401 == caller.pool.request("GET", url, headers=bearer).status
