"""The checkup: everything that a sync needs, looked at in the order in which a sync needs it.

Nothing is changed anywhere. What a check raises is what a sync would end with.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cached_property, partial
from threading import Event
from typing import TypeVar, assert_never

from vectornator import __version__
from vectornator.errors import Fatal, ProviderError, SettingsError, Transient, VectornatorError
from vectornator.git import NotARepository
from vectornator.git.remote import Patience, Remote, Terms, Timeouts
from vectornator.inputs import Resolved
from vectornator.journal import check_source
from vectornator.model import Skip
from vectornator.providers.base import FindsStore, VectorStoreProvider
from vectornator.providers.layers import RetryPolicy
from vectornator.report.diagnosis import Diagnosis
from vectornator.report.words import count, join_parts, to_short
from vectornator.scanner import load_scanner
from vectornator.session import Session
from vectornator.settings import declarations
from vectornator.source import list_paths
from vectornator.state.notes import ref_of
from vectornator.survey import propose_patterns, survey_paths

_TERMS = Terms(timeouts=Timeouts(connect=5, read=15), patience=Patience(tries=1))
"""A remote that is slower than this is worth telling about."""

_RETRY = RetryPolicy(attempts=2, budget=5, first=0.5)
SECONDS = 20.0
"""How long the store may take to answer."""

_ACCEPTED = {"store-not-found", "quota"}
"""The reasons of refusals that only somebody with a key hears."""

_T = TypeVar("_T")


def examine(resolved: Resolved, environ: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Yield what each check finds. Raises nothing: an error of ours is a diagnosis."""
    session = Session(
        resolved.settings, environ, time.time, Event(), retry=_RETRY, remote_terms=_TERMS
    )
    try:
        yield from Checkup(session, resolved).carry_out()
    finally:
        session.close()


