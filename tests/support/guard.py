"""Watches a vector store from the server's side: what no run may do at any moment."""

from collections.abc import Iterable

from tests.openai_server import OpenAIServer
from tests.openai_server.ledger import Record
from tests.openai_server.schemas import Attributes
from tests.openai_server.state import Attachment, State, Store
from tests.openai_server.twists import NASTY
from vectornator.model import Binding, Document, path_key
from vectornator.providers.openai import names

OURS = Binding("example.org/ours", "default")
OTHERS = (Binding("example.org/ours", "other"), Binding("example.org/theirs", "default"))
MEDDLING = frozenset({"file-disappears", "entry-without-file", "delete-between", "attached-twice"})
"""Faults by which somebody else changes what is in the store; no run can know of it."""

_CROWD = 101
"""Foreign files that only fill the first page of a listing."""

_NOT_OURS = b"# Not ours"
"""How the content of some Files begins that are foreign whatever their names say."""


def add_foreigners(server: OpenAIServer) -> Store:
    """Make a store with files of others: another target's, another repository's, nasty ones."""
    state = server.state
    with server.lock:
        store, elsewhere = state.add_store("docs"), state.add_store("docs of others")
        nasty: tuple[Attributes | None, ...] = (
            NASTY,
            None,
            {},
            {"path": "a.md"},
            {"vn_key": path_key("a.md"), "vn_target": "x"},
        )
        for number in range(len(nasty) + _CROWD):
            attributes: Attributes | None = nasty[number] if number < len(nasty) else {"n": 1.0}
            file = state.add_file(f"theirs/{number}.md", b"%b %d\n" % (_NOT_OURS, number))
            state.attach(store, file, attributes)
        for binding in OTHERS:
            document = Document("a.md", "0" * 40, 4, "1" * 64)
            marked = binding.attributes(document, "config")
            name = names.name_upload("a.md", marked, (store.id, "run")).text
            state.attach(store, state.add_file(name, b"# A\n"), dict(marked))
            state.add_file(name, b"# A, staged\n")
        state.attach(elsewhere, state.add_file("else.md", b"# Else\n"), {"path": "a.md"})
        marked = OURS.attributes(Document("a.md", "0" * 40, 4, "1" * 64), "config")
        name = names.name_upload("a.md", marked, (elsewhere.id, "run")).text
        state.add_file(name, _NOT_OURS + b", but on its way into another store\n")
        state.add_file("report.pdf", b"%PDF")
    return store


class Guard:
    """Looks at everything after each request, and remembers what must not have happened."""

    def __init__(self, server: OpenAIServer, store: Store, binding: Binding = OURS) -> None:
        self.breaches: list[str] = []
        self.is_meddled = False
        """Whether somebody else changed something that was ours or theirs."""

        self._server = server
        self._store = store
        self._binding = binding
        self._kept: set[str] = set()
        with server.lock:
            self._foreign = self._describe_foreigners(server.state)
        server.watch(self.look)

    def expect(self, paths: Iterable[str]) -> None:
        """From now on no path that is stored, and one of `paths`, may be without a version."""
        with self._server.lock:
            self._kept = self._find_served(self._server.state) & set(paths)

    def look(self, state: State, record: Record) -> None:
        """Hold what a request left behind against what there was."""
        foreign = self._describe_foreigners(state)
        served = self._find_served(state)
        if MEDDLING.intersection(record.faults):
            self.is_meddled = True
            self._foreign, self._kept = foreign, self._kept & served
        where = f"{record.number} {record.method} {record.path}"
        if touched := [key for key, was in self._foreign.items() if foreign.get(key) != was]:
            self.breaches.append(f"{where}: touched {touched[:3]}")
        if missing := self._kept - served:
            self.breaches.append(f"{where}: nothing is found of {sorted(missing)}")
            self._kept -= missing  # once is enough
        self._foreign = foreign

    @property
    def ours(self) -> list[Attachment]:
        """The copies in the store that are marked as the binding's."""
        return [one for one in self._store.attachments.values() if self._is_ours(one)]

    @property
    def strays(self) -> list[str]:
        """The names of Files that no store holds, and that are not somebody else's."""
        state = self._server.state
        return [it.filename for it in state.orphans() if it.id not in self._foreign]

    @property
    def contents(self) -> dict[str, list[bytes]]:
        """Every copy of each path that search can find now."""
        now, found = self._server.clock.now(), dict[str, list[bytes]]()
        for one in self.ours:
            if one.status(now) == "completed":
                found.setdefault(read_path(one), []).append(one.file.content)
        return found

    def _find_served(self, state: State) -> set[str]:
        now = state.clock.now()
        return {read_path(one) for one in self.ours if one.status(now) == "completed"}

    def _is_ours(self, one: Attachment) -> bool:
        mine = self._binding.ownership.items()
        return mine <= (one.attributes or {}).items()

    def _describe_foreigners(self, state: State) -> dict[str, object]:
        """Whatever is not the binding's, byte for byte."""
        mark = names.find_owner(self._binding.ownership, self._store.id)
        files: dict[str, object] = {
            file.id: (file.filename, file.sha256, file.content, file.purpose)
            for file in state.files.values()
            if names.read_owner(file.filename) != mark or file.content.startswith(_NOT_OURS)
        }
        for store in state.stores.values():
            for one in store.attachments.values():
                is_marked = self._is_ours(one) or names.read_owner(one.file.filename) == mark
                if store is not self._store or not is_marked:
                    key = f"{store.id}/{one.file.id}"
                    files[key] = (repr(one.attributes), one.chunking, one.outcome)
        return files


def read_path(one: Attachment) -> str:
    """The path of a copy, put together again when it is long."""
    attributes = one.attributes or {}
    return "".join(str(it) for key, it in attributes.items() if key.split("__")[0] == "path")
