"""Everything that can become of a repository, as rules for a state machine."""

import shutil
from contextlib import suppress
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.support.oracle import LFS
from tests.support.repositories import GitRepo

PATHS = (
    *("a.md", "A.md", "b.md", "docs/a.md", "docs/b.md", "docs/deep/c.md", "docs/n.txt", "x.py"),
    *("docs/\u00e9.md", "docs/e\u0301.md"),
)
"""Two that differ in case, and two in how an accent is written."""

CONTENTS = (b"# one\n", b"# two\n", b"# three\n", b"", b" \n", b"a\0b", LFS, b"\xff\xfea\0")
IGNORES = (b"", b"docs/deep/\n", b"docs/\n")

BRANCHES = ("main", "side")
TIDYINGS = (
    ("gc", "-q", "--prune=now"),
    ("repack", "-a", "-d", "-q"),
    ("prune", "--expire=now"),
    ("pack-refs", "--all"),
)

paths = st.sampled_from(PATHS)
contents = st.sampled_from(CONTENTS)


class Commits(RuleBasedStateMachine):
    """A repository, and somebody who commits to it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.repo = GitRepo.init(folder)
        self.repo.commit({"a.md": "# one\n", "docs/b.md": "# two\n", "x.py": "1\n"})

    @rule(path=paths, content=contents)
    def edit(self, path: str, content: bytes) -> None:
        """Add or change a file; a file in its way gives way, and so does a folder."""
        self._write(path, content)
        self.repo.commit()

    @rule(path=paths, content=contents, other=paths, second=contents)
    def edit_two(self, path: str, content: bytes, other: str, second: bytes) -> None:
        """Change two files at once."""
        self._write(path, content)
        self._write(other, second)
        self.repo.commit()

    @rule(path=paths)
    def remove(self, path: str) -> None:
        """Remove a file, or a folder where it was."""
        self._remove(path)
        self.repo.commit()

    @rule(path=paths, other=paths)
    def rename(self, path: str, other: str) -> None:
        """Move a file onto another path."""
        if path != other and (content := self._read(path)) is not None:
            self._remove(path)
            self._write(other, content)
            self.repo.commit()

    @rule(path=paths, other=paths)
    def copy(self, path: str, other: str) -> None:
        """Let two paths hold the same blob."""
        if (content := self._read(path)) is not None:
            self._write(other, content)
            self.repo.commit()

    @rule(path=paths, other=paths)
    def swap(self, path: str, other: str) -> None:
        """Exchange the contents of two files."""
        one, two = self._read(path), self._read(other)
        if one is not None and two is not None:
            self._write(path, two)
            self._write(other, one)
            self.repo.commit()

    @rule(path=paths)
    def make_executable(self, path: str) -> None:
        """Change nothing of a file but its mode."""
        if self._read(path) is not None:
            (self.repo.root / path).chmod(0o755)
            self.repo.commit()

    @rule(path=paths)
    def make_link(self, path: str) -> None:
        """Put a symbolic link where a file was."""
        self._write(path, b"")
        (self.repo.root / path).unlink()
        (self.repo.root / path).symlink_to("x.py")
        self.repo.commit()

    @rule(path=paths)
    def make_submodule(self, path: str) -> None:
        """Put a submodule where a file was."""
        self._remove(path)
        self._write(f"{path}/gone", b"")  # makes the folder, and way for it
        (self.repo.root / path / "gone").unlink()
        self.repo.run("add", "--all")
        self.repo.run("update-index", "--add", "--cacheinfo", f"160000,{self.repo.head},{path}")
        self.repo.commit()

    @rule(path=paths, content=contents)
    def make_folder(self, path: str, content: bytes) -> None:
        """Put a folder where a file was."""
        self._remove(path)
        self._write(f"{path}/in.md", content)
        self.repo.commit()

    @rule(back=st.integers(1, 4))
    def revert(self, back: int) -> None:
        """Commit an earlier tree again."""
        if commit := self.find_ancestor(back):
            self.repo.run("read-tree", "-u", "--reset", commit)
            self.repo.commit()

    @rule(back=st.integers(1, 4), content=contents)
    def rewrite_history(self, back: int, content: bytes) -> None:
        """Throw the newest commits away and commit something else."""
        if commit := self.find_ancestor(back):
            self.repo.run("reset", "-q", "--hard", commit)
            self.edit("a.md", content)

    @rule(content=st.sampled_from(IGNORES))
    def ignore(self, content: bytes) -> None:
        """Change the ignore file."""
        self._write(".vectornatorignore", content)
        self.repo.commit()

    @rule()
    def commit_nothing(self) -> None:
        """Make an empty commit."""
        self.repo.commit()

    @rule(branch=st.sampled_from(BRANCHES))
    def switch_branch(self, branch: str) -> None:
        """Go on with another branch, which begins here when there is none yet."""
        if not self._find_commit(branch):
            self.repo.run("branch", branch)
        self.repo.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
        self.repo.run("read-tree", "-u", "--reset", "HEAD")

    @rule(branch=st.sampled_from(BRANCHES), is_theirs=st.booleans())
    def merge(self, branch: str, is_theirs: bool) -> None:
        """Merge a branch, with either side's tree as the outcome."""
        if (other := self._find_commit(branch)) and other != self.repo.head:
            tree = f"{other if is_theirs else 'HEAD'}^{{tree}}"
            parents = ("-p", "HEAD", "-p", other)
            merged = self.repo.run("commit-tree", tree, *parents, "-m", "merge")
            self.repo.run("reset", "-q", "--hard", merged)

    @rule(words=st.sampled_from(TIDYINGS))
    def tidy(self, words: tuple[str, ...]) -> None:
        """Pack everything, or drop what nothing names."""
        self.repo.run("reflog", "expire", "--expire=now", "--all")
        self.repo.run(*words)

    def find_ancestor(self, back: int) -> str:
        """The commit so many commits before the newest; empty when there is none."""
        return self._find_commit(f"HEAD~{back}")

    def _find_commit(self, revision: str) -> str:
        return self.repo.run("rev-parse", "-q", "--verify", revision, check=False)

    def _read(self, path: str) -> bytes | None:
        place = self.repo.root / path
        return place.read_bytes() if place.is_file() and not place.is_symlink() else None

    def _write(self, path: str, content: bytes) -> None:
        place = self.repo.root / path
        for folder in reversed(place.relative_to(self.repo.root).parents[:-1]):
            if not (self.repo.root / folder).is_dir() or (self.repo.root / folder).is_symlink():
                self._remove(str(folder))
        self._remove(path)
        self.repo.write({path: content})

    def _remove(self, path: str) -> None:
        place = self.repo.root / path
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            with suppress(OSError):
                place.unlink()
