"""What a command works with, opened from settings: repository, provider, state and source."""

import logging
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import Event

from vectornator.commits import Commits, IsAncestor, ask_nobody
from vectornator.deadline import Deadline
from vectornator.errors import (
    OutOfTime,
    SettingsError,
    SourceError,
    StateError,
    StateUnreadable,
    Withheld,
)
from vectornator.git import NotARepository, Repository
from vectornator.git.config import find_usual_remote, load_config
from vectornator.git.objects import Oid
from vectornator.git.remote import Patience as RemotePatience
from vectornator.git.remote import Remote, Terms
from vectornator.model import Binding, Document, path_key, to_config
from vectornator.origin import open_commit, open_folder
from vectornator.places import leads_out
from vectornator.proof import Proof
from vectornator.providers import provider_registry
from vectornator.providers.base import (
    ChangesAttributes,
    CountsRequests,
    ProviderConfig,
    VectorStoreProvider,
)
from vectornator.providers.layers import RetryPolicy, Traffic, dress
from vectornator.providers.patience import Patience
from vectornator.settings import Settings
from vectornator.source import Source
from vectornator.state import StateStore
from vectornator.state.file import FileStore
from vectornator.state.ledger import Ledger
from vectornator.state.notes import NotesStore, ref_of

_LOG = logging.getLogger("vectornator")

SCHEMA = "1"
"""The version of the attributes that every copy carries; part of the config fingerprint."""


