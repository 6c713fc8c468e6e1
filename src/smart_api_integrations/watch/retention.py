"""Forgetting what is old, on a timer, by one process at a time. Floor 6."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.storage.upkeep_protocol import Old, UpkeepStore

logger = logging.getLogger(__name__)

CHORE = "retention"
FIRST_SECONDS = 300.0
BETWEEN_SECONDS = 3600.0
PAUSE_SECONDS = 0.05
"""Between two batches, so that ingest never waits behind more than one."""
LEASE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRules:
    """How long what is kept.

    Attributes:
        kept: For how long; None for ever. Events are never forgotten within the time that tells duplicates.
        owner: The process's id.
        is_timed: Whether this process looks at the clock.
    """

    kept: Mapping[Old, timedelta | None]
    owner: str
    is_timed: bool
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Retention:
    """Purges, batch by batch."""

    def __init__(self, store: UpkeepStore, rules: RetentionRules) -> None:
        """Work on *store*."""
        self._store = store
        self._rules = rules
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look at the clock."""
        if self._loop is None and self._rules.is_timed:
            self._loop = asyncio.create_task(self._forever())

    async def stop(self) -> None:
        """Stop after the batch that runs. Idempotent."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)

    async def purge(self) -> Mapping[Old, int] | None:
        """Forget everything that is old enough, and return how much; None where another process does so now.

        Raises:
            StorageUnavailable: The store is away; what was forgotten until then is.
        """
        counts: dict[Old, int] = {}
        for what, kept in self._rules.kept.items():
            if kept is None:
                continue
            counts[what], cursor, is_last = 0, "", False
            before = self._rules.now() - kept
            while not is_last:
                if not await self._store.lead(CHORE, owner=self._rules.owner, lease=LEASE):
                    return None
                batch = await self._store.purge(what, before=before, after=cursor)
                counts[what] += batch.count
                cursor, is_last = batch.cursor, batch.is_last
                await self._rules.sleep(PAUSE_SECONDS)
        await self._store.lead(CHORE, owner=self._rules.owner, lease=timedelta(0))
        return counts

    async def _forever(self) -> None:
        await self._rules.sleep(FIRST_SECONDS)
        while True:
            try:
                counts = await self.purge()
                if counts and any(counts.values()):
                    logger.info(
                        "What was old is forgotten", extra={"action": "purge", "counts": dict(counts)}
                    )
            except StorageUnavailable:
                logger.warning("What is old is forgotten later: the store is away", extra={"action": "purge"})
            except Exception:
                logger.exception("The retention failed", extra={"action": "purge"})
            await self._rules.sleep(BETWEEN_SECONDS)
