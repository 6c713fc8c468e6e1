"""``/api/preview``: what a filter and a transformation would do to a message. Floor 8."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.outbound_message import build_message
from smart_api_integrations.errors import NotFound
from smart_api_integrations.send.previewing import preview


class Asked(BaseModel):
    """A message, one that is kept or one that is made up, and the expressions to try on it."""

    model_config = ConfigDict(extra="forbid")

    message_id: str | None = Field(default=None, description="A kept message; `event` and `data` else.")
    event: str = Field(default="example.event", max_length=256)
    data: Any = Field(default=None, examples=[{"total": 120}])
    metadata: dict[str, Any] = {}
    webhook_id: str | None = Field(default=None, description="Take what is not given from this endpoint.")
    filter: str | None = Field(default=None, examples=["data.total > 100"])
    transformation: str | None = Field(default=None, examples=["{'text': event}"])


def create_router(platform: Platform) -> APIRouter:
    """Return the route over the messages and endpoints of *platform*."""
    router = APIRouter(prefix="/preview", tags=["sending"])

    @router.post("")
    async def preview_message(asked: Asked) -> dict[str, Any]:
        """Say whether the filter is true of the message, and what the transformation makes of it.

        Nothing is sent or kept. A `fault` means that the delivery would be a dead letter.
        """
        wish, change = asked.filter, asked.transformation
        if asked.webhook_id is not None:
            endpoint = await platform.journal.endpoints.endpoint(asked.webhook_id)
            if endpoint is None:
                message = "No webhook has this id."
                raise NotFound(message)
            wish = endpoint.filter if "filter" not in asked.model_fields_set else wish
            change = endpoint.transformation if "transformation" not in asked.model_fields_set else change
        return asdict(preview(await _body(platform, asked), filter=wish, transformation=change))

    return router


async def _body(platform: Platform, asked: Asked) -> bytes:
    if asked.message_id is None:
        now = platform.journal.now()
        return build_message(asked.event, asked.data, asked.metadata, id="msg_preview", now=now).body
    trace = await platform.journal.messages.trace(asked.message_id)
    found = None if trace is None else next((m for m in trace.messages if m.id == asked.message_id), None)
    if found is None:
        message = "No message has this id."
        raise NotFound(message)
    return found.body
