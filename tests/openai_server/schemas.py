"""The documented request bodies, and the service's words about what does not fit them."""

from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tests.openai_server.errors import ApiError, refuse
from tests.openai_server.rules import Limits

JsonObject: TypeAlias = dict[str, object]
Attributes: TypeAlias = dict[str, str | float | bool]
_IdArray: TypeAlias = list[str]


class Body(BaseModel):
    """A JSON object with no field that is not documented."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_Body = TypeVar("_Body", bound=Body)


class FileExpiry(Body):
    """When a File goes by itself."""

    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=3600, le=2_592_000)]


class StoreExpiry(Body):
    """When an idle vector store goes by itself."""

    anchor: Literal["last_active_at"]
    days: Annotated[int, Field(ge=1, le=365)]


class ChunkSizes(Body):
    """The sizes of a static chunking strategy."""

    max_chunk_size_tokens: Annotated[int, Field(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[int, Field(ge=0)]


class Chunking(Body):
    """How a document is cut."""

    type: Literal["auto", "static"]
    static: ChunkSizes | None = None

    @model_validator(mode="after")
    def check_sizes(self) -> "Chunking":
        """Sizes come with `static` and with nothing else; the overlap is half at most."""
        if (self.type == "static") != (self.static is not None):
            raise refuse("Missing required parameter: 'chunking_strategy.static'.")
        if self.static and self.static.chunk_overlap_tokens * 2 > self.static.max_chunk_size_tokens:
            name = "chunking_strategy.static.chunk_overlap_tokens"
            raise refuse(
                f"Invalid '{name}': must be at most half of max_chunk_size_tokens.",
                name,
                "invalid_value",
            )
        return self

    def to_wire(self) -> JsonObject:
        """The strategy as answers show it."""
        sizes = self.static or ChunkSizes(max_chunk_size_tokens=800, chunk_overlap_tokens=400)
        return {"type": "static", "static": sizes.model_dump()}


class StoreCreate(Body):
    """`POST /vector_stores`."""

    name: str | None = None
    description: str | None = None
    file_ids: Annotated[_IdArray, Field(max_length=500)] = []
    expires_after: StoreExpiry | None = None
    chunking_strategy: Chunking | None = None
    metadata: dict[str, object] | None = None


class StoreUpdate(Body):
    """`POST /vector_stores/{id}`; a field that was not sent stays as it is."""

    name: str | None = None
    expires_after: StoreExpiry | None = None
    metadata: dict[str, object] | None = None


class Attach(Body):
    """`POST /vector_stores/{id}/files`, and one element of a batch's `files`."""

    file_id: str
    attributes: dict[str, object] | None = None
    chunking_strategy: Chunking | None = None


class AttributesUpdate(Body):
    """`POST /vector_stores/{id}/files/{file_id}`."""

    attributes: dict[str, object] | None


class BatchCreate(Body):
    """`POST /vector_stores/{id}/file_batches`."""

    file_ids: Annotated[_IdArray, Field(min_length=1)] | None = None
    files: Annotated[list[Attach], Field(min_length=1)] | None = None
    attributes: dict[str, object] | None = None
    chunking_strategy: Chunking | None = None

    @model_validator(mode="after")
    def check_source(self) -> "BatchCreate":
        """Exactly one of `file_ids` and `files` is there."""
        if self.file_ids is not None and self.files is not None:
            raise refuse("Mutually exclusive parameters: 'file_ids' and 'files'.", "files")
        if self.file_ids is None and self.files is None:
            code = "missing_required_parameter"
            raise refuse("Missing required parameter: 'file_ids'.", "file_ids", code)
        return self


class UploadCreate(Body):
    """`POST /uploads`."""

    filename: str
    purpose: str
    bytes: Annotated[int, Field(ge=1)]
    mime_type: str
    expires_after: FileExpiry | None = None


class UploadComplete(Body):
    """`POST /uploads/{id}/complete`."""

    part_ids: list[str]
    md5: str | None = None


class Ranking(Body):
    """How search ranks."""

    ranker: Literal["none", "auto", "default-2024-11-15"] = "auto"
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


class Search(Body):
    """`POST /vector_stores/{id}/search`."""

    query: str | list[str]
    filters: dict[str, object] | None = None
    max_num_results: Annotated[int, Field(ge=1, le=50)] = 10
    ranking_options: Ranking | None = None
    rewrite_query: bool = False


def read_body(kind: type[_Body], text: bytes) -> _Body:
    """The JSON body `text` as a `kind`; an empty one counts as `{}`. Raises `ApiError`."""
    try:
        return kind.model_validate_json(text or b"{}")
    except ValidationError as error:
        raise _explain(error) from error


