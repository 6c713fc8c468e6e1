"""The examples of consumers do what they say: nothing is missed, what was not acknowledged comes again."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import aio_pika
import pytest
import redis.asyncio as redis

from smart_api_integrations.brokers import BrokerOptions, open_broker
from smart_api_integrations.testing.broker_conformance import sample
from tests.conftest import RABBITMQ_URL, REDIS_URL

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
SECONDS = 20


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Ledger:
    """Handles events: remembers them; fails the first time for those it is told, and ends at the last."""

    def __init__(self, *failing: str, last: str | None = None) -> None:
        self.last = last
        self.seen: list[tuple[str, str, Any]] = []
        self.failing = set(failing)
        self.changed = asyncio.Event()

    async def __call__(self, event_type: str, event_id: str, data: Any) -> None:
        self.changed.set()
        if event_id in self.failing:
            self.failing.discard(event_id)
            message = "not yet"
            raise RuntimeError(message)
        self.seen.append((event_type, event_id, data))
        if event_id == self.last:
            message = "enough"
            raise RuntimeError(message)

    async def holds(self, *event_ids: str) -> None:
        async with asyncio.timeout(SECONDS):
            while not {event_id for _, event_id, _ in self.seen} >= set(event_ids):
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def running(
    start: Callable[[asyncio.Event], Awaitable[None]], *, ends: bool = False
) -> AsyncIterator[None]:
    """Run a consumer for the length of a block, from when it is ready; or until it *ends* by itself."""
    ready = asyncio.Event()
    task = asyncio.ensure_future(start(ready))
    async with asyncio.timeout(SECONDS):
        await ready.wait()
    try:
        yield
    finally:
        if not ends:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError, RuntimeError):
            await task


@pytest.mark.rabbitmq
async def test_rabbitmq_consumer_gets_what_it_asked_for_also_what_came_while_it_was_away():
    topic, module = f"test-{uuid.uuid4()}", example("consume_rabbitmq")
    broker = open_broker(BrokerOptions(url=RABBITMQ_URL, topic=topic))
    ledger, other = Ledger(), Ledger()

    def consumer(handle: Ledger) -> Callable[[asyncio.Event], Awaitable[None]]:
        return lambda ready: module.consume(
            RABBITMQ_URL, "payment.#", handle, queue=topic, exchange=topic, ready=ready
        )

    try:
        async with running(consumer(ledger)):
            await broker.publish(sample(1))
            await ledger.holds(sample(1).id)
        await broker.publish(sample(2))
        async with running(consumer(other)):
            await other.holds(sample(2).id)
    finally:
        await broker.close()
        async with await aio_pika.connect(RABBITMQ_URL) as connection:
            channel = await connection.channel()
            await channel.queue_delete(topic)
            await channel.exchange_delete(topic)

    assert ledger.seen == [("payment.completed", sample(1).id, {"amount": 25.99, "who": "Émile"})]
    assert [event_id for _, event_id, _ in other.seen] == [sample(2).id]


@pytest.mark.rabbitmq
async def test_rabbitmq_consumer_that_fails_gets_the_event_again():
    topic, module = f"test-{uuid.uuid4()}", example("consume_rabbitmq")
    broker = open_broker(BrokerOptions(url=RABBITMQ_URL, topic=topic))
    ledger = Ledger(sample(1).id)

    def start(ready: asyncio.Event) -> Awaitable[None]:
        started: Awaitable[None] = module.consume(
            RABBITMQ_URL, "#", ledger, queue=topic, exchange=topic, ready=ready
        )
        return started

    try:
        async with running(start):
            await broker.publish(sample(1))
            async with asyncio.timeout(SECONDS):
                await ledger.changed.wait()
        async with running(start):
            await ledger.holds(sample(1).id)
    finally:
        await broker.close()
        async with await aio_pika.connect(RABBITMQ_URL) as connection:
            channel = await connection.channel()
            await channel.queue_delete(topic)
            await channel.exchange_delete(topic)

    assert len(ledger.seen) == 1


@pytest.mark.redis
async def test_redis_consumers_share_a_group_and_take_over_what_one_left():
    topic, module = f"test-{uuid.uuid4()}", example("consume_redis")
    broker = open_broker(BrokerOptions(url=REDIS_URL, topic=topic))
    ledger = Ledger(sample(1).id, last=sample(2).id)

    def start(ready: asyncio.Event) -> Awaitable[None]:
        started: Awaitable[None] = module.consume(
            REDIS_URL, ledger, group="g", stream=topic, abandoned_ms=0, ready=ready
        )
        return started

    try:
        await broker.publish(sample(1))
        async with running(start, ends=True):
            async with asyncio.timeout(SECONDS):
                await ledger.changed.wait()
        await broker.publish(sample(2))
        async with running(start, ends=True):
            await ledger.holds(sample(1).id, sample(2).id)
    finally:
        await broker.close()
        async with redis.Redis.from_url(REDIS_URL) as client:
            await client.delete(topic)

    assert [event_id for _, event_id, _ in ledger.seen] == [sample(1).id, sample(2).id]
