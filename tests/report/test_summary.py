"""The page of a job and the comment on a pull request."""

from dataclasses import replace
from functools import cache

import pytest
from markdown_it import MarkdownIt

from tests.report.builders import ENTRY, document, plan, record
from vectornator import __version__
from vectornator.errors import Fatal, Foreign, Rejected, Transient, Withheld
from vectornator.model import Delete, Done, Failed, Plan, Skip, SkipReason, Upload
from vectornator.report.markdown import to_prose
from vectornator.report.record import Record
from vectornator.report.summary import (
    COMMENT_LIMIT,
    Context,
    render_answer,
    render_comment,
    render_summary,
)

LIMIT = 900 * 1024
BASE, HEAD = "b" * 40, "a" * 40
GITHUB = Context("https://github.com/acme/docs", report="report.json")

SUMMARY = f"""\
## ⚠️ Synced in part

**1 added · 1 deleted · 1 failed** · 1,200 unchanged · 5 skipped · 12 kB sent · 4.2 s

### 1 failed

- `old.md` (update): too odd to store. It will fail again until the document changes or is excluded.

### 1 deleted

- `gone.md` (removed)

<details><summary>1 added</summary>

- `new.md` (12 kB)

</details>

<details><summary>5 skipped</summary>

- binary, 5: `0.bin`, `1.bin`, `2.bin`, `3.bin`, `4.bin`

</details>

### Run

- Store: memory, `vs_1`, 1,202 documents
- Commits: [`aaaaaaaaaa`](https://github.com/acme/docs/commit/{HEAD})
- State: `refs/notes/vectornator`
- Cost: 9 requests, 1 retry
- Version: vectornator {__version__}
"""

COMMENT = f"""\
### 📋 Plan: nothing was changed

**1 to be added · 1 to be updated · 1 to be renamed · 1 to be deleted** · 1,200 unchanged · \
5 skipped · 12 kB to send

### 1 to be deleted

- `gone.md` (removed)

<details><summary>1 to be added</summary>

- `new.md` (12 kB)

</details>

<details><summary>1 to be updated</summary>

- `old.md`

</details>

<details><summary>1 to be renamed</summary>

- `from.md` → `to.md`

</details>

<details><summary>5 skipped</summary>

- binary, 5: `0.bin`, `1.bin`, `2.bin`, `3.bin`, `4.bin`

</details>

For [`aaaaaaaaaa`](https://github.com/acme/docs/commit/{HEAD}) in memory, `vs_1`.
"""


def make_plan() -> Record:
    """A plan with one change of each kind."""
    return replace(record(), command="plan", status="planned", outcomes=())


@cache
def make_large(prefix: str = "docs/", files: int = 50_000) -> Record:
    """A run of many documents of which half failed, and that skipped as many files."""
    names = [f"{prefix}{number}.md" for number in range(files)]
    failed = [Failed(Upload(document(name)), Transient("busy")) for name in names[::2]]
    done = [Done(Delete(name, ENTRY, "removed"), None) for name in names[1::2]]
    skipped = tuple(Skip(name, SkipReason.EMPTY) for name in names)
    return replace(record(), outcomes=(*failed, *done), plan=Plan(skipped=skipped))


def test_a_summary_tells_what_happened() -> None:
    """The verdict comes first, then what needs a look, then the rest, folded."""
    assert render_summary(record(), GITHUB, LIMIT) == SUMMARY


def test_a_comment_tells_what_would_happen() -> None:
    """Nothing in a comment changes as long as the plan and the commit do not."""
    slower = replace(make_plan(), seconds=99.0, requests=77, started=5.0)
    assert render_comment(make_plan(), GITHUB) == render_comment(slower, GITHUB) == COMMENT


@pytest.mark.parametrize("limit", [2_000, 60_000, LIMIT])
@pytest.mark.parametrize(
    ("prefix", "files"), [("docs/", 50_000), ("`" * 3000, 1000), ("日" * 1300, 1000)]
)
def test_a_summary_has_an_end(prefix: str, files: int, limit: int) -> None:
    """However many documents there are, and however long their names, the limit holds."""
    large = make_large(prefix, files)
    for text in (render_summary(large, GITHUB, limit), render_comment(large, GITHUB, limit)):
        assert len(text.encode()) <= limit
        assert text.count("<details>") == text.count("</details>")
        assert text.startswith("##")


def test_what_is_left_out_is_counted() -> None:
    """A long list ends with how much more there is, and where."""
    text = render_summary(make_large(), GITHUB, LIMIT)
    assert "- and 24,900 more; all are in `report.json`" in text
    assert "- and 24,950 more; all are in `report.json`" in text
    assert "- empty, 50,000: `docs/0.md`, " in text


