"""What each command does: ask the engine, and write the answer down."""

import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from vectornator import __version__, doctor, queries
from vectornator import sync as engine
from vectornator.adopt import adopt
from vectornator.cli.job import Job
from vectornator.cli.log import follow_log
from vectornator.cli.output import Output
from vectornator.cli.signals import PATIENCE, catch_signals
from vectornator.errors import Interrupted, OutOfTime
from vectornator.inputs import Resolved
from vectornator.report import adoptions, answers, diagnosis, document, findings
from vectornator.report.console import LineObserver, QuietObserver
from vectornator.report.escape import escape
from vectornator.report.plans import render_record
from vectornator.report.record import Adopted, Record
from vectornator.settings import Settings, declarations

_DIFFERENCES = 20
_WIDEST = 100
"""In columns; longer lines are tiring to read."""

_LOCAL_STORE = ".vectornator/store.db"


@dataclass(frozen=True, slots=True)
class Call:
    """One command with everything it was given."""

    command: str
    argument: str
    """The query of a search, the name of a new store; empty for other commands."""

    resolved: Resolved
    environ: Mapping[str, str]
    output: Output
    job: Job

    @property
    def settings(self) -> Settings:
        """The settings, whoever gave them."""
        return self.resolved.settings


def run_command(arguments: Namespace, environ: Mapping[str, str], output: Output, job: Job) -> int:
    """Carry out the command that `arguments` name and return its exit code.

    Raises `VectornatorError`.
    """
    given = dict(vars(arguments))
    command = given.pop("command")
    argument = given.pop("query", given.pop("name", ""))
    resolved = job.resolve(given, environ, command)
    output.adopt(resolved.settings, environ)
    for line in introduce(resolved) if command not in _SELF_EXPLAINING else ():
        output.talk(line)
    settings = job.admit(resolved.settings)
    if command != "repair":  # a variable may be meant for another command
        settings = settings.model_copy(update={"rebuild": False, "orphans": False})
    call = Call(command, argument, replace(resolved, settings=settings), environ, output, job)
    if command in _RUNS and not settings.orphans:
        return _run(call)
    with catch_signals(), follow_log(output.talk, is_on=output.is_verbose):
        return _LOOK_UPS[command](call)


def introduce(resolved: Resolved) -> Iterator[str]:
    """Say what is about to be used, and where it is known from if everything is to be shown."""
    settings = resolved.settings
    store = settings.store_id or (_LOCAL_STORE if settings.provider == "local" else "")
    named = (
        f"{settings.provider} store {store}".strip() if store else f"{settings.provider} provider"
    )
    yield f"vectornator {__version__} · {named} · {settings.target} target"
    if settings.verbose:
        origins = ((one.key, resolved.origins[one.name]) for one in declarations())
        yield from (
            f"  {key} comes from {origin}" for key, origin in origins if origin != "default"
        )
    yield from (f"note: {remark}" for remark in resolved.remarks)


def judge(record: Record, settings: Settings) -> int:
    """The exit code that the user wants for a run that ended this way."""
    if settings.detailed_exitcode and record.is_plan and record.changed:
        return _DIFFERENCES
    if settings.fail_on == "never" and record.failures and record.exit_code == 1:
        return 0
    return record.exit_code


def _run(call: Call) -> int:
    """Sync, plan or repair, with an audience, and in a way that signals can end."""
    settings, output, run = call.settings, call.output, _RUNS[call.command]
    minutes = settings.timeout_minutes
    with catch_signals(patience=PATIENCE, minutes=minutes) as caught, _observe(call) as observer:
        try:
            with follow_log(observer.log, is_on=output.is_verbose):
                record = run(settings, observer, call.environ, caught.stop, call.job.is_ancestor)
        finally:
            output.record = observer.record
    if record.status == "interrupted":
        raise Interrupted(caught.number) if caught.stop.is_set() else OutOfTime
    _show_record(record, call)
    return judge(record, settings)


def _observe(call: Call) -> QuietObserver:
    """The audience that suits the terminal and the settings."""
    settings, paint = call.settings, call.output.talk_paint
    if settings.quiet:
        return QuietObserver(sys.stderr, paint)
    is_plan = call.command == "plan" or settings.dry_run
    if call.job.runner:
        from vectornator.ci.observer import RunnerObserver  # noqa: PLC0415  (requests, 0.1 s)

        return RunnerObserver(
            sys.stderr,
            call.job.runner,
            paint,
            is_verbose=settings.verbose,
            shows_plan=not is_plan,
        )
    if paint.is_on and sys.stderr.isatty():
        from vectornator.report.terminal import TerminalObserver  # noqa: PLC0415  (rich, 0.1 s)

        return TerminalObserver(
            sys.stderr, paint, is_verbose=settings.verbose, shows_plan=not is_plan
        )
    return LineObserver(sys.stderr, paint, is_verbose=settings.verbose, shows_plan=not is_plan)


