"""Every fault by name: a table of what it does, where it usually happens and whether it passes."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import TypedDict, Unpack

from tests.openai_server import twists
from tests.openai_server.errors import (
    ApiError,
    full_storage,
    refuse,
    unknown_key,
    wrong_retrieval_type,
    wrong_upload_type,
)
from tests.openai_server.faults import (
    Act,
    Alter,
    Behave,
    Effect,
    Fault,
    Hang,
    Refuse,
    Reply,
    Reset,
    Send,
    Tamper,
)
from tests.openai_server.rules import UPLOAD_EXTENSIONS

HTML = b"<!doctype html><html><body><h1>Please sign in</h1></body></html>"
ELSEWHERE = "http://elsewhere.invalid/v1/files"
ATTACH = "vector_stores.file*.create"
LISTS = "*.list*"
BATCH = "vector_stores.file_batches.retrieve"
_HTML_HEADERS = (("content-type", "text/html"),)


@dataclass(frozen=True, slots=True)
class Named:
    """A row of the catalogue; `summary` completes "the request meets …"."""

    name: str
    summary: str
    effect: Effect
    route: str = "*"
    also: tuple[Effect, ...] = ()
    passes: bool = False
    """Whether an identical request, or a little patience, is all it takes."""

    def to_fault(self) -> Fault:
        """A fresh fault that one request meets."""
        return Fault(self.effect, self.also, self.name, self.route)


class Selectors(TypedDict, total=False):
    """The fields of `Fault` that select requests."""

    route: str
    method: str
    path: str
    nth: int
    count: int | None
    probability: float
    seed: int


def make_fault(name: str, *, after: bool | None = None, **selectors: Unpack[Selectors]) -> Fault:
    """The fault `name`, with other fields of `Fault` than usual.

    `after` says whether the work is done first, for another answer and for silence. Raises
    `LookupError` with the valid names, and `ValueError` for an `after` that makes no sense.
    """
    if name not in CATALOGUE:
        raise LookupError(f"no fault {name!r}; there are {', '.join(CATALOGUE)}")
    fault = CATALOGUE[name].to_fault()
    if after is not None:
        if not isinstance(fault.effect, Reply | Hang):
            raise ValueError(f"'after' is for other answers and for silence, not for {name!r}")
        fault.effect = replace(fault.effect, after=after)
    return replace(fault, **selectors)


def make_weather(names: Iterable[str] = ()) -> tuple[Fault, ...]:
    """Faults for `OpenAIServer.add_weather`: those named, or all that pass."""
    wanted = list(names) or [row.name for row in CATALOGUE.values() if row.passes]
    return tuple(make_fault(name) for name in wanted)


def redirect(status: int, to: str) -> Reply:
    """An answer that sends the client to the URL `to`."""
    return Reply(status, b"", (("location", to),))


def reply(error: ApiError, *, after: bool = False, shape: str = "openai") -> Reply:
    """An error answer as an effect."""
    headers = (("content-type", "application/json"), *error.headers.items())
    return Reply(error.status, json.dumps(error.to_body(shape)).encode(), headers, after)


def _limit(**headers: str) -> Reply:
    message = "Rate limit reached for requests. Please try again in 1s."
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return reply(ApiError(429, message, "requests", None, "rate_limit_exceeded", names))


def _billing(code: str) -> Reply:
    message = "You exceeded your current quota, please check your plan and billing details."
    return reply(ApiError(429, message, "insufficient_quota", None, code))


def _rows() -> Iterator[Named]:
    yield from _transport()
    yield from _bodies()
    yield from _refusals()
    yield from _rates()
    yield from _server_errors()
    yield from _limits()
    yield from _files()
    yield from _indexing()
    yield from _batches()
    yield from _lists()
    yield from _stores()
    yield from _deletions()


def _transport() -> Iterator[Named]:
    yield Named("refuse-connect", "a closed port for 0.05 s", Refuse(), passes=True)
    yield Named("reset-unread", "a reset before its body is read", Reset("unread"), passes=True)
    yield Named("reset-before", "a reset, nothing done", Reset("before"), passes=True)
    yield Named("reset-after", "a reset after the work was done", Reset("after"), passes=True)
    yield Named("hang-before", "silence, nothing done", Hang())
    yield Named("hang-after", "silence after the work was done", Hang(after=True))
    yield Named("truncated", "half the announced body", Send("truncated"), passes=True)
    yield Named("drip", "a body in slow pieces", Send("drip"), passes=True)
    yield Named("chunked", "a chunked body", Send("chunked"), passes=True)
    yield Named("closing", "a connection closed after the answer", Send("closing"), passes=True)
    for status in (301, 307, 308):
        summary = f"a redirect {status} to another host"
        yield Named(f"redirect-{status}", summary, redirect(status, ELSEWHERE))


def _bodies() -> Iterator[Named]:
    html = Reply(200, HTML, _HTML_HEADERS)
    yield Named("html-200", "the sign-in page of a proxy", html, passes=True)
    for name, body in (("invalid-json", b'{"id": "file-'), ("empty-body", b"")):
        yield Named(name, f"200 with the body {body!r}", Reply(200, body, after=True), passes=True)
    for name, body in (("null-body", b"null"), ("list-body", b"[]")):
        yield Named(name, f"200 with the body {body!r}", Reply(200, body, after=True), passes=True)
    yield Named("missing-fields", "an answer with `object` only", Alter(twists.drop_fields()))
    yield Named("wrong-types", "an answer of wrong types", Alter(twists.confuse_types))


def _refusals() -> Iterator[Named]:
    long = "Invalid 'metadata.actual': string too long. Expected a string with maximum length 512"
    many = "Invalid 'metadata': too many properties. Expected an object with at most 16 properties"
    array = "Invalid 'file_ids': array too long. Expected an array with maximum length 100"
    prefix = "Invalid 'batch_id': 'vs_1'. Expected an ID that begins with 'vsfb_'."
    unseen = "Cannot find file file-1, or project proj_1 does not have access to it."
    errors = {
        "400-empty-file": refuse("File is empty."),
        "400-upload-extension": wrong_upload_type("vb", UPLOAD_EXTENSIONS),
        "400-attach-extension": wrong_retrieval_type(["png"], "file_ids"),
        "400-unseen-file": refuse(unseen, "file_id"),
        "400-storage-full": full_storage(),
        "400-array": refuse(f"{array}, but got 1084.", "file_ids", "array_above_max_length"),
        "400-map": refuse(f"{many}, but got 24.", "metadata", "object_above_max_properties"),
        "400-string": refuse(f"{long}.", "metadata.actual", "string_above_max_length"),
        "400-id-prefix": refuse(prefix, "batch_id", "invalid_value"),
        "401": unknown_key("sk-imitation-wrong"),
        "403": ApiError(403, "Not supported here.", code="unsupported_country_region_territory"),
        "404": ApiError(404, "Not found"),
        "404-file": ApiError(404, "No such File object: file-1"),
        "404-store-file": ApiError(404, "No file found with id 'file-1' in vector store 'vs_1'."),
        "415": ApiError(415, "Unsupported content type."),
        "422": ApiError(422, "Unprocessable."),
        "413-json": ApiError(413, "Request too large."),
    }
    for name, error in errors.items():
        yield Named(name, f"{error.status}: {error.message[:60]}", reply(error))
    yield Named("413-html", "413 from the edge", Reply(413, HTML, _HTML_HEADERS))
    slow = ApiError(408, "Request timed out.", "timeout")
    yield Named("408", "408: the request came too slowly", reply(slow), passes=True)
    locked = ApiError(409, "The object is being changed.", code="conflict")
    yield Named("409", "409: a conflict", reply(locked), passes=True)
    plain = refuse("Something is wrong.")
    for shape in ("string", "azure", "litellm"):
        yield Named(f"error-{shape}", f"400 in the shape {shape}", reply(plain, shape=shape))
    body = b'{"error": {"message": "Something is wrong."}}'
    yield Named("error-no-code", "400 without code and type", Reply(400, body))
    yes = replace(plain, headers={"x-should-retry": "true"})
    yield Named("should-retry-true", "400 with x-should-retry: true", reply(yes), passes=True)


def _rates() -> Iterator[Named]:
    forms = {
        "429-seconds": _limit(retry_after="1"),
        "429-date": _limit(retry_after=formatdate(0, usegmt=True)),
        "429-ms": _limit(retry_after_ms="50"),
        "429-zero": _limit(retry_after="0"),
        "429-absent": _limit(),
        "429-junk": _limit(retry_after="soon"),
    }
    for name, effect in forms.items():
        given = dict(effect.headers)
        wait = given.get("retry-after", given.get("retry-after-ms", "absent"))
        yield Named(name, f"429 with Retry-After {wait}", effect, passes=True)
    yield Named("429-long", "429 with Retry-After 121", _limit(retry_after="121"))
    burst = ApiError(429, "Slow down.", "rate_limit_error", None, "slow_down")
    yield Named("429-slow-down", "429 slow_down", reply(burst), passes=True)
    for code in ("insufficient_quota", "credit_balance_exhausted"):
        yield Named(f"429-{code.replace('_', '-')}", f"429 {code}, for good", _billing(code))


def _server_errors() -> Iterator[Named]:
    overloaded = ("service_unavailable_error", "server_is_overloaded")
    for status in (500, 502, 503, 504, 520):
        kind, code = overloaded if status == 503 else ("server_error", None)
        error = ApiError(status, "The server had an error.", kind, None, code)
        html = Reply(status, HTML, _HTML_HEADERS)
        yield Named(f"{status}-json", f"{status}, nothing done", reply(error), passes=True)
        yield Named(f"{status}-html", f"{status} from the edge", html, passes=True)
        done = reply(error, after=True)
        yield Named(f"{status}-after", f"{status} after the work was done", done, passes=True)
    no = ApiError(503, "Go away.", "server_error", headers={"x-should-retry": "false"})
    yield Named("should-retry-false", "503 with x-should-retry: false", reply(no))


def _limits() -> Iterator[Named]:
    rules: tuple[tuple[str, str, str, dict[str, object]], ...] = (
        ("few-uploads", "2 uploads a minute", "files.create", {"uploads_per_minute": 2}),
        ("few-files", "2 attached Files a minute", ATTACH, {"attached_files_per_minute": 2}),
        ("few-attaches", "2 attaches a minute", ATTACH, {"attaches_per_minute": 2}),
        ("batch-500", "batches of 500", "*.file_batches.create", {"batch_files": 500}),
        ("values-256", "values of 256 characters", "vector_stores.*", {"value_length": 256}),
        ("store-10000", "a store for 10,000 files", ATTACH, {"store_files": 10_000}),
        ("store-full", "a store that is full", ATTACH, {"store_files": 0}),
    )
    for name, summary, route, changes in rules:
        yield Named(name, summary, Behave(changes), route)


def _files() -> Iterator[Named]:
    hidden = Behave({"file_hidden_seconds": 5.0})
    create, seen = "files.create", "a new File that attaching meets as unknown for 5 s"
    yield Named("file-hidden", seen, hidden, create, passes=True)
    unseen = Behave({"unseen_file_status": 400})
    yield Named("unseen-400", "400 for 404 about a File that is not seen", unseen, ATTACH)
    unlisted = Behave({"file_unlisted_seconds": 5.0})
    yield Named("file-unlisted", "a new File unlisted for 5 s", unlisted, create, passes=True)
    refused = Behave({"purposes": ("assistants", "batch", "fine-tune")})
    yield Named("user-data-refused", "a server without `user_data`", refused, create)
    for kept in ("base", "truncated"):
        summary = f"a file name kept {kept}"
        yield Named(f"filename-{kept}", summary, Behave({"filename": kept}), create)
    vanish = Act(twists.lose_newest_file, after=True)
    yield Named("file-disappears", "its File deleted by somebody else", vanish, create)


def _indexing() -> Iterator[Named]:
    unsupported = "The file type is not supported."
    large = "The file could not be parsed because it is too large."
    for code, message, passes in (
        ("server_error", "An internal error occurred.", True),
        ("unsupported_file", unsupported, False),
        ("invalid_file", large, False),
    ):
        failed = Behave({"outcome": "failed", "failure": code, "failure_message": message})
        name = f"index-{code.replace('_', '-')}"
        yield Named(name, f"indexing that fails: {code}", failed, ATTACH, passes=passes)
    rules: tuple[tuple[str, dict[str, object]], ...] = (
        ("index-stuck", {"outcome": "stuck"}),
        ("index-cancelled", {"outcome": "cancelled"}),
        ("index-slow", {"indexing_seconds": 600.0}),
        ("index-at-once", {"indexing_seconds": 0.0}),
        ("attributes-dropped", {"attributes": "dropped"}),
        ("attributes-null", {"attributes": "null"}),
        ("attributes-partly", {"attributes": "partly"}),
        ("reattach-keeps", {"reattach": "keep"}),
        ("entry-hidden", {"entry_hidden_seconds": 5.0}),
        ("entry-unlisted", {"entry_unlisted_seconds": 5.0}),
        ("entry-uncounted", {"uncounted_seconds": 5.0}),
    )
    for name, changes in rules:
        rule = ", ".join(f"{key} = {value}" for key, value in changes.items())
        yield Named(name, f"the rule {rule}", Behave(changes), ATTACH, passes=True)
    floats = Alter(twists.float_attributes)
    yield Named("attributes-floats", "whole numbers as floats", floats, "vector_stores.*")
    ignored = Behave({"attributes_ignore_update": True})
    route = "vector_stores.files.update"
    yield Named("attributes-fixed", "an update that changes nothing", ignored, route)


def _batches() -> Iterator[Named]:
    create, cancel = "*.file_batches.create", "*.file_batches.cancel"
    for how in ("ignored", "halved"):
        effect = Behave({"batch_reading": how})
        yield Named(f"files-{how}", f"a batch whose `files` are {how}", effect, create)
    mixed = Act(twists.fail_every_other, after=True)
    yield Named("batch-mixed", "failures inside a completed batch", mixed, create, passes=True)
    for name, summary, change in (
        ("batch-zero-counts", "counts of zero", twists.zero_counts),
        ("batch-early", "`completed` while files are in progress", twists.finish_early),
        ("batch-late", "`in_progress` while all files are done", twists.finish_never),
        ("batch-as-store", "its store in place of the batch", twists.show_as_store),
    ):
        yield Named(name, summary, Alter(change), BATCH, passes=True)
    gone = reply(ApiError(404, "No file batch found."))
    yield Named("batch-404", "a batch that is gone", gone, BATCH)
    for name, hint in (("poll-hint", "1500"), ("poll-hint-junk", "soon")):
        effect = Behave({"poll_after_ms": hint})
        yield Named(name, f"openai-poll-after-ms: {hint}", effect, "*file_batches*", passes=True)
    race = Act(twists.win_cancel_race, after=True)
    yield Named("cancel-race", "files that complete after all", race, cancel)


def _lists() -> Iterator[Named]:
    for name, summary, effect in (
        ("page-20", "pages of the default size", Tamper(twists.drop_query("limit"))),
        ("page-short", "pages of half the size", Tamper(twists.halve_limit)),
        ("page-empty", "an empty page with more to come", Alter(_empty_page)),
        ("more-absent", "no `has_more`", Alter(twists.drop_fields("has_more"))),
        ("more-never", "`has_more` false", Alter(twists.set_fields(has_more=False))),
        ("more-always", "`has_more` true", Alter(twists.set_fields(has_more=True))),
        ("after-ignored", "the first page again", Tamper(twists.drop_query("after"))),
        ("page-overlap", "a page that repeats an item", Tamper(twists.step_back)),
        ("filter-ignored", "every status", Tamper(twists.drop_query("filter"))),
        ("order-unstable", "equal times in any order", Behave({"is_order_stable": False})),
        ("insert-between", "an item inserted", Act(twists.insert_between_pages)),
        ("delete-between", "the cursor's item detached", Act(twists.detach_cursor)),
        ("ids-null", "null cursors", Alter(twists.set_fields(first_id=None, last_id=None))),
        ("ids-empty", "empty cursors", Alter(twists.set_fields(first_id="", last_id=""))),
        ("ids-absent", "no cursors", Alter(twists.drop_fields("first_id", "last_id"))),
    ):
        yield Named(name, summary, effect, LISTS)
    for how in ("400", "404", "restart"):
        rule = (Behave({"unknown_cursor": how}),)
        summary = f"a cursor that is unknown: {how}"
        yield Named(f"cursor-{how}", summary, Tamper(twists.lose_cursor), LISTS, rule)


def _empty_page(answer: dict[str, object]) -> object:
    return answer | {"data": [], "first_id": None, "last_id": None, "has_more": True}


def _stores() -> Iterator[Named]:
    one = "vector_stores.retrieve"
    gone = reply(ApiError(404, "Vector store with id 'vs_1' not found."))
    yield Named("store-404", "a store that is gone", gone, "vector_stores.*")
    yield Named("store-expired", "a store that expired", Act(twists.expire_store), one)
    yield Named("counts-ghost", "a total of one too many", Alter(twists.raise_total), one)
    yield Named("counts-stale", "counts of zero", Alter(twists.zero_counts), one)
    yield Named("name-null", "no name", Alter(twists.set_fields(name=None)), "vector_stores.*")
    foreign, listing = Act(twists.add_foreigner), "vector_stores.files.list"
    yield Named("foreigner", "a File of somebody else", foreign, listing)
    lost = Act(twists.lose_file_of_entry)
    yield Named("entry-without-file", "an attachment whose File is gone", lost, listing)
    twice = Act(twists.attach_twice, after=True)
    yield Named("attached-twice", "a second entry for one path", twice, ATTACH)


def _deletions() -> Iterator[Named]:
    route = "*files.delete"
    absent = reply(ApiError(404, "Not found"))
    yield Named("delete-404", "404, nothing done", absent, route)
    yield Named("delete-lost", "a reset after the deletion", Reset("after"), route, passes=True)
    denied = Reply(200, twists.deny_deletion)
    yield Named("delete-denied", "`deleted` false, nothing done", denied, route)
    false = Alter(twists.set_fields(deleted=False))
    yield Named("delete-false", "`deleted` false, though it was done", false, route)
    yield Named("delete-as-file", "a File without `deleted`", Alter(twists.show_as_file), route)
    listed = Behave({"detached_listed_seconds": 5.0})
    yield Named("detached-listed", "a detached File listed for 5 s", listed, route, passes=True)
    found = Behave({"detached_found_seconds": 5.0})
    yield Named("detached-found", "a detached File found for 5 s", found, route, passes=True)
    ghost = Behave({"deleting_file_leaves_ghost_count": True})
    yield Named("delete-ghost", "a total that keeps a deleted File", ghost, "files.delete")


CATALOGUE = {row.name: row for row in _rows()}
"""Every fault by name."""
