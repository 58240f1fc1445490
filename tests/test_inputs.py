"""Where settings come from, and how wrong ones are told."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from vectornator.errors import SettingsError
from vectornator.inputs import resolve_settings


def complain(
    tmp_path: Path,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    file: str = "",
) -> str:
    """The message that resolving these sources ends with."""
    (tmp_path / "vectornator.toml").write_text(file)
    with pytest.raises(SettingsError) as caught:
        resolve_settings(
            {"repository": str(tmp_path), **(flags or {})}, environ or {}, command="sync"
        )
    return str(caught.value)


SOURCES: list[tuple[Mapping[str, object], Mapping[str, str], str]] = [
    ({"store_id": "flag"}, {}, "--store-id"),
    ({}, {"INPUT_STORE-ID": "input"}, "the input store-id"),
    ({}, {"INPUT_STORE_ID": "input"}, "the input store-id"),
    ({}, {"VECTORNATOR_STORE_ID": "variable"}, "VECTORNATOR_STORE_ID"),
    ({}, {"LOCAL_STORE_ID": "provider"}, "LOCAL_STORE_ID"),
    ({}, {}, "vectornator.toml"),
]


@pytest.mark.parametrize("first", range(len(SOURCES)))
def test_the_strongest_source_wins(tmp_path: Path, first: int) -> None:
    """Flag, input, our variable, the provider's variable, file: each outweighs what follows."""
    (tmp_path / "vectornator.toml").write_text('store-id = "file"')
    flags: dict[str, object] = {"repository": str(tmp_path)}
    environ: dict[str, str] = {}
    for some_flags, some_variables, _ in SOURCES[first:]:
        flags |= some_flags
        environ |= some_variables
    assert resolve_settings(flags, environ, command="sync").origins["store_id"] == SOURCES[first][2]


def test_without_a_source_the_default_counts(tmp_path: Path) -> None:
    """What nobody gives is the default, and is said to be."""
    resolved = resolve_settings({"repository": str(tmp_path)}, {}, command="sync")
    assert (resolved.settings.target, resolved.origins["target"]) == ("default", "default")


def test_an_empty_variable_is_not_given(tmp_path: Path) -> None:
    """A workflow passes unset inputs and variables on as empty text."""
    environ = {"INPUT_TARGET": "", "VECTORNATOR_TARGET": " ", "INPUT_DRY-RUN": ""}
    resolved = resolve_settings({"repository": str(tmp_path)}, environ, command="sync")
    assert resolved.origins["target"] == "default"


def test_the_key_belongs_to_the_provider(tmp_path: Path) -> None:
    """The variables of another provider are left alone; the right key is taken whole."""
    (tmp_path / "vectornator.toml").write_text('provider = "my-store"')
    environ = {"OPENAI_API_KEY": "wrong", "MY_STORE_API_KEY": "right\n"}
    resolved = resolve_settings({"repository": str(tmp_path)}, environ, command="sync")
    assert resolved.settings.api_key.get_secret_value() == "right"


def test_the_file_is_found_from_a_folder_of_the_repository(tmp_path: Path) -> None:
    """The configuration file is the one at the root, wherever one stands."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "vectornator.toml").write_text('patterns = ["*.md", "!x.md"]\nmax-deletes = 3')
    inner = tmp_path / "docs" / "guide"
    inner.mkdir(parents=True)
    settings = resolve_settings({"repository": str(inner)}, {}, command="sync").settings
    assert (settings.patterns, str(settings.max_deletes)) == (("*.md", "!x.md"), "3")


def test_a_named_file_replaces_the_usual_one(tmp_path: Path) -> None:
    """With `--config`, only that file is read."""
    (tmp_path / "vectornator.toml").write_text('target = "usual"')
    (tmp_path / "other.toml").write_text("force = true")
    flags = {"repository": str(tmp_path), "config": str(tmp_path / "other.toml")}
    resolved = resolve_settings(flags, {}, command="sync")
    assert (resolved.settings.target, resolved.origins["force"]) == ("default", "other.toml")


def test_every_problem_is_named_with_its_source(tmp_path: Path) -> None:
    """One line holds them all."""
    variable = "VECTORNATOR_MAX_DELETES"
    message = complain(
        tmp_path,
        {"source": "worktre"},
        {variable: "25 percent", "INPUT_DRY-RUN": "yes"},
        'concurrency = 0\npaterns = "x"',
    )
    assert message.split("; ") == [
        "'paterns' (in vectornator.toml) is not a setting",
        "did you mean patterns?",
        "dry-run: 'yes' (from the input dry-run) is neither true nor false",
        f"max-deletes: '25 percent' (from {variable}) is neither a number nor a percentage",
        "try 25%",
        "source: 'worktre' (from --source) is not one of commit or worktree",
        "did you mean worktree?",
        "concurrency: 0 (from vectornator.toml) is less than 1",
    ]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("a = = 1", "vectornator.toml is not valid TOML: Invalid value (at line 1, column 5)"),
        (
            'api-key = "sk-1"',
            "api-key must not be in vectornator.toml; give it in VECTORNATOR_API_KEY",
        ),
        ('config = "x"', "config has no meaning in vectornator.toml; give it with --config"),
        ("provider = 5", "provider: 5 (from vectornator.toml) is not text"),
        ("patterns = []", "patterns: [] (from vectornator.toml) names nothing"),
        (
            "#" * (1024 * 1024 + 1),
            "vectornator.toml is larger than 1 MiB; it can't be a configuration file",
        ),
    ],
    ids=["syntax", "secret", "meaningless", "type", "empty", "size"],
)
def test_a_wrong_file_is_refused(tmp_path: Path, file: str, message: str) -> None:
    """Whoever wrote the file learns what is wrong with it, and where."""
    assert complain(tmp_path, file=file) == message


def test_a_contradiction_names_both_sources(tmp_path: Path) -> None:
    """Two settings that can't go together are told with where each came from."""
    message = complain(tmp_path, {"quiet": "true"}, {"VECTORNATOR_VERBOSE": "true"})
    assert message == (
        "quiet (from --quiet) and verbose (from VECTORNATOR_VERBOSE)"
        " contradict each other; drop one"
    )


def test_a_wrong_key_is_not_shown(tmp_path: Path) -> None:
    """A key that can't be one is named by its source alone."""
    message = complain(tmp_path, environ={"LOCAL_API_KEY": "top\x00secret"})
    assert "LOCAL_API_KEY" in message
    assert "secret" not in message


def test_a_missing_config_file_is_told(tmp_path: Path) -> None:
    """A file that was named must exist."""
    message = complain(tmp_path, {"config": "nowhere.toml"})
    assert message == "config: 'nowhere.toml' (from --config) is not a file"


def test_a_misspelt_variable_is_remarked(tmp_path: Path) -> None:
    """A variable that is nearly ours stops nothing, but does not go unseen."""
    environ = {"VECTORNATOR_PATERNS": "*.md", "VECTORNATOR_IMAGE_BUILD": "7"}
    resolved = resolve_settings({"repository": str(tmp_path)}, environ, command="sync")
    assert resolved.remarks == (
        "VECTORNATOR_PATERNS sets nothing; did you mean VECTORNATOR_PATTERNS?",
    )


@pytest.mark.parametrize("key", ["identity-provider-id", "service-account-id", "oidc-audience"])
def test_the_file_names_no_identity(tmp_path: Path, key: str) -> None:
    """A pull request does not choose whose account the documents go to."""
    assert complain(tmp_path, file=f'{key} = "x"') == (
        f"{key} has no meaning in vectornator.toml; give it with --{key}"
    )
