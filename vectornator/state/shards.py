"""The manifest in 256 shards: which one a path is in, and where they are in a notes tree."""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256

from vectornator.git.objects import Read, parse_tree
from vectornator.git.trees import find_item

ENTRIES = b".vectornator/entries"
"""The folder of the shards in a notes tree."""

_SHARD = re.compile(rb"[0-9a-f]{2}\.json")


def shard_of(path: str) -> str:
    """The two hexadecimal digits that name the shard of a path, be it UTF-8 or not."""
    return sha256(path.encode(errors="surrogatepass")).hexdigest()[:2]


def group_by_shard(paths: Iterable[str]) -> dict[str, list[str]]:
    """Sort paths into their shards."""
    shards: dict[str, list[str]] = {}
    for path in paths:
        shards.setdefault(shard_of(path), []).append(path)
    return shards


def to_place(shard: str) -> bytes:
    """Where a shard is in a notes tree."""
    return b"%s/%s.json" % (ENTRIES, shard.encode("ascii"))


def list_shards(read: Read, tree: bytes | None) -> dict[str, bytes]:
    """The blob of each shard, by name; what else somebody put there is left alone."""
    folder = find_item(read, tree, ENTRIES) if tree else None
    if folder is None or not folder.is_directory:
        return {}
    items = parse_tree(read(folder.oid)[1])
    return {
        item.name[:2].decode("ascii"): item.oid for item in items if _SHARD.fullmatch(item.name)
    }


def digest_shards(places: Mapping[str, bytes]) -> str:
    """Tells one set of shards from any other."""
    listed = (name.encode("ascii") + places[name] for name in sorted(places))
    return sha256(b"".join(listed)).hexdigest()[:32]
