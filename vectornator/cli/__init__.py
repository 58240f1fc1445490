"""The command line: from arguments to an exit code, with the one error handler."""

import gc
import io
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from vectornator.ci.facts import find_command
from vectornator.cli.job import Job
from vectornator.cli.output import Output
from vectornator.cli.parser import parse_arguments, print_completion, print_schema
from vectornator.errors import SettingsError, VectornatorError

_BROKEN_PIPE = 141
_INTERRUPTED = 130
_OUR_BUG = 70


def run() -> NoReturn:
    """Run the command of this process and end the process.

    A call to a store that hangs can't be ended, and the interpreter would wait for its
    thread; an interrupted run has saved what it did and leaves without it.
    """
    # A run makes many objects that live to its end, and few cycles: looking for them after
    # every 700 objects takes a tenth of a large plan.
    gc.set_threshold(100_000, 50, 50)
    _open_closed_streams()
    exit_code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    if any(thread.name.startswith("apply") for thread in threading.enumerate()):
        os._exit(exit_code)
    sys.exit(exit_code)


def _open_closed_streams() -> None:
    """Let what is written to a stream that the caller closed (`>&-`) go nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one command and return its exit code; nothing is raised.

    `argv` are the arguments after the program's name, `environ` the variables to read;
    by default those of this process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    variables = os.environ if environ is None else environ
    named = None if arguments else find_command(variables)
    output = Output.guess(arguments, variables)
    job = Job.open(variables, output, is_action=named is not None)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A path that the terminal can't spell must not end the command.
        sys.stdout.reconfigure(errors="backslashreplace")
    with job.order_streams():
        return _guard([named] if named else arguments, variables, output, job)


def _guard(argv: Sequence[str], environ: Mapping[str, str], output: Output, job: Job) -> int:
    """Run one command; whatever ends it becomes an exit code."""
    try:
        exit_code = _run(argv, environ, output, job)
        job.finish()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone; the interpreter must not try to flush to it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except SystemExit as done:  # argparse has printed help or the version
        return done.code if isinstance(done.code, int) else 0
    except Exception as error:  # noqa: BLE001  (the one handler: every error ends in one line)
        exit_code = _explain(error, output)
        job.finish(error)
    return exit_code


def _run(argv: Sequence[str], environ: Mapping[str, str], output: Output, job: Job) -> int:
    arguments = parse_arguments(argv)
    if arguments.command == "completion":
        print_completion(arguments.shell)
        return 0
    if arguments.command == "schema":
        print_schema(arguments.kind)
        return 0
    _check_folder()
    # The engine brings git and the providers along, which help and typing errors can do without.
    from vectornator.cli.commands import run_command  # noqa: PLC0415  (see above)

    return run_command(arguments, environ, output, job)


def _check_folder() -> None:
    """Raise `SettingsError` where the current folder was deleted: every path hangs on it."""
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise SettingsError("The current folder is gone. Go to one that exists.") from error


def _explain(error: Exception, output: Output) -> int:
    """Tell what went wrong, in one line, and choose the exit code."""
    if isinstance(error, VectornatorError):
        output.fail(error.reason, str(error), error)
        return error.exit_code
    if isinstance(error, OSError):
        output.fail("system", f"{error}. Check the disk and the permissions.", error)
        return _OUR_BUG
    output.fail(
        "internal",
        f"{type(error).__name__}: {error}. This is a bug of ours: please report it with the"
        " trace that --verbose shows.",
        error,
    )
    return _OUR_BUG
