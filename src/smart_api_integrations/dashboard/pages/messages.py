"""``/messages``: what we send; one without an event has a page of its own. Floor 8."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.dashboard.desk import PAGE_LENGTH, Desk, asked
from smart_api_integrations.dashboard.pages.event import ANSWER_TABS, chosen
from smart_api_integrations.dashboard.views.answers import answer
from smart_api_integrations.dashboard.views.event import message_page
from smart_api_integrations.dashboard.views.lists import message_row
from smart_api_integrations.dashboard.views.measures import size
from smart_api_integrations.dashboard.views.payload import body_view
from smart_api_integrations.errors import NotFound

BODY_TABS = {"pretty": "Pretty", "raw": "Raw", "hex": "Hex"}


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of the messages, and those that lead from a piece of work to its trace."""

    async def messages(request: Request) -> Response:
        before = asked(request, "before")
        found = await desk.journal.messages.messages(limit=PAGE_LENGTH + 1, before=before or None)
        now = desk.journal.now()
        return await desk.page(
            request,
            "messages.html",
            rows=[message_row(entry, now=now) for entry in found[:PAGE_LENGTH]],
            older=found[PAGE_LENGTH - 1].id if len(found) > PAGE_LENGTH else "",
            is_first=not before,
        )

    async def message(request: Request) -> Response:
        return await _message(desk, request)

    async def work(request: Request) -> Response:
        path = await path_of_work(desk, request.path_params["work_id"])
        if path is None:
            message = "No work has this id."
            raise NotFound(message)
        return desk.go(request, path)

    return [
        Route("/messages", messages),
        Route("/messages/{message_id}", message),
        Route("/handlings/{work_id}", work),
        Route("/deliveries/{work_id}", work),
    ]


async def path_of_work(desk: Desk, work_id: str) -> str | None:
    """Return the page and the place on it where a handling or a delivery is shown, or None."""
    work = await desk.journal.work.work(work_id)
    if work is None:
        return None
    if work.kind is Kind.HANDLING:
        return f"/events/{work.subject_id}#{work.id}"
    trace = await desk.journal.messages.trace(work.subject_id)
    if trace is not None and trace.event is not None:
        return f"/events/{trace.event.id}#{work.id}"
    return f"/messages/{work.subject_id}#{work.id}"


async def _message(desk: Desk, request: Request) -> Response:
    trace = await desk.journal.messages.trace(request.path_params["message_id"])
    found = () if trace is None else trace.messages
    message = next((entry for entry in found if entry.id == request.path_params["message_id"]), None)
    if trace is None or message is None:
        text = "No message has this id."
        raise NotFound(text)
    trace, whole = desk.visible(request, trace, message.id), message
    message = next(entry for entry in trace.messages if entry.id == whole.id)
    page = message_page(trace, message, now=desk.journal.now())
    tab = chosen(request, "body", BODY_TABS)
    return await desk.page(
        request,
        "message.html",
        page=replace(page, size=size(len(whole.body))),
        event_id=message.event_id or "",
        body=body_view(message.body, content_type="application/json", mode=tab),
        tab=tab,
        tabs=BODY_TABS,
        answer=answer(trace, attempt_id=asked(request, "attempt")),
        answer_tab=chosen(request, "answer", ANSWER_TABS),
        answer_tabs=ANSWER_TABS,
        attempt=asked(request, "attempt"),
    )
