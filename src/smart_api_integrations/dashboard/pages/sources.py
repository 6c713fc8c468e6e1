"""``/sources``: every way in, with the address to give to the provider. Floor 8."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.dashboard.desk import Desk
from smart_api_integrations.dashboard.views.sources import (
    HandshakeRow,
    SourceRow,
    handshake_row,
    mounted_row,
    unmounted_rows,
)


def create_routes(desk: Desk) -> list[Route]:
    """Return the route of the list of sources."""

    async def sources(request: Request) -> Response:
        return await desk.page(
            request,
            "sources.html",
            mounted=await mounted_rows(desk, request),
            by_handshake=await handshake_rows(desk, request),
            unmounted=unmounted_rows(
                {
                    key: missing
                    for key, missing in desk.platform.unmounted.items()
                    if key not in desk.platform.brought_keys.sources
                }
            ),
        )

    async def await_key(request: Request) -> Response:
        await desk.platform.brought_keys.wait_for(
            request.path_params["provider"], request.path_params["name"]
        )
        return desk.go(request, "/sources#handshakes-h")

    return [
        Route("/sources", sources, methods=["GET"]),
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


async def mounted_rows(desk: Desk, request: Request) -> list[SourceRow]:
    """Return the mounted webhooks by name, each with when it last verified."""
    webhooks = [desk.platform.webhooks[key] for key in sorted(desk.platform.webhooks)]
    newest = await asyncio.gather(
        *(desk.newest_event(webhook.provider, webhook.name) for webhook in webhooks)
    )
    handlers = desk.platform.handlers
    return [
        mounted_row(
            webhook,
            base=desk.base(request),
            newest=event,
            handlers=sum(name.startswith(f"{webhook.provider}:{webhook.name}:") for name in handlers),
            now=desk.journal.now(),
        )
        for webhook, event in zip(webhooks, newest, strict=True)
    ]
