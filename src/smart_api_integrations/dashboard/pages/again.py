"""``/events/{id}/…``: running an event again: the same, edited, or to another URL. Floor 8."""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.application.audit_trail import note
from smart_api_integrations.application.repeating import keep_edited_copy, request_to
from smart_api_integrations.core.journal import ReceivedEvent, Trace
from smart_api_integrations.core.lifecycle import ROADS, State
from smart_api_integrations.dashboard.desk import Desk, read_form
from smart_api_integrations.dashboard.pages.event import read_event
from smart_api_integrations.dashboard.views.measures import duration
from smart_api_integrations.dashboard.views.payload import headers_view, text_view
from smart_api_integrations.dashboard.views.visible import visible
from smart_api_integrations.errors import DeliveryError, InvalidInput

LONGEST_EDIT = 48 * 1024
LONGEST_ANSWER = 64 * 1024


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of the three ways."""

    async def replay(request: Request) -> Response:
        trace, event = await read_event(desk, request)
        form = await read_form(request)
        count = await _replay(desk, trace, only_failed=form.get("what") != "handlers")
        return desk.go(request, f"/events/{event.id}?again={count}")

    async def edit(request: Request) -> Response:
        _, event = await read_event(desk, request)
        return await _edit_page(desk, request, event, text=_text(event))

    async def keep(request: Request) -> Response:
        return await _keep(desk, request)

    async def elsewhere(request: Request) -> Response:
        _, event = await read_event(desk, request)
        return await _forward_page(desk, request, event)

    async def forward(request: Request) -> Response:
        return await _forward(desk, request)

    one = "/events/{event_id}"
    return [
        Route(f"{one}/replay", replay, methods=["POST"]),
        Route(f"{one}/edit", edit, methods=["GET"]),
        Route(f"{one}/edit", keep, methods=["POST"]),
        Route(f"{one}/forward", elsewhere, methods=["GET"]),
        Route(f"{one}/forward", forward, methods=["POST"]),
    ]


async def _replay(desk: Desk, trace: Trace, *, only_failed: bool) -> int:
    """Make due again what failed, or every handling that is over; return how much."""
    works = [*trace.handlings, *trace.deliveries] if only_failed else list(trace.handlings)
    over = [
        work
        for work in works
        if work.state is State.FAILED or (not only_failed and work.state in ROADS[work.kind].ends)
    ]
    count = 0
    for work in over:
        try:
            await desk.platform.replays.work(work.id)
        except InvalidInput:
            continue  # another one was quicker
        count += 1
    return count


def _text(event: ReceivedEvent) -> str:
    """Return the body as text that a form can hold.

    Raises:
        InvalidInput: It is no text, or too long for a form.
    """
    try:
        text = event.body.decode("utf-8")
    except UnicodeDecodeError as error:
        message = "The body is no text, so it cannot be edited here."
        raise InvalidInput(message) from error
    if len(event.body) > LONGEST_EDIT:
        message = f"The body is longer than {LONGEST_EDIT} bytes: too long to be edited here."
        raise InvalidInput(message)
    return text


async def _edit_page(
    desk: Desk, request: Request, event: ReceivedEvent, *, text: str, fault: str = "", status: int = 200
) -> Response:
    return await desk.page(
        request, "event_edit.html", event_id=event.id, text=text, fault=fault, status=status
    )


async def _keep(desk: Desk, request: Request) -> Response:
    _, event = await read_event(desk, request)
    text = (await read_form(request)).get("body", "").replace("\r\n", "\n")
    if _is_json(event.body) and not _is_json(text.encode()):
        fault = "body: it is not JSON, as the original is"
        return await _edit_page(desk, request, event, text=text, fault=fault, status=422)
    copy_id = await keep_edited_copy(desk.platform, event, text.encode())
    note(request.scope, action="event.edited_copy", target=event.id, copy=copy_id)
    return desk.go(request, f"/events/{copy_id}")


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


async def _forward_page(
    desk: Desk,
    request: Request,
    event: ReceivedEvent,
    *,
    url: str = "",
    fault: str = "",
    result: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Response:
    return await desk.page(
        request, "event_forward.html", event_id=event.id, url=url, fault=fault, result=result, status=status
    )


async def _forward(desk: Desk, request: Request) -> Response:
    _, event = await read_event(desk, request)
    form = await read_form(request)
    url = form.get("url", "").strip()
    started = perf_counter()
    try:
        answer = await desk.platform.send_once(
            request_to(url, event, signs=desk.platform.signs(event)),
            allow_http=form.get("allow_http") == "on",
        )
    except InvalidInput as error:
        return await _forward_page(desk, request, event, url=url, fault=str(error), status=422)
    except DeliveryError as error:
        result: dict[str, Any] = {
            "tone": "bad",
            "icon": "fail",
            "title": f"It did not arrive: {visible(str(error))}",
        }
        result |= {"code": "no answer", "body": "", "headers": ()}
        return await _forward_page(desk, request, event, url=url, result=result)
    note(request.scope, action="event.forwarded", target=event.id, status=answer.status)
    took = duration((perf_counter() - started) * 1000)
    good = 200 <= answer.status < 300
    result = {
        "tone": "ok" if good else "bad",
        "icon": "ok" if good else "fail",
        "title": f"It answered {answer.status}, in {took}",
        "code": str(answer.status),
        "body": text_view(answer.body[:LONGEST_ANSWER].decode("utf-8", "replace")),
        "headers": headers_view(answer.headers.items()),
    }
    return await _forward_page(desk, request, event, url=url, result=result)
