"""``/api/messages``: what we send, each once for all of its endpoints. Floor 8."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from smart_api_integrations.api import representations
from smart_api_integrations.api.paging import Before, Limit, link_next
from smart_api_integrations.api.permissions import visible
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.errors import NotFound


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the messages of *platform*."""
    router = APIRouter(prefix="/messages", tags=["sending"])
    messages = platform.journal.messages

    @router.get("")
    async def list_messages(
        request: Request, response: Response, *, before: Before = None, limit: Limit = 50
    ) -> list[dict[str, Any]]:
        """List messages, newest first, without their bodies."""
        page = await messages.messages(limit=limit, before=before)
        link_next(request, response, ids=[entry.id for entry in page], limit=limit)
        return [representations.message_line(entry) for entry in page]

    @router.get("/{message_id}")
    async def get_message(message_id: str, request: Request) -> dict[str, Any]:
        """Return one message with its body, its deliveries and every attempt."""
        trace = await messages.trace(message_id)
        found = () if trace is None else trace.messages
        if trace is None or not any(entry.id == message_id for entry in found):
            message = "No message has this id."
            raise NotFound(message)
        seen = visible(request, trace, message_id)
        (own,) = (entry for entry in seen.messages if entry.id == message_id)
        deliveries = representations.trace(seen)["deliveries"]
        return representations.message(own) | {
            "deliveries": [entry for entry in deliveries if entry["payload_id"] == message_id]
        }

    return router
