"""Searching a vector store: attribute filters as documented, ranking by shared words."""

import re
from collections.abc import Iterator

from tests.openai_server.call import Call
from tests.openai_server.errors import refuse
from tests.openai_server.schemas import JsonObject, Search, read_body
from tests.openai_server.state import Attachment, Store

_CHUNK_WORDS = 400
_COMPARISONS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin")


def search_store(call: Call) -> JsonObject:
    """`POST /vector_stores/{id}/search`."""
    store = call.find_store(usable=True)
    body = read_body(Search, call.request.body)
    queries = [body.query] if isinstance(body.query, str) else body.query
    if not queries or not all(queries):
        raise refuse("Invalid 'query': empty string.", "query", "invalid_value")
    store.active_at = call.now
    words = set(_split(" ".join(queries)))
    threshold = body.ranking_options.score_threshold if body.ranking_options else 0.0
    hits = [
        _show(attachment, score, text)
        for attachment in _find_searchable(store, call.now)
        if body.filters is None or matches(body.filters, attachment.attributes or {})
        for score, text in _rank(attachment, words)
        if score >= threshold
    ]
    hits.sort(key=lambda hit: -float(str(hit["score"])))
    return {
        "object": "vector_store.search_results.page",
        "search_query": queries,
        "data": hits[: body.max_num_results],
        "has_more": len(hits) > body.max_num_results,
        "next_page": None,
    }


def matches(condition: JsonObject, attributes: object) -> bool:
    """Whether attributes fulfil a comparison or a compound filter. Raises `ApiError`."""
    kind = condition.get("type")
    if kind in {"and", "or"}:
        parts = condition.get("filters")
        if not isinstance(parts, list) or set(condition) != {"type", "filters"}:
            raise refuse(f"Invalid filter: '{kind}' needs 'filters'.", "filters", "invalid_value")
        results = [matches(part, attributes) for part in parts]
        return all(results) if kind == "and" else any(results)
    if kind not in _COMPARISONS or set(condition) != {"type", "key", "value"}:
        names = ", ".join(f"'{each}'" for each in (*_COMPARISONS, "and", "or"))
        message = f"Invalid filter: expected 'type' (one of {names}), 'key' and 'value'."
        raise refuse(message, "filters", "invalid_value")
    assert isinstance(attributes, dict)
    return _compare(str(kind), attributes.get(condition["key"]), condition["value"])


def _compare(kind: str, have: object, want: object) -> bool:
    """One comparison; an attribute that is missing only differs."""
    if kind in {"eq", "ne"}:
        return (have == want) == (kind == "eq")
    if kind in {"in", "nin"}:
        if not isinstance(want, list):
            raise refuse(f"Invalid filter: '{kind}' needs an array.", "filters", "invalid_type")
        return (have in want) == (kind == "in")
    if not isinstance(have, int | float) or not isinstance(want, int | float):
        return False
    return {"gt": have > want, "gte": have >= want, "lt": have < want, "lte": have <= want}[kind]


def _find_searchable(store: Store, now: float) -> Iterator[Attachment]:
    for attachment in (*store.attachments.values(), *store.leaving):
        if attachment.status(now) == "completed" and attachment.forgotten_at > now:
            yield attachment


def _rank(attachment: Attachment, words: set[str]) -> Iterator[tuple[float, str]]:
    """The chunks of a document that share words with the question, with their share of it."""
    text = attachment.file.content.decode("utf-8", "replace")
    pieces = text.split()
    for start in range(0, len(pieces), _CHUNK_WORDS):
        chunk = " ".join(pieces[start : start + _CHUNK_WORDS])
        if shared := words & set(_split(chunk)):
            yield round(len(shared) / len(words), 4), chunk


def _split(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _show(attachment: Attachment, score: float, text: str) -> JsonObject:
    return {
        "file_id": attachment.file.id,
        "filename": attachment.file.filename,
        "score": score,
        "attributes": attachment.attributes,
        "content": [{"type": "text", "text": text}],
    }
