"""Every error this package raises on purpose, sorted by what the caller may still do.

* `VectornatorError`
    * `SettingsError`     nothing ran; the user fixes a setting or the repository   (exit 2)
        * `SourceError`   the repository or its documents can't be read             (exit 2)
    * `Refused`           a brake stopped the plan; nothing was changed             (exit 3)
    * `ProviderError`
        * `Transient`     the same call may work later                              (retried)
            * `Throttled` too many calls of its kind were made                      (and slower)
        * `Rejected`      this document will never be accepted                      (skipped)
            * `Foreign`   the store's own attributes say that a copy is not ours    (left alone)
        * `Withheld`      not tried, because something else was lost                (next run)
        * `Fatal`         no further call can work                                  (exit 4)
            * `NoCredentials`   nothing was given that lets a call in         (plans go without)
            * `WrongOption`     an option of the provider is wrong; nothing ran       (exit 2)
            * `Expired`         the store has lost what it held            (name another one)
    * `StateError`        the ledger can't be read or saved                         (exit 5)
        * `StateUnreadable` what is kept is damaged: `repair --rebuild` makes it anew
        * `StateConflict` another run saved first: load, merge and save again       (retried)
    * `Interrupted`       a signal asked the run to stop; what was done is saved    (exit 130, 143)
    * `OutOfTime`         the time of the run is over; what was done is saved       (exit 124)

A failed document is a value (`model.Failed`), never an exception.
"""

from collections.abc import Iterable

_SAVED = " What was done is saved; the next run goes on."


class VectornatorError(Exception):
    """One line for the user: what is wrong, where it came from, what to do next."""

    exit_code = 70
    """The exit code of the command that ends with this error."""

    reason = "internal"
    """A stable word for machines: the `failure-reason` of the run."""


class SettingsError(VectornatorError):
    """A setting is wrong or settings contradict each other; nothing ran."""

    exit_code = 2
    reason = "config"


class SourceError(SettingsError):
    """The repository, the commit or its documents can't be read; nothing ran."""

    reason = "source"


class Refused(VectornatorError):
    """A brake stopped the run before its first change.

    `reason` names the brake (`empty-source`, `delete-limit`, …); the message
    carries the numbers and the override.
    """

    exit_code = 3

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class ProviderError(VectornatorError):
    """A provider could not do what it was asked."""

    exit_code = 4
    reason = "store"


class Transient(ProviderError):
    """The same call may work later; `retry_after` is the server's wish in seconds."""

    reason = "unavailable"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Throttled(Transient):
    """The store takes no more calls of this kind for now; this one was not carried out."""

    reason = "rate-limited"


class Rejected(ProviderError):
    """One document will never be accepted; others may be."""

    reason = "rejected"


class Foreign(Rejected):
    """The store's own attributes say that a copy is not ours; it was left alone."""

    reason = "foreign"


class Withheld(ProviderError):
    """A change that was not tried because something before it was lost; the next run does it."""

    reason = "withheld"


class Fatal(ProviderError):
    """No further call can work: bad credentials, no such store, a corrupt file.

    `reason` is `auth`, `store-not-found`, `quota` or `store`; of a service that is down, that of
    the last try.
    """

    def __init__(self, message: str, *, reason: str = "store") -> None:
        super().__init__(message)
        self.reason = reason


class Expired(Fatal):
    """The store, called `name`, has lost what it held and takes no more."""

    def __init__(self, message: str, *, name: str) -> None:
        super().__init__(message, reason="store-not-found")
        self.name = name


class NoCredentials(Fatal):
    """Nothing was given that lets a call in: no key, and nobody vouches for the job."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="auth")


class WrongOption(Fatal):
    """An option that only the provider understands is wrong; nothing ran."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="config")


class StateError(VectornatorError):
    """The ledger can't be read or saved; the store was not touched after this."""

    exit_code = 5
    reason = "state"


class StateUnreadable(StateError):
    """What is kept can be had, and is no ledger; a run that makes it anew need not read it."""


class StateConflict(StateError):
    """Another run saved its ledger after this one was loaded.

    Nothing was written. The outcomes of this run are still true: load again,
    merge them into what was loaded, and save once more.
    """

    reason = "state-conflict"


class Interrupted(VectornatorError):
    """A signal asked the run to stop; outcomes so far are saved, if there was time."""

    reason = "interrupted"

    def __init__(self, signal_number: int, *, is_saved: bool = True) -> None:
        super().__init__(f"Stopped by a signal.{_SAVED if is_saved else ''}")
        self.exit_code = 128 + signal_number


class OutOfTime(VectornatorError):
    """The time that the run was given is over; outcomes so far are saved, if there was time."""

    exit_code = 124  # that of coreutils' `timeout`
    reason = "timeout"

    def __init__(self, *, is_saved: bool = True) -> None:
        saved = _SAVED if is_saved else ""
        super().__init__(f"Stopped: the time set by --timeout-minutes is over.{saved}")


def list_choices(choices: Iterable[str]) -> str:
    """Spell out valid values for an error message: `a, b or c`."""
    names = sorted(choices)
    if len(names) < 2:  # noqa: PLR2004  (one name needs no "or")
        return "".join(names)
    return f"{', '.join(names[:-1])} or {names[-1]}"
