"""``/api/events``: the event types, and sending one to every endpoint that subscribes to it. Floor 8."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.event_types import EventType, matches


class Trigger(BaseModel):
    """An event to send."""

    model_config = ConfigDict(extra="forbid")

    event: str = Field(min_length=1, max_length=256, examples=["order.created"])
    data: Any = Field(examples=[{"order_id": "ORD-123"}])
    metadata: dict[str, Any] | None = None
    ordering_key: str | None = Field(None, description="Messages with equal keys arrive in order.")
    delay: float | None = Field(None, description="Seconds until it is delivered.")
    deliver_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = Field(None, description="What is not delivered by then is cancelled.")


def _gets(endpoint: Endpoint, event: str) -> bool:
    return any(matches(pattern, event) for pattern in endpoint.events)


def create_router(platform: Platform) -> APIRouter:
    """Return the route that publishes through *platform*."""
    router = APIRouter(prefix="/events", tags=["sending"])

    @router.get("")
    async def list_event_types() -> list[dict[str, Any]]:
        """List the predefined event types, then those that endpoints name, and how many endpoints get each.

        Any other name in dot notation can be sent just as well.
        """
        endpoints = [entry for entry in await platform.journal.endpoints.endpoints() if entry.active]
        named = {pattern for entry in endpoints for pattern in entry.events if "*" not in pattern}
        predefined: dict[str, str] = {str(event): event.category for event in EventType}
        return [
            {
                "event": event,
                "category": predefined.get(event, "custom"),
                "predefined": event in predefined,
                "webhooks": sum(_gets(entry, event) for entry in endpoints),
            }
            for event in (*predefined, *sorted(named - predefined.keys()))
        ]

    @router.post("/trigger", status_code=202)
    async def trigger_event(
        trigger: Trigger, idempotency_key: Annotated[str | None, Header()] = None
    ) -> dict[str, Any]:
        """Keep an event and its deliveries; the answer comes after the commit, before any delivery.

        With `Idempotency-Key` the same request may be sent again within 24 hours: it gets the same answer
        and changes nothing. The same key with other content is a 409.
        """
        published = await platform.publish(
            trigger.event,
            trigger.data,
            trigger.metadata,
            ordering_key=trigger.ordering_key,
            delay=trigger.delay,
            deliver_at=trigger.deliver_at,
            expires_at=trigger.expires_at,
            idempotency_key=idempotency_key,
        )
        return {
            "id": published.message_id,
            "event": trigger.event,
            "status": "accepted",
            "deliveries": published.deliveries,
        }

    return router
