"""The imitation server answers the official SDK as the service does."""

import hashlib

import openai
import pytest
from openai.types import StaticFileChunkingStrategyParam

from tests.support.caller import Caller

DOCUMENT = ('docs/ü "a".md', b"# Hello\n\nworld\n", "text/markdown")


def test_file_round(sdk: openai.OpenAI, caller: Caller) -> None:
    """A File is stored under its name, retrieved, listed and deleted."""
    file = sdk.files.create(file=DOCUMENT, purpose="assistants")
    assert (DOCUMENT[0], 15, "assistants") == (file.filename, file.bytes, file.purpose)
    assert file.id.startswith("file-")
    assert file == sdk.files.retrieve(file.id) == sdk.files.list(purpose="assistants").data[0]
    assert sdk.files.delete(file.id).deleted
    assert {} == caller.server.state.files
    with pytest.raises(openai.NotFoundError, match=f"No such File object: {file.id}"):
        sdk.files.retrieve(file.id)


def test_files_of_one_purpose(caller: Caller) -> None:
    """A listing of Files may be of one purpose."""
    ids = [
        caller.read(caller.send(purpose=purpose))["id"] for purpose in ("assistants", "user_data")
    ]
    assert ids[1:] == caller.list_ids("/files", "purpose=user_data")
    assert ids == caller.list_ids("/files")


def test_ledger_knows_the_file(sdk: openai.OpenAI, caller: Caller) -> None:
    """The ledger keeps name, type, size and digest of an uploaded file, and the form's fields."""
    sdk.files.create(file=DOCUMENT, purpose="user_data")
    record = caller.server.ledger.of("files.create")[0]
    assert record.file is not None
    assert (DOCUMENT[0], DOCUMENT[2]) == (record.file.filename, record.file.content_type)
    assert hashlib.sha256(DOCUMENT[1]).hexdigest() == record.file.sha256
    assert {"purpose": "user_data"} == record.body


