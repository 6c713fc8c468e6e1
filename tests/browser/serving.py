"""A server on a free port, in the event loop of the test."""

import asyncio
import contextlib

import uvicorn

from smart_api_integrations.server.application import create_app
from smart_api_integrations.server.ingest import Ingest


@contextlib.asynccontextmanager
async def serving(platform):
    """Serve a platform on a free port of loopback."""
    ingest = Ingest(platform.gateway, paths=platform.paths)
    server = uvicorn.Server(
        uvicorn.Config(create_app(platform, ingest=ingest), port=0, lifespan="off", log_level="error")
    )
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
