"""Where a handler is called whose provider waits: as the host application would have called it. Floor 4.

Rules:

1. In a synchronous framework a plain handler runs in the very thread that serves the request: there are
   the database connection, its open transaction, and whatever else a framework keeps by thread.
2. In an asynchronous one a coroutine function runs in the event loop that serves the request, since what
   it awaits (a pool, a client) belongs to that loop; a plain one runs as that framework runs plain ones.
3. Context variables are the request's in both.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import queue
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol, TypeVar

from smart_api_integrations.core.inline_answer import HandlerFunction
from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.receive.calling import run_plain

Result = TypeVar("Result")


class Place(Protocol):
    """Where handlers are called."""

    async def call(self, function: HandlerFunction, event: WebhookEvent) -> Any:
        """Call *function*, plain or a coroutine function, and return what it returned in the end."""


class CallingThread:
    """The thread that serves a request and has nothing to do until its answer is there.

    It begins something in another thread's event loop, then runs in ``wait`` whatever that loop hands back.
    """

    def __init__(self) -> None:
        """Belong to the thread that calls ``wait``."""
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()

    async def call(self, function: HandlerFunction, event: WebhookEvent) -> Any:
        """Call a plain function in the thread, a coroutine function in the event loop; see ``Place``."""
        if inspect.iscoroutinefunction(function):
            return await function(event)
        result = await self.run(partial(run_plain, function, event))
        return await result if inspect.isawaitable(result) else result

    async def run(self, function: Callable[[], Result]) -> Result:
        """Run *function* in the thread, with the context variables of the caller."""
        context, done = contextvars.copy_context(), Future[Result]()
        self._calls.put(partial(_settle, done, partial(context.run, function)))
        return await asyncio.wrap_future(done)

    def wait(self, answer: Future[Result]) -> Result:
        """Run what is handed over until *answer* is there, and return it."""
        answer.add_done_callback(lambda _: self._calls.put(None))
        while (call := self._calls.get()) is not None:
            call()
        return answer.result()


class HostLoop:
    """The event loop of an asynchronous framework."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        call_plain: Callable[[HandlerFunction, WebhookEvent], Awaitable[Any]],
    ) -> None:
        """Call coroutine functions in *loop*, and plain ones by *call_plain*, the framework's own way."""
        self._loop = loop
        self._call_plain = call_plain

    async def call(self, function: HandlerFunction, event: WebhookEvent) -> Any:
        """See ``Place``; the caller may be in another event loop."""
        calling = self._call_at_home(function, event)
        if asyncio.get_running_loop() is self._loop:
            return await calling
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(calling, self._loop))

    async def _call_at_home(self, function: HandlerFunction, event: WebhookEvent) -> Any:
        if inspect.iscoroutinefunction(function):
            return await function(event)
        result = await self._call_plain(partial(run_plain, function), event)
        return await result if inspect.isawaitable(result) else result


def _settle(done: Future[Result], function: Callable[[], Result]) -> None:
    """Run *function* and let *done* know; whatever it raises belongs to who waits for it."""
    if not done.set_running_or_notify_cancel():
        return
    try:
        done.set_result(function())
    except BaseException as error:  # noqa: BLE001 - a handler's, which its runner turns into an outcome
        done.set_exception(error)