def test_file_expires(sdk: openai.OpenAI, caller: Caller) -> None:
    """A File with an expiry is gone after it, from its store as well."""
    file = sdk.files.create(
        file=DOCUMENT,
        purpose="assistants",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    assert file.created_at + 3600 == file.expires_at
    store = sdk.vector_stores.create(file_ids=[file.id])
    caller.server.clock.advance(3601)
    assert [] == sdk.files.list().data
    assert [] == sdk.vector_stores.files.list(store.id).data


def test_upload_in_parts(sdk: openai.OpenAI) -> None:
    """Parts become one File in the order of their ids, checked by size and digest."""
    upload = sdk.uploads.create(
        filename="big.md", purpose="assistants", bytes=6, mime_type="text/markdown"
    )
    second = sdk.uploads.parts.create(upload.id, data=b"def")
    first = sdk.uploads.parts.create(upload.id, data=b"abc")
    digest = hashlib.md5(b"abcdef", usedforsecurity=False).hexdigest()
    done = sdk.uploads.complete(upload.id, part_ids=[first.id, second.id], md5=digest)
    assert ("completed", "pending") == (done.status, upload.status)
    assert done.file is not None
    assert ("big.md", 6) == (done.file.filename, done.file.bytes)


def test_upload_that_does_not_add_up(sdk: openai.OpenAI, caller: Caller) -> None:
    """Wrong totals, digests and parts are refused, and so is a late or cancelled upload."""
    upload = sdk.uploads.create(
        filename="big.md", purpose="assistants", bytes=6, mime_type="text/markdown"
    )
    part = sdk.uploads.parts.create(upload.id, data=b"abcdef")
    wrongs: list[dict[str, object]] = [{"part_ids": []}, {"part_ids": ["part_1"]}]
    for wrong in [*wrongs, {"part_ids": [part.id], "md5": "0"}]:
        assert 400 == caller.ask("POST", f"/uploads/{upload.id}/complete", wrong).status
    caller.server.clock.advance(3600)
    with pytest.raises(openai.BadRequestError, match="expired"):
        sdk.uploads.cancel(upload.id)
    other = sdk.uploads.create(filename="b.md", purpose="assistants", bytes=6, mime_type="x/y")
    assert "cancelled" == sdk.uploads.cancel(other.id).status
    with pytest.raises(openai.BadRequestError, match="cancelled"):
        sdk.uploads.parts.create(other.id, data=b"late")


def test_store_round(sdk: openai.OpenAI) -> None:
    """A store is created, changed field by field, found in the listing and deleted."""
    store = sdk.vector_stores.create(name="docs", description="ours", metadata={"a": "1"})
    assert (store.id[:3], "completed", 0) == ("vs_", store.status, store.file_counts.total)
    sdk.vector_stores.update(store.id, metadata={"b": "2"})
    kept = sdk.vector_stores.retrieve(store.id)
    assert ("docs", {"b": "2"}) == (kept.name, kept.metadata)
    assert [store.id] == [each.id for each in sdk.vector_stores.list(limit=100)]
    assert "vector_store.deleted" == sdk.vector_stores.delete(store.id).object
    with pytest.raises(openai.NotFoundError):
        sdk.vector_stores.retrieve(store.id)


def test_store_expires_when_idle(sdk: openai.OpenAI, caller: Caller) -> None:
    """A store expires days after it was last used, and its files leave it."""
    file = sdk.files.create(file=DOCUMENT, purpose="assistants")
    store = sdk.vector_stores.create(
        expires_after={"anchor": "last_active_at", "days": 2}, file_ids=[file.id]
    )
    caller.server.clock.advance(86400)
    sdk.vector_stores.search(store.id, query="hello")
    caller.server.clock.advance(86400)
    assert 1 == sdk.vector_stores.retrieve(store.id).file_counts.total
    caller.server.clock.advance(86400)
    expired = sdk.vector_stores.retrieve(store.id)
    assert ("expired", 0) == (expired.status, expired.file_counts.total)


def test_attach_and_index(sdk: openai.OpenAI, caller: Caller) -> None:
    """An attached File is indexed after a while, with its attributes and its chunk sizes."""
    store, file = sdk.vector_stores.create(), sdk.files.create(file=DOCUMENT, purpose="assistants")
    sizes: StaticFileChunkingStrategyParam = {
        "max_chunk_size_tokens": 100,
        "chunk_overlap_tokens": 50,
    }
    entry = sdk.vector_stores.files.create(
        store.id,
        file_id=file.id,
        attributes={"path": "a.md", "yes": True},
        chunking_strategy={"type": "static", "static": sizes},
    )
    assert (file.id, "in_progress", 0) == (entry.id, entry.status, entry.usage_bytes)
    caller.server.clock.advance(1)
    entry = sdk.vector_stores.files.retrieve(file.id, vector_store_id=store.id)
    assert ("completed", None, {"path": "a.md", "yes": True}) == (
        *(entry.status, entry.last_error),
        entry.attributes,
    )
    assert entry.chunking_strategy is not None
    assert sizes == entry.chunking_strategy.to_dict()["static"]


def test_detaching_keeps_the_file(sdk: openai.OpenAI, caller: Caller) -> None:
    """Deleting a store's file only detaches it; deleting the File takes it out of all stores."""
    (one, ids), (two, _) = caller.fill(), caller.fill()
    caller.attach(two, ids[0])
    sdk.vector_stores.files.delete(ids[0], vector_store_id=one.rpartition("/")[2])
    assert ids[0] == sdk.files.retrieve(ids[0]).id
    sdk.files.delete(ids[0])
    assert ids[0] not in caller.list_ids(f"{two}/files")
    kinds = ["detached", "file deleted", "detached"]
    assert kinds == caller.kinds()[-3:]


def test_attributes_are_replaced(sdk: openai.OpenAI, caller: Caller) -> None:
    """An update replaces all attributes, and null takes them away."""
    store, (file_id,) = caller.fill()
    store_id = store.rpartition("/")[2]
    update = sdk.vector_stores.files.update
    entry = update(file_id, vector_store_id=store_id, attributes={"b": "2"})
    assert {"b": "2"} == entry.attributes
    assert None is update(file_id, vector_store_id=store_id, attributes=None).attributes
    with pytest.raises(openai.NotFoundError, match=f"in vector store '{store_id}'"):
        update("file-1", vector_store_id=store_id, attributes={})


def test_batch_with_attributes_of_each(sdk: openai.OpenAI, caller: Caller) -> None:
    """A batch of `files` gives each its own attributes; its object name is the wire's."""
    store = sdk.vector_stores.create()
    ids = [caller.upload() for _ in range(3)]
    batch = sdk.vector_stores.file_batches.create(
        store.id, files=[{"file_id": each, "attributes": {"id": each}} for each in ids]
    )
    assert ("vector_store.file_batch", "in_progress", 3) == (
        *(str(batch.object), batch.status),
        batch.file_counts.in_progress,
    )
    caller.server.clock.advance(1)
    done = sdk.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store.id)
    assert ("completed", 3) == (done.status, done.file_counts.completed)
    entries = sdk.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)
    assert {each: {"id": each} for each in ids} == {each.id: each.attributes for each in entries}


