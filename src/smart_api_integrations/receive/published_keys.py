"""How the gateway comes by the keys that providers publish. Floor 4.

``network.key_source`` fetches them; a gateway without the network refuses what needs them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.signatures import Secret
from smart_api_integrations.core.signatures.fetched_keys import WantedKey
from smart_api_integrations.core.webhook_registry import WebhookRegistry
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.errors import KeyUnavailable

FindKey = Callable[[WantedKey], Awaitable[tuple[Secret, ...]]]
"""Returns the keys that a request may be signed with; raises ``KeyUnavailable`` or ``SignatureMismatch``."""


async def find_no_key(wanted: WantedKey) -> tuple[Secret, ...]:
    """Find nothing: the gateway has no way to the network.

    Raises:
        KeyUnavailable: Always.
    """
    message = (
        f"Nothing here fetches {wanted.url}: receive from this provider by `webhooks serve` or `Webhooks`."
    )
    raise KeyUnavailable(message)


async def with_key(
    webhook: InboundWebhook, request: RawRequest, find_key: FindKey, registry: WebhookRegistry
) -> InboundWebhook:
    """Return *webhook* with the key that *request* is verified with, where its provider publishes it.

    A webhook with keys of its own, or with a verifier of the user's, is returned as it is.

    Raises:
        RequestRejected: The request carries no signature in form, or its key cannot be had.
    """
    processor = registry.processor(webhook.provider, webhook.name)
    if processor is not None and processor.verifier is not None:
        return webhook
    wanted = webhook.wanted_key(request)
    return webhook if wanted is None else replace(webhook, secrets=await find_key(wanted))
