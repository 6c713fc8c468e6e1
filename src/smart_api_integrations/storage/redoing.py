"""Making work due again that is over, and work for the first time that was never made. Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, func, select, union_all

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import Message, Work
from smart_api_integrations.core.lifecycle import ROADS, Kind, State
from smart_api_integrations.core.replay import Candidate
from smart_api_integrations.storage.column_types import Moment
from smart_api_integrations.storage.directory import Directory
from smart_api_integrations.storage.lines import Joining, Lines
from smart_api_integrations.storage.message_rows import message_from
from smart_api_integrations.storage.messages import subscribers_of
from smart_api_integrations.storage.rerouting import Rerouting
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import events, messages, work
from smart_api_integrations.storage.work_rows import PREFIXES, NewWork, new_work, work_from, work_row

_due_again = (
    work.update()
    .where(work.c.id == bindparam("work_id"))
    .values(
        state=bindparam("fresh"),
        failures=0,
        due_at=bindparam("now", type_=Moment),
        updated_at=bindparam("now", type_=Moment),
        in_line=bindparam("line"),
    )
)


class Redoing:
    """The operations behind every replay, to be run in the writing lane."""

    def __init__(self, store: Store, directory: Directory, lines: Lines) -> None:
        """Work on *store*, with the endpoints that *directory* knows, in *lines* where there is an order."""
        self._store = store
        self._directory = directory
        self._lines = lines
        self._rerouting = Rerouting(store, lines)
        among = store.dialect.among
        self._lock_work = select(work).where(among(work.c.id, "ids")).order_by(work.c.id).with_for_update()
        self._read_expunged = union_all(
            select(events.c.id).where(among(events.c.id, "ids"), func.length(events.c.headers) == 0),
            select(messages.c.id).where(among(messages.c.id, "ids"), func.length(messages.c.body) == 0),
        )
        self._read_messages = select(messages).where(among(messages.c.id, "ids"))
        self._read_known = select(work.c.subject_id, work.c.target).where(among(work.c.subject_id, "ids"))

    def again(
        self, connection: Connection, ids: Sequence[str], *, wants: Callable[[State], bool]
    ) -> list[Work]:
        """Make due what of *ids* is over in a state that is wanted, its schedule from the beginning."""
        locked = [work_from(row) for row in connection.execute(self._lock_work, {"ids": sorted(ids)})]
        gone = set(
            connection.scalars(self._read_expunged, {"ids": sorted({part.subject_id for part in locked})})
        )
        over = [
            part
            for part in locked
            if part.state in ROADS[part.kind].ends and wants(part.state) and part.subject_id not in gone
        ]
        if not over:
            return []
        orders = ((part.target, part.ordering_key) for part in over)
        joining = self._lines.joining(
            connection, [(target, key) for target, key in orders if key is not None]
        )
        now = self._store.now()
        due = [
            replace(
                part,
                state=ROADS[part.kind].fresh,
                failures=0,
                due_at=now,
                updated_at=now,
                in_line=joining.join(part.target, part.ordering_key),
            )
            for part in over
        ]
        connection.execute(
            _due_again,
            [
                {
                    "work_id": part.id,
                    "fresh": part.state.value,
                    "now": now,
                    "line": 1 if part.in_line else None,
                }
                for part in due
            ],
        )
        self._store.dialect.announce(connection)
        return due

    def make_missing(self, connection: Connection, candidates: Sequence[Candidate]) -> list[Work]:
        """Make the work of *candidates* that there is none of, due at once."""
        wanted = {
            (each.subject_id, each.target): (each.tenant, each.handling)
            for each in candidates
            if each.handling is not None
        }
        if wanted:
            return self._rerouting.make(connection, wanted, now=self._store.now())
        return self._missing_deliveries(connection, candidates)

    def _missing_deliveries(self, connection: Connection, candidates: Sequence[Candidate]) -> list[Work]:
        self._directory.refresh(connection)
        ids = sorted({each.subject_id for each in candidates})
        if not ids:
            return []
        # Of two jobs at once one makes a delivery, the other sees it.
        self._store.dialect.lock_lines(connection, [(message_id, "deliveries") for message_id in ids])
        known = {(row.subject_id, row.target) for row in connection.execute(self._read_known, {"ids": ids})}
        rows = connection.execute(self._read_messages, {"ids": ids})
        those = {row.id: message_from(row) for row in rows}
        pairs = [
            (message, endpoint)
            for each in candidates
            if (message := those.get(each.subject_id)) is not None
            and (each.subject_id, each.target) not in known
            for endpoint in subscribers_of(self._directory, message)
            if endpoint.id == each.target
        ]
        orders = ((endpoint.id, message.ordering_key) for message, endpoint in pairs)
        joining = self._lines.joining(connection, [(name, key) for name, key in orders if key is not None])
        made = [self._delivery(message, endpoint, joining) for message, endpoint in pairs]
        self._store.dialect.write_rows(connection, work, [work_row(part, owner=None) for part in made])
        if made:
            self._store.dialect.announce(connection)
        return made

    def _delivery(self, message: Message, endpoint: Endpoint, joining: Joining) -> Work:
        return new_work(
            NewWork(
                tenant=message.tenant,
                kind=Kind.DELIVERY,
                subject_id=message.id,
                target=endpoint.id,
                max_attempts=endpoint.schedule.attempts,
                ordering_key=message.ordering_key,
                deliver_at=message.deliver_at,
                in_line=joining.join(endpoint.id, message.ordering_key),
            ),
            work_id=self._store.new_id(PREFIXES[Kind.DELIVERY]),
            now=self._store.now(),
            handoff=None,
        )
