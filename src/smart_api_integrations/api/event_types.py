"""``/api/event-types``: the catalogue of our own event types. Floor 8."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from smart_api_integrations.api.representations import time
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.event_catalogue import EventTypeEntry


class EventTypeChanges(BaseModel):
    """What can be changed of a type; absent fields stay as they are."""

    model_config = ConfigDict(extra="forbid")

    description: str = ""
    json_schema: dict[str, Any] | None = Field(
        default=None,
        alias="schema",
        description="JSON Schema that `data` is held to; null for any data.",
        examples=[{"type": "object", "required": ["id"]}],
    )
    archived: StrictBool = Field(default=False, description="No longer offered to subscribers.")


class NewEventType(EventTypeChanges):
    """A new type."""

    name: str = Field(max_length=256, examples=["order.created"])


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the catalogue of *platform*."""
    router = APIRouter(prefix="/event-types", tags=["sending"])
    types = platform.event_types

    @router.get("")
    async def list_event_type_entries(*, archived: bool = False) -> list[dict[str, Any]]:
        """List the catalogue by name; archived types only where they are asked for."""
        return [_shown(entry) for entry in await types.entries(archived=archived)]

    @router.post("", status_code=201)
    async def add_event_type(entry: NewEventType, response: Response) -> dict[str, Any]:
        """Add a type. From now on what is published under it has to fit its schema."""
        values = entry.model_dump(by_alias=True, exclude_unset=True)
        added = await types.add(values.pop("name"), **values)
        response.headers["Location"] = f"event-types/{added.name}"
        return _shown(added)

    @router.get("/{name:path}")
    async def get_event_type_entry(name: str) -> dict[str, Any]:
        """Return one type with its schema."""
        return _shown(await types.entry(name))

    @router.patch("/{name:path}")
    async def update_event_type(name: str, changes: EventTypeChanges) -> dict[str, Any]:
        """Change the given fields of a type."""
        return _shown(await types.change(name, changes.model_dump(by_alias=True, exclude_unset=True)))

    @router.delete("/{name:path}", status_code=204)
    async def delete_event_type(name: str) -> None:
        """Delete a type; what is published under it goes on, held to nothing."""
        await types.remove(name)

    return router


def _shown(entry: EventTypeEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "description": entry.description,
        "schema": entry.schema,
        "archived": entry.archived,
        "created_at": time(entry.created_at),
        "updated_at": time(entry.updated_at),
    }
