"""What was sent to a service and never put into the store: found, told and removed."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from vectornator.drift import DriftKind, Finding
from vectornator.errors import Transient
from vectornator.proof import Proof
from vectornator.providers.base import FindsStrays, Stray
from vectornator.session import Session

_SETTLING = 2.0
"""How long a removal may take from the look that decides on it until it is done, in seconds."""


def find_strays(session: Session) -> tuple[Stray, ...]:
    """What runs that were cut short have sent and not stored, as far as it is ours.

    The store must have been listed before. Raises `Transient` where the service can't tell now.
    """
    return tuple(stray for stray in _ask(session) if stray.is_ours)


def find_orphans(session: Session) -> list[Stray]:
    """What no store holds and nothing proves to be ours; the store must have been listed."""
    others = [stray for stray in _ask(session) if not stray.is_ours]
    provider = session.provider
    held = provider.find_held() if others and isinstance(provider, FindsStrays) else ()
    return [stray for stray in others if stray.file_id not in held]


def _ask(session: Session) -> Iterator[Stray]:
    provider = session.provider
    if isinstance(provider, FindsStrays):
        yield from provider.find_strays(session.binding.ownership, session.proof.listed)


def to_findings(strays: Iterable[Stray]) -> Iterator[Finding]:
    """Strays as findings beside those about copies."""
    return (Finding(DriftKind.STRAY, stray.name, stray.file_id) for stray in strays)


def remove_strays(session: Session, strays: Iterable[Stray]) -> None:
    """Remove strays; one that can't be removed now is found again by a later run.

    A run that was killed and one that has sent a file and not stored it yet look alike. So a stray
    may be another run's; one that it has stored meanwhile stays.
    """
    provider = session.provider
    if not isinstance(provider, FindsStrays):
        return
    for stray in strays:
        with suppress(Transient):
            provider.remove_stray(stray.file_id)


def find_taken(session: Session, stored: Mapping[str, str], copies: int) -> list[str]:
    """Which copies that this run has stored are gone: another one took them for strays.

    `stored` has paths by id; `copies` is about how many the store holds. The look is taken when
    everything is done that was decided before they were in the store. Raises `Withheld` when the
    run is asked to stop.
    """
    session.wait(_SETTLING)
    proof = Proof(session.provider, session.binding)
    proof.expect(len(stored), copies)
    return [file_id for file_id, path in stored.items() if proof.owns(file_id, path) is None]
