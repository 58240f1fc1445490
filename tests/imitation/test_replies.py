"""Faults that answer something else than the right thing."""

import pytest

from tests.imitation.catalogue import shows
from tests.support.caller import Caller

REPLIES: dict[str, tuple[int, str | None]] = {
    "400-empty-file": (400, None),
    "400-upload-extension": (400, None),
    "400-attach-extension": (400, "unsupported_file"),
    "400-unseen-file": (400, None),
    "400-storage-full": (400, None),
    "400-array": (400, "array_above_max_length"),
    "400-map": (400, "object_above_max_properties"),
    "400-string": (400, "string_above_max_length"),
    "400-id-prefix": (400, "invalid_value"),
    "401": (401, "invalid_api_key"),
    "403": (403, "unsupported_country_region_territory"),
    "404": (404, None),
    "404-file": (404, None),
    "404-store-file": (404, None),
    "408": (408, None),
    "409": (409, "conflict"),
    "413-json": (413, None),
    "415": (415, None),
    "422": (422, None),
    "429-seconds": (429, "rate_limit_exceeded"),
    "429-date": (429, "rate_limit_exceeded"),
    "429-ms": (429, "rate_limit_exceeded"),
    "429-zero": (429, "rate_limit_exceeded"),
    "429-absent": (429, "rate_limit_exceeded"),
    "429-junk": (429, "rate_limit_exceeded"),
    "429-long": (429, "rate_limit_exceeded"),
    "429-slow-down": (429, "slow_down"),
    "429-insufficient-quota": (429, "insufficient_quota"),
    "429-credit-balance-exhausted": (429, "credit_balance_exhausted"),
    "500-json": (500, None),
    "502-json": (502, None),
    "503-json": (503, "server_is_overloaded"),
    "504-json": (504, None),
    "520-json": (520, None),
    "should-retry-true": (400, None),
    "should-retry-false": (503, None),
    "store-404": (404, None),
    "batch-404": (404, None),
    "delete-404": (404, None),
}
"""Faults that answer an error in the service's shape, nothing done: status and code."""

HEADERS = {
    "429-seconds": ("retry-after", "1"),
    "429-date": ("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT"),
    "429-ms": ("retry-after-ms", "50"),
    "429-zero": ("retry-after", "0"),
    "429-absent": ("retry-after", None),
    "429-junk": ("retry-after", "soon"),
    "429-long": ("retry-after", "121"),
    "429-insufficient-quota": ("retry-after", None),
    "should-retry-true": ("x-should-retry", "true"),
    "should-retry-false": ("x-should-retry", "false"),
}

PAGES = {"html-200": 200, "413-html": 413} | {
    f"{status}-html": status for status in (500, 502, 503, 504, 520)
}

BODIES = {"invalid-json": b'{"id": "file-', "empty-body": b"", "null-body": b"null"} | {
    "list-body": b"[]"
}


@shows(*REPLIES)
@pytest.mark.parametrize("name", sorted(REPLIES))
def test_error_reply(caller: Caller, name: str) -> None:
    """An error reply has its status and code, nothing is done, and the next request passes."""
    status, code = REPLIES[name]
    caller.arm(name, route="*")
    answer = caller.ask("POST", "/vector_stores", {})
    error = answer.json()["error"]
    assert (status, code, []) == (answer.status, error["code"], caller.kinds())
    assert {"message", "type", "param", "code"} == set(error)
    assert 200 == caller.ask("POST", "/vector_stores", {}).status


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_error_header(caller: Caller, name: str) -> None:
    """The ways to say when to come back are those that were seen."""
    header, value = HEADERS[name]
    caller.arm(name)
    assert value == caller.ask("GET", "/files").headers.get(header)


@shows(*PAGES)
@pytest.mark.parametrize("name", sorted(PAGES))
def test_html_reply(caller: Caller, name: str) -> None:
    """What comes from the edge is HTML, and nothing is done."""
    caller.arm(name)
    answer = caller.ask("POST", "/vector_stores", {})
    assert (PAGES[name], "text/html") == (answer.status, answer.headers["content-type"])
    assert answer.data.startswith(b"<!doctype html>")
    assert [] == caller.kinds()


@shows(*BODIES)
@pytest.mark.parametrize("name", sorted(BODIES))
def test_broken_body(caller: Caller, name: str) -> None:
    """A broken body is announced as JSON with status 200, after the work was done."""
    caller.arm(name)
    answer = caller.ask("POST", "/vector_stores", {})
    assert (200, BODIES[name]) == (answer.status, answer.data)
    assert "application/json" == answer.headers["content-type"]
    assert ["store created"] == caller.kinds()


@shows(*(f"{status}-after" for status in (500, 502, 503, 504, 520)))
@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
def test_error_after_work(caller: Caller, status: int) -> None:
    """A server error may come after the work was done."""
    caller.arm(f"{status}-after")
    assert status == caller.ask("POST", "/vector_stores", {}).status
    assert ["store created"] == caller.kinds()


@shows("redirect-301", "redirect-307", "redirect-308")
@pytest.mark.parametrize("status", [301, 307, 308])
def test_redirect(caller: Caller, status: int) -> None:
    """A redirect leads to another host, nothing done."""
    caller.arm(f"redirect-{status}")
    answer = caller.ask("POST", "/vector_stores", {})
    assert status == answer.status
    assert "http://elsewhere.invalid/v1/files" == answer.headers["location"]
    assert [] == caller.kinds()


@shows("error-string", "error-azure", "error-litellm", "error-no-code")
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("error-string", "Something is wrong."),
        ("error-azure", {"code": "400", "message": "Something is wrong."}),
        (
            "error-litellm",
            {
                "message": "Something is wrong.",
                "type": "invalid_request_error",
                "param": "None",
                "code": "400",
            },
        ),
        ("error-no-code", {"message": "Something is wrong."}),
    ],
)
def test_error_shape(caller: Caller, name: str, error: object) -> None:
    """Compatible servers write errors in shapes of their own."""
    caller.arm(name)
    answer = caller.ask("GET", "/files")
    assert (400, {"error": error}) == (answer.status, answer.json())
