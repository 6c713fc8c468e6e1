"""Finding what a replay job is to do: a bounded stretch of ids at a time, read without a lock. Floor 3.

A stretch is looked through whole, whatever the filter lets through, so that a page costs the same however
rare its finds are; what a filter wants is decided by the filter itself, in one place for every engine.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, null, select

from smart_api_integrations.core.journal import Message
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.replay import Candidate, Mode, ReplayFilter, ReplayPage
from smart_api_integrations.core.ulids import behind_ids, first_id
from smart_api_integrations.storage.directory import Directory
from smart_api_integrations.storage.event_rows import event_from
from smart_api_integrations.storage.message_rows import message_from
from smart_api_integrations.storage.messages import subscribers_of
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import DEAD, IS_DELIVERY, events, messages, work
from smart_api_integrations.storage.work_rows import PREFIXES

STRETCH = 1000
WHOLE_AT_ONCE = 100
"""How many subjects are read with their bodies for one page."""

# Of either subject under the same names; what one has not is NULL.
_OF_EVENTS: Sequence[ColumnElement[Any]] = (
    events.c.event_type.label("event_type"),
    events.c.action.label("action"),
    events.c.provider.label("provider"),
    func.length(events.c.headers).label("payload"),
)
_OF_MESSAGES: Sequence[ColumnElement[Any]] = (
    messages.c.event.label("event_type"),
    null().label("action"),
    null().label("provider"),
    func.length(messages.c.body).label("payload"),
)


@dataclass(frozen=True, slots=True)
class Question:
    """A filter, the id to begin behind, and how much is wanted."""

    wanted: ReplayFilter
    after: str
    limit: int


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The rows of a stretch that fit, and how far it went."""

    rows: Sequence[Any]
    cursor: str
    is_last: bool


class Pages:
    """Reads pages, in whichever reading lane."""

    def __init__(self, store: Store) -> None:
        """Work on *store*, with a directory of its own: the writer's is for the writing lane alone."""
        self._directory = Directory(store.cipher, store.broker)
        self._using = threading.Lock()
        self._store = store
        among = store.dialect.among
        self._read_events = select(events).where(among(events.c.id, "ids")).order_by(events.c.id)
        self._read_messages = select(messages).where(among(messages.c.id, "ids")).order_by(messages.c.id)
        self._read_known = select(work.c.subject_id, work.c.target).where(among(work.c.subject_id, "ids"))

    def read(self, connection: Connection, asked: Question) -> ReplayPage:
        """Return the next page behind an id."""
        if asked.wanted.mode is not Mode.MISSING:
            return self._again(connection, asked)
        if asked.wanted.kind is Kind.HANDLING:
            return self._missing_handlings(connection, asked)
        return self._missing_deliveries(connection, asked)

    def _again(self, connection: Connection, asked: Question) -> ReplayPage:
        """Return work that is over and fits."""
        wanted = asked.wanted
        here: Collection[str] | None = None
        if wanted.kind is Kind.DELIVERY:
            with self._using:
                self._directory.refresh(connection)
                here = self._directory.ids

        def fits(row: Any) -> bool:
            return (
                wanted.wants_state(State(row.state))
                and wanted.wants_target(row.target)
                and (here is None or row.target in here)
                and _fits_subject(wanted, row)
            )

        found = _stretch(connection, _work_query(asked), asked, fits)
        candidates = [
            Candidate(
                work_id=row.id,
                subject_id=row.subject_id,
                tenant=row.tenant,
                target=row.target,
                event_type=row.event_type,
                created_at=row.created_at,
            )
            for row in found.rows
        ]
        return ReplayPage(cursor=found.cursor, is_last=found.is_last, candidates=candidates)

    def _missing_handlings(self, connection: Connection, asked: Question) -> ReplayPage:
        """Return events that fit, whole, with the handlers that they have a handling of."""
        facts = select(events.c.id, events.c.tenant, events.c.received_at.label("created_at"), *_OF_EVENTS)
        query = _within(facts, events.c.id, "evt_", asked)
        found = _subjects(connection, query, asked)
        ids = {"ids": [row.id for row in found.rows]}
        received = (
            [event_from(row) for row in connection.execute(self._read_events, ids)] if ids["ids"] else []
        )
        known = self._known(connection, [event.id for event in received])
        return ReplayPage(
            cursor=found.cursor,
            is_last=found.is_last,
            events=received,
            known={event.id: frozenset(known[event.id]) for event in received},
        )

    def _missing_deliveries(self, connection: Connection, asked: Question) -> ReplayPage:
        """Return the endpoints that would get a message today and did not."""
        facts = select(messages.c.id, messages.c.tenant, messages.c.created_at, *_OF_MESSAGES)
        query = _within(facts, messages.c.id, "msg_", asked)
        found = _subjects(connection, query, asked)
        ids = [row.id for row in found.rows]
        rows = connection.execute(self._read_messages, {"ids": ids}) if ids else ()
        those = [message_from(row) for row in rows]
        known = self._known(connection, ids)
        now = self._store.now()
        with self._using:
            self._directory.refresh(connection)
            candidates = [
                _delivery_of(message, endpoint.id)
                for message in those
                if message.expires_at is None or message.expires_at > now
                for endpoint in subscribers_of(self._directory, message)
                if endpoint.id not in known[message.id] and asked.wanted.wants_target(endpoint.id)
            ]
        return ReplayPage(cursor=found.cursor, is_last=found.is_last, candidates=candidates)

    def _known(self, connection: Connection, subjects: Sequence[str]) -> Mapping[str, set[str]]:
        known: dict[str, set[str]] = defaultdict(set)
        if subjects:
            for row in connection.execute(self._read_known, {"ids": list(subjects)}):
                known[row.subject_id].add(row.target)
        return known


