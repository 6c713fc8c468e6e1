"""``/api/deliveries``: messages on their way to endpoints. Floor 8."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from smart_api_integrations.api import representations
from smart_api_integrations.api.paging import LONGEST_ID, Before, Limit, link_next
from smart_api_integrations.api.permissions import visible
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.errors import NotFound


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the deliveries of *platform*."""
    router = APIRouter(prefix="/deliveries", tags=["sending"])
    journal = platform.journal

    @router.get("")
    async def list_deliveries(
        request: Request,
        response: Response,
        *,
        webhook_id: Annotated[str | None, Query(max_length=LONGEST_ID)] = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> list[dict[str, Any]]:
        """List deliveries, newest first, to one endpoint or to all."""
        page = await journal.work.deliveries(limit=limit, before=before, endpoint_id=webhook_id)
        link_next(request, response, ids=[entry.id for entry in page], limit=limit)
        return [representations.delivery(entry) for entry in page]

    @router.get("/{delivery_id}")
    async def get_delivery(delivery_id: str, request: Request) -> dict[str, Any]:
        """Return one delivery with its message and every attempt."""
        work = await journal.work.work(delivery_id)
        trace = None
        if work is not None and work.kind is Kind.DELIVERY:
            trace = await journal.messages.trace(work.subject_id)
        if work is None or trace is None:
            message = "No delivery has this id."
            raise NotFound(message)
        trace = visible(request, trace, delivery_id)
        sent = [representations.message(entry) for entry in trace.messages if entry.id == work.subject_id]
        return representations.delivery(work) | {
            "message": sent[0] if sent else None,
            "attempts": representations.attempts_of(work, trace.attempts),
        }

    @router.post("/{delivery_id}/resend", status_code=202)
    async def resend_delivery(delivery_id: str) -> dict[str, Any]:
        """Send one message to its endpoint again, its schedule from the beginning."""
        if not delivery_id.startswith("dlv_"):
            message = "No delivery has this id."
            raise NotFound(message)
        return representations.delivery(await platform.replays.work(delivery_id))

    @router.delete("/{delivery_id}/payload", status_code=204)
    async def expunge_delivery(delivery_id: str) -> None:
        """Forget the body of a delivery's message, and what its attempts were answered."""
        work = await journal.work.work(delivery_id)
        if work is None or work.kind is not Kind.DELIVERY:
            message = "No delivery has this id."
            raise NotFound(message)
        await journal.upkeep.expunge(work.subject_id)

    return router
