"""Webhooks for Python: receive them from any service, handle them durably, send your own.

``Webhooks`` is the running platform; ``publish`` sends a message from anywhere in your code; a handler
raises or returns ``Retry``, ``Skip`` or ``Dead``. What handler authors need besides is in
``smart_api_integrations.webhooks``. Importing this package loads neither a server nor a database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smart_api_integrations.errors import Dead, Retry, Skip

if TYPE_CHECKING:
    from smart_api_integrations.application import Webhooks, publish

__version__ = "0.1.0"

__all__ = ["Dead", "Retry", "Skip", "Webhooks", "publish"]

_LOADED_ON_FIRST_USE = frozenset({"Webhooks", "publish"})


def __getattr__(name: str) -> Any:
    """Load the platform on first use (PEP 562), since it needs the server extra."""
    if name in _LOADED_ON_FIRST_USE:
        from smart_api_integrations import application  # noqa: PLC0415 - see above

        return getattr(application, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
