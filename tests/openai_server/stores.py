"""The vector store endpoints, without what is in the stores."""

from tests.openai_server.call import Call, paginate
from tests.openai_server.entries import attach_files, show_counts
from tests.openai_server.schemas import (
    Attach,
    JsonObject,
    StoreCreate,
    StoreUpdate,
    check_metadata,
    read_body,
)
from tests.openai_server.state import Store


def create_store(call: Call) -> JsonObject:
    """`POST /vector_stores`."""
    body = read_body(StoreCreate, call.request.body)
    metadata = check_metadata(body.metadata, call.rules.limits)
    store = call.state.add_store(body.name, body.description)
    store.metadata = metadata
    store.expires_days = body.expires_after.days if body.expires_after else None
    chunking = body.chunking_strategy
    wanted = [Attach(file_id=each, chunking_strategy=chunking) for each in body.file_ids]
    attach_files(call, store, wanted, "file_ids")
    return show_store(store, call.now)


def list_stores(call: Call) -> JsonObject:
    """`GET /vector_stores`."""
    stores = list(call.state.stores.values())
    return paginate(call, stores, lambda store: store.id, lambda store: show_store(store, call.now))


def retrieve_store(call: Call) -> JsonObject:
    """`GET /vector_stores/{id}`."""
    return show_store(call.find_store(), call.now)


def update_store(call: Call) -> JsonObject:
    """`POST /vector_stores/{id}`; fields that were not sent stay."""
    store = call.find_store()
    body = read_body(StoreUpdate, call.request.body)
    if "metadata" in body.model_fields_set:
        store.metadata = check_metadata(body.metadata, call.rules.limits)
    if "name" in body.model_fields_set:
        store.name = body.name
    if "expires_after" in body.model_fields_set:
        store.expires_days = body.expires_after.days if body.expires_after else None
    call.state.note("store changed", store_id=store.id)
    return show_store(store, call.now)


def delete_store(call: Call) -> JsonObject:
    """`DELETE /vector_stores/{id}`."""
    store = call.find_store()
    call.state.delete_store(store.id)
    if not call.rules.assumptions.deleting_store_keeps_files:
        for file_id in store.attachments:
            call.state.delete_file(file_id, call.rules)
    return {"id": store.id, "object": "vector_store.deleted", "deleted": True}


def show_store(store: Store, now: float) -> JsonObject:
    """A vector store as answers show it."""
    counted = [each for each in store.attachments.values() if each.counted_at <= now]
    done = [each for each in counted if each.status(now) == "completed"]
    counts = show_counts(counted, now)
    if store.is_expired(now):
        status = "expired"
    else:
        status = "in_progress" if counts["in_progress"] else "completed"
    days = store.expires_days
    expires_at = store.expires_at
    return {
        "id": store.id,
        "object": "vector_store",
        "created_at": int(store.created_at),
        "name": store.name,
        "description": store.description,
        "usage_bytes": sum(each.usage_bytes for each in done),
        "file_counts": counts | {"total": len(counted) + store.ghosts},
        "status": status,
        "expires_after": None if days is None else {"anchor": "last_active_at", "days": days},
        "expires_at": None if expires_at is None else int(expires_at),
        "last_active_at": int(store.active_at),
        "metadata": store.metadata,
    }
