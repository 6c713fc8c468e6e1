"""``/live/stream``: server-sent events that tell an open page when it is out of date. Floor 8."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.core.changes import Change
from smart_api_integrations.dashboard.desk import Desk, asked
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.watch.live_feed import LiveFeed, TooManyViewersError

LIFE_SECONDS = 900.0
"""After so long a stream ends and is taken up again by the browser: whether it may watch is asked anew."""

PING_SECONDS = 15
RETRY_MILLISECONDS = 2000
SEND_SECONDS = 30.0
FULL = Response(
    "As many pages are live as this server serves. Load the page again to see what is new.",
    status_code=503,
    headers={"Retry-After": "30"},
    media_type="text/plain",
)


def create_routes(desk: Desk) -> list[Route]:
    """Return the route of the stream."""
    feed = desk.platform.live

    async def stream(request: Request) -> Response:
        if feed.is_full:
            return FULL
        token = request.headers.get("last-event-id") or asked(request, "after")
        return EventSourceResponse(told(feed, token), ping=PING_SECONDS, send_timeout=SEND_SECONDS, sep="\n")

    return [Route("/live/stream", stream, methods=["GET"])]


async def told(
    feed: LiveFeed, token: str, *, life_seconds: float = LIFE_SECONDS
) -> AsyncIterator[ServerSentEvent]:
    """Yield what changes, each time with where the journal stands; at first what changed since *token*."""
    clock = asyncio.get_running_loop().time
    ends_at = clock() + life_seconds
    try:
        async with feed.watch(token) as viewer:
            while (left := ends_at - clock()) > 0:
                try:
                    change = await asyncio.wait_for(viewer.next(), left)
                except TimeoutError:
                    return
                if change is None:
                    return
                yield ServerSentEvent(
                    event="change",
                    id=viewer.token,
                    data=json.dumps(spoken(change, viewers=feed.viewers)),
                    retry=RETRY_MILLISECONDS,
                    sep="\n",
                )
    except (TooManyViewersError, StorageUnavailable):
        return  # the browser asks again, and hears what it missed


def spoken(change: Change, *, viewers: int) -> dict[str, int | bool]:
    """Return what a page is told: how much is new of each kind, and how many watch with it."""
    count = change.count
    return {
        "received": count("accepted") + count("duplicate"),
        "rejected": count("rejected"),
        "handled": count("handled") + count("handling_failed"),
        "sent": count("delivered") + count("delivery_failed"),
        "settings": change.settings,
        "unknown": change.unknown,
        "viewers": viewers,
    }
