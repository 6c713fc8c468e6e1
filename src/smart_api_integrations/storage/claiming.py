"""Leases: claiming due work, renewing, giving back. Floor 3.

Theory of operation:

1. A claim first looks, without locks, at what is due in each lane (fresh work, retries), divides its
   limit among the two, and then takes that many of each, locked, skipping what others hold.
2. Taking raises the fence; from then on only who knows the new fence can record an outcome.
3. Every statement here goes along a partial index of open work.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import merge
from typing import Any

from sqlalchemy import ColumnElement, Connection, TextClause, bindparam, case, literal, select

from smart_api_integrations.core.journal import Claim, Work
from smart_api_integrations.core.lifecycle import ROADS, State
from smart_api_integrations.storage.endpoints import EndpointDirectory
from smart_api_integrations.storage.event_rows import event_from
from smart_api_integrations.storage.message_rows import message_from
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import FRESH, LEASED, RETRY, events, messages, work
from smart_api_integrations.storage.work_rows import work_from

RUNNING = case(
    *((work.c.kind == literal(kind.value), literal(road.running.value)) for kind, road in ROADS.items())
)
WAITING = case(
    (work.c.failures > 0, literal(State.RETRY_SCHEDULED.value)),
    *((work.c.kind == literal(kind.value), literal(road.fresh.value)) for kind, road in ROADS.items()),
)

_lease = work.update().values(
    state=RUNNING,
    attempt_count=work.c.attempt_count + 1,
    fence=work.c.fence + 1,
    due_at=None,
    leased_until=bindparam("until"),
    lease_owner=bindparam("owner"),
    updated_at=bindparam("now"),
)
_unlease = (
    work.update()
    .where(LEASED)
    .values(
        state=WAITING,
        attempt_count=work.c.attempt_count - 1,
        due_at=bindparam("now"),
        leased_until=None,
        lease_owner=None,
        updated_at=bindparam("now"),
    )
)
_unlease_owner = _unlease.where(work.c.lease_owner == bindparam("owner"))
_unlease_claim = _unlease.where(work.c.id == bindparam("work_id"), work.c.fence == bindparam("held"))
_renew = (
    work.update()
    .where(LEASED, work.c.lease_owner == bindparam("owner"))
    .values(leased_until=bindparam("until"))
)

ClaimCall = tuple[str, int, timedelta, frozenset[str]]


def shares(fresh: Sequence[datetime], retries: Sequence[datetime], *, limit: int) -> tuple[int, int]:
    """Return how many of each lane to take, given when what is due there fell due, oldest first.

    Each lane gets at least a quarter of *limit* where it has as much; the rest goes by age.

    >>> from datetime import UTC
    >>> hours = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(9)]
    >>> shares(hours[4:], hours[:4], limit=4), shares(hours[:4], [], limit=2)
    ((1, 3), (2, 0))
    """
    quarter = -(-limit // 4) if limit > 1 else 0
    of_fresh, of_retries = min(len(fresh), quarter), min(len(retries), quarter)
    by_age = merge(
        ((due, 0) for due in fresh[of_fresh:]),
        ((due, 1) for due in retries[of_retries:]),
    )
    room = limit - of_fresh - of_retries
    rest = [lane for _, (_, lane) in zip(range(room), by_age, strict=False)]
    return of_fresh + rest.count(0), of_retries + rest.count(1)


class Claiming:
    """The operations on leases, to be run in the writing lane."""

    def __init__(self, store: Store, directory: EndpointDirectory) -> None:
        """Work on *store*, with the endpoints that *directory* knows."""
        self._store = store
        self._directory = directory
        among = store.dialect.among
        self._lease = _lease.where(among(work.c.id, "ids"))
        self._renew = _renew.where(among(work.c.id, "held"))
        self._read_events = select(events).where(among(events.c.id, "ids"))
        self._read_messages = select(messages).where(among(messages.c.id, "ids"))

    def claim_all(self, connection: Connection, calls: Sequence[ClaimCall]) -> list[list[Claim]]:
        """Serve several claims in turn."""
        return [self._claim(connection, call) for call in calls]

    def _claim(self, connection: Connection, call: ClaimCall) -> list[Claim]:
        owner, limit, lease, refuse = call
        now = self._store.now()
        due: list[ColumnElement[bool]] = [work.c.due_at <= now]
        if refuse:
            due.append(~self._store.dialect.among(work.c.target, "refused"))
        query = _Due(conditions=due, values={"refused": sorted(refuse)} if refuse else {})
        peeks = [_peek(connection, lane, query, limit) for lane in (FRESH, RETRY)]
        rows: list[Any] = []
        for lane, share in zip((FRESH, RETRY), shares(*peeks, limit=limit), strict=True):
            if share:
                rows.extend(_take(connection, lane, query, share))
        if not rows:
            return []
        taken = [row.id for row in rows]
        until = now + lease
        connection.execute(self._lease, {"ids": taken, "until": until, "owner": owner, "now": now})
        return self._loaded(connection, rows, until, now)

    def _loaded(
        self, connection: Connection, rows: Sequence[Any], until: datetime, now: datetime
    ) -> list[Claim]:
        """Return claims for *rows* as they were before the lease, longest due first."""
        self._directory.refresh(connection)
        subjects = {"ids": sorted({row.subject_id for row in rows})}
        received = {row.id: event_from(row) for row in connection.execute(self._read_events, subjects)}
        sent = {row.id: message_from(row) for row in connection.execute(self._read_messages, subjects)}
        return [
            Claim(
                work=_leased(row, until, now),
                event=received.get(row.subject_id),
                message=sent.get(row.subject_id),
                endpoint=self._directory.get(row.target) if row.subject_id in sent else None,
            )
            for row in sorted(rows, key=lambda row: (row.due_at, row.id))
        ]

    def renew_all(
        self, connection: Connection, calls: Sequence[tuple[str, timedelta, Collection[str]]]
    ) -> list[int]:
        """Extend the leases of owners on what they hold."""
        now = self._store.now()
        return [
            connection.execute(
                self._renew, {"owner": owner, "until": now + lease, "held": sorted(held)}
            ).rowcount
            for owner, lease, held in calls
        ]

    def release_all(self, connection: Connection, owners: Sequence[str]) -> list[int]:
        """Make everything that *owners* hold due at once, as if never claimed."""
        now = self._store.now()
        counts = [connection.execute(_unlease_owner, {"owner": o, "now": now}).rowcount for o in owners]
        if any(counts):
            self._store.dialect.announce(connection)
        return counts

    def give_back(self, connection: Connection, calls: Sequence[Sequence[Claim]]) -> list[None]:
        """Make the work of claims that nobody took notice of due at once, as if never claimed."""
        now = self._store.now()
        rows = [
            {"work_id": claim.work.id, "held": claim.work.fence, "now": now}
            for claims in calls
            for claim in claims
        ]
        connection.execute(_unlease_claim, rows)
        self._store.dialect.announce(connection)
        return [None] * len(calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """What a claim may take, and the values of its conditions."""

    conditions: Sequence[ColumnElement[bool]]
    values: Mapping[str, Any]


def _peek(connection: Connection, lane: TextClause, due: _Due, limit: int) -> Sequence[datetime]:
    """Read when the oldest due work of *lane* fell due."""
    statement = select(work.c.due_at).where(lane, *due.conditions).order_by(work.c.due_at).limit(limit)
    return connection.scalars(statement, due.values).all()


def _take(connection: Connection, lane: TextClause, due: _Due, share: int) -> Sequence[Any]:
    """Lock the oldest due work of *lane* that nobody else is taking."""
    statement = select(work).where(lane, *due.conditions).order_by(work.c.due_at).limit(share)
    return connection.execute(statement.with_for_update(skip_locked=True), due.values).all()


def _leased(row: Any, until: datetime, now: datetime) -> Work:
    before = work_from(row)
    return replace(
        before,
        state=ROADS[before.kind].running,
        attempt_count=before.attempt_count + 1,
        fence=before.fence + 1,
        due_at=None,
        leased_until=until,
        updated_at=now,
    )
