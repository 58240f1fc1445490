"""A repository elsewhere: list its refs, fetch objects into memory, push with compare-and-swap."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from dulwich.client import LocalGitClient
from dulwich.config import StackedConfig
from dulwich.objects import ObjectID
from dulwich.pack import UnpackedObject
from dulwich.refs import Ref
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from vectornator.errors import SourceError, StateError
from vectornator.git.client import NO_REFS, HttpClient
from vectornator.git.config import find_remote_url
from vectornator.git.failures import (
    WRITE_HINT,
    AccessDenied,
    BadAnswer,
    PushDenied,
    StaleRef,
    Unreachable,
    explain_refusal,
    translating,
)
from vectornator.git.objects import ZERO_OID, MissingObject, Oid, Read, Stored
from vectornator.git.route import Patience, Route, Terms, build_route
from vectornator.git.transport import Timeouts, Traffic
from vectornator.git.wire import PackedObject, SizeLimits, make_object, to_record, unpack

__all__ = [
    "AccessDenied",
    "BadAnswer",
    "PackedObject",
    "Patience",
    "PushDenied",
    "Remote",
    "SizeLimits",
    "StaleRef",
    "Terms",
    "Timeouts",
    "Traffic",
    "Unreachable",
    "make_object",
]

_T = TypeVar("_T")


class Remote:
    """One remote repository over http(s), ssh or a path, open for one run.

    Nothing that is fetched is written anywhere. Every method raises `Unreachable`,
    `AccessDenied` or `BadAnswer`. Not for several threads at once.
    """

    def __init__(self, clients: tuple[Route, Route], traffic: Traffic, terms: Terms) -> None:
        self._fetching, self._pushing = clients
        self._terms = terms
        self.traffic = traffic
        """What this remote has cost so far."""

        self.url = self._fetching.shown
        """Its URL, safe to show."""

    @classmethod
    def open(
        cls,
        name: str,
        config: StackedConfig,
        environ: Mapping[str, str],
        *,
        token: str = "",
        terms: Terms | None = None,
    ) -> Self:
        """Open a remote by its name in `config`, its URL or its path; sends nothing yet.

        Raises `SettingsError` for a URL, a proxy or certificates that can't be used.
        """
        terms, traffic = terms or Terms(), Traffic()
        build = partial(build_route, config=config, environ=environ, terms=terms, traffic=traffic)
        urls = [find_remote_url(config, name, push=push) for push in (False, True)]
        fetching = build(urls[0], token=token)
        pushing = fetching if urls[0] == urls[1] else build(urls[1], token=token)
        return cls((fetching, pushing), traffic, terms)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._fetching.client.close()
        self._pushing.client.close()

    def list_refs(self, prefix: str) -> dict[str, Oid]:
        """The refs that begin with `prefix`, and the objects they are on.

        Raises `SourceError` for a repository with SHA-256 objects.
        """
        return self._repeat(partial(self._list_once, prefix))

    def fetch(
        self,
        wants: Sequence[Oid],
        *,
        haves: Sequence[Oid] = (),
        shallow: Sequence[Oid] = (),
        depth: int | None = None,
        filter_spec: str = "",
        base: Read | None = None,
        sizes: SizeLimits | None = None,
    ) -> dict[bytes, Stored]:
        """The objects that `wants` lead to and `haves` do not, by 20-byte id.

        `shallow` are commits of ours without parents, `depth` and `filter_spec` are git's own;
        a remote that knows no filters sends more. `base` finds objects of ours on which the
        remote builds; `sizes` takes the place of the usual limits. Raises `MissingObject` for a
        want that the remote does not have.
        """
        if not wants:
            return {}
        walk = _Walk(haves, shallow)
        limits = sizes or self._terms.sizes
        ask = partial(self._fetch_once, wants, walk, depth, filter_spec, limits.pack)
        pack = self._repeat(ask)
        try:
            return unpack(pack, base or _find_nothing, limits)
        except MissingObject:
            if not haves:
                raise
        # Ours lacks what the remote thinks we have, as partial clones do: take everything.
        return self.fetch(wants, depth=depth, filter_spec=filter_spec, sizes=sizes)

    def push(self, ref: str, new: Oid, old: Oid | None, objects: Iterable[PackedObject]) -> None:
        """Move `ref` from `old` (None: it must not exist) to `new`, sending exactly `objects`.

        Raises `StaleRef` when the ref is elsewhere, and nothing was written; `PushDenied` when
        the remote will not have it; `Unreachable` when nobody knows whether it was written.
        """
        if new == old:
            return
        items, words = list(objects), bytearray()
        name, current = Ref(ref.encode()), (old or ZERO_OID).encode()

        def move(refs: Mapping[Ref, ObjectID]) -> dict[Ref, ObjectID]:
            if refs.get(name, ZERO_OID.encode()) != current:
                kind = StaleRef if name in refs else _Unseen
                raise kind(f"{ref} of {self._pushing.shown} has moved; fetch it again.")
            return {name: ObjectID(new.encode())}

        def pack(*_: object, **__: object) -> tuple[int, Iterator[UnpackedObject]]:
            return len(items), map(to_record, items)

        route = self._pushing
        with translating(route.shown, PushDenied):
            result = route.client.send_pack(route.path, move, pack, progress=words.extend)
        status = result.ref_status or {}
        if (refusal := status.get(name)) is not None:
            raise explain_refusal(f"{ref} of {route.shown}", refusal, bytes(words))
        # A server names every ref it moved; on a path dulwich names only those it did not.
        if name not in status and not isinstance(route.client, LocalGitClient):
            raise Unreachable(f"{route.shown} did not say whether it took {ref}. Fetch it again.")

    def land(self, ref: str, new: Oid, old: Oid | None, objects: Iterable[PackedObject]) -> None:
        """Push; where the answer leaves it open, look whether it landed, and push once more.

        An object is the same whenever it is pushed: one that lands late changes nothing. Raises
        as `push` does, `StaleRef` only when the ref is elsewhere.
        """
        items = list(objects)

        def attempt() -> None:
            try:
                self.push(ref, new, old, items)
            except (BadAnswer, StaleRef, Unreachable) as error:
                tip = self._list_once(ref).get(ref)
                if tip == new:
                    return
                if tip != old:
                    raise StaleRef(f"{ref} of {self.url} has moved; fetch it again.") from error
                raise _explain_standstill(f"{ref} of {self._pushing.shown}", error) from error

        self._repeat(attempt)

    def ask_to_push(self) -> None:
        """Begin a push and end it before a word is sent: the remote must let a writer in.

        What judges single refs, a hook or a rule, is only asked by a real push. Raises
        `PushDenied`.
        """
        route = self._pushing
        with translating(route.shown, PushDenied):
            route.client.send_pack(route.path, lambda _: {}, _send_nothing)

    @property
    def credential(self) -> str:
        """Where the credential for a push comes from; empty for what is not http."""
        client = self._pushing.client
        return client.credential if isinstance(client, HttpClient) else ""

    def _repeat(self, call: Callable[[], _T]) -> _T:
        """Call again, a few times, while the remote is unreachable."""
        patience = self._terms.patience
        guess = wait_random_exponential(multiplier=0.5, max=8)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            wish = error.retry_after if isinstance(error, Unreachable) else None
            return min(guess(state) if wish is None else wish, patience.longest)

        return Retrying(
            retry=retry_if_exception_type(Unreachable),
            stop=stop_after_attempt(patience.tries),
            wait=wait,
            sleep=patience.sleep,
            reraise=True,
        )(call)

    def _list_once(self, prefix: str) -> dict[str, Oid]:
        route = self._fetching
        with translating(route.shown, AccessDenied):
            found = route.client.get_refs(route.path, ref_prefix=[prefix.encode()])
        if found.object_format not in {None, "sha1"}:
            raise SourceError(
                f"{route.shown} has {found.object_format} objects; only sha1 is supported."
            )
        # A path lists everything, and peeled tags come as refs of their own.
        refs = {name.decode("utf-8", "replace"): oid for name, oid in found.refs.items() if oid}
        return {
            name: oid.decode("ascii")
            for name, oid in refs.items()
            if name.startswith(prefix) and not name.endswith("^{}")
        }

    def _fetch_once(
        self, wants: Sequence[Oid], walk: "_Walk", depth: int | None, filter_spec: str, limit: int
    ) -> bytes:
        """The pack of at most `limit` bytes, as it was sent."""
        route, pack = self._fetching, bytearray()
        asked = [ObjectID(want.encode()) for want in wants]

        def choose(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:  # noqa: ARG001
            return asked

        def take(part: bytes) -> int:
            pack.extend(part)
            if len(pack) > limit:
                raise BadAnswer(f"{route.shown} sent more than the {limit} bytes we accept.")
            return len(part)

        with translating(route.shown, AccessDenied):
            route.client.fetch_pack(
                route.path,
                choose,
                walk.begin(),
                take,
                progress=lambda _: None,
                depth=depth,
                ref_prefix=[NO_REFS],
                filter_spec=filter_spec.encode() or None,
            )
        if isinstance(route.client, LocalGitClient):
            self.traffic.count(len(pack), "read")
        return bytes(pack)


class _Walk:
    """What we say we have; dulwich's `GraphWalker`."""

    def __init__(self, haves: Sequence[Oid], shallow: Sequence[Oid]) -> None:
        self._all = [ObjectID(have.encode()) for have in haves]
        self._cut = [ObjectID(commit.encode()) for commit in shallow]
        self._left = iter(self._all)
        self.shallow: set[ObjectID] = set(self._cut)

    def begin(self) -> Self:
        """Start from the top, for another try."""
        self._left, self.shallow = iter(self._all), set(self._cut)
        return self

    def __next__(self) -> ObjectID | None:
        return next(self._left, None)

    def ack(self, sha: ObjectID) -> None:
        """The remote has it too."""

    def nak(self) -> None:
        """The remote has none of ours."""


class _Unseen(StaleRef):
    """A ref that the remote does not show to who pushes."""


def _explain_standstill(what: str, error: StateError) -> StateError:
    """The error for a ref that is where it was, though it should have moved."""
    match error:
        case _Unseen():
            return PushDenied(f"{what} is hidden from who pushes by a rule there; {WRITE_HINT}.")
        case StaleRef():
            return Unreachable(
                f"{what} could not be moved, though it is where it was. Run again; if it stays so,"
                " look on the server for a lock that was left behind."
            )
        case Unreachable():
            return error
        case _:
            return Unreachable(str(error))


def _send_nothing(*_: object, **__: object) -> tuple[int, Iterator[UnpackedObject]]:
    return 0, iter(())


def _find_nothing(oid: bytes) -> Stored:
    raise MissingObject(oid)
