"""A command that runs in CI: with which settings, and what it may do there."""

import contextlib
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import TextIOWrapper
from typing import TYPE_CHECKING

from vectornator.ci.facts import Facts, read_facts
from vectornator.cli.ending import Ending, find_token, tell_ending
from vectornator.cli.output import Output
from vectornator.errors import Refused
from vectornator.inputs import Given, Resolved, resolve_settings
from vectornator.report.record import Record
from vectornator.report.summary import Context
from vectornator.settings import DEFAULT_CONFIG_FILE, Group, Settings, declarations

if TYPE_CHECKING:
    from vectornator.ci.runner import Runner

_DEFAULTS = {"provider": Given("openai", "the action's default")}
"""In CI, a store that is gone with the job would be a surprise."""

_CHANGING = {"sync", "create-store", "repair", "adopt"}
"""The commands that change a store."""

_TYPED = {Group.SOURCE, Group.STORE, Group.STATE, Group.SAFETY, Group.OPENAI}
"""The settings that matter to whoever wants to do the same elsewhere."""

_UNTYPED = {"provider", "commit", "dry_run", "allow_pull_request", "fail_on", "remote"}
"""Those of them that are told in another way, or are about the job alone."""


class Job:
    """One command in a job of GitHub or GitLab; for a command line elsewhere, next to nothing."""

    def __init__(self, facts: Facts, output: Output, *, is_action: bool = False) -> None:
        self.facts = facts
        self.output = output
        self.is_action = is_action
        self.runner = _open_runner() if facts.host == "github" else None
        output.complain = self._complain if self.runner else None
        self.command = ""
        self.resolved: Resolved | None = None
        self._notice = ""

    @classmethod
    def open(cls, environ: Mapping[str, str], output: Output, *, is_action: bool) -> "Job":
        """The job around this process; `is_action` if its inputs, not arguments, say what to do."""
        event = {}
        if environ.get("GITHUB_ACTIONS") == "true":
            from vectornator.ci.runner import read_event  # noqa: PLC0415  (requests, 0.1 s)

            event = read_event(environ)
        return cls(read_facts(environ, event), output, is_action=is_action)

    @contextlib.contextmanager
    def order_streams(self) -> Iterator[None]:
        """Let an action tell everything on one stream: the runner reads two in any order."""
        if not (self.is_action and self.runner):
            yield
            return
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)
        with contextlib.redirect_stderr(sys.stdout):
            yield

    # Before the command.

    def resolve(
        self, flags: Mapping[str, object], environ: Mapping[str, str], command: str
    ) -> Resolved:
        """Gather the settings as the job means them. Raises `SettingsError`."""
        self.command = command
        defaults = _DEFAULTS if self.is_action else None
        resolved = resolve_settings(flags, environ, command=command, defaults=defaults)
        if self.facts.is_debug and not resolved.settings.quiet:
            verbose = resolved.settings.model_copy(update={"verbose": True})
            resolved = replace(resolved, settings=verbose)
        self.resolved = resolved
        if self.runner and self.is_action:  # elsewhere, the log may be a file
            for secret in resolved.settings.secrets:
                self.runner.mask(secret)
        return resolved

    def admit(self, settings: Settings) -> Settings:
        """The settings with which the command may run here: on a pull request, as a plan.

        Raises `Refused` when that is not what was asked for.
        """
        is_plannable = self.command in {"sync", "repair"}
        is_allowed = settings.allow_pull_request and self.command != "adopt"
        objection = self.facts.find_objection(allows_unmerged=is_allowed)
        if not objection or self.command not in _CHANGING or settings.dry_run:
            return settings
        if not is_plannable or settings.allow_pull_request:
            raise Refused(
                f"{objection} Nothing was changed; run `vectornator plan` instead.",
                reason="pull-request",
            )
        self._notice = f"{objection} So only a plan is made."
        self.output.talk(f"note: {self._notice}")
        return settings.model_copy(update={"dry_run": True})

    def is_ancestor(self, one: str, other: str) -> bool | None:
        """Ask GitHub whether a commit is an ancestor of another; None where nobody is asked."""
        if self.facts.host != "github" or not self.facts.repository:
            return None
        from vectornator.ci import github  # noqa: PLC0415  (0.3 s)

        return github.is_ancestor(self.facts, find_token(self.facts, self.settings), one, other)

    # After the command.

    @property
    def settings(self) -> Settings:
        """The settings; the defaults as long as there are none."""
        return self.resolved.settings if self.resolved else Settings()

    def finish(self, error: Exception | None = None) -> None:
        """Tell the job how the command ended; what can't be told changes nothing about that."""
        ending = Ending(
            facts=self.facts,
            settings=self.settings,
            output=self.output,
            runner=self.runner,
            command=self.command,
            is_action=self.is_action,
            context=self._describe(error),
            error=error,
        )
        tell_ending(ending)

    def _describe(self, error: Exception | None) -> Context:
        record = self.output.record
        typed = _spell(self.command, self.resolved, record) if self.resolved else ""
        return Context(
            repository_url=self.facts.repository_url,
            is_gitlab=self.facts.host == "gitlab",
            error=str(error) if error else "",
            notice=self._notice,
            command=typed,
            report=str(self.output.report or ""),
        )

    def _complain(self, message: str) -> None:
        if not (self.runner and self.runner.annotate("error", self.output.redact(message))):
            self.output.talk(message)


def _open_runner() -> "Runner":
    from vectornator.ci.runner import Runner  # noqa: PLC0415  (requests, 0.1 s)

    return Runner()


def _spell(command: str, resolved: Resolved, record: Record | None) -> str:
    """The command as one would type it in a clone, where `vectornator.toml` is at hand."""
    settings, is_plan = resolved.settings, bool(record and record.is_plan)
    words = ["vectornator", "plan" if is_plan and command == "sync" else command]
    words += ["--dry-run"] if is_plan and command == "repair" else []
    words += ["--provider", settings.provider]
    if record and record.commit and settings.source == "commit":
        words += ["--commit", record.commit]
    inside = {"default", DEFAULT_CONFIG_FILE, settings.config.name if settings.config else ""}
    for one in declarations(words[1]):
        is_typed = one.flag and one.option.group in _TYPED and one.name not in _UNTYPED
        if is_typed and resolved.origins[one.name] not in inside:
            match getattr(settings, one.name):
                case bool() as is_on:
                    words.append(one.flag if is_on else f"--no-{one.key}")
                case tuple() as items:
                    words += [one.flag, ",".join(items)]
                case value:
                    words += [one.flag, str(value)]
    return shlex.join(words)
