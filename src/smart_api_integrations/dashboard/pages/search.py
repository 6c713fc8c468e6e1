"""``/search``: any id to its page. Floor 8."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.dashboard.desk import Desk, asked
from smart_api_integrations.dashboard.pages.messages import path_of_work

PAGES_BY_PREFIX = {
    "rpl_": "/replays/",
    "evt_": "/events/",
    "msg_": "/messages/",
    "rej_": "/rejections/",
    "ep_": "/endpoints/",
    "iss_": "/issues/",
}


def create_routes(desk: Desk) -> list[Route]:
    """Return the route of the search."""

    async def search(request: Request) -> Response:
        wanted = asked(request, "q").strip()
        if not wanted:
            return desk.go(request, "/events")
        path = await _path(desk, await desk.journal.events.find(wanted) or wanted)
        if path is not None:
            return desk.go(request, path)
        return await desk.page(request, "nothing_found.html", wanted=wanted, status=404)

    return [Route("/search", search)]


async def _path(desk: Desk, found: str) -> str | None:
    """Return the page of one of our ids, or None where it leads nowhere."""
    journal = desk.journal
    if found.startswith(("hdl_", "dlv_")):
        return await path_of_work(desk, found)
    known = {
        "evt_": journal.events.trace,
        "msg_": journal.messages.trace,
        "rej_": journal.events.rejection,
        "ep_": journal.endpoints.endpoint,
        "iss_": journal.issues.issue,
        "rpl_": journal.replays.replay,
    }
    for prefix, read in known.items():
        if found.startswith(prefix):
            return PAGES_BY_PREFIX[prefix] + found if await read(found) is not None else None
    return None
