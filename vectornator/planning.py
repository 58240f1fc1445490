"""The plan of a round: what the source says of the paths in question, held against the manifest."""

from collections.abc import Callable
from dataclasses import dataclass

from vectornator.git.objects import MissingObject
from vectornator.journal import Journal
from vectornator.model import Plan
from vectornator.plan import Candidates, make_plan, screen_plan
from vectornator.providers.base import ChangesAttributes
from vectornator.session import Session
from vectornator.source import CommitSource, Source, inspect_content
from vectornator.state.ledger import Ledger

MAX_INSPECTED = 2000
"""How many documents a plan reads to judge their content; a sync reads all it sends."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans; `tell` hears what it is at, `remark` what the user should know."""

    session: Session
    journal: Journal
    tell: Callable[[str], None]
    remark: Callable[[str], None]

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
                f"{len(sends)} documents were judged by path alone. A sync reads them too, and "
                "skips what turns out to be binary, too large or a pointer to LFS."
            )
            return todo
        described = () if settings.dry_run else todo.attribute_changes
        self.session.fetch_blobs([*sends, *(change.document for change in described)])
        limit = int(settings.max_file_size)
        inspected = {item.path: inspect_content(item, source.read(item), limit) for item in sends}
        return screen_plan(todo, inspected, config)
