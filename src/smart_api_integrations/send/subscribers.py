"""Functions in this process that are told of messages. Floor 4.

They are told after the message is committed, once, in the process that published it; one that fails is
logged and not tried again. Who needs more than that registers an endpoint or a handler.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from smart_api_integrations.core.broker_event import BrokerEvent
from smart_api_integrations.core.event_types import matches
from smart_api_integrations.core.journal import Message

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPayload:
    """A message as subscribers see it: what its body holds."""

    id: str
    event: str
    timestamp: datetime
    data: Any = None
    metadata: dict[str, Any] = field(default_factory=dict)


class Subscribers:
    """The functions, each with the pattern of the events that it wants."""

    def __init__(self, threads: Executor) -> None:
        """Run functions that are not coroutine functions on *threads*."""
        self._threads = threads
        self._subscribers: list[tuple[str, Callable[[WebhookPayload], Any]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, pattern: str, function: Callable[[WebhookPayload], Any]) -> None:
        """Tell *function* of every message whose event matches *pattern* from now on."""
        self._subscribers.append((pattern, function))

    def tell(self, messages: Sequence[Message]) -> None:
        """Tell whoever wants them of *messages*; returns at once. Call it in the event loop."""
        if not self._subscribers:
            return
        for message in messages:
            for pattern, function in self._subscribers:
                if matches(pattern, message.event):
                    task = asyncio.get_running_loop().create_task(self._call(function, message))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)

    def wants(self, event: str) -> bool:
        """Tell whether a function wants messages of the type *event*."""
        return any(matches(pattern, event) for pattern, _ in self._subscribers)

    async def take(self, event: BrokerEvent) -> None:
        """Call whoever wants *event*, one after the other, and return when all returned.

        Raises:
            Exception: What the first that failed raised; those after it were not called.
        """
        payload = WebhookPayload(
            id=event.id,
            event=event.type,
            timestamp=datetime.fromisoformat(event.time),
            data=json.loads(event.data),
            metadata=json.loads(event.extensions.get("metadata", "{}")),
        )
        for pattern, function in self._subscribers:
            if matches(pattern, event.type):
                await self._tell(function, payload)

    async def _tell(self, function: Callable[[WebhookPayload], Any], payload: WebhookPayload) -> None:
        if inspect.iscoroutinefunction(function):
            await function(payload)
        else:
            await asyncio.get_running_loop().run_in_executor(self._threads, function, payload)

    async def _call(self, function: Callable[[WebhookPayload], Any], message: Message) -> None:
        payload = _payload(message)
        try:
            await self._tell(function, payload)
        except Exception:
            logger.exception(
                "A subscriber failed",
                extra={"action": "subscriber", "message_id": message.id, "event": message.event},
            )

    async def close(self) -> None:
        """Wait for those that were told."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _payload(message: Message) -> WebhookPayload:
    content = json.loads(message.body)
    return WebhookPayload(
        id=message.id,
        event=message.event,
        timestamp=message.created_at,
        data=content.get("data"),
        metadata=content.get("metadata") or {},
    )
