"""``/alerts``: what was alarming, who was told of it, and how events of each source fare. Floor 8."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.dashboard.desk import DAY, PAGE_LENGTH, Desk, asked
from smart_api_integrations.dashboard.views.alerts import alert_row, answers_said, statistics_rows


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of the history of alerts, and of trying the channels."""

    async def alerts(request: Request) -> Response:
        before, watch = asked(request, "before"), desk.journal.watch
        page, statistics = await asyncio.gather(
            watch.alerts(limit=PAGE_LENGTH + 1, before=before or None), watch.statistics(since=DAY)
        )
        now = desk.journal.now()
        return await desk.page(
            request,
            "alerts.html",
            rows=[alert_row(alert, now=now) for alert in page[:PAGE_LENGTH]],
            older=page[PAGE_LENGTH - 1].id if len(page) > PAGE_LENGTH else "",
            is_first=not before,
            channels=[channel.name for channel in desk.platform.monitor.channels],
            statistics=statistics_rows(statistics),
            tried=None,
        )

    async def test(request: Request) -> Response:
        answers = await desk.platform.monitor.test()
        return await desk.page(
            request,
            "alerts.html",
            rows=[],
            older="",
            is_first=True,
            channels=list(answers),
            statistics=[],
            tried=answers_said(answers),
        )

    return [
        Route("/alerts", alerts, methods=["GET"]),
        Route("/alerts/test", test, methods=["POST"]),
    ]
