"""Attempts as rows of their two tables. Floor 3."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from smart_api_integrations.core.journal import Attempt
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.storage.bulk import Row
from smart_api_integrations.storage.column_types import iso, pack, storable
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import delivery_attempts, handling_attempts

TABLES: dict[Kind, Table] = {Kind.HANDLING: handling_attempts, Kind.DELIVERY: delivery_attempts}


def attempt_row(attempt: Attempt, *, tenant: str) -> Row:
    """Return *attempt* as a row of either table."""
    return (
        attempt.id,
        tenant,
        attempt.work_id,
        attempt.target,
        attempt.subject_id,
        attempt.number,
        attempt.status,
        iso(attempt.started_at),
        attempt.duration_ms,
        attempt.error_code,
        _text(attempt.error_message),
        _text(attempt.error_detail),
        _json(attempt.request_headers),
        attempt.response_code,
        _json(attempt.response_headers),
        _text(attempt.response_body),
        _json(attempt.phases),
        _text(attempt.result),
    )


def _text(value: str | None) -> str | None:
    return None if value is None else storable(value)


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else pack(dict(value)).decode()


def _attempt_from(row: Any, kind: Kind) -> Attempt:
    values = dict(row._asdict())
    del values["tenant"]
    return Attempt(kind=kind, **values)


def write_attempts(store: Store, connection: Connection, ended: Sequence[tuple[str, Attempt]]) -> None:
    """Insert attempts, each given with its tenant, into their tables."""
    rows: dict[Kind, list[Row]] = defaultdict(list)
    for tenant, attempt in ended:
        rows[attempt.kind].append(attempt_row(attempt, tenant=tenant))
    for kind, those in rows.items():
        store.dialect.write_rows(connection, TABLES[kind], those)


def attempts_of(store: Store, connection: Connection, work_ids: Collection[str]) -> list[Attempt]:
    """Read the attempts of *work_ids*, in the order in which they began."""
    if not work_ids:
        return []
    found: list[Attempt] = []
    for kind, table in TABLES.items():
        columns = [column.label(column.key) for column in table.c]
        statement = select(*columns).where(store.dialect.among(table.c.work_id, "ids"))
        rows = connection.execute(statement, {"ids": list(work_ids)})
        found.extend(_attempt_from(row, kind) for row in rows)
    return sorted(found, key=lambda attempt: (attempt.started_at, attempt.id))
