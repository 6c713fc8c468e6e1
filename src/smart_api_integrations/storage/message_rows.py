"""Messages as rows. Floor 3."""

from __future__ import annotations

from typing import Any

from smart_api_integrations.core.journal import Message
from smart_api_integrations.storage.bulk import Row
from smart_api_integrations.storage.column_types import microseconds, storable


def message_row(message: Message) -> Row:
    """Return *message* as a row of ``messages``."""
    return (
        message.id,
        message.tenant,
        storable(message.event),
        microseconds(message.created_at),
        message.event_id,
        None if message.handler is None else storable(message.handler),
        message.hops,
        1 if message.operational else None,
        None if message.deliver_at is None else microseconds(message.deliver_at),
        None if message.expires_at is None else microseconds(message.expires_at),
        None if message.ordering_key is None else storable(message.ordering_key),
        message.endpoint_id,
        message.body,
    )


def message_from(row: Any) -> Message:
    """Return the message that a row of ``messages`` holds."""
    return Message(
        id=row.id,
        tenant=row.tenant,
        event=row.event,
        created_at=row.created_at,
        event_id=row.event_id,
        handler=row.handler,
        hops=row.hops,
        operational=row.operational is not None,
        deliver_at=row.deliver_at,
        expires_at=row.expires_at,
        ordering_key=row.ordering_key,
        endpoint_id=row.endpoint_id,
        body=row.body,
    )