def test_batch_with_shared_attributes(sdk: openai.OpenAI, caller: Caller) -> None:
    """A batch of `file_ids` gives all the same attributes; a repeated id counts once."""
    store, file_id = sdk.vector_stores.create(), caller.upload()
    batch = sdk.vector_stores.file_batches.create(
        store.id, file_ids=[file_id, file_id], attributes={"a": "1"}
    )
    assert 1 == batch.file_counts.total
    assert [{"a": "1"}] == [each.attributes for each in sdk.vector_stores.files.list(store.id)]


def test_batch_ignores_its_attributes_beside_files(caller: Caller) -> None:
    """Attributes of the batch don't reach `files`."""
    store, file_id = caller.create_store(), caller.upload()
    body = {"files": [{"file_id": file_id}], "attributes": {"a": "1"}}
    caller.post(f"{store}/file_batches", body)
    assert None is caller.get(f"{store}/files/{file_id}")["attributes"]


def test_cancelled_batch(sdk: openai.OpenAI, caller: Caller) -> None:
    """Cancelling a batch leaves what was indexed and cancels the rest."""
    store, batch = caller.start_batch(2)
    store_id, batch_id = store.rpartition("/")[2], batch.rpartition("/")[2]
    cancelled = sdk.vector_stores.file_batches.cancel(batch_id, vector_store_id=store_id)
    assert ("cancelled", 2) == (cancelled.status, cancelled.file_counts.cancelled)
    again = caller.start_batch(1)[1]
    caller.server.clock.advance(1)
    assert "completed" == caller.post(f"{again}/cancel")["status"]


def test_listing_pages(sdk: openai.OpenAI, caller: Caller) -> None:
    """The SDK's pages cover a listing exactly once in both orders; the default page is 20."""
    store, ids = caller.fill(45)
    store_id = store.rpartition("/")[2]
    files = sdk.vector_stores.files
    assert ids == [each.id for each in files.list(store_id, order="asc", limit=10)]
    assert ids[::-1] == [each.id for each in files.list(store_id)]
    page = caller.get(f"{store}/files?order=asc")
    assert (ids[0], ids[19], True) == (page["first_id"], page["last_id"], page["has_more"])


def test_listing_before_a_cursor(caller: Caller) -> None:
    """`before` answers the page that ends at the cursor."""
    store, ids = caller.fill(5)
    page = caller.get(f"{store}/files?order=asc&limit=2&before={ids[3]}")
    assert (ids[1:3], True) == ([each["id"] for each in page["data"]], page["has_more"])
    page = caller.get(f"{store}/files?order=asc&limit=3&before={ids[3]}")
    assert (ids[:3], False) == ([each["id"] for each in page["data"]], page["has_more"])


