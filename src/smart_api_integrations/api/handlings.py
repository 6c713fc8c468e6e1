"""``/api/handlings``: events on their way through handlers; and the attempts of any work. Floor 8."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from smart_api_integrations.api import representations
from smart_api_integrations.api.permissions import visible
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.journal import Trace, Work
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.errors import NotFound


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the handlings of *platform*, and over attempts."""
    router = APIRouter(tags=["received"])

    @router.get("/handlings/{handling_id}")
    async def get_handling(handling_id: str, request: Request) -> dict[str, Any]:
        """Return one handling with every attempt."""
        work, trace = await _found(platform, handling_id, Kind.HANDLING)
        seen = visible(request, trace, handling_id)
        return representations.work(work) | {"attempts": representations.attempts_of(work, seen.attempts)}

    @router.get("/handlings/{handling_id}/attempts")
    async def list_handling_attempts(handling_id: str, request: Request) -> list[dict[str, Any]]:
        """List the attempts of a handling, in order."""
        work, trace = await _found(platform, handling_id, Kind.HANDLING)
        return representations.attempts_of(work, visible(request, trace, handling_id).attempts)

    @router.get("/deliveries/{delivery_id}/attempts", tags=["sending"])
    async def list_delivery_attempts(delivery_id: str, request: Request) -> list[dict[str, Any]]:
        """List the attempts of a delivery, in order."""
        work, trace = await _found(platform, delivery_id, Kind.DELIVERY)
        return representations.attempts_of(work, visible(request, trace, delivery_id).attempts)

    return router


async def _found(platform: Platform, work_id: str, kind: Kind) -> tuple[Work, Trace]:
    journal = platform.journal
    work = await journal.work.work(work_id)
    trace = None
    if work is not None and work.kind is kind:
        read = journal.events.trace if kind is Kind.HANDLING else journal.messages.trace
        trace = await read(work.subject_id)
    if work is None or trace is None:
        message = f"No {kind} has this id."
        raise NotFound(message)
    return work, trace