class Checkup:
    """The checks of one session; what one of them opened, the next ones use."""

    def __init__(self, session: Session, resolved: Resolved) -> None:
        self._session = session
        self._settings = session.settings
        self._resolved = resolved
        self._broken: dict[str, str] = {}
        """The checks that failed or that others kept from being done, and which to mend first."""

    def carry_out(self) -> Iterator[Diagnosis]:
        """Do every check whose ground is sound."""
        for check in CHECKS:
            cause = next((self._broken[it] for it in check.needs if it in self._broken), "")
            if cause:
                diagnosis = Diagnosis(check.name, "skip", f"not checked: {cause} comes first")
            else:
                diagnosis = self._try(check)
            if cause or diagnosis.verdict == "fail":
                self._broken[check.name] = cause or check.name
            yield diagnosis

    def _try(self, check: "Check") -> Diagnosis:
        try:
            return check.run(self)
        except VectornatorError as error:
            return Diagnosis.from_error(check.name, error)

    def check_settings(self) -> Diagnosis:
        """Tell what the settings are and who gave them; wrong ones end a command before this."""
        given: dict[str, list[str]] = {}
        for one in declarations():
            if (origin := self._resolved.origins[one.name]) not in {"default", one.flag}:
                given.setdefault(origin, []).append(one.key)
        flags = [one.flag for one in declarations() if self._resolved.origins[one.name] == one.flag]
        origins = [f"{origin} ({', '.join(sorted(keys))})" for origin, keys in given.items()]
        settings = self._settings
        found = (
            f"vectornator {__version__}, {settings.provider} provider, {settings.target} target; "
            f"{', '.join([*flags, *origins]) or 'nothing but defaults'}"
        )
        remarks = " ".join(f"{remark}." for remark in self._resolved.remarks)
        return Diagnosis("settings", "warn" if remarks else "ok", found, remarks)

    def check_repository(self) -> Diagnosis:
        """Tell what kind of repository it is. Raises `SourceError` without one that is needed."""
        session, settings = self._session, self._settings
        repository = session.repository
        if repository is None:
            if settings.source == "commit" or settings.metadata_storage == "git-notes":
                raise NotARepository(settings.repository)
            return Diagnosis("repository", "ok", f"{session.root} is a plain folder, as was asked")
        kind = ""
        if repository.shallow:
            kind = ", a shallow clone: no deeper one is needed, a sync fetches the trees it lacks"
        return Diagnosis("repository", "ok", f"{repository.root or repository.git_dir}{kind}")

    def check_commit(self) -> Diagnosis:
        """Tell which commit is synced."""
        commit = self._session.commit
        if self._settings.source == "worktree":
            return Diagnosis("commit", "skip", "the files are read from the disk, as was asked")
        subject = self._session.git.read_commit(commit).message.partition("\n")[0]
        return Diagnosis("commit", "ok", f"{to_short(commit)} {subject}")

    def check_documents(self) -> Diagnosis:
        """Count the documents, and the files left out, by reason."""
        skipped: Counter[str] = Counter()
        documents = 0
        for item in self._session.open_source().list_documents():
            if isinstance(item, Skip):
                skipped[item.reason] += 1
            else:
                documents += 1
        reasons = join_parts(f"{number:,} {reason}" for reason, number in skipped.most_common())
        left_out = f"{count(skipped.total(), 'file')} left out ({reasons})" if skipped else ""
        if documents:
            return Diagnosis(
                "documents", "ok", join_parts((count(documents, "document"), left_out))
            )
        return self._miss_documents(left_out)

    def _miss_documents(self, left_out: str) -> Diagnosis:
        settings = self._settings
        where = f" below {settings.directory}" if settings.directory else ""
        error = SettingsError(f"Nothing{where} is taken by {', '.join(settings.patterns)}.")
        found = f"{error} {left_out}." if left_out else str(error)
        advice = "Correct patterns, exclude or directory."
        if self._session.repository and self._session.commit:
            survey = survey_paths(list_paths(self._session.git, self._session.commit))
            proposed = ", ".join(f'"{one}"' for one in propose_patterns(survey))
            advice += f" The commit has {survey}"
            advice += f": try patterns = [{proposed}]." if proposed else "."
        return Diagnosis(
            "documents", "fail", found, advice, "empty-source", SettingsError.exit_code
        )

    def check_secrets(self) -> Diagnosis:
        """Load the secret scanner, which must find a made-up token. Raises `SettingsError`."""
        match self._settings.secret_scan:
            case "off":
                return Diagnosis("secrets", "skip", "not looked for, as was asked")
            case "block":
                load_scanner()
                return Diagnosis("secrets", "ok", "the scanner works; a secret stops a run")
            case "warn":
                return self._look_for_scanner()
            case unknown:
                assert_never(unknown)

    def _look_for_scanner(self) -> Diagnosis:
        try:
            load_scanner()
        except SettingsError as error:
            return Diagnosis("secrets", "warn", f"Nothing is searched for secrets. {error}")
        return Diagnosis("secrets", "ok", "the scanner works; secrets are told and sent")

    def check_provider(self) -> Diagnosis:
        """Open the provider, which asks nobody; tell what it lacks here."""
        provider = self._session.bare_provider
        remarks = " ".join(getattr(provider, "remarks", ()))
        if self._session.environ.get("CI") and not provider.is_shared:
            found = f"The {provider.name} store is on this machine, which goes with the CI job."
            return Diagnosis(
                "provider", "warn", found, "Choose another, such as --provider openai."
            )
        return Diagnosis(
            "provider", "warn" if remarks else "ok", f"{provider.name} is installed", remarks
        )

    # The state.

    def check_remote(self) -> Diagnosis:
        """Ask the remote for the notes ref."""
        remote = self._find_remote()
        if not isinstance(remote, Remote):
            return remote
        ref = ref_of(self._settings.target)
        tip = remote.list_refs(ref).get(ref)
        at = f"is at {to_short(tip)}" if tip else "is not there yet: the first sync makes it"
        return Diagnosis("remote", "ok", f"{remote.url} answers; {ref} {at}")

    def _find_remote(self) -> Remote | Diagnosis:
        """The remote that shares the notes, or why there is none."""
        if self._settings.metadata_storage == "file":
            return Diagnosis("remote", "skip", "not needed: the state is kept in a file")
        if not self._session.bare_provider.is_shared:
            return Diagnosis("remote", "skip", "not needed: only this machine has the store")
        if self._session.remote:
            return self._session.remote
        if self._settings.remote == "none":
            return Diagnosis("remote", "skip", "none is wanted")
        return Diagnosis(
            "remote",
            "warn",
            "There is none: the state stays in this clone, and no other will know of it.",
            "Add one with `git remote add origin URL`, or name one with --remote.",
        )

    def check_state(self) -> Diagnosis:
        """Read the ledger; it must be of this source."""
        session = self._session
        ledger, location = session.ledger, session.state.location
        if ledger is None:
            return Diagnosis("state", "ok", f"nothing is recorded yet in {location}")
        check_source(ledger, session.binding)
        at = f" of {to_short(ledger.base)}" if ledger.base else ""
        found = f"{location}: {count(ledger.documents, 'document')}{at}, {ledger.last_sync}"
        if ledger.provider != self._settings.provider:
            return Diagnosis(
                "state",
                "warn",
                f"{location} is of the {ledger.provider} store {ledger.store_id}.",
                f"A sync stores every document anew with {self._settings.provider}; to go on with "
                f"the other one, pass --provider {ledger.provider}.",
            )
        if ledger.ahead or ledger.leftovers:
            return Diagnosis("state", "warn", found, "The last sync did not complete; sync again.")
        return Diagnosis("state", "ok", found)

    def check_push(self) -> Diagnosis:
        """Begin a push of nothing."""
        remote = self._find_remote()
        if not isinstance(remote, Remote):
            return Diagnosis("push", "skip", "nothing is pushed")
        remote.ask_to_push()
        by = f" ({remote.credential})" if remote.credential else ""
        return Diagnosis(
            "push",
            "ok",
            f"{remote.url} lets us in to push{by}; nothing was sent, so hooks and rules there "
            "had no say yet",
        )

    # The store.

    @cached_property
    def _provider(self) -> VectorStoreProvider:
        """The provider on the store in use; where the ledger can't be read, on the user's."""
        return self._session.dressed if "state" in self._broken else self._session.provider

    @cached_property
    def _named(self) -> str:
        """The id of the store before anybody was asked: the user's, or else the ledger's."""
        return self._provider.store_id

    @cached_property
    def _answer(self) -> bool | ProviderError | None:
        """Whether the store exists, or why that can't be told; None where nobody can be asked."""
        try:
            return self._ask()
        except ProviderError as error:
            return error

    def _ask(self) -> bool | None:
        """Ask for the store by its id, then by its name.

        Where no store is named at all, one is looked for by the name of the folder: the
        answer tells whether the key is accepted.
        """
        provider, named, name = self._provider, self._named, self._settings.store_name
        if named and call_within(SECONDS, provider.verify_store):
            return True
        if self._settings.store_id or (named and not name) or not provider.is_shared:
            return False
        if not isinstance(provider, FindsStore):
            return False if named else None
        name = name or self._session.root.name
        return bool(call_within(SECONDS, partial(provider.use_store, name)))

    def check_key(self) -> Diagnosis:
        """Tell whether the store accepts the key."""
        if not self._session.bare_provider.is_shared:
            return Diagnosis("key", "skip", f"the {self._settings.provider} provider needs none")
        origin = self._resolved.origins["api_key"]
        given = "none is given" if origin == "default" else f"given by {origin}"
        match self._answer:
            case None:
                return Diagnosis("key", "skip", f"{given}; not tried, because no store is named")
            case Fatal(reason="auth") as error:
                raise error
            case ProviderError(reason=reason) if reason not in _ACCEPTED:
                return Diagnosis("key", "skip", f"{given}; not known whether it is accepted")
            case _ if origin == "default":
                return Diagnosis("key", "ok", "none is given, and none is needed")
            case _:
                return Diagnosis("key", "ok", f"{given}, and accepted")

    def check_store(self) -> Diagnosis:
        """Tell whether the store exists, or what a sync would do about it."""
        settings, named, name = self._settings, self._named, self._settings.store_name
        answer = self._answer
        if isinstance(answer, Fatal):
            raise answer
        if isinstance(answer, ProviderError):
            advice = "Check the network, a proxy and --base-url; then try again."
            return replace(Diagnosis.from_error("store", answer), advice=advice)
        if answer and (named or name):
            store_id = self._provider.store_id
            by = f", found by its name {name!r}" if store_id != named else ""
            return Diagnosis("store", "ok", f"{store_id} exists{by}")
        if not self._provider.is_shared:
            return Diagnosis("store", "ok", "none yet: the first sync makes it")
        if named and name and not settings.store_id:
            gone = f"The store {named}, which the ledger names, is gone."
            advice = f"A sync makes one called {name!r}, and stores every document anew."
            return Diagnosis("store", "warn", gone, advice)
        if name and not settings.store_id:
            return Diagnosis("store", "ok", f"none is called {name!r} yet: the first sync makes it")
        if not named and "state" in self._broken:
            return Diagnosis("store", "skip", "not known: the ledger that names it can't be read")
        raise self._explain_missing()

    def _explain_missing(self) -> VectornatorError:
        kind, named = self._provider.name, self._named
        if named:
            origin = self._resolved.origins["store_id"]
            whose = "the ledger" if origin == "default" else origin
            return Fatal(
                f"There is no {kind} store {named}, which {whose} names. Correct --store-id, or "
                "name the store that a sync should make with --store-name.",
                reason="store-not-found",
            )
        taken = f" One is called {self._session.root.name!r}." if self._answer else ""
        return SettingsError(
            f"No {kind} store is named.{taken} Set store-name in vectornator.toml; a sync makes "
            "the store if there is none of that name."
        )


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a checkup."""

    name: str
    run: Callable[[Checkup], Diagnosis]
    needs: tuple[str, ...] = ()
    """The checks without which it says nothing new."""


CHECKS = (
    Check("settings", Checkup.check_settings),
    Check("repository", Checkup.check_repository),
    Check("commit", Checkup.check_commit, ("repository",)),
    Check("documents", Checkup.check_documents, ("commit",)),
    Check("secrets", Checkup.check_secrets),
    Check("provider", Checkup.check_provider),
    Check("remote", Checkup.check_remote, ("repository", "provider")),
    Check("state", Checkup.check_state, ("remote",)),
    Check("push", Checkup.check_push, ("remote",)),
    Check("key", Checkup.check_key, ("repository", "provider")),
    Check("store", Checkup.check_store, ("key",)),
)
"""Every check, in the order in which a sync depends on them."""


def call_within(seconds: float, call: Callable[[], _T]) -> _T:
    """The value of a call that may hang, or what it raises; `Transient` if it takes too long.

    The thread that is given up on ends with the process.
    """
    answer: Future[_T] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001  (raised where the answer is waited for)
            answer.set_exception(error)

    threading.Thread(target=run, name="doctor", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError as error:
        raise Transient(f"No answer within {seconds:.0f} s. Try again later.") from error
