"""Keeping the handlings that other handlings led to, because a middleware renamed their event. Floor 3.

Rules:

1. An event has one handling of a handler, however many outcomes bring it in and however often they are
   tried again or replayed. The events' rows are locked before it is looked, as in ``resuming``.
2. They are due at once, and wait in line where they have an ordering key that is occupied.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from smart_api_integrations.core.journal import NewHandling, Outcome, Work
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.storage.lines import Joining, Lines
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import events, work
from smart_api_integrations.storage.work_rows import PREFIXES, NewWork, new_work, work_row

Wanted = dict[tuple[str, str], tuple[str, NewHandling]]
"""A tenant and a handling, by the event's id and the handler's name."""


class Rerouting:
    """The operation behind ``Outcome.handlings``, to be run in the writing lane."""

    def __init__(self, store: Store, lines: Lines) -> None:
        """Work on *store*; *lines* keep the orders that new handlings join."""
        self._store = store
        self._lines = lines
        among = store.dialect.among
        self._lock_events = (
            select(events.c.id).where(among(events.c.id, "ids")).order_by(events.c.id).with_for_update()
        )
        self._read_known = select(work.c.subject_id, work.c.target).where(among(work.c.subject_id, "ids"))

    def keep(self, connection: Connection, outcomes: Sequence[Outcome], *, now: datetime) -> None:
        """Insert those handlings of *outcomes* whose event has none of their handler."""
        wanted: Wanted = {}
        for outcome in outcomes:
            for handling in outcome.handlings:
                key = outcome.work.subject_id, handling.handler
                wanted.setdefault(key, (outcome.work.tenant, handling))
        if wanted:
            self.make(connection, wanted, now=now)

    def make(self, connection: Connection, wanted: Wanted, *, now: datetime) -> list[Work]:
        """Insert those of *wanted* whose event is kept and has none of their handler, and return them."""
        ids = sorted({event_id for event_id, _ in wanted})
        here = set(connection.scalars(self._lock_events, {"ids": ids}))
        known = {(row.subject_id, row.target) for row in connection.execute(self._read_known, {"ids": ids})}
        missing = {key: each for key, each in wanted.items() if key[0] in here and key not in known}
        return self._insert(connection, missing, now) if missing else []

    def _insert(self, connection: Connection, wanted: Wanted, now: datetime) -> list[Work]:
        orders = ((each.handler, each.ordering_key) for _, each in wanted.values())
        joining = self._lines.joining(connection, [(name, key) for name, key in orders if key is not None])
        new = [
            new_work(
                _new(event_id, tenant, handling, joining),
                work_id=self._store.new_id(PREFIXES[Kind.HANDLING]),
                now=now,
                handoff=None,
            )
            for (event_id, _), (tenant, handling) in wanted.items()
        ]
        self._store.dialect.write_rows(connection, work, [work_row(part, owner=None) for part in new])
        self._store.dialect.announce(connection)
        return new


def _new(event_id: str, tenant: str, handling: NewHandling, joining: Joining) -> NewWork:
    return NewWork(
        tenant=tenant,
        kind=Kind.HANDLING,
        subject_id=event_id,
        target=handling.handler,
        max_attempts=handling.max_attempts,
        ordering_key=handling.ordering_key,
        in_line=joining.join(handling.handler, handling.ordering_key),
    )
