"""``/api/rejections``: requests that were not accepted, and why. Floor 8."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from smart_api_integrations.api import representations
from smart_api_integrations.api.paging import Before, Limit, link_next
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.errors import NotFound


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the log of rejections of *platform*."""
    router = APIRouter(prefix="/rejections", tags=["received"])

    @router.get("")
    async def list_rejections(
        request: Request, response: Response, *, before: Before = None, limit: Limit = 50
    ) -> list[dict[str, Any]]:
        """List rejected requests, newest first."""
        page = await platform.journal.events.rejections(limit=limit, before=before)
        link_next(request, response, ids=[entry.id for entry in page], limit=limit)
        return [representations.rejection(entry) for entry in page]

    @router.get("/{rejection_id}")
    async def get_rejection(rejection_id: str) -> dict[str, Any]:
        """Return one rejected request; its body was not kept."""
        found = await platform.journal.events.rejection(rejection_id)
        if found is None:
            message = "No rejection has this id."
            raise NotFound(message)
        return representations.rejection(found)

    return router
