"""One running platform, built from settings; here clock, randomness and environment enter. Floor 7.

What needs the server extra is loaded on first use, so that a framework without a store does without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from smart_api_integrations.application.configuration import settings_from_surroundings

if TYPE_CHECKING:
    from smart_api_integrations.application.platform import Platform
    from smart_api_integrations.application.publishing import publish
    from smart_api_integrations.application.webhooks import Webhooks

__all__ = ["Platform", "Webhooks", "publish", "settings_from_surroundings"]

_LOADED_ON_FIRST_USE = {"Platform": "platform", "Webhooks": "webhooks", "publish": "publishing"}


def __getattr__(name: str) -> Any:
    """Load a part on first use (PEP 562)."""
    if name not in _LOADED_ON_FIRST_USE:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_LOADED_ON_FIRST_USE[name]}"), name)
