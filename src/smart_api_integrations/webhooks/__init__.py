"""What the authors of handlers import. Floor 3."""

from smart_api_integrations.core.webhook_schema import WebhookEvent, WebhookResponse
from smart_api_integrations.webhooks.decorators import (
    batch_webhook_handler,
    webhook_handler,
    webhook_middleware,
)
from smart_api_integrations.webhooks.handler_class import WebhookHandler, generate_webhook_handler
from smart_api_integrations.webhooks.process_event import process_event

__all__ = [
    "WebhookEvent",
    "WebhookHandler",
    "WebhookResponse",
    "batch_webhook_handler",
    "generate_webhook_handler",
    "process_event",
    "webhook_handler",
    "webhook_middleware",
]
