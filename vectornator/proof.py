"""What the store itself says of the copies that a run is about to change or remove."""

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping

from vectornator.model import Binding, RemoteFile
from vectornator.providers.base import DescribesFiles, VectorStoreProvider

PAGE = 100
"""Copies that one request of a listing shows, at the stores that say how many."""


class Proof:
    """Tells whose copies are, by their own attributes, with as few requests as that takes.

    A copy is proved by what this run has listed; else it is looked up by itself, or, where more
    copies are in question than a listing has pages, by one listing for all.
    """

    def __init__(self, provider: VectorStoreProvider, binding: Binding) -> None:
        self._provider = provider
        self._binding = binding
        self._lock = threading.Lock()
        self._known: Mapping[str, RemoteFile] = {}
        self._is_missed = False
        self._must_list = not isinstance(provider, DescribesFiles)

    def keep(self, listing: Iterable[RemoteFile]) -> Iterator[RemoteFile]:
        """Pass on a complete listing, and go by it from now on."""
        known = {}
        for file in listing:
            known[file.file_id] = file
            yield file
        with self._lock:
            self._known, self._must_list = known, False

    @property
    def is_missed(self) -> bool:
        """Whether the store did not know a copy that it was asked for: the ledger was wrong.

        A store that only this machine has says what is so: what it does not know, it has replaced.
        """
        with self._lock:
            return self._is_missed

    @property
    def listed(self) -> Collection[str]:
        """The ids of the copies that were listed; empty when nothing was."""
        with self._lock:
            return self._known.keys()

    def expect(self, questions: int, copies: int) -> None:
        """Prepare for about so many questions to a store of about so many copies."""
        with self._lock:
            if not self._known and questions > -(-copies // PAGE):
                self._must_list = True

    def owns(self, file_id: str, path: str) -> bool | None:
        """Tell whether the store says that a copy is ours and of `path`; None if there is none."""
        file = self._find(file_id)
        if file is None and self._provider.is_shared:
            with self._lock:
                self._is_missed = True
        return None if file is None else self._binding.owns(file.attributes, path)

    def _find(self, file_id: str) -> RemoteFile | None:
        with self._lock:
            if self._must_list:
                listing = self._provider.list_files()
                self._known = {file.file_id: file for file in listing}
                self._must_list = False
            known = self._known.get(file_id)
        if known is None and isinstance(self._provider, DescribesFiles):
            return self._provider.describe_file(file_id)  # stored since, or gone
        return known
