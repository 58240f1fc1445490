"""What others do to the store: copies removed, added, edited; the store itself gone or swapped."""

import random
from functools import partial

from tests.openai_server.schemas import Attributes
from tests.openai_server.state import Attachment
from tests.torture.drift.place import BINDING, HEIR, Place
from tests.torture.drift.sorts import Cure, Drift
from vectornator.model import Document, path_key

SWAPPED = "another"
_NO_STORE = frozenset({"store-not-found"})
_VALUES: dict[str, str | None] = {
    "path": "docs/else.md",
    "vn_key": path_key("docs/else.md"),
    "vn_sha": "f" * 64,
    "vn_blob": "e" * 40,
    "vn_source": "example.com/else",
    "vn_target": "else",
    "vn_config": "0" * 12 + "." + "0" * 12,
}
"""What marks are edited to say."""


def _pick(place: Place, chance: random.Random) -> list[Attachment]:
    """One to four of our copies."""
    ours = place.ours
    return chance.sample(ours, min(len(ours), chance.choice((1, 1, 2, 4))))


def _remove(place: Place, chance: random.Random) -> None:
    for one in _pick(place, chance):
        if one.file.id in place.server.state.files:
            place.server.state.delete_file(one.file.id)
        else:
            place.store.attachments.pop(one.file.id)


def _detach(place: Place, chance: random.Random) -> None:
    for one in _pick(place, chance):
        place.server.state.detach(place.store, one.file.id)


def _hollow(place: Place, chance: random.Random) -> None:
    for one in _pick(place, chance):
        place.server.state.files.pop(one.file.id, None)


def _fail(place: Place, chance: random.Random) -> None:
    for one in _pick(place, chance):
        one.outcome = "failed"


def _stall(place: Place, chance: random.Random) -> None:
    for one in _pick(place, chance):
        one.ready_at = float("inf")


def _duplicate(place: Place, chance: random.Random) -> None:
    for one in _pick(place, chance):
        path = str((one.attributes or {})["path"])
        file = place.add_file(path, one.file.content)
        place.server.state.attach(place.store, file, dict(one.attributes or {}))


def _add_marked(place: Place, chance: random.Random) -> None:
    _add_copy(place, f"docs/added-{chance.randrange(3)}.md")


def _add_impossible(place: Place, chance: random.Random) -> None:
    _add_copy(place, chance.choice(("../a.md", "/etc/passwd", "docs//a.md", "a\0.md")))


def _add_copy(place: Place, path: str) -> None:
    """Somebody stores a document that the repository does not have, with marks like ours."""
    marks = BINDING.attributes(Document(path, "1" * 40, 8, "a" * 64), "c")
    place.server.state.attach(place.store, place.add_file("x.md"), dict(marks))


def _add_foreign(place: Place, chance: random.Random) -> None:
    state = place.server.state
    choices: tuple[Attributes | None, ...] = (None, {}, {"path": "docs/a.md"}, {"vn_key": "x"})
    for attributes in chance.sample(choices, 2):
        state.attach(place.store, state.add_file("docs__a.md", b"# Theirs\n"), attributes)


def _leave_strays(place: Place, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 3))):
        place.add_file("docs/a.md")


def _edit(place: Place, chance: random.Random, key: str) -> None:
    for one in _pick(place, chance):
        value = _VALUES[key]
        if chance.random() < 0.2 and key != "vn_blob":
            value = None
        attributes = {**(one.attributes or {}), key: value}
        one.attributes = {name: it for name, it in attributes.items() if it is not None}


def _edit_to_neighbour(place: Place, chance: random.Random) -> None:
    """Let one copy say that it is of another's path."""
    pair = chance.sample(place.ours, min(2, len(place.ours)))
    if len(pair) < 2:  # another drift has emptied the store
        return
    attributes = pair[1].attributes or {}
    names = chance.choice((("path",), ("vn_key",), ("path", "vn_key")))
    pair[0].attributes = {**(pair[0].attributes or {}), **{it: attributes[it] for it in names}}


def _swap_marks(place: Place, chance: random.Random) -> None:
    one, other = chance.sample(place.ours, 2)  # alone, so that there are some
    one.attributes, other.attributes = other.attributes, one.attributes


def _strip(place: Place, chance: random.Random) -> None:
    for one in _pick(place, chance):
        one.attributes = None


