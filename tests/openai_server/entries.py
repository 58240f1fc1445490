"""The endpoints about what is in a vector store: its files and file batches."""

from collections import Counter
from collections.abc import Sequence

from tests.openai_server.call import Call, paginate
from tests.openai_server.errors import (
    no_batch,
    no_store_file,
    refuse,
    unseen_file,
    wrong_retrieval_type,
)
from tests.openai_server.files import find_extension
from tests.openai_server.rates import take_files, take_store
from tests.openai_server.rules import RETRIEVAL_EXTENSIONS
from tests.openai_server.schemas import (
    Attach,
    Attributes,
    AttributesUpdate,
    BatchCreate,
    JsonObject,
    check_choice,
    check_id,
    check_length,
    check_map,
    read_body,
)
from tests.openai_server.state import Attachment, Batch, File, Store

STATUSES = ("in_progress", "completed", "failed", "cancelled")


def attach_file(call: Call) -> JsonObject:
    """`POST /vector_stores/{id}/files`."""
    store = call.find_store(usable=True)
    take_store(call, store.id)
    body = read_body(Attach, call.request.body)
    return show_attachment(attach_files(call, store, [body], "file_id")[0], call.now)


def list_attachments(call: Call) -> JsonObject:
    """`GET /vector_stores/{id}/files`."""
    store = call.find_store()
    gone = [each for each in store.leaving if each.unlisted_at > call.now]
    there = sorted([*store.attachments.values(), *gone], key=lambda each: each.created_at)
    return _list(call, [each for each in there if each.listed_at <= call.now])


def retrieve_attachment(call: Call) -> JsonObject:
    """`GET /vector_stores/{id}/files/{file_id}`."""
    return show_attachment(_find(call), call.now)


def update_attachment(call: Call) -> JsonObject:
    """`POST /vector_stores/{id}/files/{file_id}`."""
    attachment = _find(call)
    body = read_body(AttributesUpdate, call.request.body)
    attributes = check_map("attributes", body.attributes, call.rules.limits)
    if not call.rules.behaviour.attributes_ignore_update:
        if call.rules.assumptions.attributes_update == "merge":
            attributes = (attachment.attributes or {}) | (attributes or {})
        attachment.attributes = attributes
        file = attachment.file
        call.state.note(
            "attributes changed", file.id, attachment.store_id, file.filename, attributes
        )
    return show_attachment(attachment, call.now)


def detach_file(call: Call) -> JsonObject:
    """`DELETE /vector_stores/{id}/files/{file_id}`; the File stays."""
    attachment = _find(call)
    file_id = attachment.file.id
    call.state.detach(call.state.stores[attachment.store_id], file_id, call.rules.behaviour)
    return {"id": file_id, "object": "vector_store.file.deleted", "deleted": True}


def show_content(call: Call) -> JsonObject:
    """`GET /vector_stores/{id}/files/{file_id}/content`."""
    text = _find(call).file.content.decode("utf-8", "replace")
    return {
        "object": "vector_store.file_content.page",
        "data": [{"type": "text", "text": text}],
        "has_more": False,
        "next_page": None,
    }


