"""Traces: everything that one event, or one message, led to. Floor 3."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import Message, ReceivedEvent, Trace, Work
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.storage.attempt_rows import attempts_of
from smart_api_integrations.storage.endpoints import endpoints_by_id
from smart_api_integrations.storage.event_rows import event_from
from smart_api_integrations.storage.message_rows import message_from
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import events, messages, work
from smart_api_integrations.storage.work_rows import work_from


def read_event(connection: Connection, event_id: str) -> ReceivedEvent | None:
    """Read one event whole."""
    row = connection.execute(select(events).where(events.c.id == event_id)).one_or_none()
    return None if row is None else event_from(row)


def event_trace(store: Store, connection: Connection, event_id: str) -> Trace | None:
    """Read an event, its handlings, what they published, and where that went."""
    event = read_event(connection, event_id)
    if event is None:
        return None
    statement = select(messages).where(messages.c.event_id == event_id).order_by(messages.c.id)
    published = [message_from(row) for row in connection.execute(statement)]
    return _trace(store, connection, event=event, published=published)


def message_trace(store: Store, connection: Connection, message_id: str) -> Trace | None:
    """Read a message, its deliveries, and the event that caused it."""
    row = connection.execute(select(messages).where(messages.c.id == message_id)).one_or_none()
    if row is None:
        return None
    message = message_from(row)
    event = read_event(connection, message.event_id) if message.event_id else None
    return _trace(store, connection, event=event, published=[message])


def _trace(
    store: Store, connection: Connection, *, event: ReceivedEvent | None, published: Sequence[Message]
) -> Trace:
    subjects = [message.id for message in published] + ([event.id] if event else [])
    parts = _work_of(store, connection, subjects)
    deliveries = [part for part in parts if part.kind is Kind.DELIVERY]
    return Trace(
        event=event,
        handlings=[part for part in parts if part.kind is Kind.HANDLING],
        messages=published,
        deliveries=deliveries,
        attempts=attempts_of(store, connection, [part.id for part in parts]),
        endpoints=_with_broker(store, connection, [part.target for part in deliveries]),
    )


def _with_broker(store: Store, connection: Connection, targets: Sequence[str]) -> dict[str, Endpoint]:
    """Read the endpoints that *targets* are; the broker is one without a row."""
    found = endpoints_by_id(store, connection, targets)
    if store.broker is not None and store.broker.id in targets:
        found[store.broker.id] = store.broker
    return found


def _work_of(store: Store, connection: Connection, subjects: Collection[str]) -> list[Work]:
    """Read all work on *subjects*, oldest first."""
    statement = select(work).where(store.dialect.among(work.c.subject_id, "ids")).order_by(work.c.id)
    return [work_from(row) for row in connection.execute(statement, {"ids": list(subjects)})]
