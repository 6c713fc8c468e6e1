"""Events gathered and sent together, by size and by time. Floor 8.

Theory of operation: ``add_event`` only puts an event into a list. One thread waits until the list holds a
batch, or its first event has waited for the interval, and sends what is there, in order. Whoever sends
holds a lock, so that batches never overtake each other.

What the store could not take (it is away) stays at the head of the list and is tried again after the next
interval; an event that can never be sent is logged and left out, so that it holds up no other.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

from smart_api_integrations.core.outbound_message import check_event_name
from smart_api_integrations.errors import InvalidInput, WebhooksError
from smart_api_integrations.integrations.trigger import EventTrigger

logger = logging.getLogger(__name__)


class _Event(NamedTuple):
    event: str
    data: Any
    metadata: Mapping[str, Any] | None


class WebhookBatchProcessor:
    """Gathers events; sends them every *batch_size* events or *flush_interval* seconds, by itself.

    May be used from any thread and any event loop. What is gathered is in memory only: a process that is
    killed loses it. ``close`` (also the end of a ``with`` block, and of the program) sends the rest.
    """

    def __init__(self, manager: EventTrigger, batch_size: int = 100, flush_interval: float = 5.0) -> None:
        """Send through *manager*; *flush_interval* is seconds.

        Raises:
            InvalidInput: A number is not positive.
        """
        if batch_size < 1:
            raise InvalidInput.at(field="batch_size", found=str(batch_size), expected="at least 1")
        if not 0 < flush_interval <= threading.TIMEOUT_MAX:
            raise InvalidInput.at(
                field="flush_interval", found=str(flush_interval), expected="seconds over 0"
            )
        self._manager = manager
        self._batch_size = batch_size
        self._interval = flush_interval
        self._waiting: deque[_Event] = deque()
        self._due_at = 0.0
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def add_event(self, event: str, data: Any, metadata: Mapping[str, Any] | None = None) -> None:
        """Gather one event; returns at once.

        Raises:
            InvalidInput: The event's name cannot be used.
            WebhooksError: It is closed.
        """
        check_event_name(event)
        with self._changed:
            if self._closed:
                message = "The batch processor is closed: make a new one."
                raise WebhooksError(message)
            if not self._waiting:
                self._due_at = time.monotonic() + self._interval
            self._waiting.append(_Event(event, data, metadata))
            if self._thread is None:
                self._start()
            if len(self._waiting) == 1 or len(self._waiting) >= self._batch_size:
                self._changed.notify()

    async def flush(self) -> None:
        """Send everything gathered so far; return once it is kept for delivery.

        Raises:
            StorageUnavailable: The store is away; what is not kept yet is tried again by itself.
        """
        await asyncio.to_thread(self._send)

    def close(self) -> None:
        """Send what is left and end. Idempotent.

        Raises:
            StorageUnavailable: The store is away; what it did not take is lost with this object.
        """
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
            atexit.unregister(self.close)
        self._send()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="webhooks-batch", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def _run(self) -> None:
        while self._wait():
            try:
                self._send()
            except Exception:
                logger.exception("A batch was not sent; it is tried again", extra={"action": "flush_batch"})
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, self._interval)

    def _wait(self) -> bool:
        """Return True once there is a batch to send, False once it is closed."""
        with self._changed:
            while not self._closed:
                left = self._due_at - time.monotonic()
                if self._waiting and (left <= 0 or len(self._waiting) >= self._batch_size):
                    return True
                self._changed.wait(left if self._waiting else None)
            return False

    def _send(self) -> None:
        with self._sending:
            for _ in range(len(self._waiting)):
                self._send_first()
            with self._changed:
                self._due_at = time.monotonic() + self._interval

    def _send_first(self) -> None:
        first = self._waiting[0]
        try:
            self._manager.trigger_event(first.event, first.data, first.metadata)
        except InvalidInput:
            logger.exception(
                "An event of a batch cannot be sent", extra={"action": "flush_batch", "event": first.event}
            )
        self._waiting.popleft()