def _annotate(place: Place, chance: random.Random) -> None:
    for one in _pick(place, chance):
        one.attributes = {**(one.attributes or {}), "reviewed": "yes"}


def _empty(place: Place, chance: random.Random) -> None:
    """Remove every copy; now and then those of others and the Files as well."""
    doomed = [it.file.id for it in place.ours]
    if chance.random() < 0.5:
        doomed = list(place.store.attachments)
    for file_id in doomed:
        place.server.state.detach(place.store, file_id)
        if chance.random() < 0.5:
            place.server.state.files.pop(file_id, None)


def _forget_mark(place: Place, _: random.Random) -> None:
    place.store.metadata = {}


def _soil_mark(place: Place, chance: random.Random) -> None:
    words = chance.choice(("dirty 4", "clean 3", "clean 40", "", "clean", "?"))
    place.store.metadata = dict.fromkeys(place.store.metadata, words)


def _miscount(place: Place, chance: random.Random) -> None:
    place.store.ghosts = chance.choice((-3, 2, 40))


def _restore(place: Place, chance: random.Random, *, with_mark: bool) -> None:
    """The store is put back to an older copy, Files and all."""
    _, old = place.find_old(chance.randrange(1, 3))
    store, state = place.store, place.server.state
    marked = {it.file.id for it in place.ours}
    others = {key: it for key, it in store.attachments.items() if key not in marked}
    for file_id in marked:
        state.files.pop(file_id, None)
    store.attachments = {**old.attachments, **others}
    state.files.update({it.file.id: it.file for it in store.attachments.values()})
    if with_mark:
        store.metadata = old.metadata


def _swap(place: Place, _: random.Random) -> None:
    place.change_settings(store_id=place.server.state.add_store(SWAPPED).id, store_name="")


def _delete_store(place: Place, chance: random.Random) -> None:
    """The store is deleted, now and then with another one of its name made instead."""
    place.server.state.delete_store(place.store.id)
    if chance.random() < 0.5:
        place.server.state.add_store("docs")


def _expire(place: Place, _: random.Random) -> None:
    place.store.expires_days = 1
    place.server.clock.advance(86_401)
    place.server.state.expire()


def _add_namesake(place: Place, _: random.Random) -> None:
    place.server.state.add_store("docs")


TAMPERING = (
    Drift("copies removed", _remove, Cure.LISTING),
    Drift("copies detached", _detach, Cure.LISTING),
    Drift("copies failed", _fail, Cure.LISTING),
    Drift("copies not indexed", _stall, Cure.LISTING),
    Drift("copies stored twice", _duplicate, Cure.LISTING),
    Drift("a copy added with our marks", _add_marked, Cure.LISTING),
    Drift("a copy added of an impossible path", _add_impossible, Cure.LISTING),
    Drift("copies of others added", _add_foreign, Cure.NONE),
    Drift("Files of ours left behind", _leave_strays, Cure.LISTING),
    *(
        Drift(f"{key} edited", partial(_edit, key=key), Cure.LISTING)
        for key in _VALUES
        if key != "path"
    ),
    Drift(
        "path edited",
        partial(_edit, key="path"),
        Cure.LISTING,
        is_single=True,
        needs_ledger=True,
    ),
    Drift(
        "a copy marked as its neighbour",
        _edit_to_neighbour,
        Cure.LISTING,
        is_single=True,
        needs_ledger=True,
    ),
    Drift("marks swapped", _swap_marks, Cure.LISTING, is_single=True, needs_ledger=True),
    Drift("marks removed", _strip, Cure.LISTING),
    Drift("attributes of the user's added", _annotate, Cure.NONE),
    Drift("store emptied", _empty, Cure.LISTING),
    Drift("store's memory lost", _forget_mark, Cure.RUN),
    Drift("store's memory altered", _soil_mark, Cure.RUN),
    Drift("store miscounted", _miscount, Cure.NONE),
    Drift("store restored", partial(_restore, with_mark=True), Cure.RUN),
    Drift("copies restored", partial(_restore, with_mark=False), Cure.LISTING),
    Drift("another store named", _swap, Cure.RUN, is_single=True),
    Drift("store deleted", _delete_store, Cure.RUN, {}, _NO_STORE, is_single=True),
    Drift(
        "store expired",
        _expire,
        Cure.SETTINGS,
        {"store_name": HEIR},
        _NO_STORE,
        is_single=True,
    ),
    Drift("two stores of one name", _add_namesake, Cure.NONE, is_single=True),
)