def _work_query(asked: Question) -> Select[Any]:
    """Return the query of work with what its filter looks at, along an index."""
    wanted = asked.wanted
    is_handling = wanted.kind is Kind.HANDLING
    subjects, facts = (events, _OF_EVENTS) if is_handling else (messages, _OF_MESSAGES)
    columns = (work.c.id, work.c.tenant, work.c.subject_id, work.c.target, work.c.state, work.c.created_at)
    query = select(*columns, *facts).select_from(work.outerjoin(subjects, subjects.c.id == work.c.subject_id))
    if wanted.mode is Mode.FAILED:
        query = query.where(DEAD)
    elif not is_handling and wanted.target is not None:
        query = query.where(IS_DELIVERY, work.c.target == wanted.target)
    return _within(query, work.c.id, PREFIXES[wanted.kind], asked)


def _within(query: Select[Any], column: ColumnElement[str], prefix: str, asked: Question) -> Select[Any]:
    """Return *query* over the ids behind the last that may lie in the filter's span of time."""
    begin = max(asked.after, first_id(prefix, asked.wanted.since))
    end = behind_ids(prefix, asked.wanted.until)
    return query.where(column > begin, column < end).order_by(column).limit(STRETCH)


def _subjects(connection: Connection, query: Select[Any], asked: Question) -> _Stretch:
    """Look for events or messages, of which few are read whole at once."""
    fewer = replace(asked, limit=min(asked.limit, WHOLE_AT_ONCE))
    return _stretch(connection, query, fewer, lambda row: _fits_subject(asked.wanted, row))


def _stretch(
    connection: Connection, query: Select[Any], asked: Question, fits: Callable[[Any], bool]
) -> _Stretch:
    """Look through a stretch for as many rows that fit as are wanted."""
    rows = connection.execute(query).all()
    taken: list[Any] = []
    for row in rows:
        if fits(row):
            taken.append(row)
            if len(taken) >= asked.limit:
                break
    if taken and len(taken) >= asked.limit and taken[-1] is not rows[-1]:
        return _Stretch(taken, taken[-1].id, is_last=False)
    return _Stretch(taken, rows[-1].id if rows else asked.after, is_last=len(rows) < STRETCH)


def _fits_subject(wanted: ReplayFilter, row: Any) -> bool:
    """Tell whether what the work is about fits, and its payload is still there."""
    return (
        bool(row.payload)
        and wanted.wants_subject(row.tenant, row.created_at)
        and wanted.provider in (None, row.provider)
        and wanted.wants_type(row.event_type, row.action)
    )


def _delivery_of(message: Message, endpoint_id: str) -> Candidate:
    return Candidate(
        work_id=None,
        subject_id=message.id,
        tenant=message.tenant,
        target=endpoint_id,
        event_type=message.event,
        created_at=message.created_at,
    )
