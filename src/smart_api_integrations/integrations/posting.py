"""Posting JSON to the URL of a chat, through the guarded transport. Floor 8."""

from __future__ import annotations

import json
from typing import Any

from smart_api_integrations.application.configuration import settings_from_surroundings
from smart_api_integrations.core.outbound_request import OutboundRequest
from smart_api_integrations.errors import DeliveryError
from smart_api_integrations.network.address_guard import AddressGuard
from smart_api_integrations.network.endpoint_url import check_endpoint_url
from smart_api_integrations.network.http_transport import HttpTransport

TIMEOUT_SECONDS = 10.0
_HEADERS = {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "smart-api-integrations"}
_CUT = "…"


class ChatUrl:
    """An address that a chat gave somebody. It is a credential: no message or repr of ours shows it."""

    def __init__(self, url: str) -> None:
        """Check *url* by the rules for endpoints: ``https``, or inside ``WEBHOOKS_ALLOWED_NETWORKS``.

        Raises:
            InvalidInput: It cannot be used.
        """
        self._guard = AddressGuard(settings_from_surroundings().allowed_networks)
        check_endpoint_url(url, self._guard)
        self._url = url

    async def post(self, document: dict[str, Any]) -> None:
        """Send *document*; return once it was accepted. May be called in any event loop.

        Raises:
            DeliveryError: It was not accepted, with a ``stage`` and a ``code``.
        """
        body = json.dumps(document, ensure_ascii=False).encode()
        transport = HttpTransport(self._guard)
        try:
            request = OutboundRequest(url=self._url, headers=_HEADERS, body=body)
            answer = await transport.send(request, timeout=TIMEOUT_SECONDS)
        finally:
            await transport.close()
        if not 200 <= answer.status < 300:
            message = f"the chat answered {answer.status}; 2xx is success"
            raise DeliveryError(message, stage="response", code="http_status")


def cut(text: str, length: int) -> str:
    """Return *text*, ended by an ellipsis where it is longer than the chat takes."""
    return text if len(text) <= length else text[: length - 1] + _CUT
