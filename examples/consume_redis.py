"""Consume internal events from a Redis stream: python examples/consume_redis.py.

Consumers of one group share the events. Each is acknowledged after it was handled; what a consumer that died
left behind is taken over by another one. An event may come twice: its id stays the same.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import redis.asyncio as redis
from redis.exceptions import ResponseError

URL = os.environ.get("WEBHOOKS_BROKER_URL", "redis://127.0.0.1:6379/0")
STREAM = "webhooks.events"
ABANDONED_MS = 60_000

Handle = Callable[[str, str, Any], Awaitable[None]]


async def consume(
    url: str,
    handle: Handle,
    *,
    group: str,
    stream: str = STREAM,
    abandoned_ms: int = ABANDONED_MS,
    ready: asyncio.Event | None = None,
) -> None:
    """Call *handle* with type, id and data of every event, until cancelled."""
    consumer = f"{socket.gethostname()}-{os.getpid()}"
    async with redis.Redis.from_url(url, decode_responses=True) as client:
        try:
            await client.xgroup_create(stream, group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        if ready is not None:
            ready.set()
        while True:
            _, entries, *_ = await client.xautoclaim(
                stream, group, consumer, min_idle_time=abandoned_ms, count=32
            )
            if not entries:
                found = await client.xreadgroup(group, consumer, {stream: ">"}, count=32, block=1000)
                entries = [entry for _, those in found or () for entry in those]
            for entry_id, fields in entries:
                await handle(fields["type"], fields["id"], json.loads(fields["data"]))
                await client.xack(stream, group, entry_id)


async def show(event_type: str, event_id: str, data: Any) -> None:
    """Print an event."""
    print(event_type, event_id, json.dumps(data))


if __name__ == "__main__":
    asyncio.run(consume(URL, show, group="example-consumers"))
