"""The ways in whose secret may come by a handshake: closed, open for that alone, or open. Floor 4.

Rules:

1. Without a secret, configured or captured, such a way in is unknown to senders, unless an operator awaits
   the secret: then it is open for its handshake, and for nothing else.
2. A handshake that brings a secret is answered once the secret is kept, and only where one is awaited.
3. What the journal says holds for ``FRESH_SECONDS``, so that a flood of requests asks it once a second; what
   this process captured is known to it at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.signatures import Secret
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.errors import (
    ConfigurationError,
    HandshakeRefused,
    KeyUnavailable,
    MalformedRequest,
    StorageUnavailable,
)
from smart_api_integrations.storage.captured_key_store import CapturedKeyStore, HeldKeys

logger = logging.getLogger("smart_api_integrations.core.webhook")  # the name that the second seed gives

FRESH_SECONDS = 1.0

Key = tuple[str, str]


class BroughtWay(Protocol):
    """A webhook whose secret a handshake may bring: ``providers.catalogue.Source``."""

    @property
    def webhook(self) -> InboundWebhook:
        """The webhook, with the secrets that are configured, if any."""

    def read_secret(self, text: str) -> Secret:
        """Return *text* as one of its secrets.

        Raises:
            ConfigurationError: It cannot be one.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    held: HeldKeys
    webhook: InboundWebhook
    until: float


class CapturedKeys:
    """Knows which of these ways in are open, and keeps the secrets that come."""

    def __init__(
        self,
        ways: Mapping[Key, BroughtWay],
        store: CapturedKeyStore,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        """Ask *store* about *ways*."""
        self._ways = ways
        self._store = store
        self._now = now
        self._clock = clock
        self._known: dict[Key, _Known] = {}

    def __contains__(self, key: Key) -> bool:
        """Tell whether a handshake may bring the secret of this webhook."""
        return key in self._ways

    async def webhook(self, key: Key) -> InboundWebhook | None:
        """Return the webhook with every secret that it has; None where it is closed.

        Raises:
            KeyUnavailable: The journal cannot be asked, and nothing is known of it.
        """
        known = await self._know(key)
        if known.webhook.secrets or self._is_awaited(known):
            return known.webhook
        return None

    async def keep(self, captured: tuple[str, str], webhook: InboundWebhook, request: RawRequest) -> None:
        """Keep what *request* brought: a secret, beside the variable that would hold it.

        Raises:
            HandshakeRefused: Nobody awaits one.
            MalformedRequest: It cannot be a secret of this webhook.
            StorageUnavailable: It was not kept.
        """
        key = (webhook.provider, webhook.name)
        variable, secret = captured
        if key not in self._ways:
            raise _not_awaited(key)
        try:
            self._ways[key].read_secret(secret)
        except ConfigurationError as error:
            message = f"What was brought for {variable} cannot be a secret of this webhook."
            raise MalformedRequest(message) from error
        kept = await self._store.capture(*key, secret, remote_address=request.remote_address)
        self._known.pop(key, None)
        if kept is None:
            raise _not_awaited(key)
        logger.warning(
            "A secret came by a handshake and is used from now on: see that it was the provider who sent it",
            extra={"action": "capture_key", "provider": key[0], "webhook_name": key[1], "key": kept.id},
        )

    def look_again(self, key: Key) -> None:
        """Ask the journal anew at the webhook's next request: an operator changed something here."""
        self._known.pop(key, None)

    def _is_awaited(self, known: _Known) -> bool:
        now = self._now()
        return any(each.is_awaited(now) for each in known.held.keys)

    async def _know(self, key: Key) -> _Known:
        known = self._known.get(key)
        if known is not None and self._clock() < known.until:
            return known
        try:
            held = await self._store.held(*key)
        except StorageUnavailable as error:
            if known is not None:
                return known
            message = "Which secrets came by a handshake cannot be read at the moment."
            raise KeyUnavailable(message) from error
        way = self._ways[key]
        brought = tuple(way.read_secret(each) for each in held.secrets)
        webhook = replace(way.webhook, secrets=(*way.webhook.secrets, *brought))
        known = _Known(held=held, webhook=webhook, until=self._clock() + FRESH_SECONDS)
        self._known[key] = known
        return known


async def keep_captured(
    captured_keys: CapturedKeys | None,
    captured: tuple[str, str],
    webhook: InboundWebhook,
    request: RawRequest,
) -> None:
    """Keep what *request* brought as ``CapturedKeys.keep`` does; without a store nothing is awaited.

    Raises:
        HandshakeRefused: Nobody awaits a secret.
        MalformedRequest: It cannot be a secret of this webhook.
        StorageUnavailable: It was not kept.
    """
    if captured_keys is None:
        raise _not_awaited((webhook.provider, webhook.name))
    await captured_keys.keep(captured, webhook, request)


def _not_awaited(key: Key) -> HandshakeRefused:
    name = key[0] if key[1] == "default" else f"{key[0]} --webhook {key[1]}"
    message = f"It brings a secret, and none is awaited; to let one in: webhooks captured-keys await {name}"
    return HandshakeRefused(message)
