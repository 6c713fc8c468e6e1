"""Waking other processes through Redis, which may be lost at any time. Floor 3.

Theory of operation:

1. What is due stands in the journal; a ring only says that somebody should look now rather than at the
   next poll, a second later at most. So a ring that is lost costs that second and nothing else.
2. Rings gather while one is being published: however many commits there are, there is one message under
   way. Ringing never waits, and is done from any thread.
3. ``is_heard`` is True while this process hears its own subscription. PostgreSQL is then spared its NOTIFY,
   which lets one transaction commit at a time (https://www.postgresql.org/docs/current/sql-notify.html);
   as soon as Redis is lost the journal wakes the others itself again.
4. A connection that is lost is opened again after ``PAUSE_SECONDS``, and since something may have been
   said meanwhile, this process is woken once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from smart_api_integrations.errors import ConfigurationError

logger = logging.getLogger(__name__)

CHANNEL = "webhooks:due"
TIMEOUT_SECONDS = 1.0
PAUSE_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0


class RedisBell:
    """Keeps ``storage.bell.Bell`` through one Redis; one event loop's."""

    def __init__(self, redis_url: str) -> None:
        """Ring through the Redis at *redis_url*; nothing is connected to yet.

        Raises:
            ConfigurationError: It is no URL of a Redis.
        """
        try:
            self._redis = Redis.from_url(
                redis_url, socket_connect_timeout=TIMEOUT_SECONDS, retry=Retry(NoBackoff(), 0)
            )
        except ValueError:  # its text is not told: the URL may hold a password
            message = "WEBHOOKS_REDIS_URL cannot be used: expected redis://host:6379/0 or rediss://…"
            raise ConfigurationError(message) from None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._heard = False

    @property
    def is_heard(self) -> bool:
        """See ``Bell.is_heard``."""
        return self._heard

    def ring(self) -> None:
        """See ``Bell.ring``."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # closed just now: nobody needs it any more
                loop.call_soon_threadsafe(self._rung.set)

    def open(self, wake: Callable[[], None]) -> None:
        """Begin to listen, and to call *wake* in this event loop for every ring of another process."""
        self._loop = asyncio.get_running_loop()
        self._tasks = [
            self._loop.create_task(self._listen(wake)),
            self._loop.create_task(self._publish()),
        ]

    async def close(self) -> None:
        """Ring and listen no more. Idempotent."""
        self._loop, self._heard = None, False
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._redis.aclose()

    async def _publish(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            if not self._heard:
                continue
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    await self._redis.publish(CHANNEL, b"")
            except (RedisError, OSError, TimeoutError):
                self._heard = False

    async def _listen(self, wake: Callable[[], None]) -> None:
        is_first = True
        while True:
            try:
                await self._hear(wake, is_first=is_first)
            except (RedisError, OSError, TimeoutError) as error:
                if self._heard or is_first:
                    logger.warning(
                        "Redis cannot be reached; the database wakes the workers",
                        extra={"action": "redis.bell_lost", "error": type(error).__name__},
                    )
            is_first = self._heard = False
            await asyncio.sleep(PAUSE_SECONDS)

    async def _hear(self, wake: Callable[[], None], *, is_first: bool) -> None:
        """Call *wake* for every ring, until the connection is lost."""
        async with self._redis.pubsub() as subscription:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await subscription.subscribe(CHANNEL)
            self._heard = True
            if not is_first:
                wake()
            while True:
                message = await subscription.get_message(timeout=HEARTBEAT_SECONDS)
                if message is None:
                    await self._ask(subscription)
                elif message["type"] == "message":
                    wake()

    async def _ask(self, subscription: PubSub) -> None:
        """See that somebody answers at the other end.

        Raises:
            TimeoutError: Nobody does.
        """
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await subscription.ping()
        if await subscription.get_message(timeout=TIMEOUT_SECONDS) is None:
            raise TimeoutError
        self._heard = True
