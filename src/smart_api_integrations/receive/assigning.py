"""Which handlers a received event goes to, in what order, and how they see it. Floor 4."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.journal import NewHandling, ReceivedEvent
from smart_api_integrations.core.webhook import Handler, WebhookProcessor
from smart_api_integrations.core.webhook_schema import Headers, RawRequest, WebhookEvent

logger = logging.getLogger(__name__)


def handlings_for(
    event: ReceivedEvent, webhook: InboundWebhook, processor: WebhookProcessor | None
) -> Sequence[NewHandling]:
    """Return one handling for each handler of *processor* that *event* goes to."""
    if processor is None or not webhook.expects(event.event_type, event.action):
        return ()
    return [
        NewHandling(
            handler=handler.name,
            max_attempts=handler.schedule.attempts,
            ordering_key=None if handler.ordering_key is None else _order_of(handler, event, webhook),
        )
        for handler in processor.route(event.event_type, event.action)
    ]


def seen_by_handlers(kept: ReceivedEvent, webhook: InboundWebhook, *, attempt: int = 1) -> WebhookEvent:
    """Return an event as handlers see it, parsed from the bytes that were received."""
    headers = Headers(kept.headers)
    payload, account = webhook.read_again(
        RawRequest(method=kept.method, path=kept.path, query=kept.query, headers=headers, body=kept.body)
    )
    return WebhookEvent(
        id=kept.id,
        provider=kept.provider,
        webhook_name=kept.webhook_name,
        type=kept.event_type,
        action=kept.action,
        event_id=kept.event_id,
        account=account,
        payload=payload,
        body=kept.body,
        headers=headers,
        timestamp=kept.received_at,
        verified=True,
        attempt=attempt,
    )


def _order_of(handler: Handler, event: ReceivedEvent, webhook: InboundWebhook) -> str | None:
    """Return the key that *event* is ordered by; one that cannot be had costs the order, not the event."""
    try:
        return handler.order_of(seen_by_handlers(event, webhook))
    except Exception:
        logger.exception(
            "An event has no ordering key: its handler runs at once",
            extra={"action": "ordering_key", "event_id": event.id, "handler": handler.name},
        )
        return None
