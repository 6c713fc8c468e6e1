"""Forgetting: payloads, rows, dead letters and logs, a small batch at a time. Floor 3.

Rules:

1. A reader finds a batch along the primary key; one short transaction writes it, and looks again: what waits
   or runs meanwhile stays.
2. An event goes with its handlings, messages, deliveries and attempts: no trace is left in half.
3. A payload that is gone leaves an event's ``headers`` or a message's ``body`` empty, as none is otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, func, select

from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.core.ulids import behind_ids
from smart_api_integrations.storage.access_tables import audit_log
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import (
    DEAD,
    delivery_attempts,
    events,
    handling_attempts,
    messages,
    rejections,
    work,
)

BATCH = 200
_EMPTY = {
    "error_detail": None,
    "request_headers": None,
    "response_headers": None,
    "response_body": None,
    "result": None,
}
_ATTEMPTS = (handling_attempts, delivery_attempts)


def old_subjects(table: Table, *, before: datetime, after: str, whole: bool) -> Select[Any]:
    """Return the query of old events, or of old messages without an event; with payloads unless *whole*."""
    is_event = table is events
    made = events.c.received_at if is_event else messages.c.created_at
    payload = events.c.headers if is_event else messages.c.body
    query = _along(table, made, "evt_" if is_event else "msg_", before=before, after=after)
    if not is_event:
        query = query.where(messages.c.event_id.is_(None))
    return query if whole else query.where(func.length(payload) > 0)


def old_rows(table: Table, made: Any, prefix: str, *, before: datetime, after: str) -> Select[Any]:
    """Return the query of old rows of a log, or of dead letters."""
    query = _along(table, made, prefix, before=before, after=after)
    return query.where(DEAD) if table is work else query


def _along(table: Table, made: Any, prefix: str, *, before: datetime, after: str) -> Select[Any]:
    query = select(table.c.id).where(table.c.id > after, made < before)
    if prefix:
        query = query.where(table.c.id < behind_ids(prefix, before), table.c.id >= prefix)
    return query.order_by(table.c.id).limit(BATCH)


class Purging:
    """The operations that forget, to be run in the writing lane."""

    def __init__(self, store: Store) -> None:
        """Work on *store*."""
        among = store.dialect.among
        self._delete = {
            table: table.delete().where(among(table.c.id, "ids"))
            for table in (events, messages, work, rejections, audit_log)
        }
        self._delete_attempts = [table.delete().where(among(table.c.work_id, "ids")) for table in _ATTEMPTS]
        self._empty_attempts = [
            table.update().where(among(table.c.work_id, "ids")).values(_EMPTY) for table in _ATTEMPTS
        ]
        self._empty_events = (
            events.update().where(among(events.c.id, "ids")).values(headers=b"", body=b"", query="")
        )
        self._empty_messages = messages.update().where(among(messages.c.id, "ids")).values(body=b"")
        self._caused = select(messages.c.id, messages.c.event_id).where(among(messages.c.event_id, "ids"))
        self._works = select(work.c.id, work.c.subject_id, work.c.state, work.c.due_at, work.c.leased_until)
        self._works = self._works.where(among(work.c.subject_id, "ids"))
        self._still_dead = select(work.c.id).where(among(work.c.id, "ids"), DEAD).with_for_update()

    def forget(
        self, connection: Connection, ids: Sequence[str], *, whole: bool, dead_too: bool = False
    ) -> list[str]:
        """Delete events or messages, or empty their payloads; return those that could be."""
        roots = {each: each for each in ids}
        for row in connection.execute(self._caused, {"ids": list(ids)}):
            roots[row.id] = row.event_id
        works = connection.execute(self._works, {"ids": list(roots)}).all()
        kept = {
            roots[row.subject_id]
            for row in works
            if row.due_at is not None
            or row.leased_until is not None
            or (row.state == State.FAILED.value and not dead_too)
        }
        gone = {"ids": [each for each, root in roots.items() if root not in kept]}
        parts = {"ids": [row.id for row in works if roots[row.subject_id] not in kept]}
        if whole:
            for statement in (*self._delete_attempts, self._delete[work]):
                connection.execute(statement, parts)
            for table in (messages, events):
                connection.execute(self._delete[table], gone)
        else:
            for emptied in self._empty_attempts:
                connection.execute(emptied, parts)
            for emptied in (self._empty_messages, self._empty_events):
                connection.execute(emptied, gone)
        return [each for each in ids if each not in kept]

    def drop(self, connection: Connection, table: Table, ids: Sequence[str]) -> int:
        """Delete rows of a log, or what still is a dead letter; return how many."""
        wanted = list(ids)
        if table is work:
            wanted = list(connection.scalars(self._still_dead, {"ids": wanted}))
            for statement in self._delete_attempts:
                connection.execute(statement, {"ids": wanted})
        connection.execute(self._delete[table], {"ids": wanted})
        return len(wanted)
