"""What names and messages from outside can do to a job: nothing, on every way out."""

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.report.builders import ENTRY, document
from tests.support.hostile import list_hostile
from tests.support.runner import find_commands, read_outputs
from vectornator.ci.observer import RunnerObserver
from vectornator.ci.runner import Runner
from vectornator.drift import DriftKind, Finding
from vectornator.errors import Rejected, Transient
from vectornator.model import (
    Delete,
    Done,
    Failed,
    Plan,
    Relabel,
    Rename,
    Skip,
    SkipReason,
    Update,
    Upload,
)
from vectornator.report.document import dump_json, to_json_document
from vectornator.report.escape import escape
from vectornator.report.outputs import to_outputs
from vectornator.report.plans import render_record
from vectornator.report.record import Record
from vectornator.report.summary import Context, render_answer, render_comment, render_summary

HOSTILE = list_hostile()
BATCH = 50
BATCHES = [HOSTILE[start : start + BATCH] for start in range(0, len(HOSTILE), BATCH)]
REPOSITORY = "https://github.com/acme/docs"
NODES = {
    "blockquote",
    "bullet_list",
    "code_inline",
    "fence",
    "heading",
    "html_block",
    "inline",
    "link",
    "list_item",
    "paragraph",
    "softbreak",
    "strong",
    "text",
}
"""What a summary is made of; no image, table, inline HTML or automatic link."""


def make_record(names: Sequence[str], *, is_plan: bool = False) -> Record:
    """A record in which every name is everything that a name can be."""
    first = names[0]
    plan = Plan(
        uploads=tuple(Upload(document(name)) for name in names),
        updates=tuple(Update(document(name), ENTRY, "content") for name in names),
        renames=tuple(Rename(document(name), ENTRY, name[::-1]) for name in names),
        relabels=tuple(Relabel(document(name), ENTRY) for name in names),
        deletes=tuple(Delete(name, ENTRY, "removed") for name in names),
        skipped=tuple(Skip(name, SkipReason.BINARY) for name in names[:10]),
    )
    failures = tuple(Failed(Upload(document(name)), Rejected(name)) for name in names)
    return Record(
        command="plan" if is_plan else "sync",
        status="planned" if is_plan else "partial",
        provider="memory",
        store_id=first,
        target=first,
        commit="a" * 40,
        base="b" * 40,
        findings=tuple(Finding(DriftKind.UNKNOWN, name, name) for name in names),
        plan=plan,
        outcomes=() if is_plan else (*failures, *(Done(change, None) for change in plan)),
        saved_to=first,
        state_commit=first,
        remarks=tuple(names),
    )


def walk(tokens: Sequence[Token]) -> Iterator[Token]:
    """Every token, those inside of others too."""
    for token in tokens:
        yield token
        yield from walk(token.children or [])


def check_markdown(text: str, names: Sequence[str]) -> None:
    """Assert that `text` is made of expected nodes alone, and shows every name in a code span."""
    tokens = list(walk(MarkdownIt("gfm-like").parse(text)))
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in tokens}
    assert kinds <= NODES
    links = {str(token.attrs["href"]) for token in tokens if token.type == "link_open"}
    assert all(link.startswith(f"{REPOSITORY}/com") for link in links)
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert all(block == "</details>" or block.startswith("<details><summary>") for block in blocks)
    assert sum(block == "</details>" for block in blocks) * 2 == len(blocks)
    plain = " ".join(token.content for token in tokens if token.type == "text")
    assert not set("@#<>[]`|$") & set(plain)
    spans = {token.content for token in tokens if token.type == "code_inline"}
    # A parser takes one space away from either end where both have one; nothing else.
    shown = spans | {f" {span} " for span in spans}
    assert [name for name in names if escape(name) not in shown] == []


@pytest.mark.parametrize("names", BATCHES)
def test_a_summary_holds_text_alone(names: list[str]) -> None:
    """No name is markup, a link or a mention in the page of a job, and none is lost."""
    context = Context(REPOSITORY, error=names[1], notice=names[2], command=names[3])
    check_markdown(render_summary(make_record(names), context, 900_000), names)


@pytest.mark.parametrize("names", BATCHES)
def test_a_comment_holds_text_alone(names: list[str]) -> None:
    """No name is markup, a link or a mention in a comment, and none is lost."""
    context = Context(REPOSITORY, error=names[1])
    text = render_comment(make_record(names, is_plan=True), context, 300_000)
    check_markdown(text, names)
    quick_actions = [line for line in text.splitlines() if line.startswith("/")]
    assert quick_actions == []  # GitLab would carry them out


def test_an_answer_is_one_block() -> None:
    """What a command printed is shown as it was, whatever stands in it."""
    text = render_answer("status", "\n".join(HOSTILE), Context(), 900_000)
    kinds = [token.type for token in MarkdownIt("gfm-like").parse(text)]
    assert kinds == ["heading_open", "inline", "heading_close", "fence"]


@pytest.mark.parametrize("names", BATCHES)
def test_a_log_obeys_nobody(names: list[str]) -> None:
    """Nothing that an observer or a report writes is a command, but for our own groups."""
    stream, runner = io.StringIO(), Runner()
    record = make_record(names)
    with redirect_stderr(stream):
        for is_verbose in (False, True):
            observer = RunnerObserver(stream, runner, is_verbose=is_verbose)
            observer.planned(record.plan)
            for name, outcome in zip(names, record.outcomes, strict=False):
                observer.started(outcome.change)
                observer.settled(outcome, 1, 2)
                for write in (observer.phase, observer.remark, observer.log):
                    write(name)
            observer.finished(record)
    stream.write(render_record(record, is_whole=True))
    assert {command.name for command in find_commands(stream.getvalue())} == {"group", "endgroup"}


@pytest.mark.parametrize("names", BATCHES)
def test_an_annotation_is_one_command(names: list[str]) -> None:
    """A message and a path arrive as they were, however they are spelled."""
    stream = io.StringIO()
    with redirect_stderr(stream):
        for name in names:
            Runner().annotate("error", name, title=name, path=name)
    commands = find_commands(stream.getvalue())
    shown = [(one.name, one.message, one.properties["file"]) for one in commands]
    assert shown == [("error", escape(name), escape(name)) for name in names]


def test_outputs_are_what_they_were_set_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No value ends early, sets another output or fails the step."""
    for name in HOSTILE:
        place = tmp_path / "output"
        place.write_text("")
        monkeypatch.setenv("GITHUB_OUTPUT", str(place))
        record = replace(make_record([name]), base=name)
        outputs = to_outputs(record, Transient(name), report=name)
        runner = Runner()
        for key, value in outputs.items():
            runner.set_output(key, value)
        read = read_outputs(place.read_text())
        assert read == {key: escape(value) for key, value in outputs.items()}


@pytest.mark.parametrize("names", BATCHES)
def test_json_is_lossless(names: list[str]) -> None:
    """Programs get every name as it is, from text that no runner obeys."""
    written = dump_json(to_json_document(make_record(names)))
    read = json.loads(written)
    assert [one["path"] for one in read["plan"]["uploads"]] == names
    assert list(read["failed"]) == names
    assert find_commands(written) == []


def test_the_emulated_runner_obeys_commands() -> None:
    """The tests above could fail: what is written raw is a command."""
    obeyed = [name for name in HOSTILE if find_commands(name)]
    assert len(obeyed) >= 30
