"""A call of a handler, plain or not, within its limit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.receive.calling import TimeLimit, call_within
from smart_api_integrations.receive.threads import HandlerThreads

LONG, SHORT = timedelta(seconds=20), timedelta(milliseconds=10)


@pytest.fixture
def threads() -> Iterator[HandlerThreads]:
    with HandlerThreads(2) as threads:
        yield threads


async def test_a_plain_function_runs_on_a_thread_for_handlers(threads):
    async with TimeLimit(LONG) as limit:
        name = await call_within(
            limit, lambda _: threading.current_thread().name, WebhookEvent(), owner="a", threads=threads
        )

    assert name == "webhooks-handler"


async def test_a_plain_function_that_outlasts_its_limit_is_left(threads):
    released = threading.Event()

    with pytest.raises(TimeoutError):
        async with TimeLimit(SHORT) as limit:
            await call_within(limit, lambda _: released.wait(20), WebhookEvent(), owner="a", threads=threads)

    released.set()


async def test_a_limit_that_stands_still_does_not_pass():
    async with TimeLimit(SHORT) as limit:
        limit.stand_still()
        await asyncio.to_thread(threading.Event().wait, 0.05)

    assert not limit.expired


async def test_a_limit_goes_on_with_what_was_left():
    limit = TimeLimit(SHORT)

    async def wait_for_ever() -> None:
        async with limit:
            limit.stand_still()
            limit.go_on()
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await wait_for_ever()
    assert limit.expired


async def test_going_on_after_the_end_does_nothing():
    async with TimeLimit(LONG) as limit:
        limit.stand_still()

    limit.go_on()

    assert not limit.expired
