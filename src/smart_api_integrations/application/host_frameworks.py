"""Which adapter an application object has: the one table that knows frameworks by name. Floor 7.

Adapters stand two floors above and are imported when an application is given to us, not before.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from smart_api_integrations.errors import ConfigurationError

ADAPTERS = {
    "django": "smart_api_integrations.frameworks.django",
    "fastapi": "smart_api_integrations.frameworks.fastapi",
    "flask": "smart_api_integrations.frameworks.flask",
    "starlette": "smart_api_integrations.frameworks.starlette",
}


def adapter_of(app: object) -> Any:
    """Return the module that adapts the framework of *app*.

    Raises:
        ConfigurationError: It is of no framework that is known.
    """
    for kind in type(app).__mro__:
        root = kind.__module__.partition(".")[0]
        if root in ADAPTERS:
            return import_module(ADAPTERS[root])
    message = (
        f"{type(app).__qualname__} is no application of {', '.join(ADAPTERS)}. In Django put "
        "'smart_api_integrations.frameworks.django' into INSTALLED_APPS instead."
    )
    raise ConfigurationError(message)


def adapter(framework: str) -> Any:
    """Return the module that adapts the framework of this name.

    Raises:
        ConfigurationError: No adapter has this name.
    """
    if framework not in ADAPTERS:
        message = f"The framework {framework!r} is unknown; known are {', '.join(ADAPTERS)}."
        raise ConfigurationError(message)
    return import_module(ADAPTERS[framework])
