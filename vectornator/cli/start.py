"""The command `init`: asks what nobody said, writes the first files, and says what comes next."""

import shutil
import sys
from collections.abc import Callable
from typing import cast

from vectornator.cli.output import Output
from vectornator.errors import SettingsError
from vectornator.inputs import Resolved, resolve_settings
from vectornator.report.document import start_to_json, texts_to_json
from vectornator.report.escape import escape
from vectornator.report.words import fold_text
from vectornator.settings.values import parse_patterns
from vectornator.starter import (
    Choices,
    Ci,
    Draft,
    Surroundings,
    check_provider,
    compose_drafts,
    decide,
    explain_kept,
    list_choosable,
    list_steps,
    look_around,
    write_drafts,
)
from vectornator.survey import propose_patterns

_WIDEST = 100
"""In columns; longer lines are tiring to read."""


def start(resolved: Resolved, output: Output) -> int:
    """Write what is missing for a first sync, or with `dry_run` show it. Raises `SettingsError`."""
    surroundings = look_around(resolved.settings.repository)
    choices = _choose(resolved, surroundings, output)
    drafts = compose_drafts(choices, surroundings.root)
    if resolved.settings.dry_run:
        text = "\n".join(f"--- {draft.path}\n{draft.text}" for draft in drafts).rstrip()
        output.answer(text, lambda: texts_to_json({one.path: one.text for one in drafts}))
        return 0
    written, kept = write_drafts(surroundings.root, drafts)
    remarks = [explain_kept(surroundings.root, draft) for draft in kept]
    steps = list_steps(choices, drafts, has_commit=surroundings.has_commit)
    _tell(written, remarks, steps, output)
    return 0


def _tell(written: list[Draft], remarks: list[str], steps: list[str], output: Output) -> None:
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    lines = [escape(f"Wrote {draft.path}") for draft in written]
    lines += (line for remark in remarks for line in fold_text(remark, "", "  ", width))
    lines += ["", "Next:"]
    for number, step in enumerate(steps, 1):
        lines += fold_text(step, f"  {number}. ", "     ", width)
    paths = [draft.path for draft in written]
    output.answer(
        "\n".join(lines),
        lambda: start_to_json(paths, remarks, steps),
    )


def _choose(resolved: Resolved, surroundings: Surroundings, output: Output) -> Choices:
    """What the settings say, what the user answers, or else what was found."""
    settings, origins = resolved.settings, resolved.origins
    output.talk(f"Found {surroundings.survey}.")
    dialog = _Dialog(resolved)
    wanted = surroundings.ci if settings.ci == "auto" else settings.ci
    answer = dialog.ask("ci", "Which CI: github, gitlab or none?", wanted)
    ci = cast("Ci", surroundings.ci if answer == "auto" else answer)
    usual = "local" if ci == "none" else "openai"
    provider = dialog.ask(
        "provider",
        "Which provider: openai or local?",
        usual if origins["provider"] == "default" else settings.provider,
        lambda name: check_provider(name, ci),
    )
    if {origins["patterns"], origins["directory"]} != {"default"}:
        return decide(resolved, surroundings, ci, provider, ())
    proposed = propose_patterns(surroundings.survey) or settings.patterns
    patterns = dialog.ask("patterns", "Which documents?", ", ".join(proposed))
    return decide(resolved, surroundings, ci, provider, parse_patterns(patterns))


class _Dialog:
    """Questions on the terminal, if somebody is there who did not say by flags what they want."""

    def __init__(self, resolved: Resolved) -> None:
        settings = resolved.settings
        chosen = {"--ci", *(one.flag for one in list_choosable())}
        is_told = not chosen.isdisjoint(resolved.origins.values())
        is_silent = is_told or settings.quiet or settings.json_output
        self._is_on = bool(sys.stdin and sys.stdin.isatty() and not is_silent)
        self._resolved = resolved

    def ask(
        self,
        name: str,
        question: str,
        default: str,
        check: Callable[[str], None] = lambda _: None,
    ) -> str:
        """The answer for a setting, checked as it is; `default` where it is given elsewhere.

        A mere Return takes the default, and what is wrong is asked for again. Raises
        `SettingsError` at the end of the input.
        """
        is_known = self._resolved.origins[name] != "default"
        while self._is_on and not is_known:
            answer = _read_line(f"{question} [{escape(default)}] ") or default
            try:
                self._check(name, answer)
                check(answer)
            except SettingsError as error:
                sys.stderr.write(f"{escape(str(error))}\n")
            else:
                return answer
        return default

    def _check(self, name: str, text: str) -> None:
        flags = {"repository": str(self._resolved.settings.repository), name: text}
        resolve_settings(flags, {}, command="init")


def _read_line(prompt: str) -> str:
    sys.stderr.write(prompt)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise SettingsError(
            "The answer is missing, so nothing was written. With flags nothing is asked; see "
            "`vectornator init --help`."
        )
    return line.strip()
