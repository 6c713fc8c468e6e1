"""Ready-made senders and notifiers, the third seed's ``webhook_examples``. Floor 8.

What turns things that happen elsewhere into events takes whatever has ``trigger_event``
(``webhook_system.WebhookManager`` has); what notifies people needs only the URL that their chat gave them.
"""

from smart_api_integrations.integrations.batch import WebhookBatchProcessor
from smart_api_integrations.integrations.database import DatabaseWebhookIntegration
from smart_api_integrations.integrations.discord import DiscordWebhookNotifier
from smart_api_integrations.integrations.github import GitHubWebhookAdapter
from smart_api_integrations.integrations.registered import WebhookConfig, WebhookRegistry
from smart_api_integrations.integrations.slack import SlackWebhookNotifier
from smart_api_integrations.integrations.trigger import EventTrigger

__all__ = [
    "DatabaseWebhookIntegration",
    "DiscordWebhookNotifier",
    "EventTrigger",
    "GitHubWebhookAdapter",
    "SlackWebhookNotifier",
    "WebhookBatchProcessor",
    "WebhookConfig",
    "WebhookRegistry",
]
