"""Leases: claiming due work, renewing, giving back. Floor 3.

Theory of operation:

1. A claim first looks, without locks, which targets have something due in each lane (fresh work,
   retries), divides its limit among the lanes and the targets, and then takes that many of each, locked,
   skipping what others hold. What a gate holds back stays where it is.
2. Taking raises the fence; from then on only who knows the new fence can record an outcome.
3. Every statement here goes along a partial index of open work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Update, bindparam, case, literal, select

from smart_api_integrations.core.journal import Claim, Work
from smart_api_integrations.core.lifecycle import ROADS, Kind, State
from smart_api_integrations.storage.directory import Directory
from smart_api_integrations.storage.due_work import LANES, Due, Round, shared_out
from smart_api_integrations.storage.event_rows import event_from
from smart_api_integrations.storage.message_rows import message_from
from smart_api_integrations.storage.passage import Passage
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import LEASED, events, messages, work
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


class Claiming:
    """The operations on leases, to be run in the writing lane."""

    def __init__(self, store: Store, directory: Directory) -> None:
        """Work on *store*, with the endpoints that *directory* knows."""
        self._store = store
        self._directory = directory
        self._rounds = tuple(Round(lane) for lane in LANES)
        among = store.dialect.among
        self._lease = _lease.where(among(work.c.id, "ids"))
        self._renew = _renew.where(among(work.c.id, "held"))
        self._read_events = select(events).where(among(events.c.id, "ids"))
        self._read_messages = select(messages).where(among(messages.c.id, "ids"))

    def claim_all(self, connection: Connection, calls: Sequence[ClaimCall]) -> list[list[Claim]]:
        """Serve several claims in turn."""
        self._directory.refresh(connection)
        return [self._claim(connection, call) for call in calls]

    def _claim(self, connection: Connection, call: ClaimCall) -> list[Claim]:
        owner, limit, lease, refuse = call
        now = self._store.now()
        taking = _Taking(
            store=self._store,
            connection=connection,
            passage=Passage(self._store, self._directory, connection, now=now),
            lease=self._lease,
            values={"until": now + lease, "owner": owner, "now": now},
        )

        def fits(one: Due) -> bool:
            return one.target not in refuse and taking.passage.allowed(one.target) != 0

        due = {each: [one for one in each.look(connection, now=now) if fits(one)] for each in self._rounds}
        if not any(due.values()):
            due = {each: list(each.look_everywhere(connection, now=now, fits=fits)) for each in self._rounds}
        lanes = sorted(
            (lane for lane in due if due[lane]), key=lambda lane: min(each.since for each in due[lane])
        )
        quarter = -(-limit // 4) if limit > 1 and len(lanes) > 1 else 0
        # The lane that waits longer has three quarters; what either leaves over is the other's.
        for lane, reserved in [*zip(lanes, (quarter, 0), strict=False), *((lane, 0) for lane in lanes[:-1])]:
            room = limit - len(taking.rows) - reserved
            if room > 0:
                taking.take(lane, [each.target for each in due[lane]], room)
        taking.passage.settle()
        return self._loaded(connection, taking.rows, now + lease, now) if taking.rows else []

    def _loaded(
        self, connection: Connection, rows: Sequence[Any], until: datetime, now: datetime
    ) -> list[Claim]:
        """Return claims for *rows* as they were before the lease, longest due first."""
        received = {row.id: event_from(row) for row in self._subjects(connection, rows, Kind.HANDLING)}
        sent = {row.id: message_from(row) for row in self._subjects(connection, rows, Kind.DELIVERY)}
        return [
            Claim(
                work=_leased(row, until, now),
                event=received.get(row.subject_id),
                message=sent.get(row.subject_id),
                endpoint=self._directory.get(row.target) if row.subject_id in sent else None,
            )
            for row in sorted(rows, key=lambda row: (row.due_at, row.id))
        ]

    def _subjects(self, connection: Connection, rows: Sequence[Any], kind: Kind) -> Iterable[Any]:
        """Read what the work of *kind* among *rows* is about."""
        ids = sorted({row.subject_id for row in rows if row.kind == kind.value})
        statement = self._read_events if kind is Kind.HANDLING else self._read_messages
        return connection.execute(statement, {"ids": ids}) if ids else ()

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


@dataclass(slots=True, kw_only=True)
class _Taking:
    """One claim while it gathers its rows, leasing each as it is taken."""

    store: Store
    connection: Connection
    passage: Passage
    lease: Update
    values: Mapping[str, Any]
    rows: list[Any] = field(default_factory=list)

    def take(self, lane: Round, targets: Sequence[str], limit: int) -> None:
        """Lease up to *limit* more of *lane*, shared out among *targets*."""

        def take(wanted: dict[str, int]) -> dict[str, int]:
            rows = self.store.dialect.take_due(self.connection, lane.lane, wanted, now=self.values["now"])
            if rows:
                self.connection.execute(self.lease, {"ids": [row.id for row in rows], **self.values})
                self.rows.extend(rows)
            got = Counter(str(row.target) for row in rows)
            self.passage.passed(got)
            self.passage.drained(wanted, got)
            return got

        last = shared_out(targets, limit, allowed=self.passage.allowed, take=take)
        if last is not None:
            lane.begin_behind(last)


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
