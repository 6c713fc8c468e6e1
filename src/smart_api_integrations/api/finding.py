"""``/api/find``: any id to the thing that it is of. Floor 8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path

from smart_api_integrations.api.paging import LONGEST_ID
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.errors import NotFound

RESOURCES: Mapping[str, tuple[str, str]] = {
    "evt_": ("event", "/api/received/"),
    "msg_": ("message", "/api/messages/"),
    "hdl_": ("handling", "/api/handlings/"),
    "dlv_": ("delivery", "/api/deliveries/"),
    "ep_": ("endpoint", "/api/webhooks/"),
    "rej_": ("rejection", "/api/rejections/"),
    "key_": ("key", "/api/keys/"),
}
"""What the prefix of one of our ids says that it is, and where that is."""


def create_router(platform: Platform) -> APIRouter:
    """Return the route that finds things of *platform*."""
    router = APIRouter(prefix="/find", tags=["received"])

    @router.get("/{id:path}")
    async def find_by_id(id: Annotated[str, Path(max_length=LONGEST_ID)]) -> dict[str, Any]:
        """Say what an id is of: one of ours, or a provider's event id."""
        found = await platform.journal.events.find(id) or id
        for prefix, (kind, path) in RESOURCES.items():
            if found.startswith(prefix) and await _is_there(platform, kind, found):
                return {"id": found, "kind": kind, "href": path + found}
        message = "Nothing has this id."
        raise NotFound(message)

    return router


async def _is_there(platform: Platform, kind: str, found: str) -> bool:
    journal = platform.journal
    readers: Mapping[str, Any] = {
        "event": journal.events.trace,
        "message": journal.messages.trace,
        "handling": journal.work.work,
        "delivery": journal.work.work,
        "endpoint": journal.endpoints.endpoint,
        "rejection": journal.events.rejection,
        "key": journal.access.key,
    }
    return await readers[kind](found) is not None
