"""What must be true after a clean run, whatever came before it, and what must be so always."""

import json
from collections import Counter
from collections.abc import Collection, Iterator

from tests.openai_server.ledger import Record
from tests.openai_server.state import State
from tests.torture.scene import Scene


class Presence:
    """Sees to it that documents which are never removed can be found at every moment."""

    def __init__(self, scene: Scene, paths: Collection[str]) -> None:
        self.absences: list[str] = []
        self._scene = scene
        self._paths = paths

    def look(self, _: State, record: Record) -> None:
        """Look into the store after a request."""
        now = self._scene.openai.clock.now()
        found = {
            str((one.attributes or {}).get("path"))
            for one in self._scene.ours
            if one.status(now) == "completed"
        }
        self.absences += [
            f"after {record.method} {record.path}, {path} could not be found"
            for path in sorted(set(self._paths) - found)
        ]


def find_faults(scene: Scene, foreign: object) -> Iterator[str]:
    """What is wrong after a clean run; `foreign` is what was not ours before everything."""
    if (stores := scene.count_stores()) != 1:
        yield f"there are {stores} stores"
    stored = scene.list_copies()
    numbers = Counter(copy.path for copy in stored)
    if doubles := [path for path, number in numbers.items() if number > 1]:
        yield f"stored twice: {', '.join(doubles)}"
    if {copy.path: copy.content for copy in stored} != scene.read_tree():
        yield "the store is not the tree"
    if scene.list_foreign() != foreign:
        yield "Files of others were changed, or some of ours are left over"
    if {copy.path: copy.file_id for copy in stored} != scene.read_manifest():
        yield "the ledger is not the store"
    yield from _find_restlessness(scene)
    for place in (scene.repo.root, scene.live / "origin.git"):
        if complaint := scene.repo.run("-C", str(place), "fsck", "--strict", "--no-dangling"):
            yield f"git fsck: {complaint}"


def _find_restlessness(scene: Scene) -> Iterator[str]:
    """Whether one more run does anything at all."""
    scene.openai.ledger.clear()
    again = scene.run("sync", "--json")
    if again.code or json.loads(again.out)["status"] != "no-changes":
        yield f"another run ended with {again.code}: {again.out or again.err}"
    changing = [one.route for one in scene.openai.ledger.of() if one.method != "GET"]
    if changing:
        yield f"another run made requests that change: {', '.join(changing)}"
