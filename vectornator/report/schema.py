"""The JSON Schemas that `vectornator schema` prints: of `vectornator.toml`, and of a report."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, get_args

from pydantic import ByteSize, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from vectornator.report.shape import ErrorDocument, RunDocument
from vectornator.settings import Declaration, DeleteLimit, Settings, declarations

Schema: TypeAlias = dict[str, Any]

_DIALECT = GenerateJsonSchema.schema_dialect
_SIZE: Schema = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": "^\\s*[0-9]*\\.?[0-9]+\\s*[A-Za-z]*\\s*$"},
    ]
}
_LIMIT: Schema = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": "^\\s*[0-9]{1,9}(\\.[0-9]{1,3})?\\s*%?\\s*$"},
    ]
}
_KINDS: Mapping[object, Schema] = {
    bool: {"type": "boolean"},
    ByteSize: _SIZE,
    DeleteLimit: _LIMIT,
    int: {"type": "integer"},
    float: {"type": "number"},
}
_LIST: Schema = {
    "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}],
}


def to_settings_schema() -> Schema:
    """The schema of `vectornator.toml`, by which editors complete and check it."""
    allowed = [one for one in declarations() if one.option.is_in_file]
    return {
        "$schema": _DIALECT,
        "title": "vectornator.toml",
        "description": "What Vectornator keeps of a repository in a vector store.",
        "type": "object",
        "properties": {one.key: _describe(one) for one in allowed},
        "additionalProperties": False,
    }


def _describe(declared: Declaration) -> Schema:
    """One setting: its help, its default and the values it takes."""
    default = declared.default_text("sync")
    return {
        "description": declared.option.help,
        **_describe_value(declared),
        **({"default": declared.default} if declared.is_switch else {}),
        **({"default": _to_json(declared.default)} if default else {}),
    }


def _describe_value(declared: Declaration) -> Schema:
    field = Settings.model_fields[declared.name]
    if declared.choices:
        return {"enum": list(declared.choices)}
    if declared.is_list:
        return _LIST
    for kind, schema in _KINDS.items():
        if kind in _find_kinds(field.annotation):
            return {**schema, **(_read_bounds(field.metadata) if "type" in schema else {})}
    return {"type": "string"}


def _find_kinds(annotation: object) -> set[object]:
    """The plain types that an annotation is made of."""
    parts = get_args(annotation)
    return {annotation}.union(*map(_find_kinds, parts)) if parts else {annotation}


def _read_bounds(metadata: list[Any]) -> Schema:
    """The bounds of a number as JSON Schema calls them."""
    names = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum"}
    return {
        names[kind]: getattr(item, kind)
        for item in metadata
        for kind in names
        if getattr(item, kind, None) is not None
    }


def _to_json(default: object) -> object:
    match default:
        case tuple() as items:
            return list(items)
        case int() as number:
            return int(number)
        case value:
            return str(value)


def to_report_schema() -> Schema:
    """The schema of what `sync` and `plan` print with `--json`, or write to `--report-path`."""
    schema = TypeAdapter(RunDocument | ErrorDocument).json_schema()
    return {
        "$schema": _DIALECT,
        "title": "Report of a run",
        "description": "A run that ended before it had a plan is an error alone.",
        **schema,
    }


SCHEMAS: Mapping[str, Callable[[], Schema]] = {
    "settings": to_settings_schema,
    "report": to_report_schema,
}
"""The schemas by the name that `vectornator schema` knows them by."""
