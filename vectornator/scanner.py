"""The only door to the secret scanner: what a document would carry out that nobody should see.

Kingfisher (MongoDB, Apache-2.0) searches in this process and never uses the network; whether a
secret still works is not asked. Rules of our own fill its gaps.
"""

import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from vectornator.errors import SettingsError
from vectornator.model import Leak
from vectornator.rules import find_tells, is_example, is_secret_file

if TYPE_CHECKING:
    from kingfisher_sdk import Scanner

FILE_NAME = "file-name"
"""The rule that judges a document by its name."""

FindLeaks: TypeAlias = Callable[[str, bytes], Iterator[Leak]]
"""Yields what a document would give away, by its path and content."""


def open_scanner() -> FindLeaks:
    """Make the scanner ready: half a second, or four the first time on a machine.

    Raises `SettingsError` where it is not installed.
    """
    scanner = load_rules()

    def find_leaks(path: str, content: bytes) -> Iterator[Leak]:
        for (rule, line), secret in _merge_hits(scanner, content).items():
            yield Leak(path, rule, line, make_fingerprint(secret))

    return find_leaks


def judge_name(path: str) -> Leak | None:
    """The leak that a document is by its name alone; its fingerprint is of the path."""
    return Leak(path, FILE_NAME, 0, make_fingerprint(path)) if is_secret_file(path) else None


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
def load_rules() -> "Scanner":
    """The scanner with its rules, of which a process needs one. Raises `SettingsError`."""
    try:
        from kingfisher_sdk import DetectionScanner  # noqa: PLC0415  (0.1 s, and only for sends)
    except ImportError as error:
        raise SettingsError(
            "The secret scanner is not installed, or not made for this machine, so nothing was "
            "sent. Run pip install kingfisher-secret-scanner, or pass --secret-scan=off."
        ) from error
    return DetectionScanner(inline_ignores=False)  # no document may excuse itself


def _merge_hits(scanner: "Scanner", content: bytes) -> dict[tuple[str, int], str]:
    """The secrets of a document by rule and line; the scanner's names go before ours."""
    hits: dict[tuple[str, int], str] = {}
    for found in scanner.scan(content):
        rule = found.rule_id.removeprefix("betterleaks.").removeprefix("veles.secrets/")
        if found.visible and not is_example(rule, found.secret):
            hits[rule, found.location["line"]] = found.secret
    for rule, line, secret in find_tells(_to_text(content)):
        is_known = any(secret in other or other in secret for other in hits.values())
        if not is_known and not is_example(rule, secret):
            hits[rule, line] = secret
    return dict(sorted(hits.items(), key=lambda hit: hit[0][::-1]))


def _to_text(content: bytes) -> str:
    is_wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content.decode("utf-16" if is_wide else "utf-8", "replace")
