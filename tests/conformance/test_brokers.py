"""RabbitMQ, Redis Streams and this process keep every promise of a broker."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import pytest
import redis.asyncio as redis

from smart_api_integrations.brokers import BrokerOptions, open_broker
from smart_api_integrations.brokers.broker import Broker
from smart_api_integrations.core.broker_event import BrokerEvent
from smart_api_integrations.testing.broker_conformance import BrokerConformance, Consume
from tests.conftest import RABBITMQ_URL, REDIS_URL
from tests.plug import Plug

OWN = ("id", "source", "type", "time", "subject", "partitionkey", "specversion", "datacontenttype")


def event_from(attributes: Mapping[str, str], data: bytes) -> BrokerEvent:
    assert attributes["specversion"] == "1.0"
    return BrokerEvent(
        id=attributes["id"],
        type=attributes["type"],
        source=attributes["source"],
        time=attributes["time"],
        subject=attributes.get("subject"),
        partition_key=attributes.get("partitionkey"),
        data=data,
        extensions={name: value for name, value in attributes.items() if name not in OWN},
    )


class RealBroker(BrokerConformance):
    """A broker of this machine, behind a plug, with a topic of the test's own."""

    url: str

    async def make_broker(self) -> Broker:
        parts = urlsplit(self.url)
        self.topic = f"test-{uuid.uuid4()}"
        self.plug = Plug(parts.hostname or "", parts.port or 0)
        port = await self.plug.open()
        plugged = parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()
        return open_broker(BrokerOptions(url=plugged, topic=self.topic, timeout=3, max_length=10_000))

    def away(self) -> AbstractAsyncContextManager[None]:
        return self.plug.pulled()


@pytest.mark.rabbitmq
class TestRabbitMq(RealBroker):
    tells_unrouted = True
    url = RABBITMQ_URL
    connection = None

    async def listen(self) -> Consume:
        self.connection = await aio_pika.connect(self.url)
        channel = await self.connection.channel()
        exchange = await channel.declare_exchange(self.topic, aio_pika.ExchangeType.TOPIC, durable=True)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "payment.#")
        arrived: asyncio.Queue[BrokerEvent] = asyncio.Queue()

        async def note(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            headers = {
                str(name).removeprefix("cloudEvents:"): str(value) for name, value in message.headers.items()
            }
            event = event_from(headers, message.body)
            assert (message.routing_key, message.message_id, message.delivery_mode) == (
                event.type,
                event.id,
                2,
            )
            assert message.content_type == "application/json"
            assert message.correlation_id == event.extensions.get("correlationid")
            arrived.put_nowait(event)

        await queue.consume(note, no_ack=True)
        return arrived.get

    async def end(self) -> None:
        connection = self.connection or await aio_pika.connect(self.url)
        await (await connection.channel()).exchange_delete(self.topic)
        await connection.close()
        await self.plug.close()


@pytest.mark.redis
class TestRedisStreams(RealBroker):
    url = REDIS_URL

    async def listen(self) -> Consume:
        client: Any = redis.Redis.from_url(self.url)
        self.client = client
        last, arrived = b"0", list[BrokerEvent]()

        async def consume() -> BrokerEvent:
            nonlocal last
            while not arrived:
                for _, entries in await client.xread({self.topic: last}, block=1000) or ():
                    for last, fields in entries:  # noqa: B007 - the last one is where the next read begins
                        data = fields.pop(b"data")
                        arrived.append(event_from({k.decode(): v.decode() for k, v in fields.items()}, data))
            return arrived.pop(0)

        return consume

    async def end(self) -> None:
        async with redis.Redis.from_url(self.url) as client:
            await client.delete(self.topic)
        if hasattr(self, "client"):
            await self.client.aclose()
        await self.plug.close()


class TestInProcess(BrokerConformance):
    can_be_away = False

    async def make_broker(self) -> Broker:
        self.arrived: asyncio.Queue[BrokerEvent] = asyncio.Queue()
        return open_broker(BrokerOptions(url="memory:", tell=self.arrived.put))

    async def listen(self) -> Callable[[], Awaitable[BrokerEvent]]:
        return self.arrived.get
