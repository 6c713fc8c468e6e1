"""``/api/dead-letters``: work whose schedule is spent, and doing it again. Floor 8."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from smart_api_integrations.api import representations
from smart_api_integrations.api.paging import Before, Limit, link_next
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.lifecycle import Kind


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the dead letters of *platform*."""
    router = APIRouter(prefix="/dead-letters", tags=["dead letters"])

    @router.get("")
    async def list_dead_letters(
        request: Request,
        response: Response,
        *,
        kind: Kind | None = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> list[dict[str, Any]]:
        """List dead letters, newest first."""
        page = await platform.journal.work.dead_letters(limit=limit, before=before, kind=kind)
        link_next(request, response, ids=[entry.id for entry in page], limit=limit)
        return [representations.work(entry) for entry in page]

    @router.post("/{work_id}/replay", status_code=202)
    async def replay_dead_letter(work_id: str) -> dict[str, Any]:
        """Make a dead letter due at once, its schedule from the beginning."""
        return representations.work(await platform.replays.work(work_id))

    return router
