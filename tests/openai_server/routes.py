"""Which endpoint a request goes to."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from tests.openai_server import entries, files, search, stores, tokens
from tests.openai_server.call import Answer, Call, Endpoint
from tests.openai_server.errors import ApiError
from tests.openai_server.schemas import JsonObject

TOKEN_ROUTE = "oauth.token"
"""The one route that needs no key; it stands outside the base path."""

ROUTES: Mapping[str, tuple[str, Endpoint]] = {
    "POST /oauth/*": (TOKEN_ROUTE, tokens.exchange_token),
    "POST /files": ("files.create", files.create_file),
    "GET /files": ("files.list", files.list_files),
    "GET /files/*": ("files.retrieve", files.retrieve_file),
    "DELETE /files/*": ("files.delete", files.delete_file),
    "GET /files/*/content": ("files.content", files.download_file),
    "POST /uploads": ("uploads.create", files.create_upload),
    "POST /uploads/*/parts": ("uploads.parts.create", files.add_part),
    "POST /uploads/*/complete": ("uploads.complete", files.complete_upload),
    "POST /uploads/*/cancel": ("uploads.cancel", files.cancel_upload),
    "POST /vector_stores": ("vector_stores.create", stores.create_store),
    "GET /vector_stores": ("vector_stores.list", stores.list_stores),
    "GET /vector_stores/*": ("vector_stores.retrieve", stores.retrieve_store),
    "POST /vector_stores/*": ("vector_stores.update", stores.update_store),
    "DELETE /vector_stores/*": ("vector_stores.delete", stores.delete_store),
    "POST /vector_stores/*/search": ("vector_stores.search", search.search_store),
    "POST /vector_stores/*/files": ("vector_stores.files.create", entries.attach_file),
    "GET /vector_stores/*/files": ("vector_stores.files.list", entries.list_attachments),
    "GET /vector_stores/*/files/*": ("vector_stores.files.retrieve", entries.retrieve_attachment),
    "POST /vector_stores/*/files/*": ("vector_stores.files.update", entries.update_attachment),
    "DELETE /vector_stores/*/files/*": ("vector_stores.files.delete", entries.detach_file),
    "GET /vector_stores/*/files/*/content": ("vector_stores.files.content", entries.show_content),
    "POST /vector_stores/*/file_batches": (
        "vector_stores.file_batches.create",
        entries.create_batch,
    ),
    "GET /vector_stores/*/file_batches/*": (
        "vector_stores.file_batches.retrieve",
        entries.retrieve_batch,
    ),
    "POST /vector_stores/*/file_batches/*/cancel": (
        "vector_stores.file_batches.cancel",
        entries.cancel_batch,
    ),
    "GET /vector_stores/*/file_batches/*/files": (
        "vector_stores.file_batches.list_files",
        entries.list_batch,
    ),
}
"""The route's name, after the SDK's method, and its endpoint."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes."""

    route: str
    """Empty when there is no such route."""

    endpoint: Endpoint
    ids: tuple[str, ...]
    """The ids in the path, in order."""


def find_target(method: str, path: str) -> Target:
    """The target of a request: ids are the second and the fourth part of every path."""
    parts = path.strip("/").split("/")
    pattern = "/".join("*" if at % 2 else part for at, part in enumerate(parts))
    name, endpoint = ROUTES.get(f"{method} /{pattern}", ("", refuse_url))
    return Target(name, endpoint, tuple(unquote(part) for part in parts[1::2]))


def refuse_url(call: Call) -> JsonObject | Answer:
    """The answer of no route."""
    raise ApiError(404, f"Invalid URL ({call.request.method} /v1{call.request.path})")
