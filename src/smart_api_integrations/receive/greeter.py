"""Doing what a handshake asks for, and answering it. Floor 4.

``core.handshakes`` decides; here the URL is called that confirms a subscription, by the one guarded client.
A handshake is told as one, and is no event.
"""

from __future__ import annotations

import logging
from typing import Protocol

from smart_api_integrations.core.handshakes import Greeting
from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.outbound_request import Answer as Fetched
from smart_api_integrations.core.outbound_request import OutboundRequest
from smart_api_integrations.errors import DeliveryError
from smart_api_integrations.receive.answer import NOT_CONFIRMED, Answer, replied
from smart_api_integrations.telemetry import HandshakeAnswered, Telemetry

logger = logging.getLogger(__name__)

FETCH_SECONDS = (
    10.0  # Amazon SNS waits 15 s: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
)


class Client(Protocol):
    """What calls a URL: ``network.http_transport``, which an application without a store loads late."""

    async def send(self, request: OutboundRequest, *, timeout: float) -> Fetched:  # noqa: ASYNC109 - the whole deadline
        """Send *request* and return the answer.

        Raises:
            DeliveryError: There was no complete answer.
        """


class Greeter:
    """Answers handshakes."""

    def __init__(self, transport: Client, telemetry: Telemetry) -> None:
        """Call what is to be called over *transport*; tell *telemetry* what was answered."""
        self._transport = transport
        self._telemetry = telemetry

    async def answer(self, webhook: InboundWebhook, greeting: Greeting) -> Answer:
        """Do what *greeting* asks for and return the answer; 503 where a URL could not be called."""
        if greeting.fetch is not None and not await self._confirm(webhook, greeting.fetch):
            return NOT_CONFIRMED
        answer = replied(greeting.reply)
        self._telemetry.tell(HandshakeAnswered(webhook.provider, webhook.name, answer.status))
        logger.info(
            "A handshake was answered",
            extra={"action": "greet", "provider": webhook.provider, "webhook_name": webhook.name},
        )
        return answer

    async def _confirm(self, webhook: InboundWebhook, url: str) -> bool:
        try:
            found = await self._transport.send(
                OutboundRequest(method="GET", url=url, headers={"Accept": "*/*"}), timeout=FETCH_SECONDS
            )
        except DeliveryError as error:
            reason = error.code
        else:
            if 200 <= found.status < 300:
                return True
            reason = f"status_{found.status}"
        logger.warning(
            "The URL that confirms a webhook could not be called",
            extra={"action": "confirm", "provider": webhook.provider, "reason": reason},
        )
        return False
