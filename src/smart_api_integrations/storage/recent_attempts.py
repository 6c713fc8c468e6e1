"""The newest attempts of all, for whoever looks on: without headers, bodies and tracebacks. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from smart_api_integrations.core.journal import Attempt
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.storage.attempt_rows import TABLES
from smart_api_integrations.storage.read_models import RecentAttempt
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import events, messages

_LARGE = frozenset(
    {"tenant", "error_detail", "request_headers", "response_headers", "response_body", "phases", "result"}
)


def recent_attempts(store: Store, connection: Connection, asked: tuple[Kind, int]) -> list[RecentAttempt]:
    """Read the newest attempts of one kind along their ids, then what those were about."""
    kind, limit = asked
    table = TABLES[kind]
    columns = [column.label(column.key) for column in table.c if column.key not in _LARGE]
    rows = connection.execute(select(*columns).order_by(table.c.id.desc()).limit(limit))
    attempts = [Attempt(kind=kind, **row._asdict()) for row in rows]
    about = _subjects(store, connection, kind, sorted({attempt.subject_id for attempt in attempts}))
    return [
        RecentAttempt(
            attempt=attempt,
            event_type=about.get(attempt.subject_id, (None, None))[0],
            action=about.get(attempt.subject_id, (None, None))[1],
        )
        for attempt in attempts
    ]


def _subjects(
    store: Store, connection: Connection, kind: Kind, ids: Sequence[str]
) -> dict[str, tuple[str | None, str | None]]:
    if not ids:
        return {}
    columns: tuple[Any, ...] = (messages.c.id, messages.c.event)
    table = messages
    if kind is Kind.HANDLING:
        columns, table = (events.c.id, events.c.event_type, events.c.action), events
    found = connection.execute(select(*columns).where(store.dialect.among(table.c.id, "ids")), {"ids": ids})
    return {row[0]: (row[1], row[2] if len(row) > 2 else None) for row in found}
