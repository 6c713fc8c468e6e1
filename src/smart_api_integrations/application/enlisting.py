"""Publishing in a caller's own transaction: row and message commit together or not at all. Floor 7."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from smart_api_integrations.core.journal import Message
from smart_api_integrations.core.outbound_message import PublishOptions
from smart_api_integrations.errors import ConfigurationError, InvalidInput
from smart_api_integrations.storage.callers_connection import (
    CallersConnection,
    ask,
    ask_async,
    callers_connection,
)
from smart_api_integrations.storage.outbox import enlisting
from smart_api_integrations.storage.outbox_protocol import Home, OutboxStore


class Enlisting:
    """Puts messages into the transactions of callers."""

    def __init__(self, outbox: OutboxStore) -> None:
        """Put them where *outbox* finds them."""
        self._outbox = outbox
        self._home: Home | None = None

    def enlist(self, message: Message, connection: Any, *, loop: asyncio.AbstractEventLoop) -> None:
        """Insert *message* through a synchronous *connection*; *loop* is the journal's.

        Raises:
            ConfigurationError: The connection is of no known library, is asynchronous, or leads elsewhere.
        """
        own = self._opened(connection)
        home = self._home or asyncio.run_coroutine_threadsafe(self.home(), loop).result()
        try:
            ask(own, enlisting(message, home), engine=home.engine)
        except ConfigurationError:
            # The server was started anew since; or it really is another one.
            fresh = asyncio.run_coroutine_threadsafe(self.home(), loop).result()
            if fresh.identity == home.identity:
                raise
            ask(own, enlisting(message, fresh), engine=fresh.engine)

    async def enlist_async(
        self, message: Message, connection: Any, *, find: Callable[[], Any] | None = None
    ) -> None:
        """Insert *message* through an asynchronous *connection*, in its own event loop.

        *find* returns what is awaited for the journal's home, where that lives in another event loop.

        Raises:
            ConfigurationError: The connection is of no known library, is synchronous, or leads elsewhere.
        """
        own = self._opened(connection)
        look = find or self.home
        home: Home = self._home or await look()
        try:
            await ask_async(own, enlisting(message, home), engine=home.engine)
        except ConfigurationError:
            fresh: Home = await look()
            if fresh.identity == home.identity:
                raise
            await ask_async(own, enlisting(message, fresh), engine=fresh.engine)

    async def home(self) -> Home:
        """Return where the journal is, asked anew."""
        self._home = await self._outbox.home()
        return self._home

    def _opened(self, connection: Any) -> CallersConnection:
        own = callers_connection(connection)
        self._outbox.warn_of_callers()
        return own


def check_options(options: PublishOptions) -> None:
    """Return if a message with *options* can be part of a caller's transaction.

    Raises:
        InvalidInput: It has an idempotency key: whether that was used is not known before the commit.
    """
    if options.get("idempotency_key") is not None:
        expected = "none beside connection=: the transaction itself happens once or not at all"
        raise InvalidInput.at(field="idempotency_key", found="one", expected=expected)
