"""The Files and Uploads endpoints."""

import base64
import hashlib

from tests.openai_server.call import Answer, Call, paginate
from tests.openai_server.errors import (
    full_storage,
    no_file,
    no_upload,
    refuse,
    wrong_upload_type,
)
from tests.openai_server.forms import Part
from tests.openai_server.rules import UPLOAD_EXTENSIONS
from tests.openai_server.schemas import (
    FileExpiry,
    JsonObject,
    UploadComplete,
    UploadCreate,
    check_choice,
    read_body,
)
from tests.openai_server.state import File, Upload, UploadPart


def create_file(call: Call) -> JsonObject:
    """`POST /files`."""
    form = call.request.form
    known = {"purpose", "file", "expires_after[anchor]", "expires_after[seconds]"}
    if unknown := sorted(set(form) - known):
        raise refuse(f"Unknown parameter: '{unknown[0]}'.", unknown[0], "unknown_parameter")
    for name in ("file", "purpose"):
        if name not in form:
            code = "missing_required_parameter"
            raise refuse(f"Missing required parameter: '{name}'.", name, code)
    expiry = _read_expiry(form.get("expires_after[anchor]"), form.get("expires_after[seconds]"))
    part = form["file"]
    file = _store(
        call,
        part.filename or "upload",
        form["purpose"].content.decode("utf-8", "replace"),
        part.content,
        part.content_type,
    )
    if expiry:
        call.state.expire_file(file, expiry.seconds)
    return show_file(file)


def list_files(call: Call) -> JsonObject:
    """`GET /files`."""
    purpose = call.request.query.get("purpose")
    files = [
        file
        for file in call.state.files.values()
        if file.listed_at <= call.now and purpose in {None, "", file.purpose}
    ]
    if not call.rules.behaviour.is_order_stable:
        call.state.random.shuffle(files)
        files.sort(key=lambda file: int(file.created_at))
    return paginate(call, files, lambda file: file.id, show_file, sizes=(10_000, 10_000))


def retrieve_file(call: Call) -> JsonObject:
    """`GET /files/{id}`."""
    return show_file(find_file(call, call.ids[0]))


def delete_file(call: Call) -> JsonObject:
    """`DELETE /files/{id}`; takes the File out of all stores as well."""
    file = find_file(call, call.ids[0])
    call.state.delete_file(file.id, call.rules)
    return {"id": file.id, "object": "file", "deleted": True}


def download_file(call: Call) -> Answer:
    """`GET /files/{id}/content`; at most the first 256 KiB."""
    file = find_file(call, call.ids[0])
    is_refused = call.rules.assumptions.content_download == "refused"
    if is_refused and file.purpose in {"assistants", "user_data"}:
        raise refuse(f"Not allowed to download files of purpose: {file.purpose}")
    return Answer(200, file.content, {"content-type": "application/octet-stream"})


def create_upload(call: Call) -> JsonObject:
    """`POST /uploads`."""
    body = read_body(UploadCreate, call.request.body)
    check_choice("purpose", body.purpose, call.rules.limits.purposes)
    if body.bytes > call.rules.limits.upload_bytes:
        raise refuse("Invalid 'bytes': the upload is too large.", "bytes", "invalid_value")
    _check_extension(call, body.filename, body.purpose)
    upload = Upload(
        id=call.state.make_id("upload_"),
        filename=body.filename,
        purpose=body.purpose,
        size=body.bytes,
        content_type=body.mime_type,
        created_at=call.now,
        expires_at=call.now + 3600,
    )
    call.state.uploads[upload.id] = upload
    return show_upload(upload, call.now)


def add_part(call: Call) -> JsonObject:
    """`POST /uploads/{id}/parts`."""
    upload = _find_pending(call)
    data = call.request.form.get("data")
    if data is None:
        raise refuse("Missing required parameter: 'data'.", "data", "missing_required_parameter")
    if len(data.content) > call.rules.limits.part_bytes:
        raise refuse("Invalid 'data': a part is at most 64 MB.", "data", "invalid_value")
    part = UploadPart(call.state.make_id("part_"), call.now, data.content)
    upload.parts[part.id] = part
    return {
        "id": part.id,
        "object": "upload.part",
        "created_at": int(part.created_at),
        "upload_id": upload.id,
    }


def complete_upload(call: Call) -> JsonObject:
    """`POST /uploads/{id}/complete`; the sizes of the parts must add up."""
    upload = _find_pending(call)
    body = read_body(UploadComplete, call.request.body)
    for part_id in body.part_ids:
        if part_id not in upload.parts:
            raise refuse(f"Part {part_id} does not belong to upload {upload.id}.", "part_ids")
    content = b"".join(upload.parts[part_id].content for part_id in body.part_ids)
    if len(content) != upload.size:
        message = f"Expected {upload.size} bytes but the parts have {len(content)}."
        raise refuse(message, "part_ids", "invalid_value")
    if body.md5 and not _has_md5(content, body.md5):
        raise refuse("The md5 checksum does not match the parts.", "md5", "invalid_value")
    upload.file = _store(call, upload.filename, upload.purpose, content, upload.content_type)
    upload.status = "completed"
    upload.parts.clear()
    return show_upload(upload, call.now)


