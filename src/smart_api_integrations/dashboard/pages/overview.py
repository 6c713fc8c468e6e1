"""``/``: is all well, and if not, what is it. Floor 8."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.dashboard.desk import Desk, asked
from smart_api_integrations.dashboard.pages.charts import overview_charts, traffic_of
from smart_api_integrations.dashboard.pages.endpoints import endpoint_rows
from smart_api_integrations.dashboard.pages.sources import mounted_rows
from smart_api_integrations.dashboard.views.overview import open_causes, stats, verdict
from smart_api_integrations.dashboard.views.sources import latest_first
from smart_api_integrations.dashboard.views.traffic import RANGES, chart, range_of

MOST_ROWS = 6
LOOKED_AT = 100


def create_routes(desk: Desk) -> list[Route]:
    """Return the route of the overview."""

    async def overview(request: Request) -> Response:
        if await _is_fresh(desk):
            sources = await mounted_rows(desk, request)
            return await desk.page(request, "empty.html", base=desk.base(request), sources=sources)
        return await _page(desk, request)

    return [Route("/", overview)]


async def _is_fresh(desk: Desk) -> bool:
    events, messages, rejections = await asyncio.gather(
        desk.journal.events.summaries(limit=1),
        desk.journal.messages.messages(limit=1),
        desk.journal.events.rejections(limit=1),
    )
    return not (events or messages or rejections)


async def _page(desk: Desk, request: Request) -> Response:
    journal, now = desk.journal, desk.journal.now()
    span = range_of(asked(request, "range"))
    points, backlog, dead, rejections, endpoints = await asyncio.gather(
        traffic_of(desk, span),
        journal.work.backlog(),
        journal.work.dead_letters(limit=LOOKED_AT),
        journal.events.rejections(limit=LOOKED_AT),
        journal.endpoints.endpoints(),
    )
    rows = await endpoint_rows(desk)
    by_need = sorted(rows, key=lambda row: (row.badge.tone != "bad", row.badge.tone != "wait"))
    lately = [rejection for rejection in rejections if now - rejection.received_at <= span.since]
    sources = latest_first(await mounted_rows(desk, request))
    return await desk.page(
        request,
        "overview.html",
        verdict=verdict(backlog, rows),
        stats=stats(points, backlog, span, now=now),
        chart=chart(points, span),
        charts=await overview_charts(desk, span),
        span=span,
        ranges=RANGES,
        causes=open_causes(dead, lately, {entry.id: entry for entry in endpoints}, now=now),
        endpoints=by_need[:MOST_ROWS],
        endpoint_count=len(rows),
        sources=sources[:MOST_ROWS],
        source_count=len(sources),
    )
