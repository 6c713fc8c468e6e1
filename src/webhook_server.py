"""The third seed's name for the server: a façade over ``smart_api_integrations.server``.

``python -m webhook_server`` runs it; ``uvicorn webhook_server:app`` runs it in another ASGI server.
"""

from __future__ import annotations

import secrets
from functools import cache
from typing import TYPE_CHECKING

from pydantic import SecretStr

from smart_api_integrations.application import settings_from_surroundings
from smart_api_integrations.cli.serve import import_handlers, run_on
from smart_api_integrations.settings import Settings

if TYPE_CHECKING:
    from smart_api_integrations.server.hosted import HostedApplication

    app: HostedApplication

__all__ = ["app", "run_server"]


def run_server(host: str | None = None, port: int | None = None) -> None:
    """Run the server until it is told to stop; the settings say what is not given, 127.0.0.1 and 8000.

    Where other machines can reach it and no API key is set, one is made for this run and printed.

    Raises:
        ConfigurationError: A setting cannot be used, or the address is taken.
        StorageUnavailable: The store cannot be reached.
    """
    settings = _with_key(settings_from_surroundings(host=host, port=port))
    keys = [key.get_secret_value() for key in settings.api_keys]
    run_on(settings, given={"host": host, "port": port, "api_keys": keys})


def _with_key(settings: Settings) -> Settings:
    if settings.is_loopback or settings.api_keys:
        return settings
    key = f"whk_{secrets.token_urlsafe(32)}"
    print(  # noqa: T201 - the one place where it is told
        f"Other machines can reach {settings.host}, and WEBHOOKS_API_KEYS is not set.\n"
        "For this run the API key is\n"
        f"  {key}\n"
        "Programs send `Authorization: Bearer <key>`; people sign in with it at /login.",
        flush=True,
    )
    return settings.model_copy(update={"api_keys": (SecretStr(key),)})


@cache
def _app() -> HostedApplication:
    from smart_api_integrations.server.hosted import HostedApplication  # noqa: PLC0415 - built when asked for

    settings = settings_from_surroundings()
    import_handlers(settings.handlers)
    return HostedApplication(settings)


def __getattr__(name: str) -> object:
    """Build ``app`` when it is asked for."""
    if name == "app":
        return _app()
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


if __name__ == "__main__":
    run_server()
