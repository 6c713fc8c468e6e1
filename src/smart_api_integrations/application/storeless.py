"""The gateway of an application without a store: handlers run while the provider waits. Floor 7.

Everything here does without the server extra, and lives in whatever event loop a request comes from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from weakref import WeakKeyDictionary

from smart_api_integrations.application.guarding import door_rules
from smart_api_integrations.application.surroundings import build_inline, build_surroundings
from smart_api_integrations.core.intake import NoIntake
from smart_api_integrations.core.outbound_request import Answer as Fetched
from smart_api_integrations.core.outbound_request import OutboundRequest
from smart_api_integrations.core.signatures import Secret
from smart_api_integrations.core.signatures.fetched_keys import WantedKey
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import ConfigurationError, DeliveryError
from smart_api_integrations.network.key_source import KeySource
from smart_api_integrations.providers.catalogue import Catalogue
from smart_api_integrations.receive.door import Door
from smart_api_integrations.receive.gateway import Gateway, GatewayRules
from smart_api_integrations.receive.greeter import Greeter
from smart_api_integrations.receive.ledger import MemoryLedger
from smart_api_integrations.settings import Settings
from smart_api_integrations.telemetry import Telemetry


def storeless_gateway(settings: Settings, catalogue: Catalogue) -> Gateway:
    """Return a gateway that keeps nothing but, in memory, which events were handled.

    Raises:
        ConfigurationError: A webhook's YAML demands a queue.
    """
    for (provider, name), webhook in catalogue.webhooks.items():
        if webhook.mode == "queued":
            message = (
                f"providers/{provider}/webhook.yaml, webhook {name!r}: `mode: queued` needs a store; give "
                "one, as in Webhooks(database_url='sqlite:///webhooks.db').init_app(app), or write "
                "`mode: inline`."
            )
            raise ConfigurationError(message)
    own, registry, telemetry = build_surroundings(settings), get_webhook_registry(), Telemetry()
    ledger = MemoryLedger(new_id=own.new_id, now=own.now)
    return Gateway(
        webhooks=catalogue.webhooks,
        registry=registry,
        events=None,
        intake=NoIntake(),
        inline=build_inline(settings, catalogue, registry, own=own, telemetry=telemetry, ledger=ledger),
        telemetry=telemetry,
        greeter=Greeter(_LateClient(settings), telemetry),
        rules=GatewayRules(
            now=own.now,
            new_id=own.new_id,
            max_body_bytes=settings.max_body_bytes,
            door=Door(door_rules(settings)),
            public_url=settings.public_url.rstrip("/") if settings.public_url else None,
            mode="inline",
            find_key=_LateKeys(_LateClient(settings), own.now).find,
        ),
    )


def refuse_brought_secrets(catalogue: Catalogue) -> None:
    """Return if every webhook of the user's own can be received from without a store.

    Raises:
        ConfigurationError: The secret of one is to come by a handshake, and nothing would keep it.
    """
    for (provider, name), source in catalogue.brought.items():
        if source.missing is not None and not source.definition.packaged:
            message = (
                f"providers/{provider}/webhook.yaml, webhook {name!r}: {source.missing} is not set. A "
                "handshake may bring it, but that needs a store to keep it in; give one, as in "
                "Webhooks(database_url='sqlite:///webhooks.db').init_app(app), or set the variable."
            )
            raise ConfigurationError(message)


class _LateKeys:
    """The keys that providers publish, fetched where a request needs one, and kept for each event loop."""

    def __init__(self, client: _LateClient, now: Callable[[], datetime]) -> None:
        self._client = client
        self._now = now
        self._sources: WeakKeyDictionary[asyncio.AbstractEventLoop, KeySource] = WeakKeyDictionary()

    async def find(self, wanted: WantedKey) -> tuple[Secret, ...]:
        loop = asyncio.get_running_loop()
        source = self._sources.get(loop)
        if source is None:
            source = self._sources[loop] = KeySource(self._client, now=self._now)
        return await source.find(wanted)


class _LateClient:
    """The guarded client, which is loaded and opened for one call: few webhooks ever ask for one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, request: OutboundRequest, *, timeout: float) -> Fetched:  # noqa: ASYNC109 - as the client
        try:
            guard = import_module("smart_api_integrations.network.address_guard")
            transport = import_module("smart_api_integrations.network.http_transport")
        except ImportError as error:
            message = f"Calling a URL needs {error.name}: pip install 'smart-api-integrations[server]'"
            raise DeliveryError(message, code="not_installed") from error
        client = transport.HttpTransport(guard.AddressGuard(self._settings.allowed_networks))
        try:
            fetched: Fetched = await client.send(request, timeout=timeout)
            return fetched
        finally:
            await client.close()


def all_inline(catalogue: Catalogue) -> Catalogue:
    """Return *catalogue* with every webhook handled while its provider waits, whatever its YAML says."""
    sources = {
        key: replace(source, webhook=replace(source.webhook, mode="inline"))
        for key, source in catalogue.sources.items()
    }
    return replace(catalogue, sources=sources)
