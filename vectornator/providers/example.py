"""A provider to copy: keeps documents as files in a folder, and explains itself on the way.

Read it from top to bottom beside `base.py`, whose docstrings are the contract. The methods
come in the order of the contract; abilities, which are optional, come last. A copy of this
file is finished when `vectornator.testing.ProviderSuite` passes; `docs/providers.md` has
the five steps.
"""

# What the folder looks like. A copy is a folder of its own, so that one rename makes it
# appear, and one makes it disappear, with its content and its attributes together:
#
#     PATH/STORE/copies/ID/content             the bytes, as they were given
#     PATH/STORE/copies/ID/attributes.json     what a listing shows
#     PATH/STORE/mark.json                     a few words about the store, if any
#     PATH/STORE/name.json                     what people call the store
#     PATH/STORE/tmp/                          what is not there yet, or no longer; a killed
#                                              run may leave drafts here, which nobody reads

import errno
import json
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from vectornator.errors import Fatal, Rejected, Transient
from vectornator.model import Document, Entry, RemoteFile
from vectornator.providers.base import BaseVectorStoreProvider, ProviderConfig
from vectornator.providers.marking import change_whole

_ID = re.compile(r"[0-9a-f]{32}")
"""What our ids look like. Ids come back to us from a ledger that others can write, and
become part of a path here: nothing else may."""

_PASSING = {errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ENOLCK, errno.ETIMEDOUT}
"""Failures of a network drive that are worth another try."""


@contextmanager
def _errors_sorted() -> Iterator[None]:
    """Step 1: translate whatever your store raises into what the caller may still do.

    `Transient` is retried, `Rejected` skips one document, `Fatal` ends the run. Sort and
    translate here, once, and keep the cause. Never retry, sleep or log: the layers around
    every provider do that, and they need to see the error.
    """
    try:
        yield
    except OSError as error:
        place = f"{error.strerror} ({error.filename})"
        if error.errno in _PASSING:
            raise Transient(f"The folder is busy: {place}.") from error
        raise Fatal(f"The folder can't be used: {place}. Check its permissions.") from error


