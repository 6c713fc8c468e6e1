"""``/dead-letters``: work whose schedule is spent; replaying and discarding it, one or many. Floor 8."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.dashboard.desk import Desk, asked, read_fields
from smart_api_integrations.dashboard.pages.messages import path_of_work
from smart_api_integrations.dashboard.views.lists import work_row
from smart_api_integrations.dashboard.views.measures import plural
from smart_api_integrations.errors import InvalidInput, NotFound

LENGTH = 20
KINDS = {"": "All", "handling": "Handlers", "delivery": "Deliveries"}
DONE = {
    "replayed": "{count} made due again. They run as soon as a worker is free.",
    "discarded": "{count} discarded. Nothing more is done about them; their attempts stay.",
}
_BACK = re.compile(r"/dead-letters|/issues/iss_[0-9a-f]+")


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of the list, and of the buttons on it."""

    async def dead_letters(request: Request) -> Response:
        return await _list(desk, request)

    async def several(request: Request) -> Response:
        return await _several(desk, request)

    async def replay(request: Request) -> Response:
        work = await desk.platform.replays.work(request.path_params["work_id"])
        return desk.go(request, await path_of_work(desk, work.id) or "/dead-letters")

    return [
        Route("/dead-letters", dead_letters, methods=["GET"]),
        Route("/dead-letters", several, methods=["POST"]),
        Route("/dead-letters/{work_id}/replay", replay, methods=["POST"]),
    ]


async def _list(desk: Desk, request: Request) -> Response:
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
        done=done_said(request),
    )


async def _several(desk: Desk, request: Request) -> Response:
    fields = await read_fields(request)
    chosen = dict(fields)
    ids = [value for name, value in fields if name == "id"]
    back = chosen.get("back", "")
    if not ids:
        message = "Nothing is selected: mark the rows that it is about."
        raise InvalidInput(message)
    if chosen.get("do") == "discard":
        word, count = "discarded", await desk.journal.work.discard(ids)
    else:
        word, count = "replayed", await _replay(desk, ids)
    path = back if _BACK.fullmatch(back) else "/dead-letters"
    return desk.go(request, f"{path}?{word}={count}")


async def _replay(desk: Desk, ids: list[str]) -> int:
    """Replay those that still are over: another one may have been quicker."""
    count = 0
    for work_id in ids:
        try:
            await desk.platform.replays.work(work_id)
        except (InvalidInput, NotFound):
            continue
        count += 1
    return count


def done_said(request: Request) -> str:
    """Return what the form that led here did, as a sentence; empty where none did."""
    for word, said in DONE.items():
        count = asked(request, word)
        if count.isdigit() and len(count) < 6:
            return said.format(count=plural(int(count), "dead letter"))
    return ""