def check_map(name: str, values: dict[str, object] | None, limits: Limits) -> Attributes | None:
    """Attributes or metadata within the documented sizes. Raises `ApiError`."""
    if values is None:
        return None
    if len(values) > limits.keys:
        raise _too_big(name, "too many properties", "object", limits.keys, len(values))
    checked: Attributes = {}
    for key, value in values.items():
        if len(key) > limits.key_length:
            raise _too_big(f"{name}.{key}", "string too long", "string", 64, len(key))
        if not isinstance(value, str | float | int):
            kind = {"list": "an array", "dict": "an object"}.get(type(value).__name__, "null")
            message = f"Invalid type for '{name}.{key}': expected a string, but got {kind} instead."
            raise refuse(message, f"{name}.{key}", "invalid_type")
        if isinstance(value, str) and len(value) > limits.value_length:
            where = f"{name}.{key}"
            raise _too_big(where, "string too long", "string", limits.value_length, len(value))
        checked[key] = value
    return checked


def check_metadata(values: dict[str, object] | None, limits: Limits) -> dict[str, str]:
    """The metadata of a store: like attributes, strings only. Raises `ApiError`."""
    for key, value in (values or {}).items():
        if not isinstance(value, str):
            message = f"Invalid type for 'metadata.{key}': expected a string."
            raise refuse(message, f"metadata.{key}", "invalid_type")
    return {key: str(value) for key, value in (check_map("metadata", values, limits) or {}).items()}


def check_length(name: str, count: int, maximum: int) -> None:
    """Refuse an array that is too long, in the service's words."""
    if count > maximum:
        raise _too_big(name, "array too long", "array", maximum, count)


def check_id(name: str, value: str, prefix: str) -> None:
    """Refuse an id of another kind."""
    if not value.startswith(prefix):
        message = f"Invalid '{name}': '{value}'. Expected an ID that begins with '{prefix}'."
        raise refuse(message, name, "invalid_value")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    """`value` if it is one of `choices`. Raises `ApiError`."""
    if value in choices:
        return value
    names = " and ".join(f"'{each}'" for each in choices)
    raise refuse(f"Invalid value: '{value}'. Supported values are: {names}.", name, "invalid_value")


def check_range(name: str, text: str, maximum: int) -> int:
    """The whole number `text` from 1 to `maximum`. Raises `ApiError`."""
    if not text.isascii() or not text.lstrip("-").isdigit():
        message = f"Invalid type for '{name}': expected an integer, but got a string instead."
        raise refuse(message, name, "invalid_type")
    number = int(text)
    if number > maximum:
        words, bound, code = "integer above maximum value", f"<= {maximum}", "above_max"
    elif number < 1:
        words, bound, code = "integer below minimum value", ">= 1", "below_min"
    else:
        return number
    message = f"Invalid '{name}': {words}. Expected a value {bound}, but got {number} instead."
    raise refuse(message, name, f"integer_{code}_value")


_MEASURES = {"object": "at most {} properties", "string": "maximum length {}"}
_CODES = {"object": "object_above_max_properties", "array": "array_above_max_length"}


def _too_big(name: str, words: str, kind: str, maximum: int, got: int) -> ApiError:
    article = "a" if kind == "string" else "an"
    measure = _MEASURES.get(kind, "maximum length {}")
    unit = "{} properties" if kind == "object" else "length {}"
    message = (
        f"Invalid '{name}': {words}. Expected {article} {kind} with {measure.format(maximum)}, "
        f"but got {article} {kind} with {unit.format(got)} instead."
    )
    return refuse(message, name, _CODES.get(kind, "string_above_max_length"))


def _explain(error: ValidationError) -> ApiError:
    """The first fault of a body, in the service's words."""
    first = error.errors(include_url=False)[0]
    name, kind = ".".join(str(part) for part in first["loc"]), first["type"]
    context = first.get("ctx", {})
    if kind == "json_invalid":
        return refuse("We could not parse the JSON body of your request.")
    if kind == "too_long":
        length, maximum = int(context["actual_length"]), int(context["max_length"])
        return _too_big(name, "array too long", "array", maximum, length)
    template, code = _WORDS.get(kind, ("Invalid type for '{name}': {says}.", "invalid_type"))
    words = {"name": name, "says": first["msg"].lower(), "got": first["input"]}
    message = template.format(**words, expected=context.get("expected"))
    return refuse(message, name, code)


_WORDS = {
    "extra_forbidden": ("Unknown parameter: '{name}'.", "unknown_parameter"),
    "missing": ("Missing required parameter: '{name}'.", "missing_required_parameter"),
    "too_short": ("Invalid '{name}': empty array. Expected minimum length 1.", "empty_array"),
    "greater_than_equal": ("Invalid '{name}': {says}, got {got}.", "integer_below_min_value"),
    "less_than_equal": ("Invalid '{name}': {says}, got {got}.", "integer_above_max_value"),
    "literal_error": ("Invalid value: '{got}'. Supported values are: {expected}.", "invalid_value"),
}
"""What the service says and its code, by pydantic's name of the fault."""