class ExampleProvider(BaseVectorStoreProvider):
    """Keeps every store as a folder below the option `path`.

    `path` is relative to the root of the source; `.vectornator/example` by default.
    """

    # Step 2: say who you are. `is_shared` is False because a folder is usually on this
    # machine only; a provider of a service leaves it True.

    name = "example"
    is_shared = False

    def __init__(self) -> None:
        super().__init__()
        self._stores = Path()
        self._store_id = ""

    def initialize(self, config: ProviderConfig) -> None:
        """Step 3: check the settings and open what must be open, but create nothing.

        A store's id may come from a setting or a ledger: check it before it is used.
        """
        super().initialize(config)
        if config.store_id and not _ID.fullmatch(config.store_id):
            raise Fatal(
                f"{config.store_id!r} is no id of an example store. Leave the store id out to "
                "create a store, or give the 32 hexadecimal digits that creating one printed."
            )
        self._stores = config.root / (config.options.get("path") or ".vectornator/example")
        self._store_id = config.store_id

    @property
    def store_id(self) -> str:
        """The id of the store in use; empty as long as there is none."""
        return self._store_id

    # `fingerprint` is inherited. Override it when a setting of yours, such as a chunk size
    # or an embedding model, changes what is stored for the same bytes.

    # Step 4: the store.

    def verify_store(self) -> bool:
        """Tell whether the store's folder is there."""
        with _errors_sorted():
            return bool(self._store_id) and self._copies.is_dir()

    def create_store(self, name: str) -> str:
        """Create a folder; `name` is for people, the id is what is kept."""
        store_id = uuid.uuid4().hex
        with _errors_sorted():
            # `copies` comes last: it is what makes the folder a store.
            (self._stores / store_id / "tmp").mkdir(parents=True)
            (self._stores / store_id / "name.json").write_text(json.dumps(name), "utf-8")
            (self._stores / store_id / "copies").mkdir()
        self._store_id = store_id
        return store_id

    # Step 5: the copies.

    def list_files(self) -> Iterator[RemoteFile]:
        """Yield the copies there were when the listing began.

        The names are read at once: a folder that changes while it is read may show a name
        twice, or not at all.
        """
        with _errors_sorted():
            self._check_store()
            names = sorted(path.name for path in self._copies.iterdir())
        for name in names:
            file = self.describe_file(name)
            if file is not None:  # it was removed since
                yield file

    def upload_file(self, document: Document, content: bytes, metadata: Mapping[str, str]) -> str:
        """Prepare the copy where nobody looks, then rename it into place.

        A kill at any moment leaves the whole copy or none. A random id is never used
        again, and two processes never choose the same.
        """
        del document  # everything a listing must show is in `metadata`
        shown = json.dumps(dict(metadata))
        file_id = uuid.uuid4().hex
        with _errors_sorted():
            self._check_store()
            folder = self._tmp / file_id
            folder.mkdir()
            (folder / "content").write_bytes(content)
            (folder / "attributes.json").write_text(shown, "utf-8")
            folder.rename(self._copies / file_id)
        return file_id

    def update_file(
        self, entry: Entry, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> str:
        """Store the new copy beside the old one, which the caller deletes afterwards.

        Never remove the old copy first: the document must be found at every moment.
        """
        del entry
        return self.upload_file(document, content, metadata)

    def delete_file(self, file_id: str) -> None:
        """Rename the copy away, then remove it; one that is gone already is no error."""
        if not _ID.fullmatch(file_id):
            return
        with _errors_sorted():
            self._check_store()
            trash = self._tmp / uuid.uuid4().hex
            try:
                (self._copies / file_id).rename(trash)
            except FileNotFoundError:
                return
            shutil.rmtree(trash)

    # `enrich_metadata` and `cleanup` are inherited: there is nothing to add, and nothing open.

    # Abilities. Each is one method (the mark has two) that the engine looks for. Leave out
    # what your store can't do; the other abilities are in `base.py`.

    def describe_file(self, file_id: str) -> RemoteFile | None:
        """Look one copy up."""
        if not _ID.fullmatch(file_id):
            return None
        folder = self._copies / file_id
        with _errors_sorted():
            self._check_store()
            try:
                attributes = _read_words(folder / "attributes.json")
                status = (folder / "content").stat()
            except FileNotFoundError:
                return None
        return RemoteFile(file_id, attributes, status.st_size, status.st_mtime)

    def change_attributes(self, file_id: str, metadata: Mapping[str, str]) -> None:
        """Replace the attributes and leave the content alone: a rename costs no upload."""
        no_such_copy = Rejected(f"There is no copy {file_id!r} in this store.")
        if not _ID.fullmatch(file_id):
            raise no_such_copy
        with _errors_sorted():
            self._check_store()
            try:
                self._write_words(self._copies / file_id / "attributes.json", metadata)
            except FileNotFoundError:
                raise no_such_copy from None

    def read_mark(self) -> Mapping[str, str]:
        """Return what is kept, by name."""
        with _errors_sorted():
            self._check_store()
            try:
                return _read_words(self._store / "mark.json")
            except FileNotFoundError:
                return {}

    def change_mark(
        self, name: str, change: Callable[[str], str], *, must_stay: bool = False
    ) -> str:
        """Change the words under a name. Files know no transaction: `change_whole` looks again."""
        wait = self.config.wait if must_stay else None
        return change_whole(self.read_mark, self._write_mark, name, change, wait=wait)

    def _write_mark(self, mark: Mapping[str, str]) -> None:
        with _errors_sorted():
            self._check_store()
            self._write_words(self._store / "mark.json", mark)

    def delete_store(self) -> None:
        """Remove the folder; without `copies`, which goes first, it is no store."""
        with _errors_sorted():
            if self.verify_store():
                self._copies.rename(self._tmp / uuid.uuid4().hex)
                shutil.rmtree(self._store)

    # What the methods above share.

    @property
    def _store(self) -> Path:
        return self._stores / self._store_id

    @property
    def _copies(self) -> Path:
        return self._store / "copies"

    @property
    def _tmp(self) -> Path:
        return self._store / "tmp"

    def _check_store(self) -> None:
        """Raise `Fatal` without a store: a missing folder must not look like an empty one."""
        if not self.verify_store():
            raise Fatal(
                f"There is no example store {self._store_id!r} in {self._stores}. Create one.",
                reason="store-not-found",
            )

    def _write_words(self, path: Path, words: Mapping[str, str]) -> None:
        """Replace a file as a whole, so that nobody reads half of it."""
        draft = self._tmp / uuid.uuid4().hex
        draft.write_text(json.dumps(dict(words)), "utf-8")
        try:
            draft.replace(path)
        except OSError:
            draft.unlink()
            raise


def _read_words(path: Path) -> dict[str, str]:
    """Read what `_write_words` wrote. Raises `Fatal` when it is anything else."""
    try:
        return {key: str(value) for key, value in json.loads(path.read_bytes()).items()}
    except (ValueError, AttributeError) as error:
        raise Fatal(
            f"{path} is damaged: {error}. Delete this file; the copy it described is then "
            "forgotten, and stored again by the next run."
        ) from error
