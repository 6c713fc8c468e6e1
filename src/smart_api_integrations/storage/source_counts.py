"""Counting what became of each source's events, with what is counted. Floor 3."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from smart_api_integrations.core.alerts import SourceStatistics
from smart_api_integrations.core.journal import Outcome, ReceivedEvent, Rejection
from smart_api_integrations.core.lifecycle import ROADS, Kind
from smart_api_integrations.storage.column_types import EPOCH, storable
from smart_api_integrations.storage.dialect import Counts
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.watch_tables import ARRIVED, source_counts

ARRIVALS = "arrived"
SLOT = 5
MOST_TYPES = 200
LONGEST_TYPE = 100
_MINUTE = timedelta(minutes=1)

_c = source_counts.c
Row = tuple[int, str, str, str, str, str, int, float]


class SourceCounting:
    """The operations that count, to be run in the writing lane."""

    def __init__(self, store: Store) -> None:
        """Work on *store*; remember which types were counted apart."""
        self._store = store
        self._types: dict[str, set[str]] = defaultdict(set)

    def of_events(self, events: Iterable[tuple[ReceivedEvent, str]], *, now: datetime) -> Counts:
        """Return what counts events, each with its status: ``received``, ``no_handler`` or ``duplicate``."""
        minute, hour = _slot(now), _hour(now)
        counts: Counter[tuple[int, str, str, str, str]] = Counter()
        for event, status in events:
            counts[minute, event.provider, event.webhook_name, "", status] += 1
            if status == "duplicate":
                continue
            if status != "received":
                counts[minute, event.provider, event.webhook_name, "", "received"] += 1
            counts[hour, event.provider, event.webhook_name, self._type(event), ARRIVALS] += 1
        return source_counts, [(*key, self._store.shard, n, 0.0) for key, n in counts.items()]

    def of_outcomes(self, outcomes: Iterable[Outcome], *, now: datetime) -> Counts:
        """Return what counts what became of handlings, and how long those took that are over."""
        minute = _slot(now)
        spent: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        for outcome in outcomes:
            if outcome.work.kind is not Kind.HANDLING or outcome.work.target.count(":") < 2:
                continue
            provider, name, _ = outcome.work.target.split(":", 2)
            over = outcome.state in ROADS[Kind.HANDLING].ends
            seconds = (now - outcome.work.created_at).total_seconds() if over else 0.0
            spent[provider, name, outcome.state.value].append(seconds * 1000)
        rows = [
            (minute, provider, name, "", status, self._store.shard, len(times), sum(times))
            for (provider, name, status), times in spent.items()
        ]
        return source_counts, rows

    def of_rejections(self, rejections: Iterable[Rejection], *, now: datetime) -> Counts:
        """Return what counts what was refused, but for what was sent to webhooks that do not exist."""
        minute = _slot(now)
        counts: Counter[tuple[str, str, str]] = Counter()
        for each in rejections:
            if each.status_code != 404:
                status = _REFUSED.get(each.status_code, "rejected")
                counts[storable(each.provider), storable(each.webhook_name), status] += each.sampled
        rows = [
            (minute, provider, name, "", status, self._store.shard, n, 0.0)
            for (provider, name, status), n in counts.items()
        ]
        return source_counts, rows

    def _type(self, event: ReceivedEvent) -> str:
        """Return the type of an event as it is counted: of one provider, the first so many there are."""
        name = storable(event.event_type or "")[:LONGEST_TYPE]
        known = self._types[event.provider]
        if name not in known:
            if len(known) >= MOST_TYPES:
                return ""
            known.add(name)
        return name


_REFUSED = {401: "verification_failed", 400: "invalid_json"}


def _slot(moment: datetime) -> int:
    return (moment - EPOCH) // _MINUTE // SLOT * SLOT


def _hour(moment: datetime) -> int:
    return (moment - EPOCH) // _MINUTE // 60 * 60


def read_statistics(store: Store, connection: Connection, since: timedelta) -> list[SourceStatistics]:
    """Sum the counters of the last *since* by source and status."""
    statement = (
        select(_c.provider, _c.webhook_name, _c.status, func.sum(_c.n), func.sum(_c.duration_ms))
        .where(_c.minute >= _slot(store.now() - since), _c.status != ARRIVALS)
        .group_by(_c.provider, _c.webhook_name, _c.status)
        .order_by(_c.provider, _c.webhook_name, _c.status)
    )
    return [
        SourceStatistics(
            provider=provider,
            webhook_name=name,
            status=status,
            count=int(count),
            avg_seconds=float(spent) / 1000 / int(count) if spent else None,
        )
        for provider, name, status, count, spent in connection.execute(statement)
    ]


def read_arrivals(store: Store, connection: Connection, since: timedelta) -> list[tuple[str, str, int, int]]:
    """Sum what arrived by provider, type and hour."""
    statement = (
        select(_c.provider, _c.event_type, _c.minute, func.sum(_c.n))
        .where(ARRIVED, _c.minute >= _hour(store.now() - since))
        .group_by(_c.provider, _c.event_type, _c.minute)
    )
    return [
        (provider, event_type, int(minute) // 60, int(count))
        for provider, event_type, minute, count in connection.execute(statement)
    ]


def forget_counts(store: Store, connection: Connection, older: timedelta) -> None:
    """Delete a day of the oldest counters, of those that are older."""
    oldest = connection.scalar(select(func.min(_c.minute)))
    if oldest is not None:
        until = min(int(oldest) + 1440, _slot(store.now() - older))
        connection.execute(source_counts.delete().where(_c.minute < until))
