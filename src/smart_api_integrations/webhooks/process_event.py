"""``process_event``: one event through its handlers, here and now, for tests and scripts. Floor 3."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

from smart_api_integrations.core.inline_answer import HandlerFunction
from smart_api_integrations.core.webhook import WebhookProcessor
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.core.webhook_schema import WebhookEvent, WebhookResponse
from smart_api_integrations.errors import InvalidInput, WebhooksError


class ProcessEvent:
    """The callable ``process_event``, with its twin ``process_event.aio`` for coroutines.

    The event goes through the middleware and the handlers of its ``provider`` and ``webhook_name``;
    what a handler raises comes through. Nothing is verified, kept, or tried again.
    """

    def __call__(self, event: WebhookEvent) -> WebhookResponse:
        """Process *event* from synchronous code and return the response that the provider would get.

        Plain handlers run in the caller's thread outside of any event loop, as Django's ORM demands;
        each ``async`` one runs in an event loop of its own.

        Raises:
            InvalidInput: No handler of this provider and name is registered.
            WebhooksError: Called in a running event loop, with an ``async`` handler.

        >>> from smart_api_integrations.webhooks import webhook_handler
        >>> @webhook_handler("shop", "order.paid")
        ... def pay(event):
        ...     return {"order": event.payload["id"]}
        >>> process_event(WebhookEvent(provider="shop", type="order.paid", payload={"id": 7})).json()["order"]
        7
        """
        processing = _processor(event).process(event, call=_call_to_the_end)
        try:
            processing.send(None)
        except StopIteration as done:
            response: WebhookResponse = done.value
            return response
        raise AssertionError  # pragma: no cover - _call_to_the_end never waits

    async def aio(self, event: WebhookEvent) -> WebhookResponse:
        """Process *event* from a coroutine; a plain handler blocks it.

        Raises:
            InvalidInput: No handler of this provider and name is registered.
        """
        return await _processor(event).process(event)


def _processor(event: WebhookEvent) -> WebhookProcessor:
    processor = get_webhook_registry().processor(event.provider, event.webhook_name)
    if processor is None:
        message = (
            f"No handler of {event.provider or '(no provider)'}/{event.webhook_name} is registered: "
            "is its module imported?"
        )
        raise InvalidInput(message)
    return processor


async def _call_to_the_end(function: HandlerFunction, event: WebhookEvent, _: timedelta | None, /) -> Any:
    """Call *function* and run what it returns to its end, so that nobody has to wait."""
    result = function(event)
    if not inspect.isawaitable(result):
        return result
    import asyncio  # noqa: PLC0415 - a third of what importing this package costs, and seldom needed

    async def finish() -> Any:
        return await result

    waiting = finish()
    try:
        return asyncio.run(waiting)
    except RuntimeError as error:
        if inspect.getcoroutinestate(waiting) != inspect.CORO_CREATED:
            raise
        waiting.close()
        if inspect.iscoroutine(result):
            result.close()
        message = "An event loop runs here already; in a coroutine: await process_event.aio(event)."
        raise WebhooksError(message) from error


process_event = ProcessEvent()
