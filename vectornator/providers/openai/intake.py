"""Files on their way into a store: attached many at once, watched, read back and put right."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vectornator.errors import Fatal, ProviderError, Rejected, Transient
from vectornator.providers.openai.attributes import has_attributes, to_wire
from vectornator.providers.openai.client import Client, Json, need
from vectornator.providers.openai.failures import Gone, Unanswered, Unsupported, is_about_store
from vectornator.providers.openai.options import Options
from vectornator.providers.openai.store import Store

MOST = 500
"""Files in a batch: what both the guide (500) and the schema (2,000) allow."""

_PATIENCE = 3
"""How often something may be missing, or refused, before it is done in another way."""

_SIGHTS = 10
"""How often a File may be unknown to the store before it counts as lost: most of a minute."""

_LOOKS = 10
"""Files that are looked up one by one in a turn."""


@dataclass(slots=True)
class _Batch:
    """Copies that were asked for together, and what is known of each."""

    wanted: Mapping[str, Mapping[str, str]]
    waiting: list[list[str]]
    """Copies that are still to be attached, in the groups in which that is tried."""

    batch_id: str = ""
    """The service's name for all of them; empty while, or where, it has none."""

    is_doubtful: bool = False
    """Whether the answer to attaching them was lost."""

    is_taken: bool = False
    """Whether a group of several was taken."""

    refusals: int = 0
    """Groups of several that were refused."""

    blanks: int = 0
    """Turns in which files were missing from what the service showed."""

    unseen: Counter[str] = field(default_factory=Counter)
    """How often the store did not know a File that was to be attached."""

    alone: set[str] = field(default_factory=set)
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
        self._most = 1 if options.attach_mode == "single" else MOST
        self._batches: dict[str, _Batch] = {}

    @property
    def limit(self) -> int:
        """How many copies one call attaches; 1 where the service attaches one at a time."""
        return self._most

    def attach(self, copies: Mapping[str, Mapping[str, str]]) -> str:
        """Attach staged copies, each with its metadata; return what `settle` is asked with.

        A call that is repeated goes on where the one before it failed. Copies that the service
        does not see yet are attached while the others settle.
        """
        ticket = hashlib.sha256("\n".join(sorted(copies)).encode()).hexdigest()
        batch = self._batches.setdefault(ticket, _Batch(copies, self._group(copies)))
        self._attach_waiting(batch)
        return ticket

    def settle(self, ticket: str) -> Mapping[str, ProviderError | None]:
        """What became of copies so far: None for one that a search can find."""
        batch = self._batches[ticket]
        self._attach_waiting(batch)
        if batch.open and not self._is_working(batch):
            self._look(batch)
        if not batch.open:
            del self._batches[ticket]
        return batch.settled

    # Attaching.

    def _group(self, file_ids: Iterable[str]) -> list[list[str]]:
        """What to attach at once."""
        every, size = list(file_ids), self.limit
        return [every[start : start + size] for start in range(0, len(every), size)]

    def _attach_waiting(self, batch: _Batch) -> None:
        """Try every group once; what remains to be done waits for the next turn."""
        groups, batch.waiting = batch.waiting, []
        try:
            while groups:
                more = self._attach_group(batch, groups[0])
                groups[:1] = []
                groups += more
        finally:
            batch.waiting += groups  # when a request failed

    def _attach_group(self, batch: _Batch, group: list[str]) -> list[list[str]]:
        """Attach some copies at once; return the groups to try instead when they are refused."""
        try:
            if len(group) == 1 and self._may_attach_singly:
                self._attach_one(batch, group[0])
            else:
                self._attach_together(batch, group)
        except Unsupported as error:
            return self._drop_refused(batch, group, error)
        except Gone as error:
            return self._put_off(batch, group, error)
        except Rejected as error:
            return self._split(batch, group, error)
        return []

    @property
    def _may_attach_singly(self) -> bool:
        return self._options.attach_mode != "batch"

    def _attach_together(self, batch: _Batch, group: list[str]) -> None:
        if batch.is_doubtful and self._store.find(group[0]) is not None:
            batch.is_doubtful = False  # it was made after all
            return
        what = "POST /vector_stores/file_batches"
        files = [self._describe(batch, file_id) for file_id in group]
        try:
            answer = self._client.ask(
                what,
                lambda sdk: sdk.vector_stores.file_batches.with_raw_response.create(
                    self._store.store_id,
                    files=files,  # type: ignore[arg-type]  # plain dicts of the same shape
                ),
            )
            batch_id = need(answer, "id", what)
        except Unanswered:
            batch.is_doubtful = True
            raise
        batch.is_doubtful = False
        batch.batch_id = "" if batch.is_taken else batch_id
        batch.is_taken = True

    def _attach_one(self, batch: _Batch, file_id: str) -> None:
        described = self._describe(batch, file_id)
        item = self._client.ask(
            "POST /vector_stores/files",
            lambda sdk: sdk.vector_stores.files.with_raw_response.create(
                self._store.store_id, **described
            ),
        )
        batch.alone.add(file_id)
        self._judge(batch, file_id, item)

    def _describe(self, batch: _Batch, file_id: str) -> dict[str, Any]:
        described: dict[str, Any] = {
            "file_id": file_id,
            "attributes": to_wire(batch.wanted[file_id]),
        }
        if self._options.chunking:
            described["chunking_strategy"] = self._options.chunking
        return described

    # What to do when attaching is refused.

    def _drop_refused(self, batch: _Batch, group: list[str], error: Unsupported) -> list[list[str]]:
        """Settle the copies of the types that the refusal names; the rest is tried again."""
        suffixes = tuple(_find_suffixes(str(error)))
        refused = [file_id for file_id in group if self._name_of(file_id).endswith(suffixes)]
        if not refused:
            return self._split(batch, group, error)
        for file_id in refused:
            batch.settled[file_id] = self._refuse(file_id, error)
        rest = [file_id for file_id in group if file_id not in batch.settled]
        return [rest] if rest else []

    def _put_off(self, batch: _Batch, group: list[str], error: Gone) -> list[list[str]]:
        """Let a File that the store does not know wait: fresh ones are not seen at once.

        One that stays unknown is lost, and its document to be staged anew.
        """
        if is_about_store(error):
            raise Fatal(f"{error}. Check --store-id.", reason="store-not-found") from error
        named = [file_id for file_id in group if file_id in str(error)]
        unseen = group if len(group) == 1 else named
        if not unseen:
            return self._split(batch, group, error)
        for file_id in unseen:
            batch.unseen[file_id] += 1
            if batch.unseen[file_id] >= _SIGHTS:
                batch.settled[file_id] = Transient(f"{error}; to be sent again")
        seen = [file_id for file_id in group if file_id not in unseen]
        batch.waiting += [seen] if seen else []
        batch.waiting += [[file_id] for file_id in unseen if file_id not in batch.settled]
        return []  # at once, an answer would only name the next one

    def _split(self, batch: _Batch, group: list[str], error: Rejected) -> list[list[str]]:
        """Narrow down which copy a group is refused for, unless all groups are refused."""
        if len(group) == 1:
            is_type = isinstance(error, Unsupported)
            batch.settled[group[0]] = self._refuse(group[0], error) if is_type else error
            return []
        if most := re.search(r"maximum length (\d+)", str(error)):
            self._most = max(1, min(int(most[1]), len(group) - 1))
            return self._group(group)
        batch.refusals += 1
        if batch.refusals >= _PATIENCE and not batch.is_taken and self._may_attach_singly:
            return [[file_id] for file_id in group]  # it is not about what is in them
        middle = len(group) // 2
        return [group[:middle], group[middle:]]

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
        ended = [counts.get(key) for key in ("completed", "failed", "cancelled")]
        return sum(it for it in ended if isinstance(it, int)) >= len(batch.open)

    def _look(self, batch: _Batch) -> None:
        """Read back how each copy stands; look up, or attach, what is not shown."""
        waiting = {file_id for group in batch.waiting for file_id in group}
        if waiting.issuperset(batch.open):
            return
        shown: set[str] = set()
        for item in self._list(batch):
            if item["id"] in batch.wanted:
                shown.add(item["id"])
                self._judge(batch, item["id"], item)
        missing = [file_id for file_id in batch.open if file_id not in shown | waiting]
        if missing:
            self._find_missing(batch, missing, is_blank=not shown)

    def _list(self, batch: _Batch) -> Iterable[Json]:
        try:
            if batch.batch_id:
                return list(self._store.list_batch(batch.batch_id))
        except Gone:
            batch.batch_id = ""
        return self._store.list_newest(len(batch.wanted)) if len(batch.open) > _LOOKS else ()

    def _find_missing(self, batch: _Batch, missing: list[str], *, is_blank: bool) -> None:
        """Look copies up by themselves; attach one by one what a batch has left out."""
        absent = []
        for file_id in missing[:_LOOKS]:
            if item := self._store.find(file_id):
                self._judge(batch, file_id, item)
            elif file_id not in batch.alone:  # what was attached by itself only shows late
                absent.append(file_id)
        if not absent or not self._may_attach_singly:
            return
        batch.blanks += 1
        if is_blank and len(absent) == len(missing[:_LOOKS]):
            self._most = 1  # a server that leaves all out is given one at a time from now on
        elif batch.blanks < _PATIENCE:
            return
        batch.waiting += [[file_id] for file_id in missing if file_id not in batch.alone]
        self._attach_waiting(batch)

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


def _read_failure(error: object, mask: Callable[[str], str]) -> tuple[str, str]:
    if not isinstance(error, Mapping):
        return "", "The service could not index it."
    words = " ".join(mask(str(error.get("message") or "no reason given")).split())[:300]
    return str(error.get("code") or ""), f"The service could not index it: {words}"


def _find_suffixes(words: str) -> set[str]:
    """The suffixes that a refusal names: `extensions [.png, .exe]` or `Invalid extension vb.`."""
    listed = re.findall(r"\[(.*?)\]", words)
    found = set(re.findall(r"\.[a-z0-9]+\b", " ".join(listed)))
    return found | {f".{one}" for one in re.findall(r"extension (\w+)\.", words)}
