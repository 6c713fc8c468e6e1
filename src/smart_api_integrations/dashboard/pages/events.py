"""``/events``: what came in, newest first, filtered by what stands in the URL. Floor 8."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.core.journal import EventSummary
from smart_api_integrations.dashboard.desk import PAGE_LENGTH, Desk, asked
from smart_api_integrations.dashboard.views.lists import VIEWS, View, event_row, view_of

# What no index knows is looked for in the newest events, a stretch at a time; what was not is said.
STRETCH = 200
MOST_STRETCHES = 5


def create_routes(desk: Desk) -> list[Route]:
    """Return the route of the list of events."""

    async def events(request: Request) -> Response:
        view = view_of(asked(request, "status"))
        filters = {name: asked(request, name) for name in ("provider", "type")}
        found, older = await _find(desk, view, filters, before=asked(request, "before"))
        now = desk.journal.now()
        providers = sorted({provider for provider, _ in desk.platform.webhooks})
        return await desk.page(
            request,
            "events.html",
            rows=[event_row(event, now=now) for event in found],
            views=VIEWS,
            view=view,
            filters=filters,
            providers=providers,
            older=older,
            is_first=not asked(request, "before"),
        )

    return [Route("/events", events)]


async def _find(
    desk: Desk, view: View, filters: dict[str, str], *, before: str
) -> tuple[Sequence[EventSummary], str]:
    """Return a page of what *view* wants, and the id before which the next begins, if there is one."""
    found: list[EventSummary] = []
    looked_at = before
    length = STRETCH if view.status and not view.states else PAGE_LENGTH + 1
    for _ in range(MOST_STRETCHES):
        page = await desk.journal.events.summaries(
            limit=length,
            before=looked_at or None,
            provider=filters["provider"] or None,
            event_type=filters["type"] or None,
            states=view.states,
        )
        found += [event for event in page if view.wants(event)]
        if len(found) > PAGE_LENGTH:
            return found[:PAGE_LENGTH], found[PAGE_LENGTH - 1].id
        if len(page) < length:
            return found, ""
        looked_at = page[-1].id
    return found, looked_at
