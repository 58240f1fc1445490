"""One attempt: drifts happen, a command runs, and what must have come of it."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.support.guard import read_path
from tests.torture.drift.place import BINDING, Follower, Place, find_ours, is_alive, list_bystanders
from tests.torture.drift.sorts import Cure, Drift
from vectornator.errors import VectornatorError
from vectornator.report.record import Verification

MENDS: Mapping[str, Cure] = {
    "verify": Cure.NONE,
    "plan": Cure.NONE,
    "sync": Cure.RUN,
    "sync --refresh always": Cure.LISTING,
    "sync --refresh never": Cure.NONE,
    "repair": Cure.LISTING,
    "repair --rebuild": Cure.REBUILD,
}
"""What may run after a drift, and up to which cure that must put things right."""

_CLEAN = frozenset({"synced", "repaired", "no-changes"})


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended."""

    status: str = ""
    verdict: Verification | None = None
    reason: str = ""
    """Why it was refused; empty where it was not."""

    message: str = ""


class Attempt:
    """Drifts that happen to a place that was in line."""

    def __init__(self, place: Place, drifts: Sequence[Drift], chance: random.Random) -> None:
        self._place = place
        self._drifts = drifts
        self._chance = chance
        self._faults: list[str] = []
        self._cure = max(drift.cure for drift in drifts)
        self._reasons = frozenset[str]().union(*(drift.reasons for drift in drifts))

    def carry_out(self, route: str, *, with_commit: bool) -> tuple[str, tuple[str, ...]]:
        """Let it drift, run, mend, and look: the outcome and the faults."""
        place = self._place
        place.restore()
        for drift in self._drifts:
            drift.act(place, self._chance)
        if with_commit:
            self._commit()
        self._watch()
        ending = self._run(route)
        self._judge(route, ending)
        is_mended = not ending.reason and MENDS[route] >= max(self._cure, Cure.RUN)
        if not is_mended:
            self._mend()
        elif route.startswith("repair"):
            self._expect_clean("a sync after it", place.lab.sync)
        self._faults += self._guard.breaches
        if not self._faults:
            self._faults += find_faults(place, self._guard)
        kept = list_bystanders(self._store)
        if is_alive(self._store, place.server.state) and any(
            kept.get(key) != it for key, it in self._bystanders.items()
        ):
            self._faults.append("copies of others were changed")
        return self._name_outcome(ending, is_mended=is_mended), tuple(self._faults)

    def _commit(self) -> None:
        """The work of every day: an addition, an update, a rename and a removal."""
        tree = self._place.read_tree("HEAD")
        gone, changed, moved = self._chance.sample([*sorted(tree), "docs/x.md", "docs/y.md"], 3)
        files: dict[str, str | bytes | None] = dict.fromkeys({gone, moved} & tree.keys())
        files |= {changed: "# Changed\n", "docs/added.md": "# Added\n"}
        files |= {"docs/renamed.md": tree.get(moved, b"# Moved\n")}
        self._place.push(files)

    def _watch(self) -> None:
        """From now on no copy of others may change, and no document that stays be absent."""
        place = self._place
        self._store = place.store
        self._guard = Follower(place.server, self._store, BINDING)
        base = place.read_base()
        self._guard.expect(place.read_tree("HEAD").keys() & place.read_tree(base).keys())
        self._bystanders = list_bystanders(self._store)

    # Runs.

    def _run(self, route: str) -> Ending:
        lab = self._place.lab
        refresh = route.partition("--refresh ")[2] or "auto"
        try:
            match route.split(maxsplit=1)[0]:
                case "verify":
                    return Ending(verdict=lab.verify())
                case "plan":
                    return Ending(lab.plan().status)
                case "sync":
                    return Ending(lab.sync(refresh=refresh).status)
                case _:
                    return Ending(lab.repair(rebuild="--rebuild" in route).status)
        except VectornatorError as error:
            return Ending(reason=error.reason, message=str(error))

    def _judge(self, route: str, ending: Ending) -> None:
        """Hold the ending against what the drifts allow."""
        if ending.reason and ending.reason not in self._reasons:
            self._faults.append(f"refused as {ending.reason}: {ending.message}")
        if ending.reason and MENDS[route] >= max(self._cure, Cure.RUN):
            self._faults.append(f"did not put it right: {ending.message}")
        if ending.status == "superseded" and "superseded" not in self._reasons:
            self._faults.append("superseded")
        if ending.reason or route in {"verify", "plan"}:
            changing = list_changing(self._place)
            if changing:
                self._faults.append(f"requests that change: {', '.join(changing)}")
        if ending.verdict:
            self._judge_verdict(ending.verdict)

    def _judge_verdict(self, verdict: Verification) -> None:
        place = self._place
        if verdict.is_in_line and verdict.is_compared:
            wrong = list(find_differences(place, verdict.base))
            self._faults += [f"verified as in line, but {it}" for it in wrong]
        if self._cure is Cure.NONE and verdict.findings:
            self._faults.append(f"found what is not wrong: {verdict.findings[:3]}")

    def _mend(self) -> None:
        """Do what the documentation tells the user to do."""
        lab = self._place.lab
        for drift in self._drifts:
            self._place.change_settings(**drift.settings)
        is_lost = self._cure >= Cure.REBUILD or bool(self._reasons & {"state"})
        self._expect_clean("the repair", lambda: lab.repair(rebuild=is_lost))
        self._expect_clean("the sync after the repair", lab.sync)

    def _expect_clean(self, what: str, run: Callable[[], object]) -> None:
        try:
            status = getattr(run(), "status", "")
        except VectornatorError as error:
            self._faults.append(f"{what} ended with {type(error).__name__}: {error}")
            return
        if status not in _CLEAN:
            self._faults.append(f"{what} ended as {status}")

    def _name_outcome(self, ending: Ending, *, is_mended: bool) -> str:
        if ending.reason or ending.status == "superseded":
            return "refused, then put right"
        if is_mended:
            return "put right at once"
        if ending.verdict:
            return "found" if ending.verdict.findings else "nothing was wrong"
        return "harmless until put right"


