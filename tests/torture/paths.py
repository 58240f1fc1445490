"""The campaign of hostile paths: `python -m tests.torture.paths FOLDER SIZE SEED` tries it."""

import io
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from tests.support.hostile import list_hostile
from tests.support.repositories import ENVIRON, GitRepo
from tests.support.runner import find_commands, read_outputs
from tests.torture.campaign import Campaign, Trial
from tests.torture.measured import measure
from tests.torture.notes import WordsOnly, run_apart
from tests.torture.objects import Objects
from vectornator.cli import main
from vectornator.git.objects import MODE_DIRECTORY, MODE_FILE
from vectornator.model import Document
from vectornator.providers import provider_registry
from vectornator.providers.base import ProviderConfig
from vectornator.providers.openai.attributes import from_wire, to_wire
from vectornator.providers.openai.names import name_upload
from vectornator.report.escape import escape

WORD = "wombat"
"""Stands in the hostile document alone, to search for."""

_NAMES = (
    *(
        b"..",
        b".",
        b".git",
        b".GIT",
        b".Git",
        b"git~1",
        b"GIT~1",
        b".git ",
        b".git.",
        b".gi\xe2\x80\x8ct",
    ),
    *(b"CON", b"NUL.md", b"aux", b"COM1.txt", b"LPT9", b"con .md", b"a.md.", b"a.md ", b" a.md"),
    *(
        b"C:",
        b"C:\\x",
        b"\\\\host\\share",
        b"a\\..\\b",
        b"a:b",
        b"a:$DATA",
        b"~",
        b"~root",
        b"$HOME",
    ),
    *(
        b"-rf",
        b"--upload-pack=x",
        b"-",
        b"--",
        b"@",
        b"HEAD",
        b"%2e%2e",
        b"%2e%2e%2fx",
        b"%00",
        b"%0a",
    ),
    *(b"*", b"?", b"[a-z]", b"**", b"!x", b"#x", b"{a,b}", b"a,b", b"a;b", b"a|b", b"a&b", b"`id`"),
    *(b"$(id)", b"a'b", b'a"b', b"<b>", b"a\nb", b"a\r\nb", b"a\tb", b"\x01", b"\x7f", b"\x1b[31m"),
    *(
        b"\x1b]8;;x\x07",
        b"\x9b",
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xc0\xaf",
        b"\xf4\x90\x80\x80",
    ),
    *("é", "e\u0301", "\u202egpj", "\u2066x", "\u200b", "\ufeff", "\u2028", "\u0085", "文書", "😀"),
    *(".vectornator", ".gitmodules", ".gitattributes", "__a.md.0123456789abcdef.md", "vn_source"),
    *("vn_key=x", "path", "a" * 255, "a" * 4096, "é" * 2048, "x.md\ud800".replace("\ud800", "")),
)
NAMES = tuple(dict.fromkeys(it.encode() if isinstance(it, str) else it for it in _NAMES))


@dataclass(frozen=True, slots=True)
class Shown:
    """What a run let people and programs see."""

    code: int
    out: str
    err: str
    summary: str
    outputs: str


class Place:
    """A repository, what lies beside it, and a job that runs on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = GitRepo.init(folder / "repo")
        self.outside = folder / "outside"
        self.outside.mkdir()
        (self.outside / "theirs.md").write_text("theirs\n", encoding="utf-8")
        self.environ = {
            **ENVIRON,
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_REPOSITORY": "acme/docs",
            "GITHUB_WORKSPACE": str(self.repo.root),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "VECTORNATOR_SOURCE_ID": "example.com/here",
        }

    def commit(self, path: bytes, content: bytes) -> None:
        """Make the tree of the next commit hold one good file, and another at `path`."""
        objects = Objects(self.repo.root / ".git")
        oid, mode = objects.blob(content), MODE_FILE
        for name in reversed(path.split(b"/")[1:]):
            oid, mode = objects.tree({name: (mode, oid)}), MODE_DIRECTORY
        first = path.split(b"/")[0]
        good = objects.blob(b"# Good\n")
        tree = objects.tree({first: (mode, oid), b"good.md": (MODE_FILE, good)})
        head = objects.commit(tree.hex(), b"x\n")
        (self.repo.root / ".git/refs/heads/main").write_text(f"{head}\n", encoding="ascii")

    def run(self, *words: str) -> Shown:
        """Run the real command line as a job would; it may change this process's variables."""
        for name in ("output", "summary"):
            (self.folder / name).write_text("", encoding="utf-8")
        os.environ.update(self.environ)  # GitHub's toolkit reads them there
        os.chdir(self.repo.root)
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(words, self.environ)
        read = (self.folder / name for name in ("summary", "output"))
        return Shown(code, out.getvalue(), err.getvalue(), *(it.read_text("utf-8") for it in read))

    def look(self) -> dict[str, str]:
        """All that lies outside of git's directory and ours, and is not for the runner."""
        own = (".git", ".vectornator")
        return {
            str(it.relative_to(self.folder)): it.read_text("utf-8") if it.is_file() else ""
            for it in self.folder.rglob("*")
            if not set(own) & set(it.relative_to(self.folder).parts) and it.parent != self.folder
        }