def create_batch(call: Call) -> JsonObject:
    """`POST /vector_stores/{id}/file_batches`."""
    store = call.find_store(usable=True)
    take_store(call, store.id)
    body = read_body(BatchCreate, call.request.body)
    name = "files" if body.files is not None else "file_ids"
    wanted = _read_wanted(call, body)
    check_length(name, len(wanted), call.rules.limits.batch_files)
    if name == "files" and call.rules.behaviour.batch_reading == "ignored":
        wanted = []
    elif call.rules.behaviour.batch_reading == "halved":
        wanted = wanted[: len(wanted) // 2]
    attachments = attach_files(call, store, wanted, name)
    batch = Batch(
        call.state.make_id(call.rules.assumptions.batch_prefix), store.id, call.now, attachments
    )
    call.state.batches[batch.id] = batch
    return _show_batch(call, batch)


def retrieve_batch(call: Call) -> JsonObject:
    """`GET /vector_stores/{id}/file_batches/{batch_id}`."""
    return _show_batch(call, _find_batch(call))


def cancel_batch(call: Call) -> JsonObject:
    """`POST /vector_stores/{id}/file_batches/{batch_id}/cancel`; what is indexed stays."""
    batch = _find_batch(call)
    for attachment in batch.attachments:
        if attachment.status(call.now) == "in_progress":
            attachment.outcome, attachment.error = "cancelled", None
            attachment.ready_at = call.now
            batch.is_cancelled = True
    return _show_batch(call, batch)


def list_batch(call: Call) -> JsonObject:
    """`GET /vector_stores/{id}/file_batches/{batch_id}/files`."""
    return _list(call, _find_batch(call).attachments)


def attach_files(
    call: Call, store: Store, wanted: Sequence[Attach], param: str
) -> list[Attachment]:
    """Attach all or none. Raises `ApiError`."""
    unique = {each.file_id: each for each in wanted}
    checked = [
        (each, _find_visible(call, each.file_id), _read_attributes(call, each))
        for each in unique.values()
    ]
    limits = call.rules.limits
    if len(store.attachments) + len(checked) > limits.store_files:
        raise refuse(f"Vector stores are limited to {limits.store_files} files.", param)
    is_strict = call.rules.assumptions.one_bad_refuses_batch or param == "file_id"
    if is_strict:
        _check_extensions(call, [file for _, file, _ in checked], param)
    take_files(call, len(checked))
    return [_attach(call, store, each, file, kept) for each, file, kept in checked]


def show_attachment(attachment: Attachment, now: float) -> JsonObject:
    """A vector store file as answers show it."""
    status = attachment.status(now)
    return {
        "id": attachment.file.id,
        "object": "vector_store.file",
        "usage_bytes": attachment.usage_bytes if status == "completed" else 0,
        "created_at": int(attachment.created_at),
        "vector_store_id": attachment.store_id,
        "status": status,
        "last_error": attachment.error if status == "failed" else None,
        "chunking_strategy": attachment.chunking,
        "attributes": attachment.attributes,
    }


def show_counts(attachments: Sequence[Attachment], now: float) -> JsonObject:
    """`file_counts` as answers show them."""
    counts = Counter[str](each.status(now) for each in attachments)
    return {**{name: counts[name] for name in STATUSES}, "total": len(attachments)}


def _attach(
    call: Call, store: Store, wanted: Attach, file: File, attributes: Attributes | None
) -> Attachment:
    old = store.attachments.get(file.id)
    if old is not None and call.rules.assumptions.reattach == "keep":
        return old
    chunking = wanted.chunking_strategy.to_wire() if wanted.chunking_strategy else None
    rules = call.rules
    if _is_refused(call, file):
        message = "The file type is not supported."
        rules = rules.change(
            {"outcome": "failed", "failure": "unsupported_file", "failure_message": message}
        )
    return call.state.attach(store, file, attributes, chunking=chunking, rules=rules)


def _read_wanted(call: Call, body: BatchCreate) -> list[Attach]:
    """Each File of a batch with what applies to it; beside `files` nothing else applies."""
    if body.files is not None:
        return body.files
    check_map("attributes", body.attributes, call.rules.limits)
    shared = {"attributes": body.attributes, "chunking_strategy": body.chunking_strategy}
    return [Attach.model_validate({"file_id": each, **shared}) for each in body.file_ids or ()]


def _read_attributes(call: Call, wanted: Attach) -> Attributes | None:
    """The attributes that will be kept. Raises `ApiError`."""
    attributes = check_map("attributes", wanted.attributes, call.rules.limits)
    match call.rules.behaviour.attributes:
        case "dropped":
            return {}
        case "null":
            return None
        case "partly":
            return dict(list((attributes or {}).items())[: len(attributes or {}) // 2])
        case _:
            return attributes


def _find_visible(call: Call, file_id: str) -> File:
    file = call.state.files.get(file_id)
    if file is None or file.usable_at > call.now:
        raise unseen_file(file_id, call.rules.assumptions)
    return file


def _is_refused(call: Call, file: File) -> bool:
    is_case_blind = call.rules.assumptions.is_extension_case_blind
    extension = find_extension(file.filename, is_case_blind=is_case_blind)
    is_checked = bool(call.rules.assumptions.checks_upload_extension_for)
    return is_checked and extension not in RETRIEVAL_EXTENSIONS


def _check_extensions(call: Call, files: list[File], param: str) -> None:
    refused = [file for file in files if _is_refused(call, file)]
    names = {find_extension(file.filename, is_case_blind=True) for file in refused}
    if refused:
        raise wrong_retrieval_type(sorted(names), "file_ids" if param == "file_id" else param)


def _find(call: Call) -> Attachment:
    """The attachment that the path names, when it is visible by now. Raises `ApiError`."""
    store, file_id = call.find_store(), call.ids[1]
    attachment = store.attachments.get(file_id)
    if attachment is None or attachment.visible_at > call.now:
        raise no_store_file(file_id, store.id, call.rules.assumptions)
    return attachment


def _find_batch(call: Call) -> Batch:
    store, batch_id = call.find_store(), call.ids[1]
    if call.rules.assumptions.batch_prefix.startswith("vsfb_"):
        check_id("batch_id", batch_id, "vsfb_")
    batch = call.state.batches.get(batch_id)
    if batch is None or batch.store_id != store.id:
        raise no_batch(batch_id, store.id, call.rules.assumptions)
    return batch


def _list(call: Call, attachments: list[Attachment]) -> JsonObject:
    """One page of attachments, of one status when the query says so."""
    wanted = call.request.query.get("filter")
    if wanted:
        check_choice("filter", wanted, STATUSES)
        attachments = [each for each in attachments if each.status(call.now) == wanted]
    if not call.rules.behaviour.is_order_stable:
        attachments = list(attachments)
        call.state.random.shuffle(attachments)
        attachments.sort(key=lambda each: int(each.created_at))
    return paginate(
        call, attachments, lambda each: each.file.id, lambda each: show_attachment(each, call.now)
    )


def _show_batch(call: Call, batch: Batch) -> JsonObject:
    """A batch as answers show it."""
    counts = show_counts(batch.attachments, call.now)
    if hint := call.rules.behaviour.poll_after_ms:
        call.headers["openai-poll-after-ms"] = hint
    if batch.is_cancelled:
        status = "cancelled"
    elif counts["in_progress"]:
        status = "in_progress"
    elif counts["total"] and counts["failed"] == counts["total"]:
        status = call.rules.assumptions.failed_batch_status
    else:
        status = "completed"
    return {
        "id": batch.id,
        "object": "vector_store.file_batch",
        "created_at": int(batch.created_at),
        "vector_store_id": batch.store_id,
        "status": status,
        "file_counts": counts,
    }
