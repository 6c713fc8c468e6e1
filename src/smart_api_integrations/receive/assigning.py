"""Which handlers a received event goes to, in what order, and how they see it. Floor 4."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.journal import NewHandling, ReceivedEvent
from smart_api_integrations.core.webhook import Handler, WebhookProcessor
from smart_api_integrations.core.webhook_schema import Headers, RawRequest, WebhookEvent

logger = logging.getLogger(__name__)

Publishing = Callable[[ReceivedEvent, InboundWebhook], Sequence[NewHandling]]
"""Returns the handling that publishes an event, if it is to be published."""


def publish_nothing(_event: ReceivedEvent, _webhook: InboundWebhook) -> Sequence[NewHandling]:
    """Publish nothing: where there is no store, or it is switched off."""
    return ()


def handlings_for(
    event: ReceivedEvent,
    webhook: InboundWebhook,
    processor: WebhookProcessor | None,
    *,
    publishing: Publishing,
) -> Sequence[NewHandling]:
    """Return one handling for each handler of *processor* that *event* goes to, and that which publishes it.

    Where there is none, but middleware that may yet rename the event, it is the one of the middleware.
    """
    if processor is None or not webhook.expects(event.event_type, event.action):
        return publishing(event, webhook)
    routed = processor.route(event.event_type, event.action)
    if not routed and processor.middleware:
        routed = (processor.routing,)
    handled = _handlings(routed, lambda: seen_by_handlers(event, webhook), event_id=event.id)
    return (*handled, *publishing(event, webhook))


def rerouted(handlers: Sequence[Handler], event: WebhookEvent) -> Sequence[NewHandling]:
    """Return one handling for each of *handlers*, which a middleware's renaming of *event* brought in."""
    return _handlings(handlers, lambda: event, event_id=event.id)


def _handlings(
    handlers: Sequence[Handler], event: Callable[[], WebhookEvent], *, event_id: str
) -> Sequence[NewHandling]:
    return [
        NewHandling(
            handler=handler.name,
            max_attempts=handler.schedule.attempts,
            ordering_key=None if handler.ordering_key is None else _order_of(handler, event, event_id),
        )
        for handler in handlers
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


def _order_of(handler: Handler, event: Callable[[], WebhookEvent], event_id: str) -> str | None:
    """Return the key that an event is ordered by; one that cannot be had costs the order, not the event."""
    try:
        return handler.order_of(event())
    except Exception:
        logger.exception(
            "An event has no ordering key: its handler runs at once",
            extra={"action": "ordering_key", "event_id": event_id, "handler": handler.name},
        )
        return None
