"""One request on its way to an endpoint, and the answer on its way back."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias, TypeVar

from tests.openai_server.errors import ApiError, missing, no_store, refuse
from tests.openai_server.forms import Part, read_form
from tests.openai_server.rules import Rules
from tests.openai_server.schemas import JsonObject, check_choice, check_id, check_range
from tests.openai_server.state import State, Store

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire."""

    method: str
    path: str
    """Without the base path."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By lower-case name."""

    body: bytes = b""

    @cached_property
    def form(self) -> Mapping[str, Part]:
        """The parts of a multipart body. Raises `ApiError`."""
        return read_form(self.headers.get("content-type", ""), self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status, headers and bytes."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_good_json(self) -> bool:
        """Whether it is an answer that can be changed."""
        return self.status == 200 and self.headers.get("content-type") == "application/json"

    @classmethod
    def from_json(
        cls, value: object, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> "Answer":
        """An answer with a JSON body and further headers."""
        kind = {"content-type": "application/json"}
        return cls(status, json.dumps(value).encode(), kind | dict(headers or {}))


@dataclass(slots=True)
class Call:
    """What an endpoint works with."""

    request: Request
    ids: tuple[str, ...]
    """The ids in the path, in order."""

    state: State
    rules: Rules
    now: float
    headers: dict[str, str] = field(default_factory=dict)
    """Further headers of the answer."""

    def find_store(self, *, usable: bool = False) -> Store:
        """The store that the path names; `usable` refuses an expired one. Raises `ApiError`."""
        store_id, assumptions = self.ids[0], self.rules.assumptions
        if assumptions.missing_status == 404:
            check_id("vector_store_id", store_id, "vs_")
        store = self.state.stores.get(store_id)
        if store is None:
            raise no_store(store_id, assumptions)
        if usable and store.is_expired(self.now):
            message = f"Vector store {store_id} is expired."
            raise ApiError(assumptions.expired_store_status, message)
        return store


Endpoint: TypeAlias = Callable[[Call], JsonObject | Answer]


def paginate(
    call: Call,
    items: Sequence[_Item],
    identify: Callable[[_Item], str],
    render: Callable[[_Item], JsonObject],
    *,
    sizes: tuple[int, int] = (20, 100),
) -> JsonObject:
    """One page of `items` (oldest first), as the query asks; `sizes` are default and maximum."""
    query = call.request.query
    limit = _read_limit(call, *sizes)
    if check_choice("order", query.get("order", "desc"), ("asc", "desc")) == "desc":
        items = items[::-1]
    ids = [identify(item) for item in items]
    start = _find(call, ids, "after") + 1
    end = _find(call, ids, "before", len(ids)) if "before" in query else len(ids)
    if "before" in query and "after" not in query:
        start = max(0, end - limit)
    page = items[start:end][:limit]
    has_more = start > 0 if "before" in query else start + len(page) < end
    blank = None if call.rules.assumptions.empty_page_ids == "null" else ""
    return {
        "object": "list",
        "data": [render(item) for item in page],
        "first_id": identify(page[0]) if page else blank,
        "last_id": identify(page[-1]) if page else blank,
        "has_more": has_more,
    }


def _read_limit(call: Call, default: int, maximum: int) -> int:
    """The size of the page. Raises `ApiError`."""
    text = call.request.query.get("limit", str(default))
    if call.rules.assumptions.clamps_limit and text.isdigit():
        return min(int(text), maximum)
    return check_range("limit", text, maximum)


def _find(call: Call, ids: list[str], name: str, otherwise: int = -1) -> int:
    """Where the cursor `name` stands in `ids`. Raises `ApiError`."""
    cursor = call.request.query.get(name)
    if not cursor:
        return otherwise
    try:
        return ids.index(cursor)
    except ValueError:
        assumptions = call.rules.assumptions
        if assumptions.unknown_cursor == "restart":
            return otherwise
        if assumptions.unknown_cursor == "404":
            raise missing(f"No object found with id '{cursor}'.", assumptions) from None
        message = f"Invalid value for '{name}': '{cursor}' is not in the list."
        raise refuse(message, name, "invalid_value") from None
