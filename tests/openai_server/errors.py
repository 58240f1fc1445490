"""The service's error answers, in its words."""

from dataclasses import dataclass, field

from tests.openai_server.assumptions import Assumptions

SUPPORTED_FILES = "https://platform.openai.com/docs/assistants/tools/file-search/supported-files"


@dataclass(eq=False)
class ApiError(Exception):
    """An answer that refuses; `code` and `param` are null in the body when None."""

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def to_body(self, shape: str = "openai") -> dict[str, object]:
        """The JSON body, in one of the shapes of `Assumptions.error_shape`."""
        match shape:
            case "azure":
                return {"error": {"code": str(self.status), "message": self.message}}
            case "litellm":
                texts = {"type": str(self.type), "param": str(self.param)}
                return {"error": {"message": self.message, **texts, "code": str(self.status)}}
            case "sparse":
                rest = {"type": self.type, "param": self.param, "code": self.code}
                given = {name: text for name, text in rest.items() if text is not None}
                return {"error": {"message": self.message, **given}}
            case "string":
                return {"error": self.message}
            case _:
                rest = {"type": self.type, "param": self.param, "code": self.code}
                return {"error": {"message": self.message, **rest}}


def refuse(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """A 400 of the usual type."""
    return ApiError(400, message, param=param, code=code)


def missing(message: str, assumptions: Assumptions) -> ApiError:
    """The answer about an object that is not there."""
    if assumptions.missing_status == 404:
        return ApiError(404, message)
    return ApiError(400, f"Invalid value: {message}")


def unknown_key(key: str) -> ApiError:
    """The 401 about a wrong key."""
    if not key:
        return ApiError(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization "
            "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        )
    masked = f"{key[:3]}{'*' * max(len(key) - 7, 3)}{key[-4:]}" if len(key) > 8 else "***"
    return ApiError(
        401,
        f"Incorrect API key provided: {masked}. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    )


def too_many(what: str, limit: int, wait: int) -> ApiError:
    """The 429 of a rate limit, with `Retry-After` in whole seconds."""
    return ApiError(
        429,
        f"Rate limit reached for {what} in organization org-imitation on requests per min (RPM): "
        f"Limit {limit}, Used {limit}, Requested 1. Please try again in {wait}s.",
        type="requests",
        code="rate_limit_exceeded",
        headers={"retry-after": str(wait)},
    )


def wrong_upload_type(extension: str, supported: frozenset[str]) -> ApiError:
    """The 400 of `POST /files` about an extension."""
    names = ",".join(f'"{each}"' for each in sorted(supported))
    return refuse(f"Invalid extension {extension}. Supported formats: {names}")


def wrong_retrieval_type(extensions: list[str], param: str) -> ApiError:
    """The 400 of attaching about extensions."""
    names = ", ".join(f".{each}" for each in extensions)
    message = f"Files with extensions [{names}] are not supported for retrieval. See "
    return refuse(message + SUPPORTED_FILES, param, "unsupported_file")


def unseen_file(file_id: str, assumptions: Assumptions) -> ApiError:
    """The answer to attaching a File that is not visible."""
    if assumptions.unseen_file_status == 400:
        return refuse(
            f"Cannot find file {file_id}, or project proj_imitation does not have access to it.",
            "file_id",
        )
    return missing(f"No file found with id '{file_id}'.", assumptions)


def no_file(file_id: str, assumptions: Assumptions) -> ApiError:
    """The 404 about a File."""
    error = missing(f"No such File object: {file_id}", assumptions)
    error.param = "id"
    return error


def no_store(store_id: str, assumptions: Assumptions) -> ApiError:
    """The 404 about a vector store."""
    return missing(f"Vector store with id '{store_id}' not found.", assumptions)


def no_store_file(file_id: str, store_id: str, assumptions: Assumptions) -> ApiError:
    """The 404 about an attachment."""
    if assumptions.missing_status == 400:
        return refuse(f"Invalid value: File {file_id} not found in vector store {store_id}")
    return missing(f"No file found with id '{file_id}' in vector store '{store_id}'.", assumptions)


def no_batch(batch_id: str, store_id: str, assumptions: Assumptions) -> ApiError:
    """The 404 about a file batch."""
    return missing(
        f"No file batch found with id '{batch_id}' in vector store '{store_id}'.", assumptions
    )


def no_upload(upload_id: str, assumptions: Assumptions) -> ApiError:
    """The 404 about an upload."""
    return missing(f"Upload with id '{upload_id}' not found.", assumptions)


def full_storage() -> ApiError:
    """The 400 of a full project."""
    return refuse(
        "You have exceeded your file storage quota. Organizations are limited to 100 GB of files. "
        "Please delete old files or contact support."
    )
