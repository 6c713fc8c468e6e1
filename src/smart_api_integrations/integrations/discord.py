"""Messages to Discord. Floor 8. https://discord.com/developers/docs/resources/webhook#execute-webhook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.integrations.posting import ChatUrl, cut

# Discord refuses what is longer: https://discord.com/developers/docs/resources/message#embed-object-embed-limits
LONGEST_CONTENT, LONGEST_TITLE, LONGEST_DESCRIPTION = 2000, 256, 4096
MOST_FIELDS, LONGEST_NAME, LONGEST_VALUE = 25, 256, 1024
WHITE = 0xFFFFFF

# Text of others must not be able to call everybody.
_NO_MENTIONS: Mapping[str, Any] = {"allowed_mentions": {"parse": []}}


class DiscordWebhookNotifier:
    """Writes to the channel of one webhook of Discord's; mentions in the text call nobody."""

    def __init__(self, webhook_url: str) -> None:
        """Write to *webhook_url*, ``https://discord.com/api/webhooks/…``.

        Raises:
            InvalidInput: The URL cannot be used.
        """
        self._url = ChatUrl(webhook_url)

    async def send_message(self, content: str) -> None:
        """Write *content*; return once Discord has taken it.

        Raises:
            DeliveryError: Discord did not take it.
        """
        await self._url.post({"content": cut(content, LONGEST_CONTENT), **_NO_MENTIONS})

    async def send_embed(
        self,
        title: str,
        description: str,
        color: int = 0x5865F2,
        *,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a framed message with a bar of *color*, a number ``0xRRGGBB``, and a table of *fields*.

        Raises:
            InvalidInput: The color is no such number, or there are too many fields.
            DeliveryError: Discord did not take it.
        """
        if not 0 <= color <= WHITE:
            raise InvalidInput.at(field="color", found=f"{color!r:.40}", expected="0x000000 to 0xFFFFFF")
        if len(fields or {}) > MOST_FIELDS:
            raise InvalidInput.at(
                field="fields", found=str(len(fields or {})), expected=f"at most {MOST_FIELDS}"
            )
        embed = {
            "title": cut(title, LONGEST_TITLE),
            "description": cut(description, LONGEST_DESCRIPTION),
            "color": color,
            "fields": [
                {"name": cut(name, LONGEST_NAME), "value": cut(str(value), LONGEST_VALUE), "inline": True}
                for name, value in (fields or {}).items()
            ],
        }
        await self._url.post({"embeds": [embed], **_NO_MENTIONS})
