"""Limits that several processes share, in Redis, by the ``limits`` library. Floor 4.

Redis may be lost at any time: then nobody is refused because of it, nobody waits longer than
``TIMEOUT_SECONDS``, and for ``PAUSE_SECONDS`` it is not asked again. Each process's own limits hold then.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any

from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

from smart_api_integrations.errors import ConfigurationError

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.25
PAUSE_SECONDS = 5.0
MOST_WAITING = 200
MOST_FULL = 20_000
_PREFIX = "webhooks"


class SharedLimits:
    """Counts in Redis; one event loop's."""

    def __init__(self, redis_url: str) -> None:
        """Count in the Redis at *redis_url*; nothing is connected to yet.

        Raises:
            ConfigurationError: It is no URL of a Redis.
        """
        self._pool = _pool(redis_url)
        storage = RedisStorage(
            f"async+{redis_url}",
            implementation="redispy",
            wrap_exceptions=True,
            key_prefix=_PREFIX,
            connection_pool=self._pool,  # type: ignore[arg-type]  # passed on; the hint names options of text
        )
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._lost_until = 0.0
        self._waiting: set[asyncio.Task[None]] = set()
        self._full: dict[tuple[str, str], float] = {}

    async def has_room(self, kind: str, key: str, *, per_minute: int) -> bool:
        """Tell whether *key* has not reached its limit; True where Redis does not say."""
        found = await self._ask(self._limiter.test(RateLimitItemPerMinute(per_minute), kind, key))
        return found is not False

    def add(self, kind: str, key: str, *, per_minute: int) -> None:
        """Count once more, soon; where too many counts wait already it is left out."""
        if len(self._waiting) >= MOST_WAITING or self._is_lost():
            return
        task = asyncio.get_running_loop().create_task(self._add(kind, key, per_minute))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    def is_full(self, kind: str, key: str) -> bool:
        """Tell whether the last ``add`` for *key* found it full, within this minute."""
        return self._full.get((kind, key), 0.0) > time.monotonic()

    async def close(self) -> None:
        """Forget what was not counted yet, and close the connections."""
        for task in tuple(self._waiting):
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)
        await self._pool.disconnect()

    async def _add(self, kind: str, key: str, per_minute: int) -> None:
        had_room = await self._ask(self._limiter.hit(RateLimitItemPerMinute(per_minute), kind, key))
        if had_room is False:
            self._full.pop((kind, key), None)
            self._full[kind, key] = time.monotonic() + 60
            if len(self._full) > MOST_FULL:
                del self._full[next(iter(self._full))]

    async def _ask(self, question: Coroutine[Any, Any, bool]) -> bool | None:
        if self._is_lost():
            question.close()
            return None
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await question
        except (StorageError, TimeoutError, OSError):
            self._lost_until = time.monotonic() + PAUSE_SECONDS
            logger.warning(
                "Redis cannot be reached; limits hold per process",
                extra={"action": "share_limits"},
            )
            return None

    def _is_lost(self) -> bool:
        return time.monotonic() < self._lost_until


def _pool(redis_url: str) -> ConnectionPool:
    scheme, _, rest = redis_url.partition("://")
    try:
        if scheme in {"redis", "rediss"} and rest:
            return ConnectionPool.from_url(
                redis_url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
            )
    except ValueError:  # its text is not told: the URL may hold a password
        pass
    message = "WEBHOOKS_REDIS_URL cannot be used: expected redis://host:6379/0 or rediss://…"
    raise ConfigurationError(message)
