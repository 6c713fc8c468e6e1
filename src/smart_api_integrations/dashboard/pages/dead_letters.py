"""``/dead-letters``: work whose schedule is spent, and replaying it. Floor 8."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.dashboard.desk import Desk, asked
from smart_api_integrations.dashboard.pages.messages import path_of_work
from smart_api_integrations.dashboard.views.lists import work_row

LENGTH = 20
KINDS = {"": "All", "handling": "Handlers", "delivery": "Deliveries"}


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of the list, and of the button that replays one."""

    async def dead_letters(request: Request) -> Response:
        word, before = asked(request, "kind"), asked(request, "before")
        kind = Kind(word) if word in set(Kind) else None
        works = await desk.journal.work.dead_letters(limit=LENGTH + 1, before=before or None, kind=kind)
        traces = await desk.traces_of(works[:LENGTH])
        endpoints = {entry.id: entry for entry in await desk.journal.endpoints.endpoints()}
        now = desk.journal.now()
        return await desk.page(
            request,
            "dead_letters.html",
            rows=[
                work_row(work, trace, now=now, endpoints=endpoints)
                for work, trace in zip(works[:LENGTH], traces, strict=True)
            ],
            kinds=KINDS,
            kind=kind or "",
            older=works[LENGTH - 1].id if len(works) > LENGTH else "",
            is_first=not before,
        )

    async def replay(request: Request) -> Response:
        work = await desk.platform.replay(request.path_params["work_id"])
        return desk.go(request, await path_of_work(desk, work.id) or "/dead-letters")

    return [
        Route("/dead-letters", dead_letters),
        Route("/dead-letters/{work_id}/replay", replay, methods=["POST"]),
    ]
