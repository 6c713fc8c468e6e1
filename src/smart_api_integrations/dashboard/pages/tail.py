"""``/live``: what happens, as it happens, newest first. Floor 8."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.dashboard.desk import Desk, asked
from smart_api_integrations.dashboard.views.tail import (
    SHOWS,
    TailLine,
    attempt_line,
    received_line,
    rejected_line,
)

LENGTH = 100
"""How many lines a page has; of each kind so many of the newest are looked at."""


def create_routes(desk: Desk) -> list[Route]:
    """Return the route of the live tail."""

    async def tail(request: Request) -> Response:
        show = asked(request, "show")
        show = show if show in SHOWS else ""
        text = asked(request, "text").strip()
        found = await _lines(desk, show)
        chosen = [line for line in found if (show != "failed" or line.is_bad) and line.has(text.lower())]
        return await desk.page(
            request,
            "tail.html",
            lines=chosen[:LENGTH],
            shows=SHOWS,
            show=show,
            text=text,
            length=LENGTH,
        )

    return [Route("/live", tail)]


async def _lines(desk: Desk, show: str) -> list[TailLine]:
    """Return the newest lines of each kind that *show* wants, newest first."""
    readers = {
        "received": _received,
        "rejected": _rejected,
        "handled": _handled,
        "sent": _sent,
    }
    wanted: list[Awaitable[list[TailLine]]] = [
        read(desk) for kind, read in readers.items() if show in {"", "failed", kind}
    ]
    found = [line for lines in await asyncio.gather(*wanted) for line in lines]
    return sorted(found, key=lambda line: (line.sorted_by, line.key), reverse=True)


async def _received(desk: Desk) -> list[TailLine]:
    return [received_line(event) for event in await desk.journal.events.summaries(limit=LENGTH)]


async def _rejected(desk: Desk) -> list[TailLine]:
    return [rejected_line(each) for each in await desk.journal.events.rejections(limit=LENGTH)]


async def _handled(desk: Desk) -> list[TailLine]:
    recent = await desk.journal.work.recent_attempts(Kind.HANDLING, limit=LENGTH)
    return [attempt_line(each, {}) for each in recent]


async def _sent(desk: Desk) -> list[TailLine]:
    recent, endpoints = await asyncio.gather(
        desk.journal.work.recent_attempts(Kind.DELIVERY, limit=LENGTH), desk.journal.endpoints.endpoints()
    )
    known = {endpoint.id: endpoint for endpoint in endpoints}
    return [attempt_line(each, known) for each in recent]
