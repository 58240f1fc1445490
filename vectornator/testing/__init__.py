"""What people who write providers and state stores test them with: suites and faults.

The suites need pytest, which is imported when one is asked for and not before.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vectornator.testing.provider_suite import ProviderSuite
    from vectornator.testing.state_suite import StateSuite

__all__ = ["ProviderSuite", "StateSuite"]

_SUITES = {
    "ProviderSuite": ("provider_suite", "abilities", "steps"),
    "StateSuite": ("state_suite",),
}
"""Each suite, the module it is in, and those that this one is made of."""


def __getattr__(name: str) -> Any:  # noqa: ANN401  (a module's attribute is anything)
    if name not in _SUITES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pytest  # noqa: PLC0415  (an installation that only syncs has no pytest)

    # pytest explains the failed asserts of a module only when told so before its import.
    modules = [f"{__name__}.{module}" for module in _SUITES[name]]
    pytest.register_assert_rewrite(*(it for it in modules if it not in sys.modules))
    return getattr(import_module(modules[0]), name)
