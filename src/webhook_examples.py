"""The third seed's name for ``smart_api_integrations.integrations``: ready-made senders and notifiers."""

from smart_api_integrations.integrations import (
    DatabaseWebhookIntegration,
    DiscordWebhookNotifier,
    GitHubWebhookAdapter,
    SlackWebhookNotifier,
    WebhookBatchProcessor,
)

__all__ = [
    "DatabaseWebhookIntegration",
    "DiscordWebhookNotifier",
    "GitHubWebhookAdapter",
    "SlackWebhookNotifier",
    "WebhookBatchProcessor",
]
