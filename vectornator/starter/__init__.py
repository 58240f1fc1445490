"""The first files of a repository that is to be synced: its settings and a job for its CI."""

import json
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Literal, TypeAlias

from vectornator.errors import ProviderError, SettingsError, SourceError
from vectornator.git import Repository
from vectornator.inputs import Resolved
from vectornator.providers import provider_registry
from vectornator.providers.base import ProviderConfig
from vectornator.settings import DEFAULT_CONFIG_FILE, Declaration, Group, declarations
from vectornator.source import list_paths
from vectornator.survey import Survey, survey_paths

Ci: TypeAlias = Literal["github", "gitlab", "none"]

GITHUB_JOB = ".github/workflows/vectornator.yml"
GITLAB_PIPELINE = ".gitlab-ci.yml"
GITLAB_JOB = ".gitlab/vectornator.yml"
"""Where the job goes in a repository that has a pipeline already."""

_MOST_PATHS = 200_000
"""A disk may hold more than anybody wants counted."""

_PRUNED = {"node_modules", "venv", "__pycache__", "build", "dist", "target"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of a repository that is to be synced."""

    root: Path
    branch: str
    """The branch whose documents are kept."""

    ci: Ci
    """The CI that the repository seems to use."""

    survey: Survey
    has_commit: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """What was decided, by the user or for them."""

    ci: Ci
    branch: str
    values: Mapping[str, object]
    """What goes into the configuration file, by the name of the setting."""

    @property
    def provider(self) -> str:
        """The name of the provider."""
        return str(self.values["provider"])

    @property
    def secret(self) -> str:
        """The name of the secret that holds the provider's key."""
        return f"{self.provider.upper().replace('-', '_')}_API_KEY"


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that is to be written."""

    path: str
    text: str


def look_around(folder: Path) -> Surroundings:
    """Find out about the repository at `folder`. Raises `SourceError` where there is none."""
    if not folder.is_dir():  # git's search upwards would find another repository
        raise SourceError(f"{folder} is not a folder. Check -C (--repository).")
    with Repository.open(folder) as repository:
        root = repository.root
        if root is None:
            raise SourceError(f"{folder} is a bare repository. Run in a clone with a work tree.")
        is_born = repository.read_ref("HEAD") is not None
        paths = list_paths(repository, repository.resolve("HEAD")) if is_born else _walk(root)
        return Surroundings(
            root=root,
            branch=repository.find_main_branch(),
            ci=_guess_ci(root, repository.describe_source()),
            survey=survey_paths(paths),
            has_commit=is_born,
        )


def _walk(root: Path) -> Iterator[str]:
    """The paths of the files on the disk, for a repository without a commit."""

    def list_all() -> Iterator[str]:
        for folder, folders, names in os.walk(root):
            folders[:] = [one for one in folders if one not in _PRUNED and one[0] != "."]
            yield from (Path(folder, name).relative_to(root).as_posix() for name in names)

    return islice(list_all(), _MOST_PATHS)


def _guess_ci(root: Path, source: str) -> Ci:
    """Go by the files that are there, then by the host of the remote."""
    if (root / GITLAB_PIPELINE).exists():
        return "gitlab"
    if (root / ".github/workflows").is_dir():
        return "github"
    host = source.partition("/")[0]
    return "github" if "github" in host else "gitlab" if "gitlab" in host else "none"


def check_provider(provider: str, ci: Ci) -> None:
    """Raise `SettingsError` for a provider that there is not, or that is of no use in CI."""
    if provider not in (names := provider_registry.names()):
        raise SettingsError(f"There is no provider {provider!r}. Choose {', '.join(names)}.")
    if ci != "none" and not is_shared(provider):
        raise SettingsError(
            f"The {provider} provider keeps its store on one machine, and that of a job goes with "
            "the job. Choose --provider openai, or --ci none."
        )


def is_shared(provider: str) -> bool:
    """Tell whether other machines reach the provider's stores. Raises `SettingsError`."""
    try:
        return provider_registry.get(provider, ProviderConfig()).is_shared
    except ProviderError:  # it lacks its settings, as one that runs elsewhere does at first
        return True


def decide(
    resolved: Resolved, surroundings: Surroundings, ci: Ci, provider: str, patterns: Sequence[str]
) -> Choices:
    """Put together what was given and what was found; without `patterns`, the default ones count.

    Raises `SettingsError` for a provider that is of no use here.
    """
    check_provider(provider, ci)
    given = (one.name for one in list_choosable() if resolved.origins[one.name] != "default")
    values = {name: getattr(resolved.settings, name) for name in given}
    values |= {"provider": provider} | ({"patterns": tuple(patterns)} if patterns else {})
    if is_shared(provider) and not (values.get("store_id") or values.get("store_name")):
        values["store_name"] = surroundings.root.name
    return Choices(ci, surroundings.branch, values)


def compose_drafts(choices: Choices, root: Path) -> list[Draft]:
    """The files for these choices; where there is a GitLab pipeline, the job is to be included."""
    drafts = [Draft(DEFAULT_CONFIG_FILE, _compose_settings(choices.values))]
    if choices.ci == "github":
        drafts.append(Draft(GITHUB_JOB, _fill("github.yml", choices)))
    elif choices.ci == "gitlab":
        text = _fill("gitlab.yml", choices)
        pipeline = root / GITLAB_PIPELINE
        is_ours = not pipeline.exists() or pipeline.read_bytes() == text.encode()
        drafts.append(Draft(GITLAB_PIPELINE if is_ours else GITLAB_JOB, text))
    return drafts


def _compose_settings(values: Mapping[str, object]) -> str:
    """The configuration file: every value below the sentence that explains it."""
    paragraphs = [
        f"# {one.option.help}\n{one.key} = {_to_toml(values[one.name])}\n"
        for one in list_choosable()
        if one.name in values
    ]
    return "\n".join([_read_template("settings.toml"), *paragraphs])


def list_choosable() -> tuple[Declaration, ...]:
    """The settings that `init` takes and the configuration file may hold."""
    return tuple(
        one
        for one in declarations("init")
        if one.option.is_in_file and one.option.group in {Group.SOURCE, Group.STORE}
    )


def _to_toml(value: object) -> str:
    """A text or a list of texts; TOML's strings are JSON's, but for DEL."""
    plain = list(value) if isinstance(value, tuple) else str(value)
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")


def _fill(template: str, choices: Choices) -> str:
    text = _read_template(template).replace("{secret}", choices.secret)
    return text.replace("{branch}", json.dumps(choices.branch))  # JSON's strings are YAML's


def _read_template(name: str) -> str:
    return files(__name__).joinpath("templates", name).read_text(encoding="utf-8")


def write_drafts(root: Path, drafts: Iterable[Draft]) -> tuple[list[Draft], list[Draft]]:
    """Write the files that are not there yet; return those written and those left as they are.

    Raises `SourceError` where a file can't be written.
    """
    written, kept = [], []
    for draft in drafts:
        place = root / draft.path
        if place.exists():
            kept.append(draft)
            continue
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("x", encoding="utf-8", newline="\n") as opened:
                opened.write(draft.text)
        except OSError as error:
            raise SourceError(
                f"{draft.path} can't be written: {error.strerror}. Make room for it."
            ) from error
        written.append(draft)
    return written, kept


def explain_kept(root: Path, draft: Draft) -> str:
    """Say what to do about a file that was there already and was left as it is."""
    text = (root / draft.path).read_text(encoding="utf-8", errors="replace")
    if text == draft.text:
        return f"{draft.path} is there already, as it should be."
    if draft.path != DEFAULT_CONFIG_FILE:
        return (
            f"{draft.path} is there already and was left as it is; `vectornator init --dry-run` "
            "shows what it would be."
        )
    there, wanted = tomllib.loads(text), tomllib.loads(draft.text)
    lines = [
        f"{key} = {_to_toml(value)}" for key, value in wanted.items() if there.get(key) != value
    ]
    change = f"; to change it, set {' and '.join(lines)}" if lines else ""
    return f"{draft.path} is there already and was left as it is{change}."


def list_steps(choices: Choices, drafts: Iterable[Draft], *, has_commit: bool) -> list[str]:
    """What is left to do, a sentence each."""
    secret = choices.secret
    steps = {
        "github": f"Add the secret {secret}: Settings > Secrets and variables > Actions, or "
        f"`gh secret set {secret}`.",
        "gitlab": f"Add the variable {secret}, masked and protected: Settings > CI/CD > Variables; "
        "and let job tokens push: Settings > CI/CD > Job token permissions.",
        "none": f"Set {secret} to your key." if is_shared(choices.provider) else "",
    }
    is_included = any(draft.path == GITLAB_JOB for draft in drafts)
    include = f"Add to {GITLAB_PIPELINE}: `include: [{{local: {GITLAB_JOB}}}]`."
    born = "" if has_commit else "Commit the documents: what is synced is a commit, not the disk."
    plan = "See what a first sync would do: `vectornator plan`. "
    after = "Do it: `vectornator sync`." if choices.ci == "none" else "Commit and push these files."
    found = (steps[choices.ci], include if is_included else "", born, f"{plan}{after}")
    return [step for step in found if step]
