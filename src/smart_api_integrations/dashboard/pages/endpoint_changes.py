"""``/endpoints/{id}/…``: editing, testing, switching, rotating and deleting one endpoint. Floor 8."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.core.ed25519_keys import is_private_key
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.outbound_request import KEY_PAIR, SHARED
from smart_api_integrations.dashboard.desk import Desk, read_form
from smart_api_integrations.dashboard.endpoint_form import EMPTY, fields_of, read_endpoint
from smart_api_integrations.dashboard.pages.endpoints import endpoint_of
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.endpoints import trial
from smart_api_integrations.errors import InvalidInput

PING = {"event": "test.ping", "data": '{\n  "message": "A test from the dashboard"\n}'}
GRACES = {"24": 24 * 3600.0, "168": 168 * 3600.0, "0": 0.0}


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of what changes an endpoint, and of trying one."""

    async def edit(request: Request) -> Response:
        endpoint = await endpoint_of(desk, request)
        return await desk.page(
            request, "endpoint_form.html", form=fields_of(endpoint), fault="", endpoint=endpoint
        )

    async def save(request: Request) -> Response:
        return await _save(desk, request)

    async def switch(request: Request) -> Response:
        return await _switch(desk, request)

    async def rotate(request: Request) -> Response:
        endpoint = await endpoint_of(desk, request)
        form = await read_form(request)
        grace = GRACES.get(form.get("grace", "24"), GRACES["24"])
        kind = KEY_PAIR if is_private_key(endpoint.secret) else SHARED
        rotated = await desk.platform.endpoints.rotate_secret(endpoint.id, kind=kind, grace=grace)
        return await desk.page(request, "secret_rotated.html", endpoint=rotated, hours=int(grace // 3600))

    async def test(request: Request) -> Response:
        return await _test(desk, request, form=PING)

    async def send(request: Request) -> Response:
        return await _send(desk, request)

    async def delete(request: Request) -> Response:
        return await _delete(desk, request)

    one = "/endpoints/{endpoint_id}"
    return [
        Route(f"{one}/edit", edit, methods=["GET"]),
        Route(f"{one}/edit", save, methods=["POST"]),
        Route(f"{one}/active", switch, methods=["POST"]),
        Route(f"{one}/secret", rotate, methods=["POST"]),
        Route(f"{one}/test", test, methods=["GET"]),
        Route(f"{one}/test", send, methods=["POST"]),
        Route(f"{one}/delete", delete, methods=["POST"]),
    ]


async def _save(desk: Desk, request: Request) -> Response:
    endpoint = await endpoint_of(desk, request)
    form = dict(EMPTY) | await read_form(request)
    try:
        changes = read_endpoint(form, endpoint)
        await desk.platform.endpoints.update(endpoint.id, changes, allow_http=form["allow_http"] == "on")
    except InvalidInput as error:
        return await desk.page(
            request, "endpoint_form.html", form=form, fault=str(error), endpoint=endpoint, status=422
        )
    return desk.go(request, f"/endpoints/{endpoint.id}")


async def _switch(desk: Desk, request: Request) -> Response:
    endpoint_id = request.path_params["endpoint_id"]
    form = await read_form(request)
    if form.get("active") != "on":
        await desk.platform.endpoints.update(endpoint_id, {"active": False})
    else:
        rate = form.get("rate", "").strip()
        try:
            number = float(rate) if rate else None
        except ValueError as error:
            raise InvalidInput.at(field="rate", found=f"{rate[:40]!r}", expected="a number") from error
        backlog = form.get("backlog") or "deliver"
        await desk.platform.endpoints.enable(endpoint_id, backlog=backlog, rate=number)
    return desk.go(request, f"/endpoints/{endpoint_id}")


async def _test(
    desk: Desk, request: Request, *, form: dict[str, str], fault: str = "", status: int = 200, **found: Any
) -> Response:
    endpoint = await endpoint_of(desk, request)
    shown = {"result": None} | found
    return await desk.page(
        request,
        "endpoint_test.html",
        endpoint=endpoint,
        address=words.address(endpoint),
        form=form,
        fault=fault,
        status=status,
        **shown,
    )


async def _send(desk: Desk, request: Request) -> Response:
    form = PING | await read_form(request)
    endpoint: Endpoint = await endpoint_of(desk, request)
    try:
        data = json.loads(form["data"] or "{}")
        attempt = await desk.platform.try_endpoint(endpoint, form["event"].strip(), data)
    except InvalidInput as error:
        return await _test(desk, request, form=form, fault=str(error), status=422)
    except (ValueError, RecursionError) as error:
        return await _test(desk, request, form=form, fault=f"data: it is not JSON: {error}", status=422)
    return await _test(desk, request, form=form, result=trial(attempt))


async def _delete(desk: Desk, request: Request) -> Response:
    endpoint = await endpoint_of(desk, request)
    name = words.address(endpoint).partition("/")[0]
    if (await read_form(request)).get("name", "").strip() != name:
        message = f"Type {name} to delete the endpoint: that is how one is sure of which."
        raise InvalidInput(message)
    await desk.platform.endpoints.remove(endpoint.id)
    return desk.go(request, "/endpoints")
