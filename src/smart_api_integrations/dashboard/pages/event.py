"""``/events/{id}``: one event with its verdict, its trace, its request and every answer. Floor 8."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.application.audit_trail import VIEW_PAYLOAD, note
from smart_api_integrations.core.journal import ReceivedEvent, Trace
from smart_api_integrations.core.lifecycle import ROADS, State
from smart_api_integrations.core.webhook_schema import Headers
from smart_api_integrations.dashboard.desk import Desk, asked
from smart_api_integrations.dashboard.views.answers import answer
from smart_api_integrations.dashboard.views.commands import (
    read_command,
    read_curl,
    replay_curl,
    request_curl,
    request_python,
)
from smart_api_integrations.dashboard.views.event import event_page
from smart_api_integrations.dashboard.views.measures import plural, size
from smart_api_integrations.dashboard.views.payload import body_view, headers_view
from smart_api_integrations.errors import NotFound

BODY_TABS = {"pretty": "Pretty", "raw": "Raw", "hex": "Hex", "headers": "Headers"}
ANSWER_TABS = {"body": "Body", "headers": "Headers", "sent": "What we sent"}


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of an event's page, and of its exact body."""

    async def event(request: Request) -> Response:
        trace, received = await read_event(desk, request)
        trace = desk.visible(request, trace, received.id)
        seen = trace.event or received
        tab = chosen(request, "body", BODY_TABS)
        content_type = Headers(received.headers).get("content-type", "")
        page = event_page(trace, seen, now=desk.journal.now())
        page = replace(page, size=size(len(received.body)))
        dead = page.callout.replay if page.callout else ""
        return await desk.page(
            request,
            "event.html",
            page=page,
            body=body_view(seen.body, content_type=content_type, mode=tab),
            headers=headers_view(received.headers),
            tab=tab,
            tabs=BODY_TABS,
            answer=answer(trace, attempt_id=asked(request, "attempt")),
            answer_tab=chosen(request, "answer", ANSWER_TABS),
            answer_tabs=ANSWER_TABS,
            attempt=asked(request, "attempt"),
            curl=request_curl(seen, secret=desk.platform.secret_parameters(received)),
            python=request_python(seen, secret=desk.platform.secret_parameters(received)),
            show=read_command(received.id),
            read=read_curl(f"/api/received/{received.id}", with_key=desk.has_keys),
            replay=replay_curl(dead, with_key=desk.has_keys) if dead else "",
            base=desk.base(request),
            again=again_said(request),
            ends=_ends(trace),
        )

    async def body(request: Request) -> Response:
        _, received = await read_event(desk, request)
        note(request.scope, action=VIEW_PAYLOAD, target=received.id)
        headers = {"Content-Disposition": f'attachment; filename="{received.id}.body"'}
        return Response(received.body, media_type="application/octet-stream", headers=headers)

    return [Route("/events/{event_id}", event), Route("/events/{event_id}/body", body)]


async def read_event(desk: Desk, request: Request) -> tuple[Trace, ReceivedEvent]:
    """Return the trace and the event that the path names.

    Raises:
        NotFound: There is none.
    """
    trace = await desk.journal.events.trace(request.path_params["event_id"])
    if trace is None or trace.event is None:
        message = "No event has this id."
        raise NotFound(message)
    return trace, trace.event


def _ends(trace: Trace) -> dict[str, int]:
    """Return how many pieces of work can be done again: what failed, and handlings that are over."""
    works = [*trace.handlings, *trace.deliveries]
    return {
        "failed": sum(work.state is State.FAILED for work in works),
        "handlers": sum(work.state in ROADS[work.kind].ends for work in trace.handlings),
    }


def again_said(request: Request) -> str:
    """Return what the form that led here did, as a sentence; empty where none did."""
    count = asked(request, "again")
    if not count.isdigit() or len(count) > 5:
        return ""
    return (
        f"{plural(int(count), 'piece')} of work made due again." if int(count) else "Nothing was to be done."
    )


def chosen(request: Request, name: str, tabs: dict[str, str]) -> str:
    """Return the tab that the query names, else the first."""
    word = asked(request, name)
    return word if word in tabs else next(iter(tabs))