def find_injections(shown: Shown, label: str) -> Iterator[str]:
    """What a runner, a terminal or a program would take for something else than text."""
    known = {"group", "endgroup", "error", "warning", "notice", "add-mask"}
    for command in find_commands(shown.out + shown.err):
        if command.name not in known:
            yield f"{label}: the runner obeys ::{command.name}"
    loose = {it for it in shown.out + shown.err if escape(it) != it} - set("\n")
    if loose and not shown.out.startswith("{"):
        yield f"{label}: control characters {sorted(loose)!r}"
    try:
        read_outputs(shown.outputs)
    except ValueError as error:
        yield f"{label}: outputs can't be read: {error}"
    if any(line.startswith(("::", "##[")) for line in shown.summary.splitlines()):
        yield f"{label}: a command in the summary"
    if shown.code not in {0, 1, 2, 3, 4, 5, 20}:
        yield f"{label} ended with {shown.code}: {shown.err.splitlines()[-1:]}"


STORE = ("--provider", "words", "--store-name", "docs", "--patterns", "**", "--remote", "none")


def try_tree(folder: Path, path: bytes) -> Trial:
    """Sync a commit with a hostile path, and look for it under exactly that path."""
    name = f"tree: {path[:60]!r}"
    done = measure(partial(_sync_tree, folder, path))
    if done.result is None:
        return Trial(name, "failed", (f"ended by signal {done.signal}",))
    return Trial(name, *done.result)


def _sync_tree(folder: Path, path: bytes) -> tuple[str, tuple[str, ...]]:
    provider_registry.register("words", WordsOnly, replace=True)
    place = Place(folder)
    place.commit(path, f"# A {WORD}\n".encode())
    before = place.look()
    shown = place.run("sync", *STORE)
    faults = [*find_injections(shown, "sync")]
    outcome, wanted = expect(path), None
    if outcome == "stored":
        wanted = path.decode()
        faults += _check_names(wanted)
        faults += _check_stored(place, wanted) if shown.code == 0 else [f"exit {shown.code}"]
    elif outcome == "skipped":
        told = place.run("sync", "--json", "--force", *STORE).out
        faults += [] if "path is not UTF-8" in told else [f"no reason for the skip: {told[:300]}"]
    elif shown.code != 2:
        faults.append(f"not refused: {shown.code} {shown.err.splitlines()[-1:]}")
    if place.look() != before:
        faults.append("files appeared, changed or vanished")
    return outcome, tuple(faults)


def expect(path: bytes) -> str:
    """What must become of a path, told without the code that is tried."""
    parts = path.split(b"/")
    if {b"", b".", b"..", b".git"} & set(parts) or len(parts) > 500:
        return "refused"
    try:
        path.decode()
    except UnicodeDecodeError:
        return "skipped"
    return "stored"


def _check_stored(place: Place, path: str) -> Iterator[str]:
    """Whether the store lists the path, a search finds it, and a second run has nothing to do."""
    found = place.run("list", "--json", *STORE[:2])
    paths = {it["path"] for it in json.loads(found.out)["files"]} if found.code == 0 else set()
    if paths != {path, "good.md"}:
        yield f"the store holds {sorted(paths)!r}"
    hits = place.run("search", WORD, "--json", *STORE[:2])
    if hits.code or [it["path"] for it in json.loads(hits.out)["hits"]] != [path]:
        yield f"search says {hits.out[:200]}{hits.err[-200:]}"
    for words in (("list", *STORE[:2]), ("search", WORD, *STORE[:2]), ("verify", *STORE)):
        shown = place.run(*words)
        yield from find_injections(shown, words[0])
        if shown.code:
            yield f"{words[0]} ended with {shown.code}: {shown.err[-200:]}"
    again = place.run("sync", "--json", *STORE)
    if json.loads(again.out)["status"] != "no-changes":
        yield f"another run said {again.out[:200]}"


def _check_names(path: str) -> Iterator[str]:
    """Whether OpenAI would be sent a plain name, and the whole path as attributes."""
    sent = name_upload(path, {"vn_key": "k", "vn_sha": "s"}, ("vs_1", "run")).text
    if not sent.isprintable() or "/" in sent or len(sent.encode()) > 255:
        yield f"it is uploaded as {sent!r}"
    wire = to_wire({"path": path})
    if any(len(value) > 512 for value in wire.values()):
        yield "an attribute is too long"
    if from_wire(wire) != {"path": path} and len(path) <= 2048:
        yield "the path is not what its attributes say"


def try_setting(folder: Path, key: str, value: str) -> Trial:
    """Give a hostile value in `vectornator.toml`, and sync."""
    name = f"setting: {key} = {value[:40]!r}"
    done = measure(partial(_sync_setting, folder, key, value))
    if done.result is None:
        return Trial(name, "failed", (f"ended by signal {done.signal}",))
    return Trial(name, *done.result)


