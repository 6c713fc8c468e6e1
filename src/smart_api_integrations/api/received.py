"""``/api/received``: the webhooks that came in and verified. Floor 8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from smart_api_integrations.api import representations
from smart_api_integrations.api.paging import LONGEST_ID, LONGEST_PAGE, Before, Limit, link_to
from smart_api_integrations.api.permissions import visible
from smart_api_integrations.application.identifiers import first_id_at
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.journal import EventSummary, ReceivedEvent
from smart_api_integrations.core.lifecycle import State, event_state
from smart_api_integrations.errors import NotFound
from smart_api_integrations.storage.protocols import EventStore

MOST_PAGES = 20
"""How many pages of 200 one request looks through for a state; the rest is behind its ``Link``."""
_PREFIX = "evt_"

Name = Annotated[str | None, Field(max_length=LONGEST_ID)]


class ReceivedQuery(BaseModel):
    """Which events are asked for."""

    provider: Name = None
    webhook_name: Name = None
    event_type: Name = None
    event_id: Name = Field(None, description="The provider's own id, or ours.")
    status: State | None = Field(None, description="Where its handlings stand, the worst that is open.")
    since: AwareDatetime | None = Field(None, description="Received at this time or later.")
    until: AwareDatetime | None = Field(None, description="Received before this time.")

    def fits(self, event: EventSummary) -> bool:
        """Tell whether *event* is one of them, by what the store does not look for."""
        return (self.status is None or event_state(event.handlings) is self.status) and (
            self.webhook_name is None or event.webhook_name == self.webhook_name
        )


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the events of *platform*."""
    router = APIRouter(prefix="/received", tags=["received"])
    events = platform.journal.events

    @router.get("")
    async def list_received(
        request: Request,
        response: Response,
        *,
        query: Annotated[ReceivedQuery, Query()],
        before: Before = None,
        limit: Limit = 50,
    ) -> list[dict[str, Any]]:
        """List received events, newest first.

        A page may be shorter than `limit`, or empty, and have a next one all the same: one request looks
        through so many events for a `status`.
        """
        if query.event_id is not None:
            return await _with_id(query.event_id)
        found, following = await _looked(events, query, before=before, limit=limit)
        link_to(request, response, before=following)
        return [representations.summary(event) for event in found]

    def _shown(event: ReceivedEvent) -> dict[str, Any]:
        return representations.received(event, secret=platform.secret_parameters(event))

    async def _with_id(event_id: str) -> list[dict[str, Any]]:
        found = await events.find(event_id)
        trace = None if found is None else await events.trace(found)
        if trace is None or trace.event is None:
            return []
        return [representations.summary_of(trace.event, trace)]

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

    @router.delete("/{received_id}/payload", status_code=204)
    async def expunge_received(received_id: str) -> None:
        """Forget an event's body, headers and query, and what its attempts said; the rows stay.

        It cannot be done again then. What waits or runs needs its payload: that is refused.
        """
        await platform.journal.upkeep.expunge(received_id)

    return router


async def _looked(
    events: EventStore, query: ReceivedQuery, *, before: str | None, limit: int
) -> tuple[Sequence[EventSummary], str | None]:
    """Return what fits, and the id behind which the next page begins where there may be one."""
    oldest = None if query.since is None else first_id_at(_PREFIX, query.since)
    if query.until is not None:
        newest = first_id_at(_PREFIX, query.until)
        before = newest if before is None else min(before, newest)
    is_sought = query.status is not None or query.webhook_name is not None
    size = LONGEST_PAGE if is_sought else limit
    found: list[EventSummary] = []
    for _ in range(MOST_PAGES):
        page = await events.summaries(
            limit=size, before=before, provider=query.provider, event_type=query.event_type
        )
        for event in page:
            if oldest is not None and event.id < oldest:
                return found, None
            if query.fits(event):
                found.append(event)
                if len(found) == limit:
                    return found, event.id
        if len(page) < size:
            return found, None
        before = page[-1].id
    return found, before
