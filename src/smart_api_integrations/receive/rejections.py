"""The log of rejections, written off the request's path, bounded and sampled. Floor 4.

Whoever floods a way in with junk must not be able to fill the disk: of requests that were refused alike
(webhook, reason, address) a few a second get a row, the rest are counted on the last of those.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from smart_api_integrations.core.journal import Rejection
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.storage.protocols import EventStore
from smart_api_integrations.telemetry import EventRejected, Telemetry

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
ROWS_PER_KIND = 5
KINDS = 200


class RejectionLog:
    """Gathers rejections and writes them once a second."""

    def __init__(self, events: EventStore, telemetry: Telemetry) -> None:
        """Listen to *telemetry*; write to *events*."""
        self._events = events
        self._gathered: dict[tuple[str, ...], list[Rejection]] = {}
        self._flush: asyncio.Task[None] | None = None
        telemetry.subscribe(EventRejected, self._gather)

    def _gather(self, told: EventRejected) -> None:
        rejection = told.rejection
        kind = (rejection.provider, rejection.webhook_name, rejection.reason, rejection.remote_address or "")
        if kind not in self._gathered and len(self._gathered) >= KINDS:
            kind = ("-", "-", rejection.reason, "")
        rows = self._gathered.setdefault(kind, [])
        if len(rows) < ROWS_PER_KIND:
            rows.append(rejection)
        else:
            rows[-1] = replace(rows[-1], sampled=rows[-1].sampled + 1)
        if self._flush is None:
            self._flush = asyncio.get_running_loop().create_task(self._flush_later())

    async def _flush_later(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)
        await self.flush()

    async def flush(self) -> None:
        """Write what was gathered; where the store is away it is dropped, and that is logged."""
        self._flush = None
        rows = [rejection for rows in self._gathered.values() for rejection in rows]
        self._gathered = {}
        if not rows:
            return
        try:
            await self._events.log_rejections(rows)
        except StorageUnavailable:
            logger.warning(
                "Rejections could not be logged", extra={"action": "log_rejections", "count": len(rows)}
            )

    async def close(self) -> None:
        """Write what is left."""
        if self._flush is not None:
            self._flush.cancel()
        await self.flush()
