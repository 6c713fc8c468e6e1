"""The whole server as one ASGI application, for whatever ASGI server runs it. Floor 9.

``serve`` is the faster and stricter way. Here the platform is opened by the lifespan protocol, or by the
first request where the server does not speak it, and belongs to the event loop that this happens in.
Who may ask is decided by the request's peer too, since nobody here knows where the server listens.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.application.publishing import publish
from smart_api_integrations.errors import WebhooksError
from smart_api_integrations.server.application import create_app
from smart_api_integrations.server.ingest import Ingest
from smart_api_integrations.settings import Settings


class HostedApplication:
    """Ways in, API and dashboard over a platform that it opens and closes itself."""

    def __init__(self, settings: Settings) -> None:
        """Run on *settings*; nothing is opened yet."""
        self._settings = settings
        self._opening = asyncio.Lock()
        self._running: tuple[Platform, ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or follow the server's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        app = await self._app()
        await app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._app()
        except WebhooksError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _app(self) -> ASGIApp:
        if self._running is None:
            async with self._opening:
                if self._running is None:
                    self._running = await self._opened()
        return self._running[1]

    async def _opened(self) -> tuple[Platform, ASGIApp]:
        platform = Platform(self._settings)
        ways_in = Ingest(
            platform.gateway, paths=platform.paths, trusted_proxies=self._settings.trusted_proxies
        )
        app = create_app(platform, ingest=ways_in)
        await platform.open()
        publish.started(platform)
        await platform.start_work()
        return platform, app

    async def _close(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await running[0].close()
            publish.stopped(running[0])
