"""Calling a handler, plain or a coroutine function, within a limit of time. Floor 4.

The limit counts what the handler uses: it stands still while a plain function waits for a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import inspect
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from smart_api_integrations.core.inline_answer import HandlerFunction
from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.receive.threads import HandlerThreads
from smart_api_integrations.receive.tracebacks import users_frames


class TimeLimit:
    """A deadline for what is inside of its ``async with``, that can be made to stand still."""

    def __init__(self, limit: timedelta) -> None:
        """Allow *limit* from the entry on."""
        self.limit = limit
        self._deadline = asyncio.timeout(limit.total_seconds())
        self._left: float | None = None

    @property
    def expired(self) -> bool:
        """Whether it has passed."""
        return self._deadline.expired()

    def stand_still(self) -> None:
        """Count no time until ``go_on``."""
        when = self._deadline.when()
        if when is not None and not self.expired:
            self._left = when - asyncio.get_running_loop().time()
            self._deadline.reschedule(None)

    def go_on(self) -> None:
        """Count on, with what was left."""
        if self._left is not None:
            self._deadline.reschedule(asyncio.get_running_loop().time() + self._left)
            self._left = None

    async def __aenter__(self) -> Self:
        """Begin to count."""
        await self._deadline.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop counting.

        Raises:
            TimeoutError: The limit has passed, and what was inside was cancelled.
        """
        self._left = None
        await self._deadline.__aexit__(kind, error, trace)


async def call_within(
    limit: TimeLimit, function: HandlerFunction, event: WebhookEvent, *, owner: str, threads: HandlerThreads
) -> Any:
    """Return what *function* returned; *limit* stands still while it waits for one of the *threads*.

    Raises:
        HandlerStuck: Earlier runs of *owner* never ended and hold its share of the threads.
    """
    if inspect.iscoroutinefunction(function):
        return await function(event)
    result = await _on_a_thread(limit, function, event, owner=owner, threads=threads)
    return await result if inspect.isawaitable(result) else result


async def _on_a_thread(
    limit: TimeLimit, function: HandlerFunction, event: WebhookEvent, *, owner: str, threads: HandlerThreads
) -> Any:
    loop = asyncio.get_running_loop()

    def begins() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(limit.go_on)

    limit.stand_still()
    calling = functools.partial(contextvars.copy_context().run, run_plain, function, event)
    run = threads.begin(owner, calling, on_start=begins)
    try:
        return await asyncio.wrap_future(run.future)
    finally:
        if not run.future.done():
            threads.abandon(run)


def run_plain(function: HandlerFunction, event: WebhookEvent) -> Any:
    """Return what *function* returned, called here.

    Raises:
        RuntimeError: It raised ``StopIteration``, which a future cannot carry.
    """
    try:
        return function(event)
    except StopIteration as error:  # a future cannot carry it (PEP 479): it would never be done
        message = "the handler raised StopIteration"
        raise RuntimeError(message) from error.with_traceback(users_frames(error.__traceback__))
