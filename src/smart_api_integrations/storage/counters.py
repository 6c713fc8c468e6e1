"""Counters that are kept with what they count, so that no page ever counts rows. Floor 3.

``traffic`` counts what passed through, by the minute; ``attempt_counts`` what happened to each
endpoint and each handler. Both are written in the transaction of what they count, in rows of this
journal's own shard, and summed when read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, or_, select

from smart_api_integrations.core.circuit_breaker import is_endpoints_fault
from smart_api_integrations.core.journal import Attempt, AttemptStatistics, AttemptStatus, TrafficPoint
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.core.source_traffic import SourceTraffic
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.storage.column_types import EPOCH
from smart_api_integrations.storage.dialect import Counts
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import attempt_counts, traffic

MINUTE = timedelta(minutes=1)
WHOLE_LIFE = 0  # the "minute" that holds an endpoint's whole life
Measure = tuple[str, str]  # tenant, measure
KEPT_FOR, REFUSED_AT = "kept ", "refused "  # and a source: the measures of one source

MEASURES = tuple(field.name for field in fields(TrafficPoint) if field.name != "starts_at")
COUNTED = ("attempts", "successful", "failed", "duration_ms")
GOOD = frozenset({AttemptStatus.SUCCEEDED, AttemptStatus.SKIPPED})
MEASURED_AS = {
    (Kind.HANDLING, True): "handled",
    (Kind.HANDLING, False): "handling_failed",
    (Kind.DELIVERY, True): "delivered",
    (Kind.DELIVERY, False): "delivery_failed",
}


def _minute(moment: datetime) -> int:
    return (moment - EPOCH) // MINUTE


def traffic_counts(store: Store, counts: Mapping[Measure, int], *, now: datetime) -> Counts:
    """Return what adds *counts* to this minute's."""
    minute = _minute(now)
    return traffic, [(minute, tenant, measure, store.shard, n) for (tenant, measure), n in counts.items()]


def attempt_counts_of(
    store: Store, ended: Sequence[tuple[str, Attempt]], *, now: datetime
) -> Sequence[Counts]:
    """Return what counts attempts, each with its tenant: in the traffic, and for its endpoint or handler."""
    passed: Counter[Measure] = Counter()
    per_target: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for tenant, attempt in ended:
        passed[tenant, MEASURED_AS[attempt.kind, attempt.status in GOOD]] += 1
        if attempt.kind is Kind.HANDLING or is_endpoints_fault(attempt.error_code):
            per_target[attempt.target, tenant].append(attempt)
    rows = [
        (
            target,
            minute,
            store.shard,
            tenant,
            len(attempts),
            sum(attempt.status in GOOD for attempt in attempts),
            sum(attempt.status not in GOOD for attempt in attempts),
            sum(attempt.duration_ms for attempt in attempts),
        )
        for (target, tenant), attempts in per_target.items()
        for minute in (WHOLE_LIFE, _minute(now))
    ]
    return traffic_counts(store, passed, now=now), (attempt_counts, rows)


def endpoint_statistics(
    store: Store, connection: Connection, asked: tuple[str, timedelta | None]
) -> AttemptStatistics:
    """Sum an endpoint's counters: over its life, or over the minutes of the time that is asked for."""
    endpoint_id, since = asked
    table = attempt_counts.c
    when = table.minute == WHOLE_LIFE if since is None else table.minute >= _minute(store.now() - since)
    sums = [func.coalesce(func.sum(table[name]), 0) for name in COUNTED]
    statement = select(*sums).where(table.webhook_id == endpoint_id, when)
    if since is not None:
        statement = statement.where(table.minute > WHOLE_LIFE)
    attempts, successful, failed, duration = connection.execute(statement).one()
    return AttemptStatistics(
        total_attempts=int(attempts),
        successful=int(successful),
        failed=int(failed),
        avg_duration_ms=float(duration) / int(attempts) if attempts else 0.0,
    )


def whole_minutes(span: timedelta) -> int:
    """Return *span* in minutes.

    Raises:
        InvalidInput: It is not a positive whole number of minutes.
    """
    if span < MINUTE or span % MINUTE:
        message = f"The step must be a whole number of minutes, at least one; it is {span}"
        raise InvalidInput(message)
    return span // MINUTE


def traffic_points(
    store: Store, connection: Connection, asked: tuple[timedelta, timedelta]
) -> list[TrafficPoint]:
    """Sum the counters of each step of the last so-and-so long; the last step is the one that runs."""
    since, length = asked
    step = whole_minutes(length)
    count = max(-(-since // length), 1)
    last = _minute(store.now()) // step
    slot = traffic.c.minute // step
    statement = (
        select(slot, traffic.c.measure, func.sum(traffic.c.n))
        .where(traffic.c.minute >= (last - count + 1) * step, traffic.c.minute < (last + 1) * step)
        .group_by(slot, traffic.c.measure)
    )
    sums: dict[int, dict[str, int]] = defaultdict(dict)
    for place, measure, n in connection.execute(statement):
        if measure in MEASURES:
            sums[int(place)][measure] = int(n)
    return [
        TrafficPoint(starts_at=EPOCH + place * length, **sums[place])
        for place in range(last - count + 1, last + 1)
    ]


def source_counts(
    store: Store, connection: Connection, asked: tuple[timedelta, timedelta]
) -> dict[str, SourceTraffic]:
    """Sum the counters of each source, in steps as ``traffic_points`` has them."""
    since, length = asked
    step = whole_minutes(length)
    count = max(-(-since // length), 1)
    last = _minute(store.now()) // step
    slot = traffic.c.minute // step
    of_source = or_(*(traffic.c.measure.startswith(word) for word in (KEPT_FOR, REFUSED_AT)))
    statement = (
        select(slot, traffic.c.measure, func.sum(traffic.c.n))
        .where(traffic.c.minute >= (last - count + 1) * step, traffic.c.minute < (last + 1) * step, of_source)
        .group_by(slot, traffic.c.measure)
    )
    found: dict[str, dict[str, list[int]]] = {}
    for place, measure, n in connection.execute(statement):
        word, _, source = measure.partition(" ")
        lists = found.setdefault(source, {"kept": [0] * count, "refused": [0] * count})
        lists[word][int(place) - last + count - 1] = int(n)
    return {
        source: SourceTraffic(accepted=tuple(lists["kept"]), rejected=tuple(lists["refused"]))
        for source, lists in found.items()
    }
