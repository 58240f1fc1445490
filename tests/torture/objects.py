"""Git's objects written and read as they are, good or not."""

import zlib
from collections.abc import Mapping
from pathlib import Path

from vectornator.git.objects import Kind, TreeItem, hash_object


class Objects:
    """Writes objects into a repository as they are, good or not."""

    def __init__(self, git_dir: Path) -> None:
        self.git_dir = git_dir

    def write(self, kind: Kind, content: bytes, *, level: int = 1) -> bytes:
        """Write an object; its 20-byte id."""
        oid = hash_object(kind, content)
        place = self.git_dir / "objects" / oid[:2] / oid[2:]
        place.parent.mkdir(exist_ok=True)
        head = b"%s %d\0" % (kind.name.lower().encode(), len(content))
        place.write_bytes(zlib.compress(head + content, level))
        return bytes.fromhex(oid)

    def blob(self, content: bytes) -> bytes:
        """Write a blob."""
        return self.write(Kind.BLOB, content)

    def tree(self, items: Mapping[bytes, tuple[int, bytes]]) -> bytes:
        """Write a tree of modes and ids by name, in git's order."""
        lines = [TreeItem(name, *item) for name, item in items.items()]
        lines.sort(key=lambda item: item.name + b"/" * item.is_directory)
        return self.write(Kind.TREE, b"".join(map(to_line, lines)))

    def commit(self, tree: str, message: bytes, more: bytes = b"") -> str:
        """Write a commit; its id."""
        person = b"Ada <ada@example.com> 1700000000 +0000"
        head = b"tree %s\n%sauthor %s\ncommitter %s\n\n" % (tree.encode(), more, person, person)
        return self.write(Kind.COMMIT, head + message).hex()


def to_line(item: TreeItem) -> bytes:
    """One line of a tree object."""
    return b"%o %s\0%s" % (item.mode, item.name, item.oid)


def read_items(objects: Objects, commit: str) -> dict[bytes, TreeItem]:
    """The lines of a commit's tree, by name."""
    content = inflate(objects, bytes.fromhex(commit))
    return read_tree(objects, bytes.fromhex(content.split(b"\n", 1)[0].split()[1].decode()))


def read_tree(objects: Objects, oid: bytes) -> dict[bytes, TreeItem]:
    """The lines of a tree, by name."""
    content, items = inflate(objects, oid), {}
    while content:
        mode, _, rest = content.partition(b" ")
        name, _, rest = rest.partition(b"\0")
        items[name], content = TreeItem(name, int(mode, 8), rest[:20]), rest[20:]
    return items


def inflate(objects: Objects, oid: bytes) -> bytes:
    """The content of an object."""
    digits = oid.hex()
    place = objects.git_dir / "objects" / digits[:2] / digits[2:]
    return zlib.decompress(place.read_bytes()).partition(b"\0")[2]
