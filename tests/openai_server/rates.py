"""The quotas: sliding minutes of simulated time, one for each bucket."""

import math
from collections import deque

from tests.openai_server.call import Call
from tests.openai_server.errors import too_many


def take_route(call: Call, route: str) -> None:
    """Count a request to `route`. Raises `ApiError` 429."""
    limits = call.rules.limits
    take(call, f"route {route}", limits.requests_per_minute, 1)
    if route == "files.create":
        take(
            call, f"uploads {call.request.headers.get('authorization')}", limits.uploads_per_minute
        )


def take_store(call: Call, store_id: str) -> None:
    """Count a request that attaches to a store. Raises `ApiError` 429."""
    take(call, f"attaches {store_id}", call.rules.limits.attaches_per_minute)


def take_files(call: Call, count: int) -> None:
    """Count Files being attached. Raises `ApiError` 429."""
    take(call, "attached files", call.rules.limits.attached_files_per_minute, count)


def take(call: Call, bucket: str, limit: int, count: int = 1) -> None:
    """Count `count` uses of a bucket of `limit` a minute, 0 for none. Raises `ApiError` 429.

    A refused use is not counted. One that could never fit waits for an empty bucket.
    """
    if not limit:
        return
    used = call.state.rates.setdefault(bucket, deque())
    while used and used[0] <= call.now - 60:
        used.popleft()
    if used and len(used) + count > limit:
        freeing = used[min(len(used) + count - limit, len(used)) - 1]
        wait = max(1, math.ceil(freeing + 60 - call.now))
        raise too_many(bucket.partition(" ")[0], limit, wait)
    used.extend([call.now] * count)