def test_listing_by_status(sdk: openai.OpenAI, caller: Caller) -> None:
    """A listing may be of one status."""
    store, ids = caller.fill()
    caller.attach(store, caller.upload())
    listing = sdk.vector_stores.files.list(store.rpartition("/")[2], filter="completed")
    assert ids == [each.id for each in listing]


def test_empty_listing(caller: Caller) -> None:
    """An empty page has null ids and no more."""
    empty: object = {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }
    assert empty == caller.get("/files")


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"type": "eq", "key": "n", "value": 1}, {1}),
        ({"type": "ne", "key": "n", "value": 1}, {0, 2}),
        ({"type": "gt", "key": "n", "value": 1}, {2}),
        ({"type": "gte", "key": "n", "value": 1}, {1, 2}),
        ({"type": "lt", "key": "n", "value": 1}, {0}),
        ({"type": "lte", "key": "n", "value": 1}, {0, 1}),
        ({"type": "in", "key": "n", "value": [0, 2]}, {0, 2}),
        ({"type": "nin", "key": "n", "value": [0, 2]}, {1}),
        ({"type": "eq", "key": "missing", "value": 1}, set()),
        (
            {
                "type": "or",
                "filters": [
                    {"type": "eq", "key": "n", "value": 0},
                    {
                        "type": "and",
                        "filters": [
                            {"type": "gt", "key": "n", "value": 0},
                            {"type": "lt", "key": "n", "value": 2},
                        ],
                    },
                ],
            },
            {0, 1},
        ),
    ],
)
def test_search_filters(caller: Caller, condition: object, found: set[int]) -> None:
    """Search takes every comparison and both compounds."""
    store = caller.create_store()
    for number in range(3):
        caller.attach(store, caller.upload(), n=number)
    caller.server.clock.advance(1)
    hits = caller.post(f"{store}/search", {"query": "hello", "filters": condition})["data"]
    assert found == {hit["attributes"]["n"] for hit in hits}


def test_search_results(sdk: openai.OpenAI, caller: Caller) -> None:
    """Search ranks by shared words, cuts to the number asked for and shows what is indexed."""
    store = caller.create_store()
    for name, text in (("a.md", b"red green"), ("b.md", b"red blue"), ("c.md", b"black")):
        caller.attach(store, caller.upload(name, text), path=name)
    search = sdk.vector_stores.search
    assert [] == search(store.rpartition("/")[2], query="red").data
    caller.server.clock.advance(1)
    hits = search(store.rpartition("/")[2], query="red blue", max_num_results=2).data
    assert [("b.md", 1.0), ("a.md", 0.5)] == [(hit.filename, hit.score) for hit in hits]
    assert "red blue" == hits[0].content[0].text


def test_content_of_an_attached_file(sdk: openai.OpenAI, caller: Caller) -> None:
    """The parsed text of an attachment is shown; the File itself can't be downloaded."""
    store, (file_id,) = caller.fill()
    store_id = store.rpartition("/")[2]
    page = sdk.vector_stores.files.content(file_id, vector_store_id=store_id)
    assert "hello" == page.data[0].text
    with pytest.raises(openai.BadRequestError, match="Not allowed to download"):
        sdk.files.content(file_id)


def test_usage_counts_what_is_indexed(caller: Caller) -> None:
    """A store's size is that of its indexed files, and its status follows them."""
    store, file_id = caller.create_store(), caller.upload(content=b"x" * 100)
    caller.attach(store, file_id)
    assert (0, "in_progress") == (caller.get(store)["usage_bytes"], caller.get(store)["status"])
    caller.server.clock.advance(1)
    assert (150, "completed") == (caller.get(store)["usage_bytes"], caller.get(store)["status"])
