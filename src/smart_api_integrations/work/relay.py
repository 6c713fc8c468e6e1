"""The relay: sends what callers' own transactions left, soon after their commit. Floor 5.

It looks when it is woken (PostgreSQL tells of a commit) and twice a second in any case: a commit to a file
by somebody else's connection tells nobody.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from smart_api_integrations.core.intake import Intake
from smart_api_integrations.core.journal import Message
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.storage.outbox_protocol import OutboxStore
from smart_api_integrations.telemetry import StoreFailed, Telemetry

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5


class Relay:
    """One process's relay."""

    def __init__(
        self,
        outbox: OutboxStore,
        *,
        intake: Intake,
        on_published: Callable[[Sequence[Message]], None],
        telemetry: Telemetry,
    ) -> None:
        """Relay what *outbox* has; *intake* takes the deliveries, *on_published* is told of the messages."""
        self._outbox = outbox
        self._intake = intake
        self._on_published = on_published
        self._telemetry = telemetry
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to relay."""
        self._task = asyncio.create_task(self._forever())

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    async def stop(self) -> None:
        """End; what is not relayed waits. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _forever(self) -> None:
        while True:
            self._woken.clear()
            try:
                found = await self._relay()
            except StorageUnavailable as error:
                self._telemetry.tell(StoreFailed("relay", str(error)))
                found = False
            except Exception:
                logger.exception("The relay failed", extra={"action": "relay"})
                found = False
            if not found:
                await self._wait()

    async def _relay(self) -> bool:
        """Relay once; tell whether there was anything."""
        relayed = await self._outbox.relay(self._intake.offer())
        for _, published in relayed:
            if published.claims:
                self._intake.take(published.claims)
        if relayed:
            self._on_published([message for message, _ in relayed])
        return bool(relayed)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return
