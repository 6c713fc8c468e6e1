"""The log of rejections, which forgets by itself. Floor 3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from smart_api_integrations.core.endpoint import DEFAULT_TENANT
from smart_api_integrations.core.journal import Rejection
from smart_api_integrations.storage.bulk import Row
from smart_api_integrations.storage.column_types import microseconds, pack, storable
from smart_api_integrations.storage.counters import REFUSED_AT, traffic_counts
from smart_api_integrations.storage.issues import IssueCounting
from smart_api_integrations.storage.source_counts import SourceCounting
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import rejections

KEPT = 10_000


def log_all(
    store: Store,
    counting: tuple[IssueCounting, SourceCounting],
    connection: Connection,
    calls: Sequence[Sequence[Rejection]],
) -> list[None]:
    """Insert rejections, count them, by their cause too, and delete the oldest beyond ``KEPT``."""
    new = [rejection for call in calls for rejection in call]
    if new:
        store.dialect.write_rows(connection, rejections, [_row(rejection) for rejection in new[-KEPT:]])
        passed: Counter[tuple[str, str]] = Counter()
        for each in new:
            passed[DEFAULT_TENANT, "rejected"] += each.sampled
            passed[DEFAULT_TENANT, storable(f"{REFUSED_AT}{each.provider}:{each.webhook_name}")] += (
                each.sampled
            )
        issues, sources = counting
        now = store.now()
        counts = [traffic_counts(store, passed, now=now), sources.of_rejections(new, now=now)]
        store.dialect.add_counts(connection, counts)
        issues.of_rejections(connection, new, now=now)
        _trim(connection)
    return [None] * len(calls)


def _trim(connection: Connection) -> None:
    """Delete what is older than the newest ``KEPT``."""
    last = connection.scalar(select(rejections.c.id).order_by(rejections.c.id.desc()).limit(1).offset(KEPT))
    if last is not None:
        connection.execute(rejections.delete().where(rejections.c.id <= last))


def rejection_page(connection: Connection, asked: tuple[int, str | None]) -> list[Rejection]:
    """Read a page of the log, newest first."""
    limit, before = asked
    statement = select(rejections).order_by(rejections.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(rejections.c.id < before)
    return [_rejection_from(row) for row in connection.execute(statement)]


def read_rejection(connection: Connection, rejection_id: str) -> Rejection | None:
    """Read one rejection."""
    row = connection.execute(select(rejections).where(rejections.c.id == rejection_id)).one_or_none()
    return None if row is None else _rejection_from(row)


def _row(rejection: Rejection) -> Row:
    return (
        rejection.id,
        DEFAULT_TENANT,
        storable(rejection.provider),
        storable(rejection.webhook_name),
        rejection.reason,
        storable(rejection.detail),
        rejection.status_code,
        None if rejection.remote_address is None else storable(rejection.remote_address),
        microseconds(rejection.received_at),
        pack(dict(rejection.facts)).decode(),
        rejection.sampled,
    )


def _rejection_from(row: Any) -> Rejection:
    return Rejection(
        id=row.id,
        provider=row.provider,
        webhook_name=row.webhook_name,
        reason=row.reason,
        detail=row.detail,
        status_code=row.status_code,
        remote_address=row.remote_address,
        received_at=row.received_at,
        facts=row.facts,
        sampled=row.sampled,
    )
