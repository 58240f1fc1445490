"""Makes repositories by a seeded script: the same commits on every machine."""

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.repositories import ENVIRON, run_git

SEED = 20_240_229
CHANGED = 10
"""How many documents each commit after the first one changes."""

_PER_FOLDER = 20
_EPOCH = 1_700_000_000
_TEXT = (
    "about and commit document every first for guide in index install is model note of option "
    "page query reference result search second section store the to tree value vector with"
)
_WORDS = _TEXT.split()


def make_repository(root: Path, files: int, commits: int) -> list[str]:
    """Make a bare repository and return its commits, oldest first.

    The first has `files` documents, each of the others changes ten of them. `main` is on the
    first, `all` on the last.
    """
    run_git(root.parent, "init", "--quiet", "--bare", "-b", "main", root.name)
    subprocess.run(
        ["git", "fast-import", "--quiet"],
        cwd=root,
        env=ENVIRON,
        input=b"".join(write_stream(files, commits)),
        check=True,
    )
    run_git(root, "repack", "-adq")
    listed = run_git(root, "rev-list", "--reverse", "all").split()
    run_git(root, "update-ref", "refs/heads/main", listed[0])
    return listed


def write_stream(files: int, commits: int) -> Iterator[bytes]:
    """The commits in the format of git-fast-import(1)."""
    chance = random.Random(SEED)
    for number in range(commits):
        chosen = range(files) if number == 0 else sorted(chance.sample(range(files), CHANGED))
        yield b"commit refs/heads/all\n"
        yield b"committer Ada <ada@example.com> %d +0000\n" % (_EPOCH + 60 * number)
        yield b"data 1\nx\n"
        for file in chosen:
            content = write_document(chance, file).encode()
            yield b"M 644 inline %s\ndata %d\n" % (name_document(file).encode(), len(content))
            yield content + b"\n"


def name_document(number: int) -> str:
    """A path three folders deep, twenty documents to a folder."""
    folder = number // _PER_FOLDER
    return f"docs/part-{folder % 50:02}/chapter-{folder // 50:03}/page-{number:06}.md"


def write_document(chance: random.Random, number: int) -> str:
    """A page of Markdown, half a kilobyte on average."""
    words = chance.choices(_WORDS, k=chance.randint(40, 140))
    return f"# Page {number}\n\n{' '.join(words[:20])}\n\n{' '.join(words[20:])}\n"


def write_prose(chance: random.Random, number: int, size: int) -> str:
    """A page of Markdown of about `size` bytes, in paragraphs of sixty words."""
    words = chance.choices(_WORDS, k=max(1, size // 6))
    paragraphs = [" ".join(words[start : start + 60]) for start in range(0, len(words), 60)]
    return "\n\n".join([f"# Page {number}", *paragraphs, ""])