def _sync_setting(folder: Path, key: str, value: str) -> tuple[str, tuple[str, ...]]:
    provider_registry.register("words", WordsOnly, replace=True)
    place = Place(folder)
    text = f"{key} = {json.dumps(value, ensure_ascii=True)}\n"
    place.repo.commit({"docs/a.md": "# A\n", "b.md": "# B\n", "vectornator.toml": text})
    before = place.look()
    shown = place.run("sync", *(STORE[:4] if key != "provider" else ()))
    faults = [*find_injections(shown, "sync")]
    if place.look() != before:
        faults.append("files appeared, changed or vanished")
    stored = place.run("list", "--json", *STORE[:2])
    paths = {it["path"] for it in json.loads(stored.out)["files"]} if stored.code == 0 else set()
    if not paths <= {"docs/a.md", "b.md", "vectornator.toml"}:
        faults.append(f"the store holds {sorted(paths)}")
    if key in _NOT_IN_FILE and shown.code != 2:
        faults.append(f"{key} was taken from the file")
    return ("refused" if shown.code else "harmless"), tuple(faults)


_NOT_IN_FILE = ("metadata-file", "report-path", "config", "repository", "remote", "base-url")
_IN_FILE = (
    "directory",
    "patterns",
    "exclude",
    "store-name",
    "target",
    "provider",
    "metadata-storage",
)
_VALUES = (
    *("../outside", "/etc", "docs/../..", "..", "./../outside/", "outside\\..\\..", "~", "-x", "*"),
    *(
        "**/../../outside/*.md",
        "/**",
        "[",
        "\\",
        "!**",
        "a\nb::error::x",
        "\x1b[31m",
        "\u202ex",
        "",
    ),
    *("x" * 100_000, "{a,b}" * 50, "**/" * 2000 + "x", "http://127.0.0.1:9/v1", "(a+)+$", "$(id)"),
)


def try_attributes(folder: Path, path: str) -> Trial:
    """Let somebody else's file in the store have a hostile path, and ask for everything."""
    done = measure(partial(_ask_everything, folder, path))
    name = f"store: {path[:40]!r}"
    if done.result is None:
        return Trial(name, "failed", (f"ended by signal {done.signal}",))
    return Trial(name, "shown", done.result)


def _ask_everything(folder: Path, path: str) -> tuple[str, ...]:
    provider_registry.register("words", WordsOnly, replace=True)
    place = Place(folder)
    place.repo.commit({"a.md": "# A\n"})
    faults = [*find_injections(place.run("sync", *STORE), "sync")]
    provider = WordsOnly()
    provider.initialize(ProviderConfig(root=place.repo.root))
    ours = {"path": path, "vn_source": "example.com/here", "vn_target": "default"}
    for attributes in (ours, {"path": path, "vn_source": path, path: path}):
        content = f"{WORD} {path}".encode("utf-8", "replace")
        provider.upload_file(Document(path, "1" * 40), content, attributes)
    provider.cleanup()
    before = place.look()
    for words in (
        ("list", *STORE[:2]),
        ("search", WORD, *STORE[:2]),
        ("verify", *STORE),
        ("plan", "--refresh", "always", *STORE),
        ("sync", "--refresh", "always", "--json", *STORE),
    ):
        faults += find_injections(place.run(*words), words[0])
    if place.look() != before:
        faults.append("files appeared, changed or vanished")
    listed = place.run("list", "--json", *STORE[:2])
    if not [it for it in json.loads(listed.out)["files"] if it["path"] == path]:
        faults.append("a foreign file is gone")
    return tuple(faults)


def list_trials(folder: Path) -> list[Callable[[], Trial]]:
    """Every trial, each in a folder of its own."""
    trees = [frame % name for name in NAMES for frame in (b"%s", b"docs/%s.md", b"%s/a.md")]
    trees += [b"/".join([b"d"] * depth) + b"/a.md" for depth in (50, 400, 499, 600)]
    settings = [(key, value) for key in (*_IN_FILE, *_NOT_IN_FILE) for value in _VALUES]
    acts: list[Callable[[Path], Trial]] = [
        *(partial(try_tree, path=path) for path in trees),
        *(partial(try_setting, key=key, value=value) for key, value in settings),
        *(partial(try_attributes, path=path) for path in list_hostile()),
    ]
    return [partial(act, folder / str(number)) for number, act in enumerate(acts)]


def try_paths(size: int, seed: int) -> Iterator[Trial]:
    """Try so many hostile paths, in a process without other threads."""
    yield from run_apart("tests.torture.paths", size, seed)


PATHS = Campaign(
    name="paths",
    claim=(
        "Whatever a path is called, in a commit, in the settings or in the store, its document is "
        "stored and found under exactly that path or left out with a reason; no file is read or "
        "written outside of the repository, and no log, summary, output or JSON is obeyed as "
        "anything but text."
    ),
    short=24,
    long=2000,
    trials=try_paths,
    not_covered=("File systems other than Linux's, on which two of the names would be one.",),
)


if __name__ == "__main__":
    acts = list_trials(Path(sys.argv[1]))
    for act in random.Random(int(sys.argv[3])).sample(acts, min(int(sys.argv[2]), len(acts))):
        print(json.dumps(asdict(act())), flush=True)
