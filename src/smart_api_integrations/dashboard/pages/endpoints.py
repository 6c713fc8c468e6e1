"""``/endpoints``: the addresses that we send to, adding one, and one's page. Floor 8."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.core.ed25519_keys import is_private_key
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.outbound_request import KEY_PAIR, SHARED
from smart_api_integrations.dashboard.desk import DAY, Desk, asked, read_form
from smart_api_integrations.dashboard.views.endpoints import endpoint_page, endpoint_row
from smart_api_integrations.dashboard.views.lists import work_row
from smart_api_integrations.errors import InvalidInput, NotFound

DELIVERIES = 15
NO_FORM = {"url": "", "events": "", "description": ""}


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of the list, of one endpoint, and of the forms on both."""

    async def endpoints(request: Request) -> Response:
        return await _list(desk, request, form=NO_FORM, fault="", status=200)

    async def add(request: Request) -> Response:
        form = NO_FORM | await read_form(request)
        events = form["events"].replace(",", " ").split()
        try:
            endpoint = await desk.platform.endpoints.register(
                form["url"].strip(), events, description=form["description"].strip()
            )
        except InvalidInput as error:
            return await _list(desk, request, form=form, fault=str(error), status=422)
        return await desk.page(request, "endpoint_added.html", endpoint=endpoint, status=201)

    async def endpoint(request: Request) -> Response:
        return await _one(desk, request)

    async def switch(request: Request) -> Response:
        endpoint_id = request.path_params["endpoint_id"]
        form = await read_form(request)
        await desk.platform.endpoints.update(endpoint_id, {"active": form.get("active") == "on"})
        return desk.go(request, f"/endpoints/{endpoint_id}")

    async def rotate(request: Request) -> Response:
        rotated = await desk.platform.endpoints.rotate_secret(
            request.path_params["endpoint_id"], kind=await _kind_of(desk, request)
        )
        return await desk.page(request, "secret_rotated.html", endpoint=rotated)

    return [
        Route("/endpoints", endpoints, methods=["GET"]),
        Route("/endpoints", add, methods=["POST"]),
        Route("/endpoints/{endpoint_id}", endpoint),
        Route("/endpoints/{endpoint_id}/active", switch, methods=["POST"]),
        Route("/endpoints/{endpoint_id}/secret", rotate, methods=["POST"]),
    ]


async def _kind_of(desk: Desk, request: Request) -> str:
    """Return which kind of secret an endpoint has: a rotation by hand changes the secret, not the scheme."""
    endpoint = await desk.journal.endpoints.endpoint(request.path_params["endpoint_id"])
    return KEY_PAIR if endpoint is not None and is_private_key(endpoint.secret) else SHARED


async def _list(desk: Desk, request: Request, *, form: dict[str, str], fault: str, status: int) -> Response:
    endpoints = await desk.journal.endpoints.endpoints()
    days = await asyncio.gather(
        *(desk.journal.endpoints.statistics(entry.id, since=DAY) for entry in endpoints)
    )
    rows = [endpoint_row(entry, day) for entry, day in zip(endpoints, days, strict=True)]
    return await desk.page(request, "endpoints.html", rows=rows, form=form, fault=fault, status=status)


async def _one(desk: Desk, request: Request) -> Response:
    store, now = desk.journal.endpoints, desk.journal.now()
    endpoint_id = request.path_params["endpoint_id"]
    endpoint = await store.endpoint(endpoint_id)
    if endpoint is None:
        message = "No endpoint has this id."
        raise NotFound(message)
    before = asked(request, "before")
    day, whole, works = await asyncio.gather(
        store.statistics(endpoint_id, since=DAY),
        store.statistics(endpoint_id),
        desk.journal.work.deliveries(limit=DELIVERIES + 1, before=before or None, endpoint_id=endpoint_id),
    )
    traces = await desk.traces_of(works[:DELIVERIES])
    known: dict[str, Endpoint] = {endpoint.id: endpoint}
    return await desk.page(
        request,
        "endpoint.html",
        page=endpoint_page(endpoint, day=day, whole=whole, now=now),
        rows=[
            work_row(work, trace, now=now, endpoints=known)
            for work, trace in zip(works[:DELIVERIES], traces, strict=True)
        ],
        older=works[DELIVERIES - 1].id if len(works) > DELIVERIES else "",
        is_first=not before,
    )
