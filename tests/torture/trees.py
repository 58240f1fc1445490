"""Notes trees and refs that git would not make, or no program that means well."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from tests.torture.malformed import BIG, Bend, Malformed, Parts, build, to_json
from tests.torture.objects import Objects, read_items, read_tree, to_line
from vectornator.git.objects import MODE_DIRECTORY, MODE_FILE, Kind, TreeItem, hash_object


def bend_trees() -> Iterator[Malformed]:
    """Trees that git would not make."""
    oid = b"\x11" * 20
    names = (b"..", b".", b".git", b"a/b", b"-x", b"\xff\xfe", b"a\nb", b"x" * 4096, b".GIT")
    for name in names:
        for mode in (MODE_FILE, MODE_DIRECTORY):
            yield _add_line(f"tree: {name[:20]!r} of mode {mode:o}", name, mode, b"")
    for mode in (0o120000, 0o160000, 0o100755, 0o100664, 0o777, 0, 0o40000):
        for file in (b"ledger.json", b"order", b"pending.json", b"entries"):
            yield _bend_folder(f"tree: {file.decode()} of mode {mode:o}", file, mode, None)
    for file in (b"ledger.json", b"order", b"pending.json", b"entries"):
        yield _bend_folder(f"tree: {file.decode()} missing", file, MODE_FILE, oid)
        yield _bend_folder(f"tree: {file.decode()} is a folder", file, MODE_DIRECTORY, b"")
    yield _bend_folder("tree: entries is a file", b"entries", MODE_FILE, b"")
    for mode in (MODE_DIRECTORY, 0o120000, 0o160000, 0o100755):
        yield _bend_note(f"tree: the note has mode {mode:o}", mode)
    yield Malformed("tree: short id", _cut_tree(5))
    yield Malformed("tree: no id", _cut_tree(20))
    yield Malformed("tree: half a line", _cut_tree(27))
    for depth in (20, 400, 3000):
        yield Malformed(f"tree: {depth} levels", _nest(depth))
    yield Malformed("tree: 256 ways to 256 ways, 19 times", _fan_out())
    yield Malformed("tree: the same twice", _double())
    yield Malformed("tree: entries of entries of entries", _swell())


def _add_line(name: str, line: bytes, mode: int, content: bytes) -> Malformed:
    oid = bytes.fromhex(hash_object(Kind.BLOB, content))
    empty = bytes.fromhex(hash_object(Kind.TREE, b""))
    extra = {line: (mode, empty if mode == MODE_DIRECTORY else oid)}
    return Malformed.of(name, extra=extra)


def _reshape(parts: Parts, objects: Objects, act: Callable[[dict[bytes, TreeItem]], None]) -> str:
    """The good ledger with its folder changed by `act`."""
    good = build(replace(parts, raw=None), objects)
    root = read_items(objects, good)
    folder = read_tree(objects, root[b".vectornator"].oid)
    act(folder)
    oid = objects.write(Kind.TREE, b"".join(map(to_line, folder.values())))
    root[b".vectornator"] = TreeItem(b".vectornator", MODE_DIRECTORY, oid)
    tree = objects.write(Kind.TREE, b"".join(map(to_line, root.values())))
    head = to_json({**parts.head, "pending": 1})
    return objects.commit(tree.hex(), b"by hand\n\n" + head)


def _bend_folder(name: str, file: bytes, mode: int, oid: bytes | None) -> Malformed:
    def act(folder: dict[bytes, TreeItem]) -> None:
        empty = bytes.fromhex(hash_object(Kind.TREE, b""))
        folder[file] = TreeItem(file, mode, folder[file].oid if oid is None else oid or empty)

    def bend(parts: Parts) -> Parts:
        return replace(parts, raw=lambda objects: _reshape(parts, objects, act))

    return Malformed(name, bend)


def _bend_note(name: str, mode: int) -> Malformed:
    def make(parts: Parts, objects: Objects) -> str:
        root = read_items(objects, build(parts, objects))
        noted = parts.noted.encode()
        root[noted] = TreeItem(noted, mode, root[noted].oid)
        tree = objects.write(Kind.TREE, b"".join(map(to_line, root.values())))
        return objects.commit(tree.hex(), b"by hand\n\n" + to_json(parts.head))

    return Malformed(name, lambda parts: replace(parts, raw=lambda objects: make(parts, objects)))


def _cut_tree(number: int) -> Bend:
    def make(parts: Parts, objects: Objects) -> str:
        root = read_items(objects, build(parts, objects))
        content = b"".join(map(to_line, root.values()))[:-number]
        tree = objects.write(Kind.TREE, content)
        return objects.commit(tree.hex(), b"by hand\n\n" + to_json(parts.head))

    return lambda parts: replace(parts, raw=lambda objects: make(parts, objects))


def _nest(depth: int) -> Bend:
    """A fan-out of many levels, which leads to a note in the end."""

    def make(parts: Parts, objects: Objects) -> str:
        oid = objects.tree({b"x": (MODE_FILE, objects.blob(parts.note))})
        for level in reversed(range(depth)):
            place = level * 2 % 40
            oid = objects.tree({parts.noted[place : place + 2].encode(): (MODE_DIRECTORY, oid)})
        root = read_items(objects, build(parts, objects))
        name = parts.noted[:2].encode()
        root[name] = TreeItem(name, MODE_DIRECTORY, oid)
        tree = objects.write(Kind.TREE, b"".join(map(to_line, root.values())))
        return objects.commit(tree.hex(), b"by hand\n\n" + to_json(parts.head))

    return lambda parts: replace(parts, raw=lambda objects: make(parts, objects))


def _fan_out() -> Bend:
    """A few small trees that stand for more notes than there are atoms."""

    def make(parts: Parts, objects: Objects) -> str:
        oid = objects.tree({b"ab": (MODE_FILE, objects.blob(parts.note))})
        names = [b"%02x" % number for number in range(256)]
        for _ in range(19):
            oid = objects.tree(dict.fromkeys(names, (MODE_DIRECTORY, oid)))
        root = read_items(objects, build(parts, objects))
        fans = {name: TreeItem(name, MODE_DIRECTORY, oid) for name in names}
        tree = objects.write(Kind.TREE, b"".join(map(to_line, {**root, **fans}.values())))
        return objects.commit(tree.hex(), b"by hand\n\n" + to_json(parts.head))

    return lambda parts: replace(parts, raw=lambda objects: make(parts, objects))


def _double() -> Bend:
    def make(parts: Parts, objects: Objects) -> str:
        root = read_items(objects, build(parts, objects))
        content = b"".join(map(to_line, root.values())) * 2
        tree = objects.write(Kind.TREE, content)
        return objects.commit(tree.hex(), b"by hand\n\n" + to_json(parts.head))

    return lambda parts: replace(parts, raw=lambda objects: make(parts, objects))


def _swell() -> Bend:
    """Folders in the folder of the shards, millions of paths of them."""

    def make(parts: Parts, objects: Objects) -> str:
        oid = objects.tree({b"x": (MODE_FILE, objects.blob(b""))})
        for _ in range(6):
            names = [b"%02x" % number for number in range(64)]
            oid = objects.tree(dict.fromkeys(names, (MODE_DIRECTORY, oid)))

        def act(folder: dict[bytes, TreeItem]) -> None:
            folder[b"entries"] = TreeItem(b"entries", MODE_DIRECTORY, oid)

        return _reshape(parts, objects, act)

    return lambda parts: replace(parts, raw=lambda objects: make(parts, objects))


def bend_refs() -> Iterator[Malformed]:
    """Refs on what is no ledger's commit."""

    def on(name: str, make: Callable[[Objects], str]) -> Malformed:
        return Malformed(f"ref: {name}", lambda parts: replace(parts, raw=make))

    def tag(objects: Objects) -> str:
        head = b"object %s\ntype commit\ntag x\ntagger A <a> 1 +0000\n\nx" % (b"1" * 40)
        return objects.write(Kind.TAG, head).hex()

    empty = hash_object(Kind.TREE, b"")
    yield on("on a blob", lambda objects: objects.blob(b"x").hex())
    yield on("on a huge blob", lambda objects: objects.blob(b"x" * BIG).hex())
    yield on("on a tree", lambda objects: objects.tree({}).hex())
    yield on("on a tag", tag)
    yield on("on nothing", lambda _: "1" * 40)
    yield on("on a commit of a missing tree", lambda objects: objects.commit("2" * 40, b"x"))
    yield on("on a commit of a blob", lambda objects: objects.commit(objects.blob(b"").hex(), b"x"))
    for tree in ("", "zz", "../../x", "A" * 40, "1" * 64, "1" * 39):
        yield on(f"on a commit of tree {tree!r}", partial(_commit, tree, b""))
    for more in (b"parent zz\n", b"parent " + b"3" * 40 + b"\n", b"gpgsig \xff\n", b"\0\n"):
        yield on(f"on a commit with {more[:12]!r}", partial(_commit, empty, more))
    yield on("on an empty commit", lambda objects: objects.write(Kind.COMMIT, b"").hex())
    yield on("on a huge commit", lambda objects: objects.commit(empty, b"x" * BIG))
    yield on("on a commit of binary", lambda objects: objects.commit(empty, bytes(range(256))))
    yield on("on an empty tree", lambda objects: objects.commit(empty, b"x"))


def _commit(tree: str, more: bytes, objects: Objects) -> str:
    return objects.commit(tree, b"x", more)
