"""The plan of a round: what the source says of the paths in question, held against the manifest."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from vectornator.errors import SettingsError
from vectornator.git.objects import MissingObject
from vectornator.journal import Journal
from vectornator.model import Document, Leak, Plan, Skip
from vectornator.plan import Candidates, hold_leaks, make_plan, screen_plan
from vectornator.providers.base import ChangesAttributes
from vectornator.scanner import FindLeaks, judge_name, open_scanner
from vectornator.session import Session
from vectornator.source import CommitSource, Source, inspect_content
from vectornator.state.ledger import Ledger

MAX_INSPECTED = 2000
"""How many documents a plan reads to judge their content; a sync reads all it sends."""

MOST_LEAKS = 10
"""How many leaks of one document are told: one stops a run, and each costs time to name."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans; `tell` hears what it is at, `remark` what the user should know."""

    session: Session
    journal: Journal
    tell: Callable[[str], None]
    remark: Callable[[str], None]
    is_sending: bool = False
    """Whether what is planned is to be sent, and so must be searched for secrets."""

    def plan_round(self, source: Source, goal: Ledger, *, force: bool) -> Plan:
        """What must change for `goal` to be true; `force` sends every document again."""
        if self.journal.is_settled(goal) and not force:
            return Plan(unchanged=self.journal.documents)
        candidates = self._find_changes(source, goal, force=force)
        if candidates is None:
            candidates = self.list_candidates(source)
        return self.compare(source, candidates, goal.config, force=force)

    def list_candidates(self, source: Source) -> Candidates:
        """Everything that the source or the manifest has."""
        self.tell("Reading the whole tree" if source.tree else "Reading the folder")
        found = {document.path: document for document in source.list_documents()}
        return {**dict.fromkeys(self.journal.read_manifest()), **found}

    def compare(
        self, source: Source, candidates: Candidates, config: str, *, force: bool = False
    ) -> Plan:
        """The plan for `candidates`, contents considered."""
        provider = self.session.provider
        todo = make_plan(
            candidates,
            self.journal.read_manifest(candidates),
            known=self.journal.documents,
            config=config,
            force=force,
            max_size=int(self.session.settings.max_file_size),
            form_of=provider.form_of if isinstance(provider, ChangesAttributes) else None,
        )
        return self._inspect(todo, source, config)

    def _find_changes(self, source: Source, goal: Ledger, *, force: bool) -> Candidates | None:
        """The paths that the diff from the base leaves in question; None when it can't tell."""
        ledger = self.journal.ledger
        if not isinstance(source, CommitSource) or ledger is None or not ledger.tree or force:
            return None
        is_comparable = (ledger.selection, ledger.config) == (goal.selection, goal.config)
        if not is_comparable or self.journal.is_refreshed:
            return None
        try:
            changes = source.find_changes(ledger.tree)
        except MissingObject:
            if not self.session.commits.fetch_base(ledger.base, source.commit):
                return None
            changes = source.find_changes(ledger.tree)
        unsettled = (ledger.ahead | self.journal.edits.after.keys()) - changes.keys()
        return {**changes, **source.look_up(sorted(unsettled))}

    def _inspect(self, todo: Plan, source: Source, config: str) -> Plan:
        """Read what would be sent, and let its content have a say."""
        settings = self.session.settings
        sends = [change.document for change in todo.sends]
        is_long = len(sends) > MAX_INSPECTED and settings.max_bytes is None
        if settings.dry_run and is_long:
            self.remark(
                f"{len(sends)} documents were judged by path alone. A sync reads them too, looks "
                "for secrets, and skips what turns out to be binary, too large or a pointer to LFS."
            )
            return hold_leaks(todo, self._judge_names(sends))
        described = () if settings.dry_run else todo.attribute_changes
        self.session.fetch_blobs([*sends, *(change.document for change in described)])
        find_leaks = self._open_scanner() if sends else _find_none
        limit = int(settings.max_file_size)
        inspected: dict[str, Document | Skip] = {}
        leaks = self._judge_names(sends)
        for item in sends:
            content = source.read(item)
            inspected[item.path] = found = inspect_content(item, content, limit)
            if isinstance(found, Document):
                leaks += self._keep_leaks(find_leaks(item.path, content))
        return hold_leaks(screen_plan(todo, inspected, config), leaks)

    @property
    def _search(self) -> Literal["block", "warn", "off"]:
        """What to do about secrets; a run that sends nothing has none to look for."""
        return self.session.settings.secret_scan if self.is_sending else "off"

    def _open_scanner(self) -> FindLeaks:
        """The search of contents; where it only warns, a scanner that is missing is a remark."""
        if self._search == "off":
            return _find_none
        self.tell("Loading the rules for secrets; the first time on a machine takes some seconds")
        try:
            find_leaks = open_scanner()
        except SettingsError as error:
            if self._search == "block":
                raise
            self.remark(f"Nothing was searched for secrets. {error}")
            return _find_none
        self.tell("Looking for secrets in what would be sent")
        return find_leaks

    def _judge_names(self, sends: Iterable[Document]) -> list[Leak]:
        """The documents that are secret by their names, whatever they hold."""
        if self._search == "off":
            return []
        return [leak for one in sends for leak in self._keep_leaks(judge_name(one.path))]

    def _keep_leaks(self, leaks: Iterable[Leak]) -> list[Leak]:
        """The first that are not allowed."""
        allowed = set(self.session.settings.allow_secrets)
        kept = (leak for leak in leaks if leak.fingerprint not in allowed)
        return list(islice(kept, MOST_LEAKS))


def _find_none(path: str, content: bytes) -> Iterator[Leak]:
    del path, content
    return iter(())