@dataclass
class Session:
    """Everything a command needs, opened; what is dear to open is opened on first use."""

    settings: Settings
    environ: Mapping[str, str]
    clock: Callable[[], float]
    stop: Event
    """Set from outside when the run is to end early."""

    retry: RetryPolicy = field(default_factory=RetryPolicy)
    checkpoint_seconds: float = 60.0
    """How often a long run saves what it has done so far."""
    remote_terms: Terms | None = None
    """On which terms the remote is used, where not on the usual ones."""

    usual_patience: Patience = field(default_factory=Patience)
    now: Callable[[], float] = time.monotonic
    """Tells seconds that only grow, for the pace of calls."""
    is_ancestor: IsAncestor = ask_nobody

    @cached_property
    def repository(self) -> Repository | None:
        """The repository; None for a plain folder.

        Raises `SourceError` for one that is broken and for a folder that is not there: in a
        slip of the pen, git's search upwards would find another repository.
        """
        folder = self.settings.repository
        if not folder.is_dir():
            raise SourceError(f"{folder} is not a folder. Check -C (--repository).")
        try:
            return Repository.open(folder)
        except NotARepository:
            return None

    @property
    def git(self) -> Repository:
        """The repository, for what can't be done without one. Raises `NotARepository`."""
        if self.repository is None:
            raise NotARepository(self.settings.repository)
        return self.repository

    @cached_property
    def commits(self) -> Commits:
        """The commits of the repository. Raises `NotARepository`."""
        return Commits(self.git, lambda: self.remote, self.is_ancestor)

    @property
    def root(self) -> Path:
        """The folder that paths are relative to."""
        root = self.repository.root if self.repository else None
        return root or self.settings.repository.absolute()

    @cached_property
    def commit(self) -> Oid:
        """The commit that is asked for; empty for the work tree of a plain folder."""
        if self.repository is None and self.settings.source == "worktree":
            return ""
        return self.git.resolve(self.settings.commit)

    @cached_property
    def traffic(self) -> Traffic:
        """Counts the provider's requests and retries."""
        return Traffic()

    @property
    def requests(self) -> int:
        """How many requests the store was sent; where it does not tell, how many calls it had."""
        provider = self.bare_provider
        if isinstance(provider, CountsRequests):
            return provider.requests
        return self.traffic.requests.total()

    @cached_property
    def bare_provider(self) -> VectorStoreProvider:
        """The provider without layers, as it was registered."""
        return provider_registry.get(self.settings.provider, self._provider_config)

    @cached_property
    def provider(self) -> VectorStoreProvider:
        """The provider on the store that is asked for; where none is, on the ledger's."""
        bare = self.bare_provider
        if not bare.store_id and self.ledger and self.ledger.provider == bare.name:
            bare.initialize(replace(self._provider_config, store_id=self.ledger.store_id))
        return self.dressed

    @cached_property
    def dressed(self) -> VectorStoreProvider:
        """The provider with retry, pace and log around it, on the store the user named, if any."""
        return dress(
            self.bare_provider,
            retry=self.retry,
            requests_per_minute=self.settings.requests_per_minute,
            log=_LOG.debug if self.settings.verbose else None,
            wait=self.wait,
            now=self.now,
            traffic=self.traffic,
        )

    @property
    def _provider_config(self) -> ProviderConfig:
        settings = self.settings
        return ProviderConfig(
            store_id=settings.store_id,
            api_key=settings.api_key.get_secret_value(),
            root=self.root,
            concurrency=settings.concurrency,
            options=settings.provider_options(),
            environ=self.environ,
            wait=self.wait,
        )

    def _rest(self, seconds: float) -> None:
        """Let seconds pass before the remote is asked again, none of them after a stop."""
        self.stop.wait(seconds)

    @property
    def patience(self) -> Patience:
        """How long copies may take to become searchable."""
        limit = self.settings.index_timeout
        return replace(self.usual_patience, least=limit, each=0.0) if limit else self.usual_patience

    def wait(self, seconds: float) -> None:
        """Let seconds pass. Raises `Withheld` as soon as the run is asked to stop."""
        if self.stop.wait(seconds):
            raise Withheld("not tried again: the run was asked to stop")

    @cached_property
    def state(self) -> StateStore:
        """Where the ledger is kept; the ledger of a store that only this machine has stays here."""
        settings = self.settings
        if settings.metadata_storage == "file":
            self._check_place(settings.metadata_file)
            return FileStore(self.root / settings.metadata_file)
        remote = self.remote if self.bare_provider.is_shared else None
        return NotesStore(self.git, ref_of(settings.target), remote, self.clock)

    def _check_place(self, file: Path) -> None:
        if leads_out(self.root, file):
            raise StateError(
                f"{file} leads out of the repository through a symbolic link. Remove the link or "
                "choose another place with --metadata-file."
            )

    @cached_property
    def remote(self) -> Remote | None:
        """The remote that notes are shared through; None where there is none."""
        if self.repository is None or self.settings.remote == "none":
            return None
        config = load_config(self.repository, self.environ)
        name = self.settings.remote
        if name == "auto":
            name = find_usual_remote(config)
        token = self.settings.github_token.get_secret_value()
        terms = self.remote_terms or Terms(patience=RemotePatience(sleep=self._rest))
        return Remote.open(name, config, self.environ, token=token, terms=terms) if name else None

    @cached_property
    def ledger(self) -> Ledger | None:
        """The newest ledger, whether or not it is of the store in use. Raises `SettingsError`.

        That of another target is nobody else's: two of them in one file would undo each other.
        The ledger of another provider is not replaced by that of a store only this machine
        has: it is what everybody else goes by.
        """
        ledger, provider = self._load_ledger(), self.bare_provider
        if ledger and ledger.target != self.settings.target:
            raise SettingsError(
                f"{self.state.location} records the target {ledger.target!r}. Keep the target "
                f"{self.settings.target!r} apart with a --metadata-file of its own."
            )
        if ledger and ledger.provider != provider.name and not provider.is_shared:
            raise SettingsError(
                f"{self.state.location} records the {ledger.provider} store {ledger.store_id}. "
                f"Keep the {provider.name} store apart with --target {provider.name}."
            )
        return ledger

    def _load_ledger(self) -> Ledger | None:
        """Load the ledger; one that can't be read is none for a run that makes it anew."""
        try:
            return self.state.load()
        except StateUnreadable:
            if not self.settings.rebuild:
                raise
            self.state.start_over()
            return None

    def find_ledger(self) -> Ledger | None:
        """The newest ledger if it is of the store in use; one of another store is not applied."""
        ledger, provider = self.ledger, self.provider
        store = (provider.name, provider.store_id)
        return ledger if ledger and (ledger.provider, ledger.store_id) == store else None

    @cached_property
    def binding(self) -> Binding:
        """The ownership mark of this source and target.

        A repository that no host names is named after its folder; the ledger keeps that name
        when the folder is renamed. In a store that others share, that would be the name of each
        repository in a folder called so, and each would remove what others stored.
        """
        if self.settings.source_id:
            return Binding(self.settings.source_id, self.settings.target)
        source = self.repository.describe_source() if self.repository else f"local:{self.root.name}"
        ledger, provider = self.ledger, self.provider
        is_local = source.startswith("local:")
        if ledger and ledger.source.startswith("local:"):
            is_same_store = is_local and ledger.provider == provider.name
            if is_same_store or not provider.is_shared:
                return Binding(ledger.source, self.settings.target)
        if is_local and provider.is_shared:
            source = f"{source}-{path_key(self._describe_place())[:12]}"
        return Binding(source, self.settings.target)

    def _describe_place(self) -> str:
        """The machine and the folder that the repository, or the remote it is a clone of, is in."""
        place = self.repository.find_place() if self.repository else self.root.resolve()
        return f"{platform.node()}:{place}"

    @property
    def config(self) -> str:
        """The config fingerprint: of how the same bytes would be stored now, and described."""
        provider = self.provider
        rules = provider.attribute_rules if isinstance(provider, ChangesAttributes) else ""
        return to_config((provider.name, provider.fingerprint), (SCHEMA, rules))

    def open_source(self, commit: Oid | None = None) -> Source:
        """The documents of a commit, by default the one asked for, or of the work tree."""
        if self.settings.source == "worktree":
            return open_folder(self.settings, self.root, self.commit)
        return open_commit(self.settings, self.commits, commit or self.commit, asked=self.commit)

    def fetch_blobs(self, documents: Iterable[Document]) -> None:
        """See to it that the contents of documents of a commit are at hand."""
        if self.settings.source == "commit":
            self.commits.fetch_blobs(document.blob for document in documents)

    def list_dirty(self, source: Source) -> list[str]:
        """Some documents of the commit that lie changed in the work tree; a courtesy."""
        if self.repository is None or self.settings.source == "worktree":
            return []
        if self.environ.get("CI") or self.settings.commit != "HEAD":
            return []
        return self.repository.list_dirty(source.selection.is_chosen, limit=4)

    @property
    def mark_key(self) -> str:
        """The name under which the store remembers this target's last run."""
        return name_mark(self.binding)

    def set_goal(self, source: Source) -> Ledger:
        """The ledger that is true when everything of `source` settled."""
        provider, binding = self.provider, self.binding
        moment = datetime.fromtimestamp(self.clock(), UTC)
        return Ledger(
            provider=provider.name,
            store_id=provider.store_id,
            target=binding.target,
            source=binding.source,
            commit=source.commit,
            base=source.commit if source.tree else "",
            tree=source.tree,
            selection=source.selection.fingerprint,
            config=self.config,
            last_sync=moment.isoformat(timespec="seconds").replace("+00:00", "Z"),
        )

    def reload_ledger(self) -> Ledger | None:
        """Read the ledger again, after another run saved it."""
        vars(self).pop("ledger", None)
        return self.find_ledger()

    @cached_property
    def proof(self) -> Proof:
        """What the store itself says of its copies."""
        return Proof(self.provider, self.binding)

    def close(self) -> None:
        """Close whatever was opened."""
        opened = vars(self)
        if "bare_provider" in opened:
            self.bare_provider.cleanup()
        for name in ("remote", "repository"):
            if opened.get(name):
                opened[name].close()


@contextmanager
def open_session(
    settings: Settings,
    environ: Mapping[str, str],
    stop: Event | None = None,
    is_ancestor: IsAncestor = ask_nobody,
) -> Iterator[Session]:
    """The session of a command that ends when it is asked to by `stop`, or when its time is over.

    Raises `OutOfTime` for what was withheld because its time was over.
    """
    deadline = Deadline(stop or Event(), settings.timeout_minutes)
    session = Session(settings, environ, time.time, deadline, is_ancestor=is_ancestor)
    try:
        yield session
    except Withheld as error:
        if deadline.has_passed:
            raise OutOfTime from error
        raise
    finally:
        session.close()


def name_mark(binding: Binding) -> str:
    """The name under which a store remembers the last run of a source and target."""
    return "run-" + path_key(f"{binding.source}\n{binding.target}")[:16]
