"""The only door to the secret scanner: what a document would carry out that nobody should see.

Kingfisher (MongoDB, Apache-2.0) searches in this process and never uses the network; whether a
secret still works is not asked. Rules of our own fill its gaps.
"""

import hashlib
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol, TypeAlias

from vectornator.errors import SettingsError
from vectornator.model import Leak
from vectornator.rules import clear_around, find_tells, is_example, is_secret_file

if TYPE_CHECKING:
    from kingfisher_sdk import Finding, Rules

FILE_NAME = "file-name"
"""The rule that judges a document by its name."""

UNSEARCHED = "not-searched"
"""The rule that a document is a leak which the scanner gave up on."""

SECONDS = 60.0
"""How long a document may take: megabytes take a second, so this one is made to take long."""

BAKED = Path(sys.prefix, "share", "vectornator", "rules")
"""Where an image brings the scanner's rules along, compiled; only who builds it can write there."""

_ROOMS = ("/dev/shm", None)  # noqa: S108  (the folder made there is private)
"""Where a copy of them can stand for a moment: in memory, or else where temporary files are."""

FindLeaks: TypeAlias = Callable[[str, bytes], Iterator[Leak]]
"""Yields what a document would give away, by its path and content."""


class Scans(Protocol):
    """What is asked of the scanner."""

    def scan(self, data: bytes, *, timeout: float | None = None) -> "list[Finding]":
        """Every finding in a document. Raises what it likes."""


def open_scanner() -> FindLeaks:
    """Make the scanner ready: 0.4 s, or four the first time on a machine.

    Raises `SettingsError` where it is missing or finds nothing.
    """
    return make_search(load_scanner())


def make_search(scanner: Scans) -> FindLeaks:
    """The search by a scanner and by our rules; one that fails or takes too long is a leak too."""

    def find_leaks(path: str, content: bytes) -> Iterator[Leak]:
        for rule, line, secret in _find_secrets(scanner, content):
            yield Leak(path, rule, line, make_fingerprint(secret))

    return find_leaks


def judge_name(path: str) -> Iterator[Leak]:
    """Yield the leak that a document is by its name, if it is; its fingerprint is of the path."""
    if is_secret_file(path):
        yield Leak(path, FILE_NAME, 0, make_fingerprint(path))


@cache
def make_fingerprint(secret: str) -> str:
    """Ten hexadecimal digits that stand for a secret wherever it is found, by whichever rule.

    They are kept where others read them, so they must not give a short secret away: each guess
    costs 8 MB and some 20 ms, and 40 bits are too few to tell a long one. The names of rules
    change with the scanner's releases and have no part in it.
    """
    digest = hashlib.scrypt(secret.encode(), salt=b"vectornator", n=2**13, r=8, p=1, dklen=5)
    return digest.hex()


@cache
def load_scanner() -> Scans:
    """The scanner with its rules, of which a process needs one. Raises `SettingsError`.

    It must find a made-up token first: one that finds nothing would let everything pass.
    """
    try:
        from kingfisher_sdk import DetectionScanner  # noqa: PLC0415  (0.1 s, and only for sends)

        scanner = DetectionScanner(load_rules(), inline_ignores=False)  # nobody excuses himself
        if not scanner.scan(_make_sample()):
            raise ValueError("it does not find a made-up token")  # noqa: TRY301  (as any failure)
    except Exception as error:  # whatever keeps it from working: the run must not go on without
        raise SettingsError(
            f"The secret scanner does not work on this machine: {error}. Run pip install "
            "kingfisher-secret-scanner, use the image, or pass --secret-scan=off."
        ) from error
    return scanner


def load_rules() -> "Rules":
    """The scanner's rules: those of the image, or else as the user's cache has them compiled.

    The scanner trusts nothing but a private folder of the user's, so it reads a copy of the
    image's. The home that all steps of a job write to is no place for what is to be trusted.
    """
    from kingfisher_sdk import Rules  # noqa: PLC0415  (see above)

    if not BAKED.is_dir():
        return Rules()
    for room in _ROOMS:
        with suppress(OSError), TemporaryDirectory(dir=room) as folder:
            shutil.copytree(BAKED, folder, dirs_exist_ok=True)
            return Rules(cache_dir=folder)
    return Rules(cache=False)


def _make_sample() -> bytes:
    """A document with a token of GitHub's form, which nobody ever had."""
    return b"token: `ghp_%s`\n" % hashlib.sha256(b"vectornator").hexdigest()[:36].encode()


def _find_secrets(scanner: Scans, content: bytes) -> Iterator[tuple[str, int, str]]:
    """Yield each secret of a line once: the rule, the line and the value."""
    text = _to_text(content)
    known: defaultdict[int, list[str]] = defaultdict(list)
    for rule, line, secret in chain(_ask(scanner, content, text), find_tells(text)):
        others = known[line]
        if not is_example(rule, secret) and not any(secret in other for other in others):
            others.append(secret)
            yield rule, line, secret


def _ask(scanner: Scans, content: bytes, text: str) -> Iterator[tuple[str, int, str]]:
    """Yield what the scanner finds in a document as it is, then the tokens among the rest."""
    try:
        found = scanner.scan(content, timeout=SECONDS)
        bare = scanner.scan(clear_around(text), timeout=SECONDS)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001  (a panic of Rust is no Exception)
        yield UNSEARCHED, 0, hashlib.sha256(content).hexdigest()
        return
    tokens = (one for one in bare if len(one.secret.split()) == 1)
    for one in chain(found, tokens):
        if one.visible:
            rule = one.rule_id.removeprefix("betterleaks.").removeprefix("veles.secrets/")
            yield rule, one.location["line"], one.secret


def _to_text(content: bytes) -> str:
    is_wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content.decode("utf-16" if is_wide else "utf-8", "replace")
