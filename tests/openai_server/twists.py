"""What faults do to answers, to requests and to the state."""

import json
from collections.abc import Callable
from dataclasses import replace

from tests.openai_server.call import Request
from tests.openai_server.schemas import Attributes, JsonObject
from tests.openai_server.state import Attachment, State, Store

NASTY: Attributes = {
    "path": "../../etc/passwd",
    "vn_source": "somebody else's",
    "': DROP TABLE --": True,
    "count": 1e300,
    "line\nbreak": "\u202e<script>\x00",
}
"""Attributes of files that are not the client's."""

Change = Callable[[JsonObject], object]
RequestChange = Callable[[Request, State], Request]


def set_fields(**values: object) -> Change:
    """Give an answer's fields other values."""
    return lambda answer: answer | values


def drop_fields(*names: str) -> Change:
    """Take fields out of an answer; all but `object` when none is named."""

    def drop(answer: JsonObject) -> JsonObject:
        gone = set(names) or set(answer) - {"object"}
        return {name: value for name, value in answer.items() if name not in gone}

    return drop


def confuse_types(answer: JsonObject) -> object:
    """Texts become numbers, numbers texts, the rest null."""
    return {
        name: 7 if isinstance(each, str) else str(each) if isinstance(each, int) else None
        for name, each in answer.items()
    }


def zero_counts(answer: JsonObject) -> object:
    """A batch that is not counted yet."""
    return answer | {"file_counts": dict.fromkeys(_counts(answer), 0)}


def finish_early(answer: JsonObject) -> object:
    """`completed` while files are in progress."""
    counts = _counts(answer)
    total = counts.get("total", 0)
    kept = {"in_progress": max(1, counts.get("in_progress", 0)), "total": max(1, total)}
    return answer | {"status": "completed", "file_counts": counts | kept}


def finish_never(answer: JsonObject) -> object:
    """`in_progress` while all files are done."""
    counts = _counts(answer)
    done = dict.fromkeys(counts, 0) | {
        key: counts.get("total", 0) for key in ("completed", "total")
    }
    return answer | {"status": "in_progress", "file_counts": done}


def show_as_store(answer: JsonObject) -> object:
    """A batch answered as its vector store."""
    store = {"id": answer.get("vector_store_id"), "object": "vector_store", "name": None}
    return answer | store | {"usage_bytes": 0, "metadata": {}}


def raise_total(answer: JsonObject) -> object:
    """A count of one file too many."""
    counts = _counts(answer)
    return answer | {"file_counts": counts | {"total": counts.get("total", 0) + 1}}


def show_as_file(answer: JsonObject) -> object:
    """A deletion answered as the File."""
    rest = {"object": "file", "bytes": 1, "filename": "gone.md", "purpose": "assistants"}
    return {"id": answer.get("id"), **rest, "created_at": 0, "status": "processed"}


def float_attributes(answer: JsonObject) -> object:
    """Whole numbers among attributes become floats."""
    data = answer.get("data")
    if isinstance(data, list):
        return answer | {"data": [float_attributes(each) for each in data]}
    attributes = answer.get("attributes")
    if not isinstance(attributes, dict):
        return answer
    items = attributes.items()
    return answer | {
        "attributes": {key: float(v) if type(v) is int else v for key, v in items},
    }


def deny_deletion(request: Request) -> bytes:
    """The body of a deletion that did nothing."""
    file_id = request.path.rpartition("/")[2]
    return json.dumps({"id": file_id, "object": "file", "deleted": False}).encode()


def drop_query(*names: str) -> RequestChange:
    """The server ignores parameters of the query."""
    return lambda request, _: replace(
        request, query={key: text for key, text in request.query.items() if key not in names}
    )


def halve_limit(request: Request, _: State) -> Request:
    """The server answers pages of half the size."""
    limit = max(1, int(request.query.get("limit", "20")) // 2)
    return replace(request, query={**request.query, "limit": str(limit)})


def lose_cursor(request: Request, _: State) -> Request:
    """The server does not know the cursor."""
    if "after" not in request.query:
        return request
    return replace(request, query={**request.query, "after": "file-0000000000000000000000"})


def step_back(request: Request, state: State) -> Request:
    """The next page begins with the last item of the page before."""
    after, store = request.query.get("after"), _store(state, request)
    ids = list(store.attachments if store else state.files)
    if after not in ids:
        return request
    neighbour = ids.index(after) + (-1 if request.query.get("order") == "asc" else 1)
    if not 0 <= neighbour < len(ids):
        return drop_query("after")(request, state)
    return replace(request, query={**request.query, "after": ids[neighbour]})


def lose_newest_file(state: State, _: Request) -> None:
    """The File that was made last is deleted by somebody else."""
    if state.files:
        state.delete_file(next(reversed(state.files)))


def lose_file_of_entry(state: State, request: Request) -> None:
    """The File of the store's oldest attachment is gone, its attachment is not."""
    for file_id in list(_attachments(state, request))[:1]:
        file = state.files.pop(file_id, None)
        if file:
            state.note("file deleted", file_id, filename=file.filename)


def detach_cursor(state: State, request: Request) -> None:
    """Between two pages somebody detaches the item at which the first ended."""
    after = request.query.get("after", "")
    store = _store(state, request)
    if store and after in store.attachments:
        state.detach(store, after)


def add_foreigner(state: State, request: Request) -> None:
    """Somebody else attaches a File of theirs."""
    store = _store(state, request)
    if store:
        file = state.add_file("theirs.md", b"not yours", content_type="text/markdown")
        state.attach(store, file, dict(NASTY))


def insert_between_pages(state: State, request: Request) -> None:
    """The same, when another page than the first is asked for."""
    if "after" in request.query:
        add_foreigner(state, request)


def attach_twice(state: State, request: Request) -> None:
    """The newest attachment is there once more, as a File of its own."""
    for attachment in list(_attachments(state, request).values())[-1:]:
        old = attachment.file
        file = state.add_file(old.filename, old.content, purpose=old.purpose)
        state.attach(state.stores[attachment.store_id], file, attachment.attributes)


def fail_every_other(state: State, _: Request) -> None:
    """Half the files of the newest batch fail, and the batch completes."""
    batch = next(reversed(state.batches.values()), None)
    effects = reversed(state.side_effects)
    made = {it.file_id for it in effects if (it.kind, it.request) == ("attached", state.request)}
    for attachment in batch.attachments[::2] if batch else ():
        if attachment.file.id not in made:
            continue  # the request was refused, and the newest batch is an older one
        attachment.outcome = "failed"
        attachment.error = {"code": "server_error", "message": "An internal error occurred."}


def win_cancel_race(state: State, request: Request) -> None:
    """Files complete although their batch was cancelled."""
    batch = state.batches.get("".join(request.path.split("/")[4:5]))
    for attachment in batch.attachments if batch else ():
        if attachment.outcome == "cancelled":
            attachment.outcome = "completed"


def expire_store(state: State, request: Request) -> None:
    """The store lay idle for too long."""
    store = _store(state, request)
    if store:
        store.expires_days, store.active_at = 1, state.clock.now() - 2 * 86400
        state.expire()


def _store(state: State, request: Request) -> Store | None:
    """The store in the path."""
    return state.stores.get("".join(request.path.split("/")[2:3]))


def _attachments(state: State, request: Request) -> dict[str, Attachment]:
    """What the store in the path holds."""
    store = _store(state, request)
    return store.attachments if store else {}


def _counts(answer: JsonObject) -> dict[str, int]:
    counts = answer.get("file_counts")
    return dict(counts) if isinstance(counts, dict) else {}
