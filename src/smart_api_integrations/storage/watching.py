"""Statistics by source, alerts and turns over any engine. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, or_, select

from smart_api_integrations.core.alerts import Alert, News, Severity, SourceStatistics
from smart_api_integrations.storage.source_counts import forget_counts, read_arrivals, read_statistics
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import events
from smart_api_integrations.storage.watch_tables import UNFINISHED, alerts, turns


class Watching:
    """Keeps ``storage.watch_protocol.WatchStore``."""

    def __init__(self, store: Store) -> None:
        """Work on *store*."""
        self._store = store

    async def statistics(self, *, since: timedelta) -> Sequence[SourceStatistics]:
        """See ``WatchStore.statistics``."""
        return await self._store.read(partial(read_statistics, self._store), since)

    async def arrivals(self, *, since: timedelta) -> Sequence[tuple[str, str, int, int]]:
        """See ``WatchStore.arrivals``."""
        return await self._store.read(partial(read_arrivals, self._store), since)

    async def last_arrivals(
        self, provider: str, event_type: str | None, *, limit: int = 1
    ) -> Sequence[datetime]:
        """See ``WatchStore.last_arrivals``."""
        return await self._store.read(_last_arrivals, (provider, event_type, limit))

    async def take_turn(self, task: str, *, owner: str, lease: timedelta) -> bool:
        """See ``WatchStore.take_turn``."""
        return await self._store.write_one(self._take_turn, (task, owner, lease))

    async def give_turn_back(self, task: str, *, owner: str) -> None:
        """See ``WatchStore.give_turn_back``."""
        await self._store.write_one(_give_back, (task, owner))

    async def save_alerts(self, alerts: Sequence[Alert]) -> None:
        """See ``WatchStore.save_alerts``."""
        if alerts:
            await self._store.write_one(_save, alerts)

    async def current_alerts(self, *, ended_within: timedelta) -> Sequence[Alert]:
        """See ``WatchStore.current_alerts``."""
        return await self._store.read(self._current, ended_within)

    async def alerts(self, *, limit: int = 50, before: str | None = None) -> Sequence[Alert]:
        """See ``WatchStore.alerts``."""
        return await self._store.read(_page, (limit, before))

    async def forget(self, *, counts: timedelta, alerts: timedelta) -> None:
        """See ``WatchStore.forget``."""
        await self._store.write_one(self._forget, (counts, alerts))

    def _take_turn(self, connection: Connection, asked: tuple[str, str, timedelta]) -> bool:
        task, owner, lease = asked
        self._store.dialect.lock_lines(connection, [("", f"turn {task}")])
        row = connection.execute(select(turns).where(turns.c.task == task)).one_or_none()
        now = self._store.now()
        if row is not None and row.owner != owner and row.until > now:
            return False
        connection.execute(turns.delete().where(turns.c.task == task))
        connection.execute(turns.insert(), {"task": task, "owner": owner, "until": now + lease})
        return True

    def _current(self, connection: Connection, ended_within: timedelta) -> list[Alert]:
        recent = alerts.c.resolved_at >= self._store.now() - ended_within
        statement = select(alerts).where(or_(UNFINISHED, recent)).order_by(alerts.c.id)
        return [_alert_from(row) for row in connection.execute(statement)]

    def _forget(self, connection: Connection, asked: tuple[timedelta, timedelta]) -> None:
        counts, older = asked
        forget_counts(self._store, connection, counts)
        connection.execute(alerts.delete().where(alerts.c.resolved_at < self._store.now() - older))


def _give_back(connection: Connection, asked: tuple[str, str]) -> None:
    task, owner = asked
    connection.execute(turns.delete().where(turns.c.task == task, turns.c.owner == owner))


def _save(connection: Connection, changed: Sequence[Alert]) -> None:
    connection.execute(alerts.delete().where(alerts.c.id.in_([each.id for each in changed])))
    connection.execute(alerts.insert(), [_alert_row(each) for each in changed])


def _page(connection: Connection, asked: tuple[int, str | None]) -> list[Alert]:
    limit, before = asked
    statement = select(alerts).order_by(alerts.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(alerts.c.id < before)
    return [_alert_from(row) for row in connection.execute(statement)]


def _last_arrivals(connection: Connection, asked: tuple[str, str | None, int]) -> list[datetime]:
    """Go along the index of a provider, or of a provider and a type."""
    provider, event_type, limit = asked
    statement = select(events.c.received_at).where(events.c.provider == provider)
    if event_type is not None:
        statement = statement.where(events.c.event_type == event_type)
    return list(connection.scalars(statement.order_by(events.c.id.desc()).limit(limit)))


def _alert_row(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "rule": alert.rule,
        "subject": alert.subject,
        "severity": alert.severity.value,
        "title": alert.title,
        "message": alert.message,
        "opened_at": alert.opened_at,
        "seen_at": alert.seen_at,
        "notified_at": alert.notified_at,
        "untold": None if alert.untold is None else alert.untold.value,
        "resolved_at": alert.resolved_at,
        "told": dict(alert.told),
    }


def _alert_from(row: Any) -> Alert:
    values = dict(row._asdict())
    values["severity"] = Severity(values["severity"])
    values["untold"] = None if values["untold"] is None else News(values["untold"])
    return Alert(**values)