def test_a_range_of_commits_is_linked() -> None:
    """Base, commit and what lies between can be looked at; each forge in its own place."""
    run = replace(record(), base=BASE)
    assert (
        f"[`{'b' * 10}`](https://github.com/acme/docs/commit/{BASE})..[`{'a' * 10}`]"
        f"(https://github.com/acme/docs/commit/{HEAD}) "
        f"([compare](https://github.com/acme/docs/compare/{BASE}...{HEAD}))"
    ) in render_summary(run, GITHUB, LIMIT)
    gitlab = Context("https://gitlab.com/acme/docs", is_gitlab=True)
    compare = f"https://gitlab.com/acme/docs/-/compare/{BASE}...{HEAD}"
    assert compare in render_summary(run, gitlab, LIMIT)


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "http://[", "https://x/) [y](z"])
def test_no_other_address_is_linked(url: str) -> None:
    """An address that is none of the web, or would end the link, is left out or spelled out."""
    tokens = MarkdownIt("gfm-like").parse(render_summary(record(), Context(url), LIMIT))
    inner = [child for token in tokens for child in token.children or []]
    links = [str(one.attrs["href"]) for one in inner if one.type == "link_open"]
    assert all(link.startswith("https://x/%29%20%5By%5D%28z/commit/") for link in links)


def test_many_changes_are_drawn() -> None:
    """A chart shows how changes of more than one kind compare, from ten of them on."""
    outcomes = tuple(Done(Upload(document(f"{n}.md")), ENTRY) for n in range(9))
    run = replace(record(), outcomes=(*outcomes, Done(Delete("x.md", ENTRY, "removed"), None)))
    chart = '```mermaid\npie showData title Changes\n    "added" : 9\n    "deleted" : 1\n```'
    assert chart in render_summary(run, GITHUB, LIMIT)
    assert "mermaid" not in render_summary(record(), GITHUB, LIMIT)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (Rejected("x"), "until the document changes"),
        (Foreign("x"), "is not ours"),
        (Transient("x"), "The next run tries again."),
        (Withheld("x"), "The next run does it."),
        (Fatal("x"), "must be fixed first"),
    ],
)
def test_a_failure_comes_with_advice(error: Rejected, advice: str) -> None:
    """Whoever reads of a failure learns what to do."""
    run = replace(record(), outcomes=(Failed(plan().uploads[0], error),))
    assert advice in render_summary(run, GITHUB, LIMIT)


def test_a_refused_run_shows_its_plan() -> None:
    """What would have happened is listed, below the reason why it did not."""
    run = replace(record(), status="blocked", outcomes=())
    text = render_summary(run, replace(GITHUB, error="Too many."), LIMIT)
    assert "**1 to be added · 1 to be updated" in text
    assert "> **Too many.**" in text
    assert "### 1 to be deleted" in text


def test_a_target_is_named_unless_it_is_the_only_one() -> None:
    """Jobs of a matrix can be told apart."""
    text = render_comment(replace(make_plan(), target="api"), GITHUB)
    assert text.startswith("### 📋 Plan: nothing was changed · `api`\n")


def test_a_long_answer_is_cut() -> None:
    """What a command printed has its limit, too."""
    text = render_answer("list", "x" * 100 + "\n" * 1_000_000, Context(), LIMIT)
    assert len(text.encode()) <= LIMIT
    assert text.rstrip().endswith("…\n```")


def test_the_comment_fits_github() -> None:
    """GitHub takes 65,536 characters."""
    assert len(render_comment(make_large("x" * 200, 1000), GITHUB)) <= COMMENT_LIMIT


@pytest.mark.parametrize(
    "sentence",
    [
        "7 of 12 documents (58 %) would be deleted, over 2. If it is meant, pass --max-deletes=7.",
        "Planned from the ledger alone: without an API key no store is asked.",
        "This is a pull request: its documents may never be merged. So only a plan is made.",
    ],
)
def test_plain_sentences_stay_plain(sentence: str) -> None:
    """What can mean nothing but itself is not put into a code span."""
    assert to_prose(sentence) == sentence


@pytest.mark.parametrize(
    "sentence",
    [
        "1. x",
        "- x",
        "see #1",
        "ask @me",
        "www.x",
        "at a1b2c3d",
        "a_b_c",
        "x*y*",
        "GH-1",
        "%1",
        "!2",
    ],
)
def test_whatever_could_mean_more_is_code(sentence: str) -> None:
    """A sentence with anything that Markdown or GitHub reads is shown as code."""
    assert to_prose(sentence) == f"`{sentence}`"
