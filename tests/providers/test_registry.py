"""How a provider is found by its name."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vectornator.errors import SettingsError
from vectornator.providers import BUILT_IN, ProviderRegistry, provider_registry
from vectornator.providers.base import ProviderConfig
from vectornator.providers.example import ExampleProvider
from vectornator.providers.memory import MemoryProvider, MemoryStore

Install = Callable[..., None]


@pytest.fixture
def registry() -> ProviderRegistry:
    """Return a registry where nothing was registered."""
    return ProviderRegistry()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return what installs a package with a module `NAME` that offers a provider."""
    monkeypatch.syspath_prepend(tmp_path)

    def install_one(package: str, provider: str, code: str) -> None:
        module = package.replace("-", "_")
        monkeypatch.delitem(sys.modules, module, raising=False)
        (tmp_path / f"{module}.py").write_text(code)
        metadata = tmp_path / f"{module}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Name: {package}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(
            f"[vectornator.providers]\n{provider} = {module}:Provider\n"
        )

    return install_one


OFFERED = "from vectornator.providers.memory import MemoryProvider as Provider\n"


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_built_in_providers(registry: ProviderRegistry, name: str, tmp_path: Path) -> None:
    """Every built-in provider can be opened, and has the name it is found under."""
    provider = registry.get(name, ProviderConfig(root=tmp_path))
    provider.cleanup()
    assert provider.name == name


def test_get_initialises(registry: ProviderRegistry) -> None:
    """A provider comes with its settings taken."""
    assert registry.get("memory", ProviderConfig(store_id="store-7")).store_id == "store-7"


def test_registered_class(registry: ProviderRegistry) -> None:
    """A class may be registered; it is called without arguments."""
    registry.register("custom", MemoryProvider)
    assert isinstance(registry.get("custom", ProviderConfig()), MemoryProvider)


def test_registered_function(registry: ProviderRegistry) -> None:
    """A function may be registered; it is given the config."""
    server = MemoryStore()
    registry.register("custom", lambda config: MemoryProvider(server, is_shared=not config.api_key))
    provider = registry.get("custom", ProviderConfig(api_key="k"))
    assert isinstance(provider, MemoryProvider)
    assert (provider.store, provider.is_shared) == (server, False)


@pytest.mark.parametrize("name", ["custom", "memory"])
def test_register_twice(registry: ProviderRegistry, name: str) -> None:
    """A name that stands for something is not given away by accident."""
    registry.register("custom", MemoryProvider)
    with pytest.raises(SettingsError, match=f"'{name}' exists already"):
        registry.register(name, ExampleProvider)
    registry.register(name, ExampleProvider, replace=True)
    assert isinstance(registry.get(name, ProviderConfig()), ExampleProvider)


def test_unknown_name(registry: ProviderRegistry) -> None:
    """An unknown name is answered with all known ones."""
    registry.register("custom", MemoryProvider)
    expected = (
        r"^There is no provider 'milvos'\. Choose custom, example, local, memory or openai\.$"
    )
    with pytest.raises(SettingsError, match=expected):
        registry.get("milvos", ProviderConfig())


def test_incomplete_provider(registry: ProviderRegistry) -> None:
    """What is not a provider is refused, and told what it lacks."""

    class Half(ExampleProvider):
        list_files = None  # type: ignore[assignment]
        verify_store = None  # type: ignore[assignment]

    registry.register("half", Half)  # type: ignore[arg-type]  # that is what is tested
    with pytest.raises(SettingsError, match=r"Half has no list_files, verify_store\."):
        registry.get("half", ProviderConfig())


def test_entry_point(registry: ProviderRegistry, install: Install) -> None:
    """An installed package's provider is known by name."""
    install("acme-store", "acme", OFFERED)
    assert "acme" in registry.names()
    assert isinstance(registry.get("acme", ProviderConfig()), MemoryProvider)


def test_registration_wins_over_entry_point(registry: ProviderRegistry, install: Install) -> None:
    """What this process registered goes before what is installed."""
    install("acme-store", "acme", OFFERED)
    registry.register("acme", ExampleProvider)
    assert isinstance(registry.get("acme", ProviderConfig()), ExampleProvider)


def test_entry_point_never_takes_a_built_in_name(
    registry: ProviderRegistry, install: Install
) -> None:
    """A package can't put itself in the place of a built-in provider."""
    install("evil", "example", "raise SystemExit('imported')\n")
    assert isinstance(registry.get("example", ProviderConfig()), ExampleProvider)


def test_broken_entry_point(registry: ProviderRegistry, install: Install) -> None:
    """A package that can't be imported is named, with the cause."""
    install("acme-store", "acme", "import a_missing_sdk\n")
    expected = "'acme' of the package acme-store can't be imported .* No module named"
    with pytest.raises(SettingsError, match=expected) as caught:
        registry.get("acme", ProviderConfig())
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_ambiguous_entry_point(registry: ProviderRegistry, install: Install) -> None:
    """Two packages that offer the same name are both named, and neither is taken."""
    install("acme-one", "acme", OFFERED)
    install("acme-two", "acme", OFFERED)
    with pytest.raises(SettingsError, match="several packages: acme-one, acme-two"):
        registry.get("acme", ProviderConfig())


def test_the_registry_imports_nothing() -> None:
    """Importing the registry imports no provider, no SDK and no entry points."""
    heavy = ["openai", "numpy", "tenacity", "pytest", "importlib.metadata"]
    heavy += [spec.split(":")[0] for spec in BUILT_IN.values()]
    code = f"import sys, vectornator.providers; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "[]\n"


def test_one_registry_for_the_process() -> None:
    """`provider_registry` is the one that the command line asks."""
    assert {"example", "local", "memory"} <= set(provider_registry.names())
