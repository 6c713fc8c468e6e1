"""The server's application on a real socket, in the event loop that one is in."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.server.serve import configured


class _QuietServer(uvicorn.Server):
    """Leaves signals to the test run."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(platform: Platform) -> AsyncIterator[tuple[str, int]]:
    """Serve an open *platform* for the length of a block; give the address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address: tuple[str, int] = listening.getsockname()
        server = _QuietServer(configured(platform)[0])
        running = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:  # noqa: ASYNC110 - uvicorn sets a flag
            await asyncio.sleep(0)
        try:
            yield address
        finally:
            server.should_exit = True
            await running


async def exchange(address: tuple[str, int], *parts: bytes, hang_up: bool = False) -> bytes:
    """Write the parts, one by one, and return everything that comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        if hang_up:
            return b""
        return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
