"""``/api/events``: sending an event to every endpoint that subscribes to it. Floor 8."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from smart_api_integrations.application.platform import Platform


class Trigger(BaseModel):
    """An event to send."""

    model_config = ConfigDict(extra="forbid")

    event: str = Field(min_length=1, max_length=256, examples=["order.created"])
    data: Any = Field(examples=[{"order_id": "ORD-123"}])
    metadata: dict[str, Any] | None = None


def create_router(platform: Platform) -> APIRouter:
    """Return the route that publishes through *platform*."""
    router = APIRouter(prefix="/events", tags=["sending"])

    @router.post("/trigger", status_code=202)
    async def trigger_event(trigger: Trigger) -> dict[str, Any]:
        """Keep an event and its deliveries; the answer comes after the commit, before any delivery."""
        published = await platform.publish(trigger.event, trigger.data, trigger.metadata)
        return {
            "id": published.message_id,
            "event": trigger.event,
            "status": "accepted",
            "deliveries": published.deliveries,
        }

    return router