def cancel_upload(call: Call) -> JsonObject:
    """`POST /uploads/{id}/cancel`."""
    upload = _find_pending(call)
    upload.status = "cancelled"
    upload.parts.clear()
    return show_upload(upload, call.now)


def find_file(call: Call, file_id: str) -> File:
    """The File `file_id`, when it is visible by now. Raises `ApiError`."""
    file = call.state.files.get(file_id)
    if file is None or file.usable_at > call.now:
        raise no_file(file_id, call.rules.assumptions)
    return file


def show_file(file: File) -> JsonObject:
    """A File as answers show it."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.size,
        "created_at": int(file.created_at),
        "expires_at": None if file.expires_at is None else int(file.expires_at),
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def show_upload(upload: Upload, now: float) -> JsonObject:
    """An Upload as answers show it."""
    is_late = upload.status == "pending" and now >= upload.expires_at
    return {
        "id": upload.id,
        "object": "upload",
        "bytes": upload.size,
        "created_at": int(upload.created_at),
        "expires_at": int(upload.expires_at),
        "filename": upload.filename,
        "purpose": upload.purpose,
        "status": "expired" if is_late else upload.status,
        "file": show_file(upload.file) if upload.file else None,
    }


def _store(call: Call, filename: str, purpose: str, content: bytes, content_type: str) -> File:
    """Check and keep a File. Raises `ApiError`."""
    limits = call.rules.limits
    check_choice("purpose", purpose, limits.purposes)
    if not content:
        raise refuse("File is empty.", "file")
    if len(content) > limits.file_bytes:
        raise refuse(f"File is too large. Maximum size is {limits.file_bytes} bytes.", "file")
    _check_extension(call, filename, purpose)
    used = sum(file.size for file in call.state.files.values()) if _is_scarce(call) else 0
    if used + len(content) > limits.storage_bytes:
        raise full_storage()
    return call.state.add_file(
        _rename(filename, call),
        content,
        purpose=purpose,
        content_type=content_type,
        behaviour=call.rules.behaviour,
    )


def _is_scarce(call: Call) -> bool:
    """Whether the quota is small enough to be worth a sum over all Files."""
    return call.rules.limits.storage_bytes < 1 << 40


def _rename(filename: str, call: Call) -> str:
    """The name that the server keeps."""
    kept = call.rules.behaviour.filename
    if kept == "base" or not call.rules.assumptions.keeps_slashes_in_filename:
        filename = filename.rpartition("/")[2]
    return filename[-32:] if kept == "truncated" else filename


def find_extension(filename: str, *, is_case_blind: bool) -> str:
    """What comes after the last dot of the name; empty when there is none."""
    extension = filename.rpartition("/")[2].rpartition(".")
    text = extension[2] if extension[1] else ""
    return text.lower() if is_case_blind else text


def _check_extension(call: Call, filename: str, purpose: str) -> None:
    assumptions = call.rules.assumptions
    extension = find_extension(filename, is_case_blind=assumptions.is_extension_case_blind)
    is_checked = purpose in assumptions.checks_upload_extension_for
    if is_checked and extension not in UPLOAD_EXTENSIONS:
        raise wrong_upload_type(extension, UPLOAD_EXTENSIONS)


def _find_pending(call: Call) -> Upload:
    """The upload that the path names, when it still takes parts. Raises `ApiError`."""
    upload = call.state.uploads.get(call.ids[0])
    if upload is None:
        raise no_upload(call.ids[0], call.rules.assumptions)
    status = show_upload(upload, call.now)["status"]
    if status != "pending":
        raise refuse(f"Upload {upload.id} is {status} and takes no changes.", "upload_id")
    return upload


def _read_expiry(anchor: Part | None, seconds: Part | None) -> FileExpiry | None:
    if anchor is None and seconds is None:
        return None
    fields = {"anchor": anchor, "seconds": seconds}
    texts = {name: part.content.decode("latin-1") for name, part in fields.items() if part}
    number = texts.get("seconds", "")
    quoted = number if number.isdigit() else f'"{number}"'
    body = f'{{"anchor": "{texts.get("anchor", "")}", "seconds": {quoted}}}'
    return read_body(FileExpiry, body.encode())


def _has_md5(content: bytes, expected: str) -> bool:
    digest = hashlib.md5(content, usedforsecurity=False).digest()
    return expected in {digest.hex(), base64.b64encode(digest).decode()}
