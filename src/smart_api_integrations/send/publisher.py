"""Publishing: an event of ours becomes a message, kept with one delivery for each endpoint. Floor 4.

The message itself, with its body, is made by the rules of ``core.outbound_request``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Unpack

from smart_api_integrations.core.intake import Intake
from smart_api_integrations.core.journal import Message, Published
from smart_api_integrations.core.outbound_message import PublishOptions, build_message
from smart_api_integrations.storage.protocols import MessageStore


class Publisher:
    """Makes messages, keeps them, and passes their deliveries on to the worker of this process."""

    def __init__(
        self,
        messages: MessageStore,
        *,
        intake: Intake,
        on_published: Callable[[Sequence[Message]], None],
        new_id: Callable[[str], str],
        now: Callable[[], datetime],
        check: Callable[[str, Any], Awaitable[None]],
    ) -> None:
        """Keep messages in *messages*.

        *check* raises where the data of a type may not be published. *intake* takes the deliveries,
        *on_published* is told of each message after its commit, *new_id* makes an id with the prefix that it
        is given.
        """
        self._messages = messages
        self._intake = intake
        self._on_published = on_published
        self._new_id = new_id
        self._now = now
        self._check = check

    async def draft(
        self,
        event: str,
        data: Any,
        metadata: Mapping[str, Any] | None = None,
        *,
        event_id: str | None = None,
        hops: int = 0,
        **options: Unpack[PublishOptions],
    ) -> Message:
        """Return the message that *event* happened, which is not kept.

        Raises:
            InvalidInput: The event's name, its data or its size cannot be used, or it breaks its schema.
        """
        message = build_message(
            event,
            data,
            metadata,
            id=self._new_id("msg_"),
            now=self._now(),
            event_id=event_id,
            hops=hops,
            **options,
        )
        await self._check(event, data)
        return message

    async def publish(
        self,
        event: str,
        data: Any,
        metadata: Mapping[str, Any] | None = None,
        *,
        event_id: str | None = None,
        hops: int = 0,
        **options: Unpack[PublishOptions],
    ) -> Published:
        """Keep the message that *event* happened, and one delivery for each endpoint that wants it.

        Atomic, and durable when it returns; no delivery is waited for.

        Raises:
            InvalidInput: The event's name, its data or its size cannot be used; nothing was kept.
            StorageUnavailable: Nothing was kept.
        """
        message = await self.draft(event, data, metadata, event_id=event_id, hops=hops, **options)
        published = await self._messages.publish(message, handoff=self._intake.offer())
        if published.claims:
            self._intake.take(published.claims)
        if not published.repeated:
            self._on_published((message,))
        return published
