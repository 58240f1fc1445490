"""The command that takes over what a store holds of another source, without sending it again."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from threading import Event

from vectornator.adoption import (
    ORIGINAL,
    Adoption,
    Claim,
    Evidence,
    Former,
    Ground,
    decide_adoption,
    find_former,
    name_owner,
    to_adopted,
)
from vectornator.apply.workshop import Workshop, open_workshop, run_pool
from vectornator.errors import (
    Fatal,
    ProviderError,
    Refused,
    SettingsError,
    VectornatorError,
    list_choices,
)
from vectornator.journal import Journal
from vectornator.model import Binding, Document, RemoteFile, is_stored_alike
from vectornator.providers.base import ChangesAttributes, MarksStore
from vectornator.report.record import Adopted
from vectornator.session import Session, name_mark, open_session
from vectornator.settings import Settings
from vectornator.source import Source, inspect_content
from vectornator.stores import find_store, need_store


def adopt(
    settings: Settings,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
    announce: Callable[[Adopted], None],
    stop: Event | None = None,
) -> Adopted:
    """Make the copies of another source ours, by their attributes; nothing is sent or removed.

    `tell` hears what it is at, `announce` what is about to be adopted. Whatever was done stays
    done when it ends early, and another run goes on there: the ledger is saved once all is
    done. Raises `SettingsError` where nothing is named that the store holds, `Refused` for a
    source whose last run did not finish.
    """
    with open_session(settings, environ, stop) as session:
        return _Adopting(session, tell).carry_out(announce)


class _Adopting:
    """One adoption under way."""

    def __init__(self, session: Session, tell: Callable[[str], None]) -> None:
        self._session = session
        self._tell = tell
        self._remarks: list[str] = []
        self._journal = Journal(session, self._remarks.append)

    def carry_out(self, announce: Callable[[Adopted], None]) -> Adopted:
        try:
            return self._carry_out(announce)
        except VectornatorError:
            self._journal.leave()
            raise

    def _carry_out(self, announce: Callable[[Adopted], None]) -> Adopted:
        session = self._session
        if not (session.provider.verify_store() or find_store(session, self._tell)):
            need_store(session)
        provider = session.provider
        if not isinstance(provider, ChangesAttributes):
            raise SettingsError(
                f"The provider {provider.name} can't change attributes, so nothing can be adopted. "
                "Sync, then remove what is left of the other source from the store."
            )
        self._tell("Listing the store")
        listing = list(provider.list_files())
        former = self._find_former(listing)
        is_ledgers = former is not None and former.target == session.binding.target
        renamed = former.source if former and is_ledgers else ""
        self._journal.load(has_store=True, former=renamed)
        self._check_finished(former)
        source = session.open_source()
        adoption = decide_adoption(listing, self._survey(source, listing, former))
        result = self._describe(adoption)
        announce(result)
        if session.settings.dry_run or not (adoption.claims or self._is_unfinished()):
            return result
        return self._go(source, listing, result, former)

    # Whose copies.

    def _find_former(self, listing: list[RemoteFile]) -> Former:
        """Whose copies are asked for, by what the store and the ledger name."""
        text, ours = self._session.settings.adopt_from, self._session.binding
        if text == ORIGINAL:
            return None
        marks = (file.attributes for file in listing)
        known = [
            Binding(mark["vn_source"], mark["vn_target"])
            for mark in marks
            if mark.get("vn_source") and mark.get("vn_target")
        ]
        if ledger := self._session.find_ledger():
            known.append(Binding(ledger.source, ledger.target))
        found = find_former(text, ours, known)
        if len(found) == 1:
            return found[0]
        if found:
            names = list_choices(f"{one.source}/{one.target}" for one in found)
            raise SettingsError(f"from: {text!r} may be one of several: {names}. Name its target.")
        if not text or ours not in known:
            raise SettingsError(self._explain_missing(text, listing))
        self._remarks.append(self._explain_missing(text, listing))
        return Binding(text, ours.target)

    def _explain_missing(self, text: str, listing: list[RemoteFile]) -> str:
        ours = self._session.binding
        named = Counter(name_owner(file.attributes) for file in listing)
        choices = named.keys() - {"", f"{ours.source}/{ours.target}"}
        lacking = f"The store holds nothing of {text}" if text else "from: nobody is named"
        return f"{lacking}. It holds copies of {list_choices(choices) or 'no other source'}."

    def _check_finished(self, former: Former) -> None:
        """Refuse to adopt what another run may be at work on, as far as the store can tell.

        Where the ledger at hand is the former source's, no other can save.
        """
        session, ledger, provider = (
            self._session,
            self._session.find_ledger(),
            self._session.provider,
        )
        is_own = (
            ledger and former and (ledger.source, ledger.target) == (former.source, former.target)
        )
        if former is None or is_own or not isinstance(provider, MarksStore):
            return
        mark = provider.read_mark().get(name_mark(former), "")
        if mark.startswith("dirty") and not session.settings.allow_unfinished:
            raise Refused(
                f"The last run of {former.source}/{former.target} did not finish, or is under way. "
                "Run `vectornator sync` there first; if nobody will, pass --allow-unfinished.",
                reason="unfinished",
            )

    def _is_unfinished(self) -> bool:
        """Whether an adoption before this one has changed copies and was not saved."""
        ledger = self._session.find_ledger()
        is_ours = ledger is not None and ledger.source == self._session.binding.source
        return not is_ours or self._journal.must_list("auto")

    # What they are.

    def _survey(self, source: Source, listing: list[RemoteFile], former: Former) -> Ground:
        """Read the documents that copies may be of, so that their content can be compared."""
        session, settings = self._session, self._session.settings
        provider = session.provider
        assert isinstance(provider, ChangesAttributes)
        self._tell("Reading the documents")
        blobs = {file.attributes.get("vn_blob") for file in listing}
        paths = {file.path for file in listing}
        paths |= {f"{settings.directory}/{path}" for path in paths if settings.directory}
        found = [
            item
            for item in source.list_documents()
            if isinstance(item, Document) and (item.path in paths or item.blob in blobs)
        ]
        session.fetch_blobs(found)

        def is_alike(file: RemoteFile) -> bool:
            if former is None:  # it let the service cut documents as it likes
                return not settings.chunk_size
            return is_stored_alike(file.attributes.get("vn_config", ""), session.config)

        return Ground(
            ours=session.binding,
            former=former,
            evidence={one.document.path: one for one in self._inspect(source, found)},
            is_stored_alike=is_alike,
            form_of=provider.form_of,
            directory=settings.directory,
        )

    def _inspect(self, source: Source, found: list[Document]) -> Iterator[Evidence]:
        for item in found:
            content = source.read(item)
            limit = int(self._session.settings.max_file_size)
            document = inspect_content(item, content, limit)
            if isinstance(document, Document):
                md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
                yield Evidence(document, frozenset({md5, document.hash or ""}))

    def _describe(self, adoption: Adoption) -> Adopted:
        session = self._session
        return Adopted(
            provider=session.provider.name,
            store_id=session.provider.store_id,
            source=session.binding.source,
            target=session.binding.target,
            former=session.settings.adopt_from,
            adoption=adoption,
            is_dry=session.settings.dry_run,
            remarks=tuple(self._remarks),
        )

    # Making them ours.

    def _go(
        self, source: Source, listing: list[RemoteFile], result: Adopted, former: Former
    ) -> Adopted:
        """Change the attributes, then save the ledger that they prove."""
        journal = self._journal
        journal.mark_dirty()
        adopted, failed = self._change(source, result.adoption.claims)
        result = replace(result, failed={path: str(error) for path, error in failed.items()})
        fatal = next((error for error in failed.values() if isinstance(error, Fatal)), None)
        if fatal:
            raise fatal
        if len(adopted) < len(result.adoption.claims):
            journal.leave()
            is_stopped = self._session.stop.is_set()
            return replace(result, is_interrupted=is_stopped, remarks=tuple(self._remarks))
        journal.refresh(adopted.get(file.file_id, file) for file in listing)
        goal = self._session.set_goal(source)
        counts = {"adopted": len(adopted)}
        self._tell(f"Saving the ledger to {self._session.state.location}")
        journal.save(goal, is_complete=False, status="adopted", counts=counts)
        journal.mark_clean()
        self._forget(former)
        return replace(
            result,
            saved_to=self._session.state.location,
            documents=journal.documents,
            remarks=tuple(self._remarks),
        )

    def _change(
        self, source: Source, claims: tuple[Claim, ...]
    ) -> tuple[dict[str, RemoteFile], dict[str, ProviderError]]:
        """Change the attributes of each copy: those done by id, and why others were not."""
        adopted: dict[str, RemoteFile] = {}
        failed: dict[str, ProviderError] = {}
        shop = open_workshop(self._session, source, lambda _: None)
        queue = iter(claims)

        def take() -> Claim | None:
            is_over = any(isinstance(error, Fatal) for error in failed.values())
            return None if is_over else next(queue, None)

        def work(claim: Claim) -> RemoteFile | ProviderError:
            return _take_over(claim, shop)

        for claim, outcome in run_pool(work, take, shop):
            if isinstance(outcome, RemoteFile):
                adopted[claim.file.file_id] = outcome
            else:
                failed[claim.path] = outcome
        return adopted, failed

    def _forget(self, former: Former) -> None:
        """Strike what the store remembers of the former source: a run of it lists the store."""
        provider = self._session.provider
        if former and isinstance(provider, MarksStore):
            provider.change_mark(name_mark(former), lambda _: "")


def _take_over(claim: Claim, shop: Workshop) -> RemoteFile | ProviderError:
    """Give one copy our mark, and all attributes of its document where its content is proved."""
    provider = shop.provider
    assert isinstance(provider, ChangesAttributes)
    file = to_adopted(claim, shop.binding)
    if claim.document:
        described = shop.describe(claim.document, shop.read(claim.document))
        file = replace(file, attributes=described)
    try:
        provider.change_attributes(file.file_id, dict(file.attributes))
    except ProviderError as error:
        return error
    return file
