"""Faults of batches, listings, stores and deletions."""

import pytest
from urllib3.exceptions import ProtocolError

from tests.imitation.catalogue import shows
from tests.support.caller import Caller


@shows("files-ignored", "files-halved")
def test_ignored_files(caller: Caller) -> None:
    """A batch takes fewer files than it was sent, and says so nowhere but in its counts."""
    store = caller.create_store()
    files = [{"file_id": caller.upload()} for _ in range(4)]
    for name, count in (("files-ignored", 0), ("files-halved", 2)):
        caller.arm(name)
        batch = caller.post(f"{store}/file_batches", {"files": files})
        assert count == batch["file_counts"]["total"]
        assert count == len(caller.list_ids(f"{store}/files"))


@shows("batch-mixed")
def test_mixed_batch(caller: Caller) -> None:
    """A completed batch has failures inside."""
    caller.arm("batch-mixed")
    _, batch = caller.start_batch(4)
    caller.server.clock.advance(1)
    answer = caller.get(batch)
    assert "completed" == answer["status"]
    counts = {"in_progress": 0, "completed": 2, "failed": 2, "cancelled": 0, "total": 4}
    assert counts == answer["file_counts"]


@shows("batch-zero-counts", "batch-early", "batch-late", "batch-as-store")
def test_lying_batch(caller: Caller) -> None:
    """What a batch says of itself is wrong for once."""
    store, batch = caller.start_batch()
    caller.arm("batch-zero-counts")
    assert {0} == set(caller.get(batch)["file_counts"].values())
    caller.arm("batch-early")
    early = caller.get(batch)
    assert ("completed", 2) == (early["status"], early["file_counts"]["in_progress"])
    caller.arm("batch-as-store")
    shown = caller.get(batch)
    assert ("vector_store", store.rpartition("/")[2]) == (shown["object"], shown["id"])
    caller.server.clock.advance(1)
    caller.arm("batch-late")
    late = caller.get(batch)
    assert ("in_progress", 2) == (late["status"], late["file_counts"]["completed"])
    assert "completed" == caller.get(batch)["status"]


@shows("poll-hint", "poll-hint-junk")
def test_poll_hint(caller: Caller) -> None:
    """The hint is a header, good or bad."""
    _, batch = caller.start_batch()
    for name, hint in (("poll-hint", "1500"), ("poll-hint-junk", "soon")):
        caller.arm(name)
        assert hint == caller.ask("GET", batch).headers["openai-poll-after-ms"]
    assert "openai-poll-after-ms" not in caller.ask("GET", batch).headers


@shows("cancel-race")
def test_cancel_race(caller: Caller) -> None:
    """The batch is cancelled and its files complete."""
    store, batch = caller.start_batch(1)
    caller.arm("cancel-race")
    assert "cancelled" == caller.post(f"{batch}/cancel")["status"]
    assert "completed" == caller.get(f"{store}/files")["data"][0]["status"]


@shows("page-20", "page-short")
def test_page_size(caller: Caller) -> None:
    """Pages are smaller than asked for, and more is to come."""
    store, ids = caller.fill(24)
    for name, size in (("page-20", 20), ("page-short", 15)):
        caller.arm(name)
        page = caller.get(f"{store}/files?limit=30&order=asc")
        assert ids[:size] == [each["id"] for each in page["data"]]
        assert page["has_more"] is True


@shows("page-empty", "more-absent", "more-never", "more-always")
def test_has_more(caller: Caller) -> None:
    """`has_more` lies or is missing."""
    store, _ = caller.fill(2)
    found = {}
    for name in ("page-empty", "more-absent", "more-never", "more-always"):
        caller.arm(name)
        page = caller.get(f"{store}/files?limit={2 if name == 'more-always' else 1}")
        found[name] = (len(page["data"]), page.get("has_more"))
    assert {
        "page-empty": (0, True),
        "more-absent": (1, None),
        "more-never": (1, False),
        "more-always": (2, True),
    } == found


@shows("after-ignored", "page-overlap", "delete-between", "insert-between")
def test_unsteady_pages(caller: Caller) -> None:
    """The second page is not what follows the first."""
    store, ids = caller.fill(4)
    query = f"limit=2&order=asc&after={ids[1]}"
    assert ids[2:] == caller.list_ids(f"{store}/files", query)
    caller.arm("after-ignored")
    assert ids[:2] == caller.list_ids(f"{store}/files", query)
    caller.arm("page-overlap")
    assert ids[1:3] == caller.list_ids(f"{store}/files", query)
    caller.arm("insert-between")
    assert 3 == len(caller.list_ids(f"{store}/files", f"order=asc&after={ids[1]}"))
    caller.arm("delete-between")
    assert 400 == caller.ask("GET", f"{store}/files?{query}").status


@shows("cursor-400", "cursor-404", "cursor-restart")
def test_unknown_cursor(caller: Caller) -> None:
    """An unknown cursor is refused, or the listing begins again."""
    store, ids = caller.fill(3)
    path = f"{store}/files?order=asc&limit=1&after={ids[0]}"
    for how in (400, 404):
        caller.arm(f"cursor-{how}")
        assert how == caller.ask("GET", path).status
    caller.arm("cursor-restart")
    assert ids[0] == caller.get(path)["data"][0]["id"]


