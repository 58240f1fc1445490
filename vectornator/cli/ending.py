"""How a command ended, told to the job: outputs, annotations, the summary and the comment."""

import contextlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vectornator.ci.facts import Facts
from vectornator.ci.gitlab import GitLabConversation, to_dotenv
from vectornator.ci.sticky import CannotComment, Conversation, make_marker, post
from vectornator.cli.output import Output
from vectornator.errors import Fatal, Interrupted, ProviderError, Rejected, Withheld
from vectornator.inputs import find_root
from vectornator.model import Failed, Leak
from vectornator.report.outputs import to_outputs
from vectornator.report.record import Record
from vectornator.report.summary import Context, render_answer, render_comment, render_summary
from vectornator.settings import Settings

if TYPE_CHECKING:
    from vectornator.ci.runner import Level, Runner

_MOST_LEAKS = 8
"""Annotations for secrets, of the ten that GitHub shows; one is for the error of the run."""

_COLOUR = re.compile("\x1b\\[[0-9;]*m")
_WORST: tuple[type[ProviderError], ...] = (Fatal, Rejected, ProviderError)


@dataclass(frozen=True, slots=True)
class Ending:
    """All there is to tell about a command that is over."""

    facts: Facts
    settings: Settings
    output: Output
    """With the record of a run, or the text of another answer."""

    runner: "Runner | None"
    """None everywhere but on GitHub."""

    command: str
    """Empty when the arguments named none."""

    is_action: bool
    context: Context
    error: Exception | None = None


def tell_ending(ending: Ending) -> None:
    """Tell everything; what can't be told is mentioned and changes nothing about the ending."""
    steps: Mapping[str, Callable[[Ending], None]] = {
        "The outputs": _write_outputs,
        "The annotations": _annotate,
        "The summary": _summarise,
        "The comment": _comment,
    }
    for name, step in steps.items():
        try:
            step(ending)
        except Exception as problem:  # noqa: BLE001  (the run is over and must count)
            ending.output.talk(f"note: {name} could not be written: {problem}")


def find_token(facts: Facts, settings: Settings) -> str:
    """The token for the API of the forge that runs the job; empty where none was given."""
    token = settings.gitlab_token if facts.host == "gitlab" else settings.github_token
    return token.get_secret_value()


def _write_outputs(ending: Ending) -> None:
    output, path = ending.output, ending.settings.outputs_path
    outputs = to_outputs(output.record, ending.error, report=str(output.report or ""))
    redacted = {name: output.redact(value) for name, value in outputs.items()}
    if path:
        path.unlink(missing_ok=True)  # a link that was committed there leads anywhere
        path.write_text(to_dotenv(redacted), encoding="ascii")
    if ending.runner:
        for name, value in redacted.items():
            ending.runner.set_output(name, value)
        if ending.is_action and os.geteuid() == 0:
            _give_away(path, output.report)


def _give_away(*paths: Path | None) -> None:
    """Let later steps, which are not root, change the files of an action."""
    for path in paths:
        if path and path.exists():
            owner = path.resolve().parent.stat()
            os.chown(path, owner.st_uid, owner.st_gid)


def _annotate(ending: Ending) -> None:
    """Show the worst failures at their files, as far as annotations go."""
    record, runner = ending.output.record, ending.runner
    if runner is None or record is None:
        return
    _annotate_leaks(record.plan.leaks, runner, ending)
    failures = sorted(record.failures, key=_rank)
    room = runner.left("error")
    shown = failures if len(failures) <= room else failures[: room - 1]
    for failed in shown:
        verb, path = type(failed.change).__name__.lower(), failed.change.path
        message = ending.output.redact(failed.message)
        place = _locate(path, ending)
        runner.annotate("error", message, title=f"{verb} of {path} failed", path=place)
    if len(failures) > len(shown):
        rest = f"and {len(failures) - len(shown):,} more; the summary lists them"
        runner.annotate("error", rest)


