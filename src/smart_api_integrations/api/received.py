"""``/api/received``: the webhooks that came in and verified. Floor 8."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from smart_api_integrations.api import representations
from smart_api_integrations.api.paging import LONGEST_ID, Before, Limit, link_next
from smart_api_integrations.api.permissions import visible
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.journal import ReceivedEvent
from smart_api_integrations.errors import NotFound

Name = Annotated[str | None, Query(max_length=LONGEST_ID)]


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the events of *platform*."""
    router = APIRouter(prefix="/received", tags=["received"])
    events = platform.journal.events

    @router.get("")
    async def list_received(
        request: Request,
        response: Response,
        *,
        provider: Name = None,
        event_type: Name = None,
        event_id: Name = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> list[dict[str, Any]]:
        """List received events, newest first; ``event_id`` is the provider's own id or ours."""
        if event_id is not None:
            return await _with_id(event_id)
        page = await events.summaries(limit=limit, before=before, provider=provider, event_type=event_type)
        link_next(request, response, ids=[event.id for event in page], limit=limit)
        return [representations.summary(event) for event in page]

    def _shown(event: ReceivedEvent) -> dict[str, Any]:
        return representations.received(event, secret=platform.secret_parameters(event))

    async def _with_id(event_id: str) -> list[dict[str, Any]]:
        found = await events.find(event_id)
        trace = None if found is None else await events.trace(found)
        if trace is None or trace.event is None:
            return []
        summary = _shown(trace.event)
        return [{key: value for key, value in summary.items() if not key.startswith(("body", "headers"))}]

    @router.get("/{received_id}")
    async def get_received(received_id: str, request: Request) -> dict[str, Any]:
        """Return one event with its headers, its exact body and everything that it led to."""
        trace = await events.trace(received_id)
        if trace is None or trace.event is None:
            message = f"No event has the id {received_id[:LONGEST_ID]!r}."
            raise NotFound(message)
        seen = visible(request, trace, received_id)
        return _shown(seen.event or trace.event) | representations.trace(seen)

    @router.post("/{received_id}/replay", status_code=202)
    async def replay_received(received_id: str, handler: Name = None) -> list[dict[str, Any]]:
        """Run an event's handlers again, or the one that is named; also those that it had none of."""
        parts = await platform.replays.event(received_id, handler=handler)
        return [representations.work(part) for part in parts]

    return router
