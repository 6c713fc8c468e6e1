"""``/api/received/stats``: the fourth seed's statistics by provider and status. Floor 8."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from smart_api_integrations.api import representations
from smart_api_integrations.api.paging import LONGEST_ID
from smart_api_integrations.application.platform import Platform


def create_router(platform: Platform) -> APIRouter:
    """Return the route over the counters of *platform*; it goes before those over single events."""
    router = APIRouter(prefix="/received/stats", tags=["received", "statistics"])

    @router.get("")
    async def get_received_stats(
        hours: Annotated[int, Query(ge=1, le=24 * 31)] = 24,
        provider: Annotated[str | None, Query(max_length=LONGEST_ID)] = None,
    ) -> dict[str, dict[str, Any]]:
        """Count what became of each provider's events in the last *hours*, by status.

        ``avg_processing_time`` is in seconds, from the receipt to the end of the handling.
        """
        statistics = await platform.journal.watch.statistics(since=timedelta(hours=hours))
        return representations.source_statistics(
            each for each in statistics if provider is None or each.provider == provider
        )

    return router
