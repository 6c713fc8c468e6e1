"""``/api/alerts``: what was alarming, and whether somebody hears of it. Floor 8."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from smart_api_integrations.api.paging import Before, Limit, link_next
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.alerts import Alert


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the alerts of *platform*."""
    router = APIRouter(prefix="/alerts", tags=["alerts"])

    @router.get("")
    async def list_alerts(
        request: Request, response: Response, *, before: Before = None, limit: Limit = 50
    ) -> list[dict[str, Any]]:
        """List alerts, newest first; one without ``resolved_at`` is open."""
        page = await platform.journal.watch.alerts(limit=limit, before=before)
        link_next(request, response, ids=[alert.id for alert in page], limit=limit)
        return [shown(alert) for alert in page]

    @router.post("/test")
    async def test_alerts() -> dict[str, Any]:
        """Tell every channel that this is a test, and return what each answered: ``ok``, or why not."""
        return {"channels": await platform.monitor.test()}

    return router


def shown(alert: Alert) -> dict[str, Any]:
    """Return *alert* as the API shows it."""
    return {
        "id": alert.id,
        "rule": alert.rule,
        "subject": alert.subject,
        "severity": str(alert.severity),
        "title": alert.title,
        "message": alert.message,
        "state": "open" if alert.resolved_at is None else "resolved",
        "opened_at": alert.opened_at.isoformat(),
        "seen_at": alert.seen_at.isoformat(),
        "resolved_at": None if alert.resolved_at is None else alert.resolved_at.isoformat(),
        "notified_at": None if alert.notified_at is None else alert.notified_at.isoformat(),
        "told": dict(alert.told),
    }
