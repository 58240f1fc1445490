"""The registry of providers: which there are, and how one is opened by its name."""

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from vectornator.errors import SettingsError, list_choices
from vectornator.providers.base import ProviderConfig, VectorStoreProvider

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Factory: TypeAlias = type[VectorStoreProvider] | Callable[[ProviderConfig], VectorStoreProvider]
"""Makes a provider: its class, called without arguments, or a function of the config."""

BUILT_IN = {
    "example": "vectornator.providers.example:ExampleProvider",
    "local": "vectornator.providers.local:LocalProvider",
    "memory": "vectornator.providers.memory:MemoryProvider",
    "openai": "vectornator.providers.openai:OpenAIProvider",
}
"""The providers of this package; each is imported when it is first asked for."""

ENTRY_POINTS = "vectornator.providers"
"""The entry-point group by which other packages offer theirs."""


class ProviderRegistry:
    """Opens providers by name.

    A name stands for what was registered under it, else for the built-in provider, else
    for an installed package's entry point. So no package can put itself in the place of a
    built-in provider, and receive its credentials, by merely being installed.
    """

    def __init__(self) -> None:
        self._factories: dict[str, Factory] = {}

    def register(self, name: str, factory: Factory, *, replace: bool = False) -> None:
        """Make `factory` stand for `name` in this process.

        Raises `SettingsError` when the name is registered or built in already, unless
        `replace` says that this is meant.
        """
        if not replace and (name in self._factories or name in BUILT_IN):
            raise SettingsError(
                f"Provider {name!r} exists already. Choose another name or pass replace=True."
            )
        self._factories[name] = factory

    def names(self) -> list[str]:
        """Every name that `get` takes, sorted; nothing is imported to find out."""
        offered = {point.name for point in _find_entry_points()}
        return sorted({*self._factories, *BUILT_IN, *offered})

    def get(self, name: str, config: ProviderConfig) -> VectorStoreProvider:
        """Make the provider called `name` and initialise it with `config`.

        Raises `SettingsError` when the name is unknown, when what it stands for can't be
        imported, or when that is not a provider; `Fatal` when `config` doesn't suit it.
        """
        factory = self._find(name)
        provider = factory() if isinstance(factory, type) else factory(config)
        _check_complete(name, provider)
        provider.initialize(config)
        return provider

    def _find(self, name: str) -> Factory:
        if name in self._factories:
            return self._factories[name]
        if name in BUILT_IN:
            return _import_built_in(name)
        return _import_offered(name, self.names())


provider_registry = ProviderRegistry()
"""The registry of this process."""


def _find_entry_points(name: str | None = None) -> list["EntryPoint"]:
    from importlib.metadata import entry_points  # noqa: PLC0415  (slow, and seldom needed)

    found = entry_points(group=ENTRY_POINTS)
    return list(found if name is None else found.select(name=name))


def _import_built_in(name: str) -> Factory:
    module, attribute = BUILT_IN[name].split(":")
    try:
        loaded = import_module(module)
    except ImportError as error:
        raise SettingsError(f"Provider {name!r} can't be used here: {error}.") from error
    factory: Factory = getattr(loaded, attribute)
    return factory


def _import_offered(name: str, known: list[str]) -> Factory:
    match _find_entry_points(name):
        case []:
            raise SettingsError(f"There is no provider {name!r}. Choose {list_choices(known)}.")
        case [point]:
            return _load(point)
        case points:
            raise SettingsError(
                f"Provider {name!r} is offered by several packages: "
                f"{', '.join(sorted(map(_distribution, points)))}. Uninstall all but one."
            )


def _load(point: "EntryPoint") -> Factory:
    try:
        factory: Factory = point.load()
    except Exception as error:  # another package's module may raise anything
        raise SettingsError(
            f"Provider {point.name!r} of the package {_distribution(point)} can't be imported "
            f"from {point.value}: {type(error).__name__}: {error}."
        ) from error
    return factory


def _distribution(point: "EntryPoint") -> str:
    return point.dist.name if point.dist else "of unknown origin"


def _check_complete(name: str, provider: object) -> None:
    """Raise `SettingsError` unless `provider` has everything that the contract asks for."""
    contract = {*vars(VectorStoreProvider), *inspect.get_annotations(VectorStoreProvider)}
    wanted = (member for member in contract if not member.startswith("_"))
    missing = [it for it in wanted if inspect.getattr_static(provider, it, None) is None]
    if missing:
        raise SettingsError(
            f"Provider {name!r} is not complete: {type(provider).__name__} has no "
            f"{', '.join(sorted(missing))}. See vectornator.providers.base.VectorStoreProvider."
        )
