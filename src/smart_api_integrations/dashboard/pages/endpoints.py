"""``/endpoints``: the addresses that we send to, adding one, and one's page. Floor 8."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.issues import IssueKind
from smart_api_integrations.dashboard.desk import DAY, Desk, asked, read_form
from smart_api_integrations.dashboard.endpoint_form import EMPTY, read_endpoint
from smart_api_integrations.dashboard.pages.charts import endpoint_charts
from smart_api_integrations.dashboard.views.endpoints import EndpointRow, endpoint_page, endpoint_row
from smart_api_integrations.dashboard.views.gates import gate_view
from smart_api_integrations.dashboard.views.issues import issue_row
from smart_api_integrations.dashboard.views.lists import work_row
from smart_api_integrations.dashboard.views.traffic import RANGES, range_of
from smart_api_integrations.errors import InvalidInput, NotFound

DELIVERIES = 15


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of the list, of one endpoint, and of the form that adds one."""

    async def endpoints(request: Request) -> Response:
        return await desk.page(request, "endpoints.html", rows=await endpoint_rows(desk))

    async def new(request: Request) -> Response:
        return await desk.page(request, "endpoint_form.html", form=EMPTY, fault="", endpoint=None)

    async def add(request: Request) -> Response:
        return await _add(desk, request)

    async def endpoint(request: Request) -> Response:
        return await _one(desk, request)

    return [
        Route("/endpoints", endpoints, methods=["GET"]),
        Route("/endpoints", add, methods=["POST"]),
        Route("/endpoints/new", new, methods=["GET"]),
        Route("/endpoints/{endpoint_id}", endpoint, methods=["GET"]),
    ]


async def endpoint_of(desk: Desk, request: Request) -> Endpoint:
    """Return the endpoint that the path names.

    Raises:
        NotFound: There is none.
    """
    endpoint = await desk.journal.endpoints.endpoint(request.path_params["endpoint_id"])
    if endpoint is None:
        message = "No endpoint has this id."
        raise NotFound(message)
    return endpoint


async def endpoint_rows(desk: Desk) -> list[EndpointRow]:
    """Return every endpoint, each with how it does and what holds it back."""
    endpoints, gates = await asyncio.gather(desk.journal.endpoints.endpoints(), desk.journal.gates.gates())
    days, waiting = await asyncio.gather(
        asyncio.gather(*(desk.journal.endpoints.statistics(entry.id, since=DAY) for entry in endpoints)),
        asyncio.gather(*(desk.journal.gates.waiting(entry.id) for entry in endpoints)),
    )
    known, now = {gate.target: gate for gate in gates}, desk.journal.now()
    return [
        endpoint_row(entry, day, gate_view(entry.id, known, waiting=count, now=now))
        for entry, day, count in zip(endpoints, days, waiting, strict=True)
    ]


async def _add(desk: Desk, request: Request) -> Response:
    form: Mapping[str, str] = dict(EMPTY) | await read_form(request)
    try:
        values = read_endpoint(form)
        url, events = values.pop("url"), values.pop("events")
        endpoint = await desk.platform.endpoints.register(
            url, events, allow_http=form["allow_http"] == "on", **values
        )
    except InvalidInput as error:
        return await desk.page(
            request, "endpoint_form.html", form=form, fault=str(error), endpoint=None, status=422
        )
    return await desk.page(
        request, "endpoint_added.html", endpoint=endpoint, was_given=bool(form["secret"].strip()), status=201
    )


async def _one(desk: Desk, request: Request) -> Response:
    store, now = desk.journal.endpoints, desk.journal.now()
    endpoint = await endpoint_of(desk, request)
    before, span = asked(request, "before"), range_of(asked(request, "range"))
    day, whole, works, gate, waiting, issues = await asyncio.gather(
        store.statistics(endpoint.id, since=DAY),
        store.statistics(endpoint.id),
        desk.journal.work.deliveries(limit=DELIVERIES + 1, before=before or None, endpoint_id=endpoint.id),
        desk.journal.gates.gate(endpoint.id),
        desk.journal.gates.waiting(endpoint.id),
        desk.journal.issues.issues(kind=IssueKind.DELIVERY),
    )
    traces = await desk.traces_of(works[:DELIVERIES])
    known: dict[str, Endpoint] = {endpoint.id: endpoint}
    shut = gate_view(endpoint.id, {} if gate is None else {gate.target: gate}, waiting=waiting, now=now)
    own = [issue for issue in issues if issue.target == endpoint.id]
    return await desk.page(
        request,
        "endpoint.html",
        page=endpoint_page(endpoint, day=day, whole=whole, now=now, gate=shut, breaker=gate),
        issues=[issue_row(issue, endpoints=known, now=now) for issue in own],
        most=max((issue.tries for issue in own), default=1),
        tries={issue.id: issue.tries for issue in own},
        charts=await endpoint_charts(desk, span, endpoint.id),
        span=span,
        ranges=RANGES,
        rows=[
            work_row(work, trace, now=now, endpoints=known)
            for work, trace in zip(works[:DELIVERIES], traces, strict=True)
        ],
        older=works[DELIVERIES - 1].id if len(works) > DELIVERIES else "",
        is_first=not before,
    )
