"""A call of a handler, plain or not, within its limit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from smart_api_integrations.core.webhook import WebhookProcessor
from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.receive.calling import HandlerCall, TimeLimit
from smart_api_integrations.receive.threads import HandlerThreads

LONG, SHORT = timedelta(seconds=20), timedelta(milliseconds=10)


@pytest.fixture
def threads() -> Iterator[HandlerThreads]:
    with HandlerThreads(2) as threads:
        yield threads


async def test_a_processor_runs_its_handlers_with_threads_and_limits(threads):
    processor = WebhookProcessor("myapi")
    processor.on("*")(lambda event: {"thread": threading.current_thread().name})

    response = await processor.process(
        WebhookEvent(type="a"), call=HandlerCall(threads, default_timeout=LONG)
    )

    assert response["thread"] == "webhooks-handler"


@pytest.mark.parametrize(("own", "default"), [(SHORT, LONG), (None, SHORT)])
async def test_a_handlers_own_limit_comes_before_the_default(threads, own, default):
    released = threading.Event()
    call = HandlerCall(threads, default_timeout=default)

    with pytest.raises(TimeoutError):
        await call(lambda event: released.wait(20), WebhookEvent(), own)

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
