"""Files on their way into a store: attached many at once, watched, read back and put right."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vectornator.errors import Fatal, ProviderError, Rejected, Transient
from vectornator.providers.openai.attributes import from_wire, to_wire
from vectornator.providers.openai.client import Client, Json, need
from vectornator.providers.openai.failures import Gone, Unanswered, Unsupported, is_about_store
from vectornator.providers.openai.options import Options
from vectornator.providers.openai.store import Store

MOST = 500
"""Files in a batch: what both the guide (500) and the schema (2,000) allow."""

_PATIENCE = 3
"""How often something may be missing before it is done in another way."""

_LOOKS = 10
"""Files that are looked up one by one in a turn."""


@dataclass(slots=True)
class _Batch:
    """Copies that were attached together, and what is known of each."""

    wanted: Mapping[str, Mapping[str, str]]
    batch_id: str = ""
    """The service's name for it; empty while, or where, every file is looked up by itself."""

    is_single: bool = False
    is_doubtful: bool = False
    """Whether the answer to attaching it was lost."""

    failures: int = 0
    blanks: int = 0
    """Turns in which files were missing from what the service showed."""

    attached: set[str] = field(default_factory=set)
    """Copies that were attached one by one."""

    settled: dict[str, ProviderError | None] = field(default_factory=dict)

    @property
    def open(self) -> list[str]:
        """The copies of which nothing final is known."""
        return [file_id for file_id in self.wanted if file_id not in self.settled]


