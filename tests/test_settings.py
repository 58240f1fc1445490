"""What settings are, and which values they refuse."""

import pytest
from pydantic import ValidationError

from vectornator.settings import COMMANDS, DeleteLimit, Settings, declarations
from vectornator.settings.values import parse_delete_limit, parse_patterns, parse_switch


@pytest.mark.parametrize(
    ("text", "deletes", "known", "allowed"),
    [
        ("0", 1, 100, False),
        ("0", 0, 100, True),
        ("0%", 1, 100, False),
        ("3", 3, 3, True),
        ("3", 4, 1000, False),
        ("25%", 10, 11, True),
        ("25%", 10, 10, False),
        ("25%", 4, 4, False),
        ("25%", 3, 3, True),
        ("25%", 11, 44, True),
        ("25%", 11, 43, False),
        ("100%", 500, 500, True),
    ],
)
def test_a_delete_limit_allows(text: str, deletes: int, known: int, *, allowed: bool) -> None:
    """A number is a limit as it stands; a percentage counts above ten deletes, or for all."""
    assert parse_delete_limit(text).allows(deletes, known) is allowed


@pytest.mark.parametrize("text", ["", "-1", "25 percent", "101%", "1e3", "٣", "0.25", "%"])
def test_a_wrong_delete_limit_is_refused(text: str) -> None:
    """What is neither a number nor a percentage is no limit."""
    with pytest.raises(ValueError, match="is"):
        parse_delete_limit(text)


def test_a_delete_limit_reads_as_it_was_written() -> None:
    """A limit is shown the way people write it."""
    assert [str(parse_delete_limit(text)) for text in ("12.5%", "25 %", "7")] == [
        "12.5%",
        "25%",
        "7",
    ]


@pytest.mark.parametrize(
    ("value", "patterns"),
    [
        ("*.md, !drafts/**\n\n*.txt", ("*.md", "!drafts/**", "*.txt")),
        (["a,b", "c\nd"], ("a", "b", "c", "d")),
        ("**/*.{md,mdx},x", ("**/*.md", "**/*.mdx", "x")),
        ("{a,b}/{c,d}", ("a/c", "a/d", "b/c", "b/d")),
        ("", ()),
    ],
)
def test_patterns_are_read_from_text(value: object, patterns: tuple[str, ...]) -> None:
    """Commas and line breaks part patterns; braces stand for each of their choices."""
    assert sorted(parse_patterns(value)) == sorted(patterns)


@pytest.mark.parametrize("value", [5, [1], None, "{a,b}" * 5, "a," * 2000])
def test_wrong_patterns_are_refused(value: object) -> None:
    """What is not text, or would become too many patterns, is refused."""
    with pytest.raises(ValueError, match=r"is not|holds"):
        parse_patterns(value)


@pytest.mark.parametrize("value", ["yes", "1", "on", "", 1, 0, None, "tRuE"])
def test_a_switch_is_true_or_false(value: object) -> None:
    """Anything but a boolean, or a boolean's name in YAML, is refused."""
    with pytest.raises(ValueError, match="neither true nor false"):
        parse_switch(value)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("docs/", "docs"), (".", ""), ("./a//b/", "a/b"), ("", "")],
)
def test_a_directory_is_kept_in_one_spelling(given: str, kept: str) -> None:
    """The same folder is the same setting however it is spelled."""
    assert Settings(directory=given).directory == kept


@pytest.mark.parametrize(
    "wrong",
    [
        {"directory": "../secrets"},
        {"directory": "/etc"},
        {"target": "a/b"},
        {"target": "x.lock"},
        {"target": "-x"},
        {"commit": "--upload-pack=x"},
        {"commit": ""},
        {"remote": "-x"},
        {"provider": "../x"},
        {"concurrency": 65},
        {"concurrency": True},
        {"max_files": 0},
        {"max_bytes": "many"},
        {"metadata_storage": "git-branch"},
        {"store_id": "a\nb"},
        {"api_key": "sk-1\nX-Header: 1"},
        {"source": "worktree", "commit": "HEAD~1"},
        {"quiet": True, "verbose": True},
        {"colour": "always"},
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, object]) -> None:
    """Settings never hold what a run could not use or should not trust."""
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


@pytest.mark.parametrize(
    ("text", "size"), [("10MB", 10_000_000), ("500kB", 500_000), ("1GiB", 1 << 30), (12, 12)]
)
def test_sizes_have_units(text: object, size: int) -> None:
    """A size is a number of bytes, or a number with a decimal or binary unit."""
    assert Settings.model_validate({"max_bytes": text}).max_bytes == size


def test_settings_never_show_a_key() -> None:
    """A key is not part of what is printed."""
    assert "sk-secret" not in repr(Settings.model_validate({"api_key": "sk-secret"}))


def test_settings_never_change() -> None:
    """Settings are frozen."""
    with pytest.raises(ValidationError):
        Settings().target = "other"


def test_every_setting_says_what_it_is() -> None:
    """Each has a help sentence, and commands that exist."""
    for declared in declarations():
        assert declared.option.help.endswith(".")
        assert set(declared.option.commands) <= set(COMMANDS)


def test_every_value_has_a_word_for_it_in_help() -> None:
    """Each setting that takes a value names its kind or its choices."""
    silent = [
        declared.key
        for declared in declarations()
        if not (declared.is_switch or declared.is_secret)
        and not (declared.choices or declared.option.metavar)
    ]
    assert silent == []


def test_keys_and_variables_are_unique() -> None:
    """No two settings share a name anywhere."""
    for names in zip(*((one.key, one.variable) for one in declarations()), strict=True):
        assert len(set(names)) == len(declarations())


def test_a_default_can_depend_on_the_command() -> None:
    """A log is longer than the answers of a search."""
    limit = next(one for one in declarations("log") if one.key == "limit")
    assert (limit.default_of("search"), limit.default_of("log")) == (5, 20)


def test_the_default_limit_is_a_quarter() -> None:
    """Without a word from the user, a run removes a quarter of the documents at most."""
    assert Settings().max_deletes == DeleteLimit(25, is_percent=True)
