"""``/gates``: pausing and resuming a source, a handler or an endpoint, from whichever page. Floor 8."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.dashboard.desk import Desk, read_form
from smart_api_integrations.errors import InvalidInput

_BACK = re.compile(r"/(?:handlers|sources|endpoints)(?:/[A-Za-z0-9_.:%<>/-]*)?")


def create_routes(desk: Desk) -> list[Route]:
    """Return the route of the two buttons."""

    async def change(request: Request) -> Response:
        form = await read_form(request)
        target, back = form.get("target", ""), form.get("back", "")
        if form.get("do") == "resume":
            await desk.platform.resume(target, rate=_rate(form.get("rate", "")))
        else:
            await desk.platform.pause(target)
        return desk.go(request, back if _BACK.fullmatch(back) else "/")

    return [Route("/gates", change, methods=["POST"])]


def _rate(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError as error:
        message = f"The rate {text[:40]!r} is no number: how many may begin in a second?"
        raise InvalidInput(message) from error
