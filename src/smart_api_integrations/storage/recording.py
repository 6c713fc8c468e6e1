"""Recording what became of claims, and of those that nobody came back from. Floor 3.

Rules:

1. A finisher writes only while the work is still leased under its fence. The rows are locked before
   they are compared, so that reaping and recording never both win.
2. State, attempt, counters, what the handler published and the handlings it led to are one transaction.
3. A lease that ended without an outcome is an attempt that failed: ``lost``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection, select

from smart_api_integrations.core.journal import (
    Attempt,
    AttemptStatus,
    Handoff,
    Outcome,
    Published,
    Recorded,
    Work,
)
from smart_api_integrations.core.lifecycle import ROADS, State, may_follow
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.storage.attempt_rows import write_attempts
from smart_api_integrations.storage.column_types import microseconds
from smart_api_integrations.storage.counters import attempt_counts_of
from smart_api_integrations.storage.dialect import Move
from smart_api_integrations.storage.endpoint_health import EndpointHealth
from smart_api_integrations.storage.issues import IssueCounting
from smart_api_integrations.storage.lines import Lines
from smart_api_integrations.storage.messages import Messages
from smart_api_integrations.storage.rerouting import Rerouting
from smart_api_integrations.storage.source_counts import SourceCounting
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import LEASED, work
from smart_api_integrations.storage.tallies import answer_counts
from smart_api_integrations.storage.work_rows import ATTEMPT_PREFIX, work_from

REAPED_AT_ONCE = 500
Call = tuple[Outcome, Handoff | None]


def check_outcome(outcome: Outcome) -> None:
    """Refuse an outcome that the lifecycle does not know.

    Raises:
        InvalidInput: The state cannot follow, or the wait is missing or too much.
    """
    part = outcome.work
    if not may_follow(part.kind, part.state, outcome.state):
        message = f"{outcome.state} cannot follow {part.state} for the {part.kind} {part.id}"
        raise InvalidInput(message)
    if (outcome.wait is not None) != (outcome.state is State.RETRY_SCHEDULED):
        message = f"A wait belongs to {State.RETRY_SCHEDULED} and to no other state: {part.id}"
        raise InvalidInput(message)


class Recording:
    """The operations that end attempts, to be run in the writing lane."""

    def __init__(
        self,
        store: Store,
        messages: Messages,
        lines: Lines,
        health: EndpointHealth,
        *,
        issues: IssueCounting,
        sources: SourceCounting,
    ) -> None:
        """Work on *store*.

        *messages* keeps what handlings published, *lines* say who is next, *health* judges endpoints,
        *issues* gathers failures, *sources* counts what became of each source's events.
        """
        self._store = store
        self._messages = messages
        self._lines = lines
        self._health = health
        self._issues = issues
        self._sources = sources
        self._rerouting = Rerouting(store, lines)
        self._read_held = (
            select(work.c.id, work.c.fence)
            .where(store.dialect.among(work.c.id, "ids"), LEASED)
            .order_by(work.c.id)
            .with_for_update()
        )

    def record_all(self, connection: Connection, calls: Sequence[Call]) -> list[Recorded]:
        """Move on the work whose lease still holds; report the others stale."""
        now = self._store.now()
        fences = self._held(connection, [outcome.work.id for outcome, _ in calls])
        live = [fences.pop(outcome.work.id, None) == outcome.work.fence for outcome, _ in calls]
        ended = [call for call, holds in zip(calls, live, strict=True) if holds]
        self._move_on(connection, [outcome for outcome, _ in ended], now)
        pairs = [(outcome.work.tenant, outcome.attempt) for outcome, _ in ended]
        write_attempts(self._store, connection, pairs)
        self._count(connection, [outcome for outcome, _ in ended], answered=True, now=now)
        self._health.judge(connection, [outcome for outcome, _ in ended], now=now)
        self._issues.of_outcomes(connection, [outcome for outcome, _ in ended], now=now)
        self._rerouting.keep(connection, [outcome for outcome, _ in ended], now=now)
        kept = iter(self._publish(connection, ended))
        return [
            Recorded(published=tuple(islice(kept, len(outcome.messages)))) if holds else Recorded(stale=True)
            for (outcome, _), holds in zip(calls, live, strict=True)
        ]

    def _held(self, connection: Connection, ids: Sequence[str]) -> dict[str, int]:
        """Lock those of *ids* that are leased, always in the same order, and read their fences."""
        return {row.id: row.fence for row in connection.execute(self._read_held, {"ids": ids})}

    def _move_on(self, connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> None:
        moves = [_moved(outcome, now) for outcome in outcomes]
        if moves:
            self._store.dialect.move_work(connection, moves, now=microseconds(now))
        if any(due is not None and due <= microseconds(now) for *_, due in moves):
            self._store.dialect.announce(connection)
        over = [each.work for each in outcomes if each.state in ROADS[each.work.kind].ends]
        self._lines.leave(connection, over, now=now)

    def _publish(self, connection: Connection, ended: Sequence[Call]) -> list[Published]:
        calls = [(message, handoff) for outcome, handoff in ended for message in outcome.messages]
        kept = self._messages.keep_all(connection, calls) if calls else []
        return [each for each in kept if isinstance(each, Published)]  # a handler's messages have no keys

    def reap_all(self, connection: Connection, calls: Sequence[None]) -> list[int]:
        """End up to ``REAPED_AT_ONCE`` leases that are over: a failed attempt each."""
        now = self._store.now()
        statement = (
            select(work)
            .where(LEASED, work.c.leased_until <= now)
            .order_by(work.c.leased_until)
            .limit(REAPED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        lost = [work_from(row) for row in connection.execute(statement)]
        if lost:
            outcomes = [self._lost(part, now) for part in lost]
            self._move_on(connection, outcomes, now)
            pairs = [(outcome.work.tenant, outcome.attempt) for outcome in outcomes]
            write_attempts(self._store, connection, pairs)
            self._count(connection, outcomes, answered=False, now=now)
            self._health.judge(connection, outcomes, now=now)
            self._issues.of_outcomes(connection, outcomes, now=now)
        return [len(lost), *(0 for _ in calls[1:])]

    def _count(
        self, connection: Connection, outcomes: Sequence[Outcome], *, answered: bool, now: datetime
    ) -> None:
        """Count how attempts ended; how long they took too, where they were *answered* and not lost."""
        pairs = [(outcome.work.tenant, outcome.attempt) for outcome in outcomes]
        counts = [
            *attempt_counts_of(self._store, pairs, now=now),
            self._sources.of_outcomes(outcomes, now=now),
        ]
        if answered:
            counts.append(answer_counts(self._store, pairs, now=now))
        self._store.dialect.add_counts(connection, counts)

    def _lost(self, part: Work, now: datetime) -> Outcome:
        """Return what became of *part*: due again, or a dead letter where that was its last attempt."""
        dead = part.failures + 1 >= part.max_attempts
        attempt = Attempt(
            id=self._store.new_id(ATTEMPT_PREFIX),
            work_id=part.id,
            kind=part.kind,
            target=part.target,
            subject_id=part.subject_id,
            number=part.attempt_count,
            status=AttemptStatus.LOST,
            started_at=part.updated_at,
            duration_ms=(now - part.updated_at) / timedelta(milliseconds=1),
            error_code="lost",
            error_message="The worker did not come back before its lease ended.",
        )
        state = State.FAILED if dead else State.RETRY_SCHEDULED
        return Outcome(work=part, state=state, wait=None if dead else timedelta(0), attempt=attempt)


def _moved(outcome: Outcome, now: datetime) -> Move:
    failed = outcome.attempt.status in {AttemptStatus.FAILED, AttemptStatus.LOST}
    due = None
    if outcome.state not in ROADS[outcome.work.kind].ends:
        due = microseconds(now + (outcome.wait or timedelta(0)))
    return outcome.work.id, outcome.state.value, outcome.work.failures + failed, due
