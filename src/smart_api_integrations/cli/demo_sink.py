"""The endpoints of ``webhooks demo``: one answers well, one is slow, one is busy, one fails. Floor 10."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How one address answers.

    Attributes:
        seconds: How long it takes, from the least to the most.
        statuses: What it answers, one of these each time.
    """

    seconds: tuple[float, float]
    statuses: tuple[int, ...]


MANNERS: Mapping[str, Manner] = {
    "/crm": Manner(seconds=(0.01, 0.08), statuses=(200,)),
    "/warehouse": Manner(seconds=(0.05, 0.3), statuses=(202, 202, 202, 202, 503)),
    "/reports": Manner(seconds=(0.8, 2.4), statuses=(204,)),
    "/legacy": Manner(seconds=(0.02, 0.2), statuses=(500,)),
}


@asynccontextmanager
async def demo_sink(dice: random.Random) -> AsyncIterator[str]:
    """Serve the endpoints at a free port of this machine; give their URL."""
    open_now: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            open_now.add(task)
            task.add_done_callback(open_now.discard)
        with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            while True:
                await _answer_one(reader, writer, dice)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)


async def _answer_one(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dice: random.Random
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    await reader.readexactly(min(int(headers.get("content-length", "0")), MOST_BYTES))
    manner = MANNERS.get(lines[0].split(" ")[1], MANNERS["/crm"])
    await asyncio.sleep(dice.uniform(*manner.seconds))
    status = dice.choice(manner.statuses)
    body = b"" if status == 204 else b'{"ok": %b}' % (b"true" if status < 300 else b"false")
    busy = b"Retry-After: 2\r\n" if status == 503 else b""
    head_out = b"HTTP/1.1 %d Answered\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n"
    writer.write(head_out % (status, busy, len(body)) + body)
    await writer.drain()
