"""The store that a command works on: asked for, found by its name, created when it is missing."""

from collections.abc import Callable

from vectornator.errors import Expired, Fatal, NoCredentials, SettingsError
from vectornator.providers.base import FindsStore
from vectornator.session import Session

_SETTLE_SECONDS = 1.1
"""How long after creating a store it is settled which one counts: services date to the second."""


def verify_store(session: Session, remark: Callable[[str], None]) -> bool | None:
    """Tell whether there is a store; None for a plan without credentials, which can't ask."""
    try:
        return is_there(session, remark)
    except NoCredentials:
        if not session.settings.dry_run:
            raise
    remark("Planned from the ledger alone: without an API key no store is asked.")
    return None


def is_there(session: Session, remark: Callable[[str], None]) -> bool:
    """Tell whether there is a store. Raises `Expired` unless the user names another one by now."""
    settings = session.settings
    try:
        found = session.provider.verify_store()
    except Expired as error:
        if settings.store_id or settings.store_name in {"", error.name}:
            raise
        remark(f"The store {session.provider.store_id} has expired.")
        return False
    if found and not settings.store_id:
        _mention_other_name(session, remark)
    return found


def _mention_other_name(session: Session, remark: Callable[[str], None]) -> None:
    """Tell the user whose --store-name is not that of the store which the ledger is of."""
    provider, wanted = session.provider, session.settings.store_name
    name = provider.store_name if wanted and isinstance(provider, FindsStore) else ""
    if name and name != wanted:
        remark(
            f"The ledger is of the store {provider.store_id}, called {name!r}: that one is used, "
            f"not {wanted!r}. To move to another one, pass its --store-id."
        )


def find_store(session: Session, tell: Callable[[str], None]) -> bool:
    """Look for the store by its name, where there is none by its id; changes nothing.

    Raises `Fatal` for an id that the user named and that is not there.
    """
    name, provider = session.settings.store_name, session.provider
    if session.settings.store_id:
        need_store(session)
    if not name or not isinstance(provider, FindsStore):
        return False
    try:
        found = provider.use_store(name)
    except NoCredentials:
        if not session.settings.dry_run:
            raise
        tell(f"Planned as if no store were called {name}: without an API key none is asked")
        return False
    if found:
        tell(f"Found the {provider.name} store {found}")
    return bool(found)


def create_store(session: Session, tell: Callable[[str], None]) -> None:
    """Create the store that is missing. Raises `SettingsError` when it has no name."""
    settings, provider = session.settings, session.provider
    if provider.is_shared and not settings.store_name:
        gone = f"The store {provider.store_id} that the ledger names is gone."
        none = f"No {provider.name} store is named."
        raise SettingsError(
            f"{gone if provider.store_id else none} Pass --store-id, or --store-name to have "
            "one created."
        )
    store_id = created = provider.create_store(settings.store_name or session.root.name)
    if settings.store_name and isinstance(provider, FindsStore):
        session.wait(_SETTLE_SECONDS)
        store_id = provider.settle_store(settings.store_name)
    whose = "Created" if store_id == created else "Another run created one just now: using"
    tell(f"{whose} the {provider.name} store {store_id}")


def need_store(session: Session) -> None:
    """Raise `Fatal` unless the store exists."""
    provider = session.provider
    if not provider.verify_store():
        name = provider.store_id or "none is known"
        raise Fatal(
            f"There is no {provider.name} store ({name}). Run `vectornator sync` or "
            "`vectornator create-store NAME`, or pass --store-id.",
            reason="store-not-found",
        )
