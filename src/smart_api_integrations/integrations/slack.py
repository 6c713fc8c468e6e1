"""Messages to Slack. Floor 8. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smart_api_integrations.integrations.posting import ChatUrl, cut

LONGEST_TEXT = 40_000  # characters; Slack cuts what is longer


class SlackWebhookNotifier:
    """Writes to the channel of one incoming webhook of Slack's."""

    def __init__(self, webhook_url: str) -> None:
        """Write to *webhook_url*, ``https://hooks.slack.com/services/…``.

        Raises:
            InvalidInput: The URL cannot be used.
        """
        self._url = ChatUrl(webhook_url)

    async def send_message(self, text: str, channel: str | None = None) -> None:
        """Write *text*; return once Slack has taken it.

        *channel* is for the webhooks that may choose one; Slack's newer ones always write to their own.

        Raises:
            DeliveryError: Slack did not take it.
        """
        await self._url.post({"text": cut(text, LONGEST_TEXT)} | _chosen(channel))

    async def send_alert(
        self,
        title: str,
        description: str,
        color: str = "danger",
        *,
        fields: Mapping[str, Any] | None = None,
        channel: str | None = None,
    ) -> None:
        """Write an alert with a bar of *color*: ``good``, ``warning``, ``danger`` or ``#rrggbb``.

        *fields* are shown as a table of names and values.

        Raises:
            DeliveryError: Slack did not take it.
        """
        attachment = {
            "color": color,
            "title": title,
            "text": cut(description, LONGEST_TEXT),
            "fallback": cut(f"{title}: {description}", LONGEST_TEXT),
            "fields": [
                {"title": name, "value": str(value), "short": True} for name, value in (fields or {}).items()
            ],
        }
        await self._url.post({"attachments": [attachment]} | _chosen(channel))


def _chosen(channel: str | None) -> dict[str, str]:
    return {} if channel is None else {"channel": channel}
