"""Which addresses an application's webhooks have. Floor 9."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smart_api_integrations.application.host_frameworks import adapter
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.providers.catalogue import Key
from smart_api_integrations.webhooks import WebhookHandler

PREFIX = "/webhooks"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""All that a framework lets through: which of them a webhook takes, the gateway says."""

Handlers = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The ways in that an application has.

    Attributes:
        prefix: What stands before ``/{provider}`` and ``/{provider}/{name}``; without a slash at its end.
        only: The webhooks that are let in, by what stands in the address; None for all that are mounted.
    """

    prefix: str = PREFIX
    only: Mapping[Key, Key] | None = None

    def key(self, provider: str, name: str | None) -> Key:
        """Return the webhook that an address leads to; one that is not let in leads to none."""
        asked = provider, name or "default"
        return asked if self.only is None else self.only.get(asked, ("", ""))

    def lets_in(self, key: Key) -> bool:
        """Tell whether a webhook is let in."""
        return self.only is None or key in self.only.values()

    def own(self, paths: Mapping[str, Key]) -> Mapping[str, Key]:
        """Return those of the YAML files' own *paths* that are not reached by the prefix already."""
        return {
            path: key
            for path, key in paths.items()
            if self.lets_in(key) and path not in {_usual(self.prefix, key), f"{self.prefix}/{'/'.join(key)}"}
        }


def routes_of(handlers: Handlers | None, prefix: str = PREFIX) -> Routes:
    """Return the routes for a mapping of providers to their handlers; for all webhooks where it is None.

    A value is a ``WebhookHandler``, a class of them, or several. A key is what stands in the address;
    ``github/releases`` names one of several webhooks.

    Raises:
        ConfigurationError: A value is no handler.
    """
    if handlers is None:
        return Routes(prefix=prefix.rstrip("/"))
    only: dict[Key, Key] = {}
    for address, given in handlers.items():
        provider, _, name = address.strip("/").partition("/")
        for handler in _several(given):
            key = _key_of(address, handler)
            only[provider, name or key[1]] = key
    return Routes(prefix=prefix.rstrip("/"), only=only)


def get_webhook_routes(framework: str, handlers: Handlers | None = None, **options: Any) -> Any:
    """Return the routes of *handlers* in a form that *framework* takes.

    ``flask``: a blueprint; ``fastapi``: a router; ``starlette``: a list of routes; ``django``: a list for
    ``urlpatterns``. *options* are those of ``register_webhook_routes`` there.

    Raises:
        ConfigurationError: The framework is unknown, a value is no handler, or a provider's YAML or secret
            cannot be used.
    """
    return adapter(framework).webhook_routes(handlers, **options)


def _usual(prefix: str, key: Key) -> str:
    return f"{prefix}/{key[0]}" if key[1] == "default" else f"{prefix}/{'/'.join(key)}"


def _several(given: object) -> Iterable[object]:
    return given if isinstance(given, Sequence) and not isinstance(given, str) else (given,)


def _key_of(address: str, given: object) -> Key:
    handler = given() if isinstance(given, type) and issubclass(given, WebhookHandler) else given
    if not isinstance(handler, WebhookHandler):
        message = (
            f"The value for {address!r} must be a WebhookHandler, as in {{'github': GitHubHandler()}}; "
            f"found {type(given).__name__}."
        )
        raise ConfigurationError(message)
    return handler.provider, handler.webhook_name