def find_faults(place: Place, guard: Follower) -> Iterator[str]:
    """What is wrong after clean runs."""
    yield from find_differences(place, "HEAD")
    if strays := guard.strays:
        yield f"left over: {', '.join(strays)}"
    try:
        verdict = place.lab.verify()
    except VectornatorError as error:
        yield f"verify: {error}"
        return
    if not (verdict.is_in_line and verdict.is_compared):
        yield f"not in line: {verdict.findings[:3]} {verdict.remarks}"
    if verdict.documents != len(place.read_tree("HEAD")):
        yield f"{verdict.documents} documents are recorded"
    again = place.lab.sync()
    if again.status != "no-changes" or (changing := list_changing(place)):
        yield f"another run ended as {again.status} with {changing}"
    for repo in (place.clone, place.origin):
        if complaint := repo.fsck():
            yield f"git fsck: {complaint}"


def find_differences(place: Place, commit: str) -> Iterator[str]:
    """In what the store is not the tree of a commit, and the ledger not the store."""
    now, state = place.server.clock.now(), place.server.state
    ours = find_ours(place.store)
    found: dict[str, bytes] = {}
    for one in ours:
        path = read_path(one)
        if one.status(now) != "completed" or one.file.id not in state.files:
            yield f"{path} can't be found"
        found[path] = one.file.content
    counts = Counter(read_path(one) for one in ours)
    if doubles := [path for path, number in counts.items() if number > 1]:
        yield f"stored twice: {', '.join(doubles)}"
    tree = place.read_tree(commit)
    if wrong := sorted(
        path for path in tree.keys() | found.keys() if tree.get(path) != found.get(path)
    ):
        yield f"the store is not the tree: {', '.join(wrong)}"
    entries = {path: entry.file_id for path, entry in place.lab.manifest.items()}
    if entries != {read_path(one): one.file.id for one in ours}:
        yield "the ledger is not the store"


def list_changing(place: Place) -> list[str]:
    """The requests of the last run that were no questions."""
    return [it.route for it in place.server.ledger.of() if it.method != "GET"]
