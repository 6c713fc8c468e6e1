"""The door for synchronous callers: an event loop in a thread of its own, or one that is borrowed. Floor 7.

What waits is ``async`` and exists once; scripts, Flask views and Django views come in here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from smart_api_integrations.errors import ConfigurationError, WebhooksError

Result = TypeVar("Result")

_CLOSED = "It does not run any more: it was stopped."


class BorrowedLoop:
    """An event loop that somebody else runs, and that any other thread can hand coroutines to."""

    def __init__(self, loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
        """Borrow *loop*, which runs in *thread*."""
        self.loop = loop
        self._thread = thread
        self._closed = False
        self._closing = threading.Lock()

    def call(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run *coroutine* in the loop and return its result; blocks the calling thread.

        Raises:
            WebhooksError: Called from the loop itself, where blocking would stop everything.
            ConfigurationError: It is closed, or was closed meanwhile.
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            message = (
                "This would block the event loop that it runs in; in a coroutine, await the `.aio` twin."
            )
            raise WebhooksError(message)
        future = self.begin(coroutine)
        try:
            return future.result()
        except CancelledError as error:
            raise ConfigurationError(_CLOSED) from error

    def begin(self, coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Start *coroutine* in the loop and return a future, from any thread.

        Raises:
            ConfigurationError: It is closed.
        """
        with self._closing:
            if self._closed:
                coroutine.close()
                raise ConfigurationError(_CLOSED)
            return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    async def wait(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run *coroutine* in the loop and return its result, from a coroutine in whatever loop.

        Raises:
            ConfigurationError: It is closed.
        """
        if asyncio.get_running_loop() is self.loop:
            return await coroutine
        return await asyncio.wrap_future(self.begin(coroutine))

    def close(self) -> None:
        """Take nothing more. Idempotent."""
        with self._closing:
            self._closed = True


class Portal(BorrowedLoop):
    """An event loop of our own, in a thread of its own."""

    def __init__(self, name: str = "webhooks-portal") -> None:
        """Start the thread, called *name*; it does not keep the process alive."""
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        super().__init__(_new_loop(), thread)
        thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.run_until_complete(_cancel_the_rest())
        self.loop.close()

    def close(self) -> None:
        """Stop the loop, cancelling what still runs in it, and wait for its thread. Idempotent."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()


async def _cancel_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - a faster loop where the server extra is installed
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
