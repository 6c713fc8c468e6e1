"""Handlers run in a test as their users write them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import InvalidInput, WebhooksError
from smart_api_integrations.webhooks import WebhookEvent, process_event, webhook_handler

EVENT: dict[str, Any] = {"provider": "myapi", "type": "user.created", "payload": {"id": 7}}


@pytest.fixture(autouse=True)
def _no_handlers() -> Iterator[None]:
    get_webhook_registry().clear()
    yield
    get_webhook_registry().clear()


def test_a_plain_handler_runs_here_outside_of_any_event_loop() -> None:
    seen: list[Any] = []

    @webhook_handler("myapi", "user.created")
    def handle(event: WebhookEvent) -> dict[str, Any]:
        seen.append(threading.current_thread())
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return {"id": event.payload["id"]}

    assert process_event(WebhookEvent(**EVENT)).json()["id"] == 7
    assert seen == [threading.current_thread()]


def test_an_async_handler_may_really_wait() -> None:
    @webhook_handler("myapi", "user.created")
    async def handle(event: WebhookEvent) -> dict[str, Any]:
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            other = group.create_task(asyncio.sleep(0, event.payload["id"]))
        return {"id": await other}

    assert process_event(WebhookEvent(**EVENT)).json()["id"] == 7


async def test_in_a_coroutine_its_twin_is_awaited() -> None:
    @webhook_handler("myapi", "user.created")
    async def handle(event: WebhookEvent) -> dict[str, Any]:
        return {"id": await asyncio.sleep(0, event.payload["id"])}

    assert (await process_event.aio(WebhookEvent(**EVENT))).json()["id"] == 7
    with pytest.raises(WebhooksError, match=r"await process_event\.aio"):
        process_event(WebhookEvent(**EVENT))


def test_what_a_handler_raises_comes_through() -> None:
    @webhook_handler("myapi", "user.created")
    async def handle(event: WebhookEvent) -> None:
        message = "cannot"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="cannot"):
        process_event(WebhookEvent(**EVENT))


@pytest.mark.parametrize("changed", [{"provider": "other"}, {"webhook_name": "billing"}, {"provider": ""}])
def test_an_event_of_a_webhook_without_handlers_is_told(changed: dict[str, str]) -> None:
    webhook_handler("myapi", "*")(print)

    with pytest.raises(InvalidInput, match="is registered: is its module imported"):
        process_event(WebhookEvent(**{**EVENT, **changed}))
