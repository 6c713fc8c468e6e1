"""``/sources``: every way in, with the address to give to the provider. Floor 8."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.dashboard.desk import Desk
from smart_api_integrations.dashboard.views.sources import SourceRow, mounted_row, unmounted_rows


def create_routes(desk: Desk) -> list[Route]:
    """Return the route of the list of sources."""

    async def sources(request: Request) -> Response:
        return await desk.page(
            request,
            "sources.html",
            mounted=await mounted_rows(desk, request),
            unmounted=unmounted_rows(desk.platform.unmounted),
        )

    return [Route("/sources", sources)]


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
