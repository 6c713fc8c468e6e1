"""``/sources``: every way in, how each one does, and how one is set up. Floor 8."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.issues import Issue, IssueKind
from smart_api_integrations.core.source_traffic import SourceTraffic
from smart_api_integrations.dashboard.desk import DAY, Desk, asked
from smart_api_integrations.dashboard.views.gates import gate_view
from smart_api_integrations.dashboard.views.handshakes import HandshakeRow, handshake_row
from smart_api_integrations.dashboard.views.issues import issue_row
from smart_api_integrations.dashboard.views.sources import NOTHING, Known, SourceRow, source_page, source_row
from smart_api_integrations.errors import NotFound
from smart_api_integrations.providers.catalogue import Source

HOUR = timedelta(hours=1)
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - a name, nothing listens


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of the list of sources, and of one."""

    async def sources(request: Request) -> Response:
        return await _list(desk, request)

    async def source(request: Request) -> Response:
        return await _one(desk, request)

    async def await_key(request: Request) -> Response:
        provider, name = request.path_params["provider"], request.path_params["name"]
        await desk.platform.brought_keys.wait_for(provider, name)
        return desk.go(request, f"/sources/{provider}/{name}")

    return [
        Route("/sources", sources, methods=["GET"]),
        Route("/sources/{provider}/{name}", source, methods=["GET"]),
        Route("/sources/{provider}/{name}/captured-keys", await_key, methods=["POST"]),
    ]


async def handshake_rows(desk: Desk, request: Request) -> list[HandshakeRow]:
    """Return the webhooks whose secret a handshake may bring and that have no other, by name."""
    keys = await desk.platform.brought_keys.keys()
    return [
        handshake_row(
            source.webhook,
            keys.get(key, ()),
            variable=source.brought or "",
            base=desk.base(request),
            now=desk.journal.now(),
        )
        for key, source in desk.platform.brought_keys.sources.items()
        if source.missing is not None or key in keys
    ]


async def _list(desk: Desk, request: Request) -> Response:
    wanted = asked(request, "find").strip().lower()
    mounted = await mounted_rows(desk, request)
    base, now = desk.base(request), desk.journal.now()
    nothing = Known(base=base, newest=None, traffic=NOTHING, handlers=0, gate=None, now=now)
    unmounted = [
        source_row(source, nothing)
        for source in desk.platform.sources.values()
        if source.missing is not None and _fits(source, wanted)
    ]
    failing = sum(row.badge.tone == "bad" for row in mounted)
    waiting = sum(row.last is None for row in mounted)
    return await desk.page(
        request,
        "sources.html",
        mounted=mounted,
        by_handshake=await handshake_rows(desk, request),
        unmounted=unmounted,
        wanted=wanted,
        counts=(len(mounted), waiting, failing),
        known=len(desk.platform.unmounted),
    )


def _fits(source: Source, wanted: str) -> bool:
    return wanted in f"{source.definition.title} {source.key[0]}".lower()


async def _one(desk: Desk, request: Request) -> Response:
    key = (request.path_params["provider"], request.path_params["name"])
    source = desk.platform.sources.get(key)
    if source is None:
        message = f"No provider {key[0][:60]} with a webhook {key[1][:60]} is known."
        raise NotFound(message)
    target = ":".join(key)
    traffic, gates, issues = await asyncio.gather(_traffic(desk), _gates(desk), _refused(desk, target))
    now = desk.journal.now()
    known = await _known(desk, request, source, traffic=traffic, gates=gates, issues=issues)
    waiting = await desk.journal.gates.waiting(target)
    return await desk.page(
        request,
        "source.html",
        page=source_page(source, known),
        handshake=next((row for row in await handshake_rows(desk, request) if row.key == key), None),
        gate=gate_view(target, gates, waiting=waiting, now=now),
        issues=[issue_row(issue, endpoints={}, now=now) for issue in issues],
    )


async def mounted_rows(desk: Desk, request: Request) -> list[SourceRow]:
    """Return the mounted webhooks by name, each with how it does."""
    mounted = [source for source in desk.platform.sources.values() if source.missing is None]
    traffic, gates = await asyncio.gather(_traffic(desk), _gates(desk))
    known = await asyncio.gather(
        *(_known(desk, request, source, traffic=traffic, gates=gates, issues=[]) for source in mounted)
    )
    return [source_row(source, each) for source, each in zip(mounted, known, strict=True)]


async def _traffic(desk: Desk) -> Mapping[str, SourceTraffic]:
    return await desk.journal.events.source_traffic(since=DAY, step=HOUR)


async def _gates(desk: Desk) -> Mapping[str, Gate]:
    return {gate.target: gate for gate in await desk.journal.gates.gates()}


async def _refused(desk: Desk, target: str) -> list[Issue]:
    found = await desk.journal.issues.issues(kind=IssueKind.REJECTION)
    return [issue for issue in found if issue.target == target]


async def _known(
    desk: Desk,
    request: Request,
    source: Source,
    *,
    traffic: Mapping[str, SourceTraffic],
    gates: Mapping[str, Gate],
    issues: list[Issue],
) -> Known:
    provider, name = source.key
    base, target = desk.base(request), f"{provider}:{name}"
    newest = await desk.newest_event(provider, name)
    return Known(
        base=base,
        newest=newest,
        traffic=traffic.get(target, NOTHING),
        handlers=sum(handler.startswith(f"{target}:") for handler in desk.platform.handlers),
        gate=gates.get(target),
        now=desk.journal.now(),
        refused=issues[0].message if issues else "",
        is_local=urlsplit(base).hostname in LOCAL_HOSTS,
    )
