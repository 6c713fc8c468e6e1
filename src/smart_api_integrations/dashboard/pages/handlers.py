"""``/handlers``: what runs on events, how it does, and pausing it. Floor 8."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.core.gate import Gate, source_of
from smart_api_integrations.core.issues import IssueKind
from smart_api_integrations.core.journal import AttemptStatistics
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.dashboard.desk import DAY, Desk
from smart_api_integrations.dashboard.views.gates import gate_view
from smart_api_integrations.dashboard.views.handlers import (
    HandlerRow,
    Registered,
    handler_page,
    handler_row,
    registered,
)
from smart_api_integrations.dashboard.views.issues import issue_row
from smart_api_integrations.errors import NotFound


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of the list, and of one handler."""

    async def handlers(request: Request) -> Response:
        known = registered(get_webhook_registry())
        gates = await _gates(desk)
        rows = await asyncio.gather(*(_row(desk, name, each, gates) for name, each in known.items()))
        return await desk.page(
            request,
            "handlers.html",
            rows=[row for row, _ in rows],
            idle=desk.platform.idle_handlers,
            modules=", ".join(desk.platform.settings.handlers),
        )

    async def handler(request: Request) -> Response:
        return await _one(desk, request, request.path_params["name"])

    return [Route("/handlers", handlers), Route("/handlers/{name:path}", handler)]


async def _gates(desk: Desk) -> Mapping[str, Gate]:
    return {gate.target: gate for gate in await desk.journal.gates.gates()}


async def _row(
    desk: Desk, name: str, known: Registered | None, gates: Mapping[str, Gate]
) -> tuple[HandlerRow, AttemptStatistics]:
    day, waiting = await asyncio.gather(
        desk.journal.endpoints.statistics(name, since=DAY), desk.journal.gates.waiting(name)
    )
    gate = gate_view(name, gates, waiting=waiting, now=desk.journal.now())
    provider, _, webhook_name = (source_of(name) or "").partition(":")
    is_mounted = (provider, webhook_name) in desk.platform.webhooks
    return handler_row(name, known, day=day, gate=gate, is_mounted=is_mounted), day


async def _one(desk: Desk, request: Request, name: str) -> Response:
    known = registered(get_webhook_registry()).get(name)
    issues = [
        each for each in await desk.journal.issues.issues(kind=IssueKind.HANDLING) if each.target == name
    ]
    gates, whole, waiting = await asyncio.gather(
        _gates(desk), desk.journal.endpoints.statistics(name), desk.journal.gates.waiting(name)
    )
    if known is None and not issues and not whole.total_attempts and not waiting:
        message = "No handler has this name."
        raise NotFound(message)
    now = desk.journal.now()
    row, day = await _row(desk, name, known, gates)
    page = handler_page(
        row,
        known,
        gate=gate_view(name, gates, waiting=waiting, now=now),
        day=day,
        whole=whole,
        issues=issues,
        default_timeout=timedelta(seconds=desk.platform.settings.handler_timeout_seconds),
        now=now,
    )
    issue_rows = [issue_row(each, endpoints={}, now=now) for each in issues]
    return await desk.page(request, "handler.html", page=page, issues=issue_rows)
