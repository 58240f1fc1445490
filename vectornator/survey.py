"""What documents there seem to be, by the look of their paths: for whoever chooses patterns."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

PROSE = (".md", ".mdx", ".markdown", ".rst", ".adoc", ".asciidoc", ".org", ".txt")
"""The suffixes of text that is written to be read."""

_DOUBTFUL = ".txt"
"""As often a list of requirements as a document."""

_HOMES = ("docs", "doc", "documentation", "content", "guides", "handbook", "wiki", "site")
"""The folders at the root in which projects keep their documentation."""

_IN_HOMES = tuple(f"{home}/" for home in _HOMES)

_ELSEWHERE = ("node_modules", "vendor", "third_party")
"""Folders whose documents somebody else wrote."""


@dataclass(frozen=True, slots=True)
class Survey:
    """How many files of each kind of text there are."""

    suffixes: Mapping[str, int]
    """By suffix, the most frequent first."""

    home: str = ""
    """The folder at the root that holds the documentation, if there is one."""

    at_home: Mapping[str, int] = field(default_factory=dict)
    """Those below `home`, by suffix."""

    at_root: Mapping[str, int] = field(default_factory=dict)
    """Those in no folder, by suffix."""

    def __str__(self) -> str:
        """Say how many files there are: `12 .md and 3 .rst, 14 of them in docs/`."""
        if not self.suffixes:
            return "nothing that looks like a document"
        kinds = [f"{number:,} {suffix}" for suffix, number in self.suffixes.items()]
        listed = " and ".join(filter(None, [", ".join(kinds[:-1]), kinds[-1]]))
        inside = sum(self.at_home.values())
        return f"{listed}, {inside:,} of them in {self.home}/" if self.home else listed


def survey_paths(paths: Iterable[str]) -> Survey:
    """Count the texts among `paths`; hidden folders and other people's are passed over."""
    found = [(path, suffix) for path in paths if (suffix := _find_suffix(path))]
    homes = Counter(path.partition("/")[0] for path, _ in found if path.startswith(_IN_HOMES))
    home = homes.most_common(1)[0][0] if homes else ""
    return Survey(
        suffixes=_count(found),
        home=home,
        at_home=_count((path, suffix) for path, suffix in found if path.startswith(f"{home}/")),
        at_root=_count((path, suffix) for path, suffix in found if "/" not in path),
    )


def propose_patterns(survey: Survey) -> tuple[str, ...]:
    """Patterns that take what looks like documentation; none where nothing does.

    With a folder for documentation, the files in it and those at the root; else all there are.
    """
    if not survey.home:
        return tuple(f"**/*{suffix}" for suffix in _drop_doubtful(survey.suffixes))
    inside = _drop_doubtful(survey.at_home)
    beside = [suffix for suffix in survey.at_root if suffix != _DOUBTFUL]
    return (
        *(f"{survey.home}/**/*{suffix}" for suffix in inside),
        *(f"/*{suffix}" for suffix in beside),
    )


def _find_suffix(path: str) -> str:
    """The suffix of a text, in lower case; empty for any other file."""
    *folders, name = path.split("/")
    if any(folder.startswith(".") or folder in _ELSEWHERE for folder in folders):
        return ""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    return suffix if suffix in PROSE else ""


def _count(found: Iterable[tuple[str, str]]) -> dict[str, int]:
    return dict(Counter(suffix for _, suffix in found).most_common())


def _drop_doubtful(counts: Mapping[str, int]) -> list[str]:
    sure = [suffix for suffix in counts if suffix != _DOUBTFUL]
    return sure or list(counts)