@shows("filter-ignored")
def test_ignored_filter(caller: Caller) -> None:
    """Every status is listed."""
    store, ids = caller.fill()
    path = f"{store}/files?filter=failed"
    assert [] == caller.get(path)["data"]
    caller.arm("filter-ignored")
    assert ids == [each["id"] for each in caller.get(path)["data"]]


@shows("order-unstable")
def test_unstable_order(caller: Caller) -> None:
    """Items of one second change places from page to page, and none is lost."""
    store, ids = caller.fill(8)
    caller.arm("order-unstable", count=None)
    orders = [tuple(caller.list_ids(f"{store}/files")) for _ in range(8)]
    assert {frozenset(ids)} == {frozenset(order) for order in orders}
    assert len(set(orders)) > 1


@shows("ids-null", "ids-empty", "ids-absent")
def test_page_ids(caller: Caller) -> None:
    """`first_id` and `last_id` are of no use."""
    store, _ = caller.fill()
    for name, value in (("ids-null", None), ("ids-empty", ""), ("ids-absent", "absent")):
        caller.arm(name)
        page = caller.get(f"{store}/files")
        assert (value, value) == (page.get("first_id", "absent"), page.get("last_id", "absent"))


@shows("store-expired")
def test_expired_store(caller: Caller) -> None:
    """An expired store is empty, says so and can't be searched."""
    store, _ = caller.fill()
    caller.arm("store-expired")
    assert ("expired", 0) == (
        caller.get(store)["status"],
        caller.get(store)["file_counts"]["total"],
    )
    assert 400 == caller.ask("POST", f"{store}/search", {"query": "hello"}).status
    assert 1 == len(caller.list_ids("/files"))


@shows("counts-ghost", "counts-stale", "delete-ghost")
def test_ghost_counts(caller: Caller) -> None:
    """The counts of a store disagree with its listing."""
    store, ids = caller.fill(2)
    for name, total in (("counts-ghost", 3), ("counts-stale", 0)):
        caller.arm(name)
        assert total == caller.get(store)["file_counts"]["total"]
    caller.arm("delete-ghost")
    caller.ask("DELETE", f"/files/{ids[0]}")
    assert 2 == caller.get(store)["file_counts"]["total"]
    assert ids[1:] == caller.list_ids(f"{store}/files")


@shows("name-null")
def test_null_name(caller: Caller) -> None:
    """A store has no name."""
    store = caller.create_store()
    caller.post(store, {"name": "docs"})
    caller.arm("name-null")
    assert [None, "docs"] == [caller.get(store)["name"] for _ in range(2)]


@shows("foreigner")
def test_foreigner(caller: Caller) -> None:
    """A File of somebody else is there, with attributes that may hurt."""
    store, ids = caller.fill()
    caller.arm("foreigner")
    entries = caller.get(f"{store}/files?order=asc")["data"]
    assert ids == [each["id"] for each in entries[:1]]
    assert "../../etc/passwd" == entries[1]["attributes"]["path"]


@shows("entry-without-file")
def test_entry_without_file(caller: Caller) -> None:
    """An attachment is listed whose File is gone."""
    store, ids = caller.fill()
    caller.arm("entry-without-file")
    assert ids == caller.list_ids(f"{store}/files")
    assert 404 == caller.ask("GET", f"/files/{ids[0]}").status


@shows("attached-twice")
def test_attached_twice(caller: Caller) -> None:
    """A path has two attachments, each with a File of its own."""
    store, file_id = caller.create_store(), caller.upload()
    caller.arm("attached-twice")
    caller.attach(store, file_id, path="a.md")
    entries = caller.get(f"{store}/files")["data"]
    assert [{"path": "a.md"}] * 2 == [each["attributes"] for each in entries]
    assert 2 == len({each["id"] for each in entries})


@shows("delete-lost")
def test_lost_deletion(caller: Caller) -> None:
    """The deletion is done, its answer is lost, and the next try finds nothing."""
    file_id = caller.upload()
    caller.arm("delete-lost")
    with pytest.raises(ProtocolError):
        caller.ask("DELETE", f"/files/{file_id}")
    assert 404 == caller.ask("DELETE", f"/files/{file_id}").status


@shows("delete-denied", "delete-false", "delete-as-file")
def test_odd_deletion(caller: Caller) -> None:
    """A deletion does not say that it was done; the first was not."""
    for name, deleted, status in (
        ("delete-denied", False, 200),
        ("delete-false", False, 404),
        ("delete-as-file", None, 404),
    ):
        file_id = caller.upload()
        caller.arm(name)
        answer = caller.read(caller.ask("DELETE", f"/files/{file_id}"))
        assert (file_id, deleted) == (answer["id"], answer.get("deleted"))
        assert status == caller.ask("GET", f"/files/{file_id}").status


@shows("detached-listed", "detached-found")
def test_lingering_entry(caller: Caller) -> None:
    """A detached File is listed, or found by search, for five seconds more."""
    store, ids = caller.fill(2)
    for name, file_id in zip(("detached-listed", "detached-found"), ids, strict=True):
        caller.arm(name)
        caller.ask("DELETE", f"{store}/files/{file_id}")
    assert ids[:1] == caller.list_ids(f"{store}/files")
    found = caller.post(f"{store}/search", {"query": "hello"})["data"]
    assert ids[1:] == [hit["file_id"] for hit in found]
    caller.server.clock.advance(5)
    assert [] == caller.list_ids(f"{store}/files")
    assert [] == caller.post(f"{store}/search", {"query": "hello"})["data"]
