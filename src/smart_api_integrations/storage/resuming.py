"""Taking up what an inline webhook did not complete, when its provider sends the event again. Floor 3.

Rules:

1. The event's row is locked first: of several repeats at once one gets the work, the others see it running.
2. A handling that ended well is never run again, one that waits is the worker's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from smart_api_integrations.core.journal import Claim, Handoff, NewHandling, ReceivedEvent, Resumed, Work
from smart_api_integrations.core.lifecycle import ROADS, Kind, State
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import events, work
from smart_api_integrations.storage.work_rows import PREFIXES, NewWork, new_work, work_from, work_row

Call = tuple[ReceivedEvent, Sequence[NewHandling], Handoff]

_RUNNING = ROADS[Kind.HANDLING].running
_lock_event = select(events.c.id).where(events.c.id == bindparam("event_id")).with_for_update()
_handlings = select(work).where(work.c.subject_id == bindparam("event_id"))
_lease = (
    work.update()
    .where(work.c.id == bindparam("work_id"))
    .values(
        state=_RUNNING.value,
        attempt_count=work.c.attempt_count + 1,
        failures=0,
        fence=work.c.fence + 1,
        due_at=None,
        leased_until=bindparam("until"),
        lease_owner=bindparam("owner"),
        updated_at=bindparam("now"),
    )
)


class Resuming:
    """The operation behind ``EventStore.resume``, to be run in the writing lane."""

    def __init__(self, store: Store) -> None:
        """Work on *store*."""
        self._store = store

    def resume_all(self, connection: Connection, calls: Sequence[Call]) -> list[Resumed]:
        """Serve several calls in turn."""
        return [self._resume(connection, *call) for call in calls]

    def _resume(
        self,
        connection: Connection,
        event: ReceivedEvent,
        handlings: Sequence[NewHandling],
        handoff: Handoff,
    ) -> Resumed:
        """Lease the dead and the missing ones of *handlings*; see whether another one runs."""
        now = self._store.now()
        connection.execute(_lock_event, {"event_id": event.id})
        known = {row.target: work_from(row) for row in connection.execute(_handlings, {"event_id": event.id})}
        taken = [
            part
            for handling in handlings
            if (part := self._taken(event, handling, known.get(handling.handler), handoff)) is not None
        ]
        self._write(connection, taken, handoff, now)
        running = any(known[each.handler].state is _RUNNING for each in handlings if each.handler in known)
        return Resumed(claims=tuple(Claim(work=part, event=event) for part in taken), running=running)

    def _taken(
        self,
        event: ReceivedEvent,
        handling: NewHandling,
        before: Work | None,
        handoff: Handoff,
    ) -> Work | None:
        """Return the handling as it is once *handoff* has it, or None where it is not to be had."""
        now = self._store.now()
        if before is None:
            new = NewWork(
                tenant=event.tenant,
                kind=Kind.HANDLING,
                subject_id=event.id,
                target=handling.handler,
                max_attempts=handling.max_attempts,
                ordering_key=None,
                in_line=False,
            )
            work_id = self._store.new_id(PREFIXES[Kind.HANDLING])
            return new_work(new, work_id=work_id, now=now, handoff=handoff)
        if before.state is not State.FAILED:
            return None
        return replace(
            before,
            state=_RUNNING,
            attempt_count=before.attempt_count + 1,
            failures=0,
            fence=before.fence + 1,
            leased_until=now + handoff.lease,
            updated_at=now,
        )

    def _write(self, connection: Connection, taken: Sequence[Work], handoff: Handoff, now: datetime) -> None:
        new = [work_row(part, owner=handoff.owner) for part in taken if part.fence == 1]
        self._store.dialect.write_rows(connection, work, new)
        again = [
            {"work_id": part.id, "until": part.leased_until, "owner": handoff.owner, "now": now}
            for part in taken
            if part.fence > 1
        ]
        if again:
            connection.execute(_lease, again)
