"""The runs that are killed: what each is to do, and how everything stands before it."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.openai_server.state import State
from tests.torture.scene import FOREIGN, Scene


@dataclass(frozen=True, slots=True)
class Story:
    """A run with everything that it meets."""

    name: str
    prepare: Callable[[Scene], None]
    """Brings about what the run is to deal with; the scene is at a commit that is synced."""

    words: tuple[str, ...] = ("sync",)
    """The command that is killed."""

    after: tuple[str, ...] = ("sync",)
    """The command that must put everything right."""


def _begin(scene: Scene) -> None:
    """No ledger, no store, and Files that others sent."""
    for place in (scene.repo.root, scene.live / "origin.git"):
        folder = str(place)
        refs = scene.repo.run("-C", folder, "for-each-ref", "--format=%(refname)", "refs/notes")
        for ref in refs.splitlines():
            scene.repo.run("-C", folder, "update-ref", "-d", ref)
    with scene.openai.lock:
        state = scene.openai.app.state = State(scene.openai.clock)
        for name, attributes in FOREIGN.items():
            if attributes is None:
                state.add_file(name, b"not ours")
    scene.foreign = scene.list_foreign()


def _change_rules(scene: Scene) -> None:
    """Every document is to have one attribute more."""
    scene.rules = ("--attributes", "docs/**:team=blue")


def _drift(scene: Scene) -> None:
    """The store has lost, doubled and changed copies, and Files of ours are in no store."""
    state = scene.openai.state
    with scene.openai.lock:
        [store] = state.stores.values()
        copies = {str((one.attributes or {}).get("path")): one for one in scene.ours}
        state.detach(store, copies["docs/a.md"].file.id)
        state.detach(store, copies["docs/d.md"].file.id)
        del state.files[copies["docs/d.md"].file.id]
        twice = copies["docs/b.md"]
        double = state.add_file(twice.file.filename, twice.file.content)
        state.attach(store, double, dict(twice.attributes or {}))
        changed = copies["docs/e.md"]
        changed.attributes = {**(changed.attributes or {}), "vn_sha": "0" * 64}
        state.add_file(twice.file.filename, b"sent, and never put into the store")


def _keep_in_file(scene: Scene) -> None:
    """The ledger is in a file, and there is something of everything to do."""
    scene.storage = ("--metadata-storage", "file")
    done = scene.run("sync")
    assert done.code == 0, done.err
    scene.advance()


STORIES = (
    Story("changes", Scene.advance),
    Story("a first sync", _begin),
    Story("other attributes", _change_rules),
    Story("--force", lambda _: None, ("sync", "--force")),
    Story("a repair", _drift, ("repair",), ("repair",)),
    Story("a ledger in a file", _keep_in_file),
)

LOCAL_STORIES = (
    Story("changes", Scene.advance),
    Story("--force", lambda _: None, ("sync", "--force")),
)
"""The runs of a store that only this machine has."""
