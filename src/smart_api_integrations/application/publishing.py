"""``publish`` from anywhere in an application, and which platform it goes to. Floor 7."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Unpack

from smart_api_integrations.application.enlisting import check_options
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.journal import Message, Published
from smart_api_integrations.core.outbound_message import PublishOptions
from smart_api_integrations.errors import ConfigurationError, WebhooksError
from smart_api_integrations.receive.handling import current_event
from smart_api_integrations.storage.outbox_protocol import Home


class Publish:
    """The callable ``publish``, with its twin ``publish.aio`` for coroutines.

    The message and one delivery for each endpoint that matches are kept in one transaction, and its id
    is returned after the commit; no delivery is waited for. Inside a handler the message is linked to the
    event that the handler runs on. It goes to the platform that was started last and still runs.
    """

    def __init__(self) -> None:
        """Begin without a running platform."""
        self._running: list[Platform] = []
        self._starters: list[Callable[[], Platform]] = []

    def __call__(
        self,
        event: str,
        data: Any,
        metadata: Mapping[str, Any] | None = None,
        *,
        connection: Any = None,
        **options: Unpack[PublishOptions],
    ) -> str:
        """Publish from synchronous code; blocks until the commit.

        With a *connection* the message becomes part of the transaction that is open there: it is sent after
        its commit, within a second, and with a rollback it was never there.

        *options* are those of :class:`PublishOptions`: ``tenant``, ``ordering_key``, ``delay``,
        ``deliver_at``, ``expires_at`` and ``idempotency_key``.

        Raises:
            InvalidInput: The event's name or the data cannot be used; nothing was kept.
            StorageUnavailable: The store is away; nothing was kept.
            ConfigurationError: No platform runs in this process; or the *connection* cannot be used, or leads
                to another database than the journal's.
            WebhooksError: Called in the platform's event loop, which it would block.
        """
        platform = self._newest()
        if _running_loop() is platform.loop:
            message = (
                "publish() would block the event loop that it waits for; in a coroutine: await publish.aio(…)"
            )
            raise WebhooksError(message)
        if connection is not None:
            drafting = _draft(platform, event, data, metadata, **options)
            draft = asyncio.run_coroutine_threadsafe(drafting, platform.loop).result()
            platform.enlisting.enlist(draft, connection, loop=platform.loop)
            return draft.id
        keeping = _keeping(platform, event, data, metadata, **options)
        return asyncio.run_coroutine_threadsafe(keeping, platform.loop).result().message_id

    async def aio(
        self,
        event: str,
        data: Any,
        metadata: Mapping[str, Any] | None = None,
        *,
        connection: Any = None,
        **options: Unpack[PublishOptions],
    ) -> str:
        """Publish from a coroutine, in whatever event loop; otherwise the same."""
        platform = self._newest()
        if connection is not None:
            drafting = _draft(platform, event, data, metadata, **options)
            if _running_loop() is platform.loop:
                message = await drafting
            else:
                drafted = asyncio.run_coroutine_threadsafe(drafting, platform.loop)
                message = await asyncio.wrap_future(drafted)
            await enlist_async(platform, message, connection)
            return message.id
        keeping = _keeping(platform, event, data, metadata, **options)
        if _running_loop() is platform.loop:
            return (await keeping).message_id
        kept = asyncio.run_coroutine_threadsafe(keeping, platform.loop)
        return (await asyncio.wrap_future(kept)).message_id

    def started(self, platform: Platform) -> None:
        """Send to *platform* from now on."""
        self._running.append(platform)

    def stopped(self, platform: Platform) -> None:
        """Send to *platform* no more."""
        if platform in self._running:
            self._running.remove(platform)

    def start_with(self, start: Callable[[], Platform]) -> None:
        """Call *start* where something is to be sent and nothing runs in this process.

        For applications whose server forks: what a process begins, another one does not have.
        """
        self._starters.append(start)

    def _newest(self) -> Platform:
        self._running = [platform for platform in self._running if platform.is_here]
        if not self._running and self._starters:
            return self._starters[-1]()
        if not self._running:
            message = (
                "Nothing runs here that could send: start a server, or Webhooks(…).start(), in this process."
            )
            raise ConfigurationError(message)
        return self._running[-1]


async def enlist_async(platform: Platform, message: Message, connection: Any) -> None:
    """Make *message* part of the transaction of *connection*, from whatever event loop.

    Raises:
        ConfigurationError: It cannot be used, or leads to another database.
    """

    async def home() -> Home:
        asked = asyncio.run_coroutine_threadsafe(platform.enlisting.home(), platform.loop)
        return await asyncio.wrap_future(asked)

    elsewhere = None if _running_loop() is platform.loop else home
    await platform.enlisting.enlist_async(message, connection, find=elsewhere)


def _draft(
    platform: Platform,
    event: str,
    data: Any,
    metadata: Mapping[str, Any] | None,
    **options: Unpack[PublishOptions],
) -> Coroutine[Any, Any, Message]:
    check_options(options)
    return platform.draft(event, data, metadata, cause=current_event.get(), **options)


def _keeping(
    platform: Platform,
    event: str,
    data: Any,
    metadata: Mapping[str, Any] | None,
    **options: Unpack[PublishOptions],
) -> Coroutine[Any, Any, Published]:
    return platform.publish(event, data, metadata, **options, cause=current_event.get())


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


publish = Publish()