class Intake:
    """Attaches staged files to the store, and says what became of each.

    `refuse` is told of a copy that the service does not take as it is, with the reason, and
    returns the error to settle it with; `name_of` tells a copy's upload name.
    """

    def __init__(
        self,
        client: Client,
        options: Options,
        store: Store,
        *,
        refuse: Callable[[str, ProviderError], ProviderError],
        name_of: Callable[[str], str],
    ) -> None:
        self._client = client
        self._options = options
        self._store = store
        self._refuse = refuse
        self._name_of = name_of
        self._is_single = options.attach_mode == "single"
        self._batches: dict[str, _Batch] = {}

    @property
    def limit(self) -> int:
        """How many copies one call attaches; 1 where the service attaches one at a time."""
        return 1 if self._is_single else MOST

    def attach(self, copies: Mapping[str, Mapping[str, str]]) -> str:
        """Attach staged copies, each with its metadata; return what `settle` is asked with.

        A call that is repeated goes on where the one before it failed.
        """
        ticket = hashlib.sha256("\n".join(sorted(copies)).encode()).hexdigest()
        is_alone = len(copies) == 1 and self._options.attach_mode == "auto"
        fresh = _Batch(copies, is_single=self._is_single or is_alone)
        batch = self._batches.setdefault(ticket, fresh)
        if not batch.is_single:
            self._attach_together(batch)
        if batch.is_single:
            self._attach_singly(batch, batch.open)
        return ticket

    def settle(self, ticket: str) -> Mapping[str, ProviderError | None]:
        """What became of copies so far: None for one that a search can find."""
        batch = self._batches[ticket]
        if batch.open and (batch.is_single or not self._is_working(batch)):
            self._look(batch)
        if not batch.open:
            del self._batches[ticket]
        return batch.settled

    # Attaching.

    def _attach_together(self, batch: _Batch) -> None:
        if batch.batch_id or (batch.is_doubtful and self._is_there(batch)):
            return
        try:
            batch.batch_id = self._create_batch(batch)
        except Unanswered:
            batch.is_doubtful = True
            raise
        except Unsupported as error:
            self._drop_refused(batch, error)
        except Gone as error:
            batch.failures += 1
            batch.is_single = batch.failures >= _PATIENCE
            if not batch.is_single:
                raise _wait_for_file(error) from error
        except Rejected:
            if self._options.attach_mode == "batch":
                raise
            batch.is_single = True

    def _create_batch(self, batch: _Batch) -> str:
        what = "POST /vector_stores/file_batches"
        files = [self._describe(batch, file_id) for file_id in batch.open]
        answer = self._client.ask(
            what,
            lambda sdk: sdk.vector_stores.file_batches.with_raw_response.create(
                self._store.store_id,
                files=files,  # type: ignore[arg-type]  # plain dicts of the same shape
            ),
        )
        return need(answer, "id", what)

    def _describe(self, batch: _Batch, file_id: str) -> dict[str, Any]:
        described: dict[str, Any] = {
            "file_id": file_id,
            "attributes": to_wire(batch.wanted[file_id]),
        }
        if self._options.chunking:
            described["chunking_strategy"] = self._options.chunking
        return described

    def _is_there(self, batch: _Batch) -> bool:
        """Tell whether a batch whose answer was lost was made after all."""
        return self._store.find(batch.open[0]) is not None

    def _drop_refused(self, batch: _Batch, error: Unsupported) -> None:
        """Take out of a refused batch what it was refused for, and attach the rest."""
        suffixes = set(re.findall(r"\.[a-z0-9]+\b", "".join(re.findall(r"\[(.*?)\]", str(error)))))
        suffixes |= {f".{found}" for found in re.findall(r"extension (\w+)\.", str(error))}
        refused = [it for it in batch.open if self._name_of(it).endswith(tuple(suffixes) or "\0")]
        for file_id in refused:
            batch.settled[file_id] = self._refuse(file_id, error)
        if not refused:
            batch.is_single = True
        elif batch.open:
            self._attach_together(batch)

    def _attach_singly(self, batch: _Batch, file_ids: Iterable[str]) -> None:
        for file_id in file_ids:
            if file_id in batch.attached:
                continue
            try:
                item = self._attach_one(self._describe(batch, file_id))
            except Unsupported as error:
                batch.settled[file_id] = self._refuse(file_id, error)
            except Gone as error:
                raise _wait_for_file(error) from error
            except Rejected as error:
                batch.settled[file_id] = error
            else:
                batch.attached.add(file_id)
                self._judge(batch, file_id, item)

    def _attach_one(self, described: dict[str, Any]) -> Json:
        return self._client.ask(
            "POST /vector_stores/files",
            lambda sdk: sdk.vector_stores.files.with_raw_response.create(
                self._store.store_id, **described
            ),
        )

    # Settling.

    def _is_working(self, batch: _Batch) -> bool:
        """Ask how a batch stands. Its counts may lag and its answer be that of the store."""
        if not batch.batch_id:
            return False
        try:
            answer = self._client.ask(
                "GET /vector_stores/file_batches",
                lambda sdk: sdk.vector_stores.file_batches.with_raw_response.retrieve(
                    batch.batch_id, vector_store_id=self._store.store_id
                ),
            )
        except Gone:
            batch.batch_id = ""
            return False
        return answer.get("status") == "in_progress" and not self._is_through(batch, answer)

    @staticmethod
    def _is_through(batch: _Batch, answer: Json) -> bool:
        """Tell whether the counts say that all is done, whatever the status says.

        A batch that stays empty is looked into as well: some servers ignore what they were given.
        """
        if answer.get("id") != batch.batch_id:
            return False  # seen since 2025-11: the counts are the store's
        counts = answer.get("file_counts")
        if not isinstance(counts, Mapping):
            return True
        if not counts.get("total"):
            batch.blanks += 1
            return batch.blanks >= _PATIENCE
        ended = sum(int(counts.get(key) or 0) for key in ("completed", "failed", "cancelled"))
        return ended >= len(batch.open)

    def _look(self, batch: _Batch) -> None:
        """Read back how each copy stands; look up, or attach, what is not shown."""
        shown: set[str] = set()
        for item in self._list(batch):
            if item["id"] in batch.wanted:
                shown.add(item["id"])
                self._judge(batch, item["id"], item)
        missing = [file_id for file_id in batch.open if file_id not in shown]
        if missing:
            self._find_missing(batch, missing, is_blank=not shown)

    def _list(self, batch: _Batch) -> Iterable[Json]:
        if batch.is_single:
            return ()
        try:
            if batch.batch_id:
                return list(self._store.list_batch(batch.batch_id))
        except Gone:
            batch.batch_id = ""
        return self._store.list_newest(len(batch.wanted))

    def _find_missing(self, batch: _Batch, missing: list[str], *, is_blank: bool) -> None:
        absent = []
        for file_id in missing if batch.is_single else missing[:_LOOKS]:
            if item := self._store.find(file_id):
                self._judge(batch, file_id, item)
            else:
                absent.append(file_id)
        if not absent:
            return
        batch.blanks += 1
        is_over = is_blank or batch.blanks >= _PATIENCE
        if is_over and not batch.is_single:  # what was attached by itself is only not visible yet
            self._attach_ignored(batch, missing, is_blank=is_blank)

    def _attach_ignored(self, batch: _Batch, missing: list[str], *, is_blank: bool) -> None:
        """Attach one by one what a batch left out. A server that left all out needs no more."""
        if self._options.attach_mode == "batch":
            return
        if is_blank:
            self._is_single = True
        batch.is_single = True
        batch.attached -= set(missing)
        self._attach_singly(batch, missing)

    def _judge(self, batch: _Batch, file_id: str, item: Json) -> None:
        """Settle a copy by what the service says of it, if that is final."""
        if file_id in batch.settled:
            return
        error = item.get("last_error")
        code, words = _read_failure(error, self._client.mask)
        match item.get("status"):
            case "completed":
                self._mend(batch, file_id, item)
            case "failed" if code == "unsupported_file":
                batch.settled[file_id] = self._refuse(file_id, Unsupported(words))
            case "failed" if code == "invalid_file":
                batch.settled[file_id] = Rejected(words)
            case "failed" | "cancelled":
                batch.settled[file_id] = Transient(words)
            case _:
                return  # in progress, or something that is not known to be final

    def _mend(self, batch: _Batch, file_id: str, item: Json) -> None:
        """See to it that a copy has the attributes it was attached with."""
        wanted = to_wire(batch.wanted[file_id])
        if not has_attributes(item, wanted):
            item = self._store.change_attributes(file_id, wanted)
        kept = (
            None
            if has_attributes(item, wanted)
            else Transient("The service did not keep the attributes.")
        )
        batch.settled[file_id] = kept


def has_attributes(item: Json, wanted: Mapping[str, str]) -> bool:
    """Tell whether a copy, as the service shows it, has all attributes that it was given."""
    return from_wire(wanted).items() <= from_wire(item.get("attributes")).items()


def _read_failure(error: object, mask: Callable[[str], str]) -> tuple[str, str]:
    if not isinstance(error, Mapping):
        return "", "The service could not index it."
    words = " ".join(mask(str(error.get("message") or "no reason given")).split())[:300]
    return str(error.get("code") or ""), f"The service could not index it: {words}"


def _wait_for_file(error: Gone) -> ProviderError:
    """What to make of a file that can't be attached: fresh ones are not visible at once."""
    if is_about_store(error):
        return Fatal(f"{error}. Check --store-id.", reason="store-not-found")
    return Transient(str(error))
