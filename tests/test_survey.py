"""Which documents there seem to be, and the patterns that would take them."""

import pytest

from vectornator.survey import propose_patterns, survey_paths


@pytest.mark.parametrize(
    ("paths", "patterns"),
    [
        ([], ()),
        (["main.py", "docs/logo.png"], ()),
        (["README.md", "src/a/NOTES.md", "b.rst"], ("**/*.md", "**/*.rst")),
        (["docs/a.md", "docs/b/c.md", "README.md", "src/x.md"], ("docs/**/*.md", "/*.md")),
        (["doc/a.rst", "doc/b.MDX", "README.md"], ("doc/**/*.rst", "doc/**/*.mdx", "/*.md")),
        (["docs/a.md", "docs/requirements.txt", "requirements.txt"], ("docs/**/*.md",)),
        (["notes/a.txt", "b.txt"], ("**/*.txt",)),
        (["docs/a.md", "wiki/a.md", "wiki/b.md"], ("wiki/**/*.md",)),
        (["node_modules/x/README.md", ".github/a.md", "a/.venv/b.md"], ()),
    ],
)
def test_patterns_take_what_looks_like_documentation(
    paths: list[str], patterns: tuple[str, ...]
) -> None:
    """A folder for documentation and the root, or else everything that is prose."""
    assert propose_patterns(survey_paths(paths)) == patterns


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        ([], "nothing that looks like a document"),
        (["a.md"], "1 .md"),
        (
            ["docs/a.md", "docs/b.md", "c.rst", "d.adoc"],
            "2 .md, 1 .rst and 1 .adoc, 2 of them in docs/",
        ),
    ],
)
def test_a_survey_is_told_in_a_line(paths: list[str], words: str) -> None:
    """The kinds with their numbers, the most frequent first, and where most of them are."""
    assert str(survey_paths(paths)) == words