def _show_record(record: Record, call: Call) -> None:
    output = call.output
    # A plan is what was asked for, so even those who want silence get it.
    if output.is_quiet and not output.is_json and not record.is_plan:
        return
    text = render_record(record, paint=output.data_paint, is_whole=call.settings.verbose)
    output.answer(text, lambda: document.to_json_document(record))
    if record.is_plan and call.command != "plan":
        output.talk("Nothing was changed: this was a dry run.")


def _verify(call: Call) -> int:
    found = queries.verify(
        call.settings, call.environ, lambda words: call.output.talk(f"{words} …")
    )
    for remark in found.remarks:
        call.output.talk(f"note: {remark}")
    paint, is_whole = call.output.data_paint, call.settings.verbose
    text = findings.render_verification(found, paint=paint, is_whole=is_whole)
    call.output.answer(text, lambda: document.verification_to_json(found))
    return 0 if found.is_in_line else _DIFFERENCES


def _adopt(call: Call) -> int:
    output = call.output

    def announce(planned: Adopted) -> None:
        if not planned.is_dry:
            output.talk(f"Taking over {adoptions.summarise_adoption(planned)} …")

    minutes = call.settings.timeout_minutes
    with catch_signals(patience=PATIENCE, minutes=minutes) as caught:
        found = adopt(
            call.settings,
            call.environ,
            lambda words: output.talk(f"{words} …"),
            announce,
            caught.stop,
        )
    for remark in found.remarks:
        output.talk(f"note: {remark}")
    paint, is_whole = output.data_paint, call.settings.verbose
    text = adoptions.render_adoption(found, paint=paint, is_whole=is_whole)
    output.answer(text, lambda: document.adopted_to_json(found))
    if found.is_dry:
        output.talk("Nothing was changed: this was a dry run.")
    if found.is_interrupted:
        raise Interrupted(caught.number) if caught.stop.is_set() else OutOfTime
    return 0 if found.is_whole else 1


def _list_orphans(call: Call) -> int:
    orphans = queries.list_orphans(call.settings, call.environ)
    call.output.answer(findings.render_orphans(orphans), lambda: document.orphans_to_json(orphans))
    call.output.talk(findings.summarise_orphans(orphans))
    return 0


def _list(call: Call) -> int:
    found = queries.list_files(call.settings, call.environ)
    files = sorted(found, key=lambda file: (not file.path, file.path))
    call.output.answer(answers.render_files(files), lambda: document.files_to_json(files))
    call.output.talk(answers.summarise_files(files))
    return 0


def _search(call: Call) -> int:
    hits = queries.search(call.settings, call.environ, call.argument)
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    text = answers.render_hits(hits, call.argument, paint=call.output.data_paint, width=width)
    call.output.answer(text, lambda: document.hits_to_json(hits))
    if not hits:
        call.output.talk("Nothing was found.")
    return 0


def _create_store(call: Call) -> int:
    store_id = queries.create_store(call.settings, call.environ, call.argument)
    call.output.answer(escape(store_id), lambda: document.store_to_json(store_id))
    return 0


def _show_metadata(call: Call) -> int:
    given = call.settings.commit if "commit" in call.settings.model_fields_set else None
    metadata = queries.show_metadata(call.settings, call.environ, given)
    call.output.answer(answers.render_metadata(metadata), lambda: metadata)
    return 0


def _status(call: Call) -> int:
    status = queries.read_status(call.settings, call.environ)
    text = answers.render_status(status, paint=call.output.data_paint)
    call.output.answer(text, lambda: document.status_to_json(status))
    return 0


def _log(call: Call) -> int:
    entries = queries.read_log(call.settings, call.environ)
    text = answers.render_log(entries, paint=call.output.data_paint)
    call.output.answer(text, lambda: document.log_to_json(entries))
    return 0


def _doctor(call: Call) -> int:
    found = list(doctor.examine(call.resolved, call.environ))
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    text = diagnosis.render_diagnoses(found, paint=call.output.data_paint, width=width)
    call.output.answer(text, lambda: document.diagnoses_to_json(found))
    return diagnosis.judge_diagnoses(found)


def _init(call: Call) -> int:
    from vectornator.cli.start import start  # noqa: PLC0415  (only this command pays for it)

    return start(call.resolved, call.output)


_SELF_EXPLAINING = {"init", "doctor"}
"""The commands that say themselves what they go by."""

_RUNS = {"sync": engine.sync, "plan": engine.plan, "repair": engine.repair}

_LOOK_UPS: Mapping[str, Callable[[Call], int]] = {
    "verify": _verify,
    "repair": _list_orphans,
    "adopt": _adopt,
    "list": _list,
    "search": _search,
    "create-store": _create_store,
    "show-metadata": _show_metadata,
    "status": _status,
    "log": _log,
    "init": _init,
    "doctor": _doctor,
}
