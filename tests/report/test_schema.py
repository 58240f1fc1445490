"""The published JSON Schemas: what they accept, and that they are what is published."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import cast

import jsonschema
import pytest

from tests.report.builders import record
from vectornator.cli import main
from vectornator.report.document import dump_json, error_to_json, to_json_document
from vectornator.report.record import RunStatus
from vectornator.report.schema import SCHEMAS, to_report_schema, to_settings_schema
from vectornator.settings import declarations

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_what_is_published_is_what_is_printed(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make schemas` was run after the last change."""
    assert main(["schema", kind], {}) == 0
    published = (ROOT / "docs" / f"{kind}.schema.json").read_text(encoding="utf-8")
    assert capsys.readouterr().out == published


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_is_one(kind: str) -> None:
    """Every validator can read what is published."""
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[kind]())


@pytest.mark.parametrize("status", ["partial", "planned"])
def test_a_report_is_as_its_schema_says(status: str) -> None:
    """What a run writes is valid, and nothing in it is left undescribed."""
    run = replace(record(), status=cast("RunStatus", status))
    written = json.loads(dump_json(to_json_document(run)))
    schema = to_report_schema()
    jsonschema.validate(written, schema)
    described = schema["$defs"]["RunDocument"]["properties"].keys() - {"error"}
    assert written.keys() == described


def test_an_error_is_as_the_schema_says() -> None:
    """With or without a run, the report of an error is valid."""
    error = error_to_json("auth", "No key.")
    jsonschema.validate(error, to_report_schema())
    jsonschema.validate({**to_json_document(record()), **error}, to_report_schema())


def test_a_report_can_be_wrong() -> None:
    """The schema refuses what no run writes."""
    wrong = {**to_json_document(record()), "status": "fine"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, to_report_schema())


def test_the_settings_of_this_repository_are_valid() -> None:
    """The file at the root is what the schema describes."""
    table = tomllib.loads((ROOT / "vectornator.toml").read_text(encoding="utf-8"))
    jsonschema.validate(table, to_settings_schema())


@pytest.mark.parametrize(
    "table",
    [
        {"max-deletes": "10%", "max-file-size": "500kB", "concurrency": 8, "dry-run": True},
        {"max-deletes": 5, "max-file-size": 500, "patterns": "*.md", "exclude": ["a", "b"]},
    ],
)
def test_settings_are_accepted_as_people_write_them(table: dict[str, object]) -> None:
    """Sizes, limits and lists may be text."""
    jsonschema.validate(table, to_settings_schema())


@pytest.mark.parametrize(
    "table",
    [
        {"pattern": "*.md"},
        {"concurrency": 65},
        {"refresh": "sometimes"},
        {"dry-run": "yes"},
        {"api-key": "sk"},
        {"allow-pull-request": True},
        {"max-deletes": "few"},
    ],
)
def test_editors_mark_what_would_be_refused(table: dict[str, object]) -> None:
    """A slip, a value out of bounds and what must not be in a file are errors."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(table, to_settings_schema())


def test_every_setting_is_described() -> None:
    """All that a file may hold has a sentence in its schema."""
    described = to_settings_schema()["properties"]
    allowed = {one.key: one.option.help for one in declarations() if one.option.is_in_file}
    assert {key: one["description"] for key, one in described.items()} == allowed
