"""``/api/stats``: the third seed's system statistics. Floor 8."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from fastapi import APIRouter

from smart_api_integrations.application.platform import Platform

DAY = timedelta(hours=24)


def create_router(platform: Platform) -> APIRouter:
    """Return the route over the statistics of *platform*."""
    router = APIRouter(prefix="/stats", tags=["statistics"])
    store = platform.journal.endpoints

    @router.get("")
    async def get_stats() -> dict[str, Any]:
        """Count endpoints, and the delivery attempts to them in the last 24 hours."""
        endpoints = await store.endpoints()
        counts = await asyncio.gather(*(store.statistics(entry.id, since=DAY) for entry in endpoints))
        total = sum(count.total_attempts for count in counts)
        spent = sum(count.avg_duration_ms * count.total_attempts for count in counts)
        return {
            "webhooks": {"active": sum(entry.active for entry in endpoints), "total": len(endpoints)},
            "deliveries_24h": {
                "total": total,
                "successful": sum(count.successful for count in counts),
                "failed": sum(count.failed for count in counts),
                "avg_duration_ms": round(spent / total, 1) if total else 0.0,
            },
        }

    return router