def _annotate_leaks(leaks: Sequence[Leak], runner: "Runner", ending: Ending) -> None:
    """Show secrets at their lines; the error that names the rest is told anyway."""
    is_stop = ending.settings.secret_scan == "block"  # noqa: S105  (a choice, no password)
    for leak in leaks[:_MOST_LEAKS]:
        runner.annotate(
            "error" if is_stop else "warning",
            f"Found by the rule {leak.rule}; its fingerprint is {leak.fingerprint}.",
            title="This looks like a secret",
            path=_locate(leak.path, ending),
            line=leak.line,
        )


def _rank(failed: Failed) -> int:
    """How bad a failure is: 0 is the worst. What was withheld only followed from others."""
    if isinstance(failed.error, Withheld):
        return len(_WORST)
    return next(place for place, kind in enumerate(_WORST) if isinstance(failed.error, kind))


def _locate(path: str, ending: Ending) -> str:
    """A document's path from the workspace; empty for one outside of it."""
    if not ending.facts.workspace:
        return path
    root = find_root(ending.settings.repository).resolve()
    place = os.path.relpath(root / path, Path(ending.facts.workspace).resolve())
    return "" if place.startswith("..") else place


def _summarise(ending: Ending) -> None:
    output, runner = ending.output, ending.runner
    is_news = output.record or ending.error or ending.is_action
    if runner is None or not ending.settings.job_summary or not is_news:
        return
    room = runner.room()
    if not room:
        return
    if output.record:
        text = render_summary(output.record, ending.context, room)
    else:
        answer = _COLOUR.sub("", output.text)
        text = render_answer(ending.command or "did not start", answer, ending.context, room)
    runner.append_summary(output.redact(text))


def _comment(ending: Ending) -> None:
    """Bring the comment of the pull request up to date, if the job is about one."""
    record, number = ending.output.record, ending.facts.number
    # Who interrupts a job gives it seconds, and the network may take them all.
    is_wanted = ending.settings.comment_on_pr != "never"
    if not number or record is None or not is_wanted or isinstance(ending.error, Interrupted):
        return
    try:
        with contextlib.closing(_open_conversation(ending)) as conversation:
            fate = post(
                conversation,
                _make_marker(record, ending.settings),
                ending.output.redact(render_comment(record, ending.context)),
                is_news=_is_news(record) or ending.settings.comment_on_pr == "always",
            )
    except CannotComment as problem:
        _explain_silence(ending, problem)
    else:
        if fate in {"created", "updated"}:
            ending.output.talk(f"The comment on pull request {number} was {fate}.")


def _make_marker(record: Record, settings: Settings) -> str:
    """Each target of each configuration has a comment of its own."""
    config = str(settings.config or "")
    return make_marker(record.provider, record.target, settings.directory, config)


def _is_news(record: Record) -> bool:
    return record.changed or record.status == "blocked" or bool(record.failures)


def _open_conversation(ending: Ending) -> Conversation:
    facts, token = ending.facts, find_token(ending.facts, ending.settings)
    if not token:
        raise CannotComment("no token was given", is_denied=True)
    if facts.host == "gitlab":
        return GitLabConversation(facts, token)
    from vectornator.ci.github import GitHubConversation  # noqa: PLC0415  (0.3 s)

    return GitHubConversation(facts, token)


def _explain_silence(ending: Ending, problem: CannotComment) -> None:
    """Say why there is no comment: loudly to those who insist on one, softly to forks."""
    remedy = _find_remedy(ending.facts) if problem.is_denied else ""
    words = f"There is no comment on pull request {ending.facts.number}: {problem}.{remedy}"
    is_loud = ending.settings.comment_on_pr == "always"
    level: Level = "warning" if is_loud else "notice"
    is_annotated = ending.runner and (is_loud or not ending.facts.is_fork)
    if not (is_annotated and ending.runner and ending.runner.annotate(level, words)):
        ending.output.talk(f"note: {words}")


def _find_remedy(facts: Facts) -> str:
    """What to do about a token that may not comment."""
    if facts.host == "gitlab":
        return (
            " A job token may not write notes: set VECTORNATOR_GITLAB_TOKEN to a project access"
            " token with the scope api."
        )
    if facts.is_fork:
        return " The job of a fork has no right to."
    return " Give the job `pull-requests: write`, or set comment-on-pr to never."
