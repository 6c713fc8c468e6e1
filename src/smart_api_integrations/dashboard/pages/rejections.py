"""``/rejections``: what was not accepted, and on its page the reason, the causes and the fix. Floor 8."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.core.journal import Rejection
from smart_api_integrations.dashboard.desk import PAGE_LENGTH, Desk, asked
from smart_api_integrations.dashboard.views.lists import rejection_row
from smart_api_integrations.dashboard.views.reasons import Evidence
from smart_api_integrations.dashboard.views.rejection import rejection_page
from smart_api_integrations.errors import NotFound

LOOKED_AT = 200


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of the list and of one rejected request."""

    async def rejections(request: Request) -> Response:
        before = asked(request, "before")
        found = await desk.journal.events.rejections(limit=PAGE_LENGTH + 1, before=before or None)
        now = desk.journal.now()
        return await desk.page(
            request,
            "rejections.html",
            rows=[rejection_row(entry, now=now) for entry in found[:PAGE_LENGTH]],
            older=found[PAGE_LENGTH - 1].id if len(found) > PAGE_LENGTH else "",
            is_first=not before,
        )

    async def rejection(request: Request) -> Response:
        found = await desk.journal.events.rejection(request.path_params["rejection_id"])
        if found is None:
            message = "No rejected request has this id; the log keeps the newest 10,000."
            raise NotFound(message)
        return await desk.page(
            request, "rejection.html", page=rejection_page(found, await _evidence(desk, found))
        )

    return [Route("/rejections", rejections), Route("/rejections/{rejection_id}", rejection)]


async def _evidence(desk: Desk, rejection: Rejection) -> Evidence:
    newest, others = await asyncio.gather(
        desk.newest_event(rejection.provider, rejection.webhook_name),
        desk.journal.events.rejections(limit=LOOKED_AT),
    )
    kind = (rejection.provider, rejection.webhook_name, rejection.reason)
    alike = [entry for entry in others if (entry.provider, entry.webhook_name, entry.reason) == kind] or [
        rejection
    ]
    return Evidence(
        last_verified=newest,
        alike=sum(entry.sampled for entry in alike),
        addresses=len({entry.remote_address for entry in alike}),
        since=min(entry.received_at for entry in alike),
        now=desk.journal.now(),
    )
