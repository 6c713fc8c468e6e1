"""Consume internal events from RabbitMQ: python examples/consume_rabbitmq.py 'payment.#'.

Each event is acknowledged after it was handled, so a consumer that dies gets it again. It may come twice for
other reasons too: an event's id stays the same, so remember the ids that you have handled, best in the
transaction that handles them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika

URL = os.environ.get("WEBHOOKS_BROKER_URL", "amqp://guest:guest@127.0.0.1/")
EXCHANGE = "webhooks.events"

Handle = Callable[[str, str, Any], Awaitable[None]]


async def consume(
    url: str,
    pattern: str,
    handle: Handle,
    *,
    queue: str,
    exchange: str = EXCHANGE,
    ready: asyncio.Event | None = None,
) -> None:
    """Call *handle* with type, id and data of every event whose type matches *pattern*, until cancelled."""
    connection = await aio_pika.connect_robust(url)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=32)
        topic = await channel.declare_exchange(exchange, aio_pika.ExchangeType.TOPIC, durable=True)
        mine = await channel.declare_queue(queue, durable=True)  # it gathers while nobody consumes
        await mine.bind(topic, pattern)
        if ready is not None:
            ready.set()
        async with mine.iterator() as messages:
            async for message in messages:
                async with message.process(requeue=True):
                    await handle(str(message.type), str(message.message_id), json.loads(message.body))


async def show(event_type: str, event_id: str, data: Any) -> None:
    """Print an event."""
    print(event_type, event_id, json.dumps(data))


if __name__ == "__main__":
    pattern = sys.argv[1] if len(sys.argv) > 1 else "#"
    asyncio.run(consume(URL, pattern, show, queue="example-consumer"))
