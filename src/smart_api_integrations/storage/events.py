"""Received events: keeping them once, listing them, finding them. Floor 3."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select, union_all

from smart_api_integrations.core.journal import (
    Accepted,
    Claim,
    EventSummary,
    Handoff,
    NewHandling,
    ReceivedEvent,
    Rejection,
    Resumed,
    Trace,
    TrafficPoint,
    Work,
)
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.source_traffic import SourceTraffic
from smart_api_integrations.storage.bulk import Row
from smart_api_integrations.storage.claiming import Claiming
from smart_api_integrations.storage.column_types import OutsideText
from smart_api_integrations.storage.counters import (
    KEPT_FOR,
    source_counts,
    traffic_counts,
    traffic_points,
    whole_minutes,
)
from smart_api_integrations.storage.directory import Directory
from smart_api_integrations.storage.event_keys import earlier_events
from smart_api_integrations.storage.event_rows import event_row
from smart_api_integrations.storage.issues import IssueCounting
from smart_api_integrations.storage.lines import Joining, Lines
from smart_api_integrations.storage.rejections import log_all, read_rejection, rejection_page
from smart_api_integrations.storage.resuming import Resuming
from smart_api_integrations.storage.source_counts import SourceCounting
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import (
    delivery_attempts,
    events,
    handling_attempts,
    messages,
    rejections,
    webhooks,
    work,
)
from smart_api_integrations.storage.tallies import type_counts
from smart_api_integrations.storage.traces import event_trace
from smart_api_integrations.storage.troubled_events import troubled_events
from smart_api_integrations.storage.work_rows import PREFIXES, NewWork, new_work, work_row

Entry = tuple[ReceivedEvent, Sequence[NewHandling]]
Call = tuple[ReceivedEvent, Sequence[NewHandling], Handoff | None]

_count_duplicates = (
    events.update()
    .where(events.c.id == bindparam("first"))
    .values(duplicates=events.c.duplicates + bindparam("times"))
)
_SUMMARY = [
    events.c[name]
    for name in (
        *("id", "provider", "webhook_name", "event_type", "action", "event_id"),
        *("size", "duplicates", "received_at"),
    )
]
_WITH_IDS = (events, messages, work, delivery_attempts, handling_attempts, rejections, webhooks)
_find_ours = union_all(
    *(select(table.c.id).where(table.c.id == bindparam("text", type_=OutsideText)) for table in _WITH_IDS)
)


class Events:
    """Keeps ``storage.protocols.EventStore``."""

    def __init__(
        self,
        store: Store,
        claiming: Claiming,
        lines: Lines,
        directory: Directory,
        *,
        issues: IssueCounting,
        sources: SourceCounting,
    ) -> None:
        """Work on *store*; *claiming* takes back what a cancelled caller was given; *lines* keep orders.

        *issues* gathers rejections by their cause, *sources* counts what came of each source.
        *directory* knows which handlers are paused. It is not refreshed here: whoever offers to take work
        also claims, and every claim refreshes it.
        """
        self._store = store
        self._directory = directory
        self._lines = lines
        self._claiming = claiming
        self._resuming = Resuming(store)
        self._log_all = partial(log_all, store, (issues, sources))
        self._sources = sources

    async def accept(
        self, event: ReceivedEvent, handlings: Sequence[NewHandling], *, handoff: Handoff | None = None
    ) -> Accepted:
        """See ``EventStore.accept``."""
        if handoff is None or not handlings:
            return await self._store.write(self._accept_all, (event, handlings, None))
        return await self._store.lease(
            self._accept_all,
            (event, handlings, handoff),
            claims=lambda accepted: accepted.claims,
            give_back=self._claiming.give_back,
        )

    async def resume(
        self, event: ReceivedEvent, handlings: Sequence[NewHandling], *, handoff: Handoff
    ) -> Resumed:
        """See ``EventStore.resume``."""
        return await self._store.lease(
            self._resuming.resume_all,
            (event, handlings, handoff),
            claims=lambda resumed: resumed.claims,
            give_back=self._claiming.give_back,
        )

    async def accept_all(
        self, entries: Sequence[Entry], *, handoff: Handoff | None = None
    ) -> Sequence[Accepted]:
        """See ``EventStore.accept_all``."""
        calls = [(event, handlings, handoff) for event, handlings in entries]
        return await self._store.lease(
            self._accept_together,
            calls,
            claims=lambda outcomes: [claim for accepted in outcomes for claim in accepted.claims],
            give_back=self._claiming.give_back,
        )

    async def summaries(
        self,
        *,
        limit: int = 50,
        before: str | None = None,
        provider: str | None = None,
        event_type: str | None = None,
        states: Collection[State] = (),
    ) -> Sequence[EventSummary]:
        """See ``EventStore.summaries``."""
        return await self._store.read(self._summaries, (limit, before, provider, event_type, tuple(states)))

    async def trace(self, event_id: str) -> Trace | None:
        """See ``EventStore.trace``."""
        return await self._store.read(partial(event_trace, self._store), event_id)

    async def find(self, text: str) -> str | None:
        """See ``EventStore.find``."""
        return await self._store.read(self._find, text)

    async def log_rejections(self, rejections: Sequence[Rejection]) -> None:
        """See ``EventStore.log_rejections``."""
        await self._store.write(self._log_all, rejections)

    async def rejections(self, *, limit: int = 50, before: str | None = None) -> Sequence[Rejection]:
        """See ``EventStore.rejections``."""
        return await self._store.read(rejection_page, (limit, before))

    async def rejection(self, rejection_id: str) -> Rejection | None:
        """See ``EventStore.rejection``."""
        return await self._store.read(read_rejection, rejection_id)

    async def traffic(self, *, since: timedelta, step: timedelta) -> Sequence[TrafficPoint]:
        """See ``EventStore.traffic``.

        Raises:
            InvalidInput: *step* is not a positive whole number of minutes.
        """
        whole_minutes(step)
        return await self._store.read(partial(traffic_points, self._store), (since, step))

    async def source_traffic(self, *, since: timedelta, step: timedelta) -> Mapping[str, SourceTraffic]:
        """See ``EventStore.source_traffic``; raises as ``traffic``."""
        whole_minutes(step)
        return await self._store.read(partial(source_counts, self._store), (since, step))

    def _accept_together(
        self, connection: Connection, batches: Sequence[Sequence[Call]]
    ) -> list[Sequence[Accepted]]:
        """Accept batch by batch: the keys of one alone may be near the most values of a statement."""
        return [self._accept_all(connection, batch) for batch in batches]

    def _accept_all(self, connection: Connection, calls: Sequence[Call]) -> list[Accepted]:
        """Insert the events that are new with their handlings; count the others."""
        now = self._store.now()
        earlier = earlier_events(self._store, connection, [event for event, _, _ in calls], now=now)
        joining = self._lines.joining(
            connection,
            (
                (part.handler, part.ordering_key)
                for (_, handlings, _), first in zip(calls, earlier, strict=True)
                for part in handlings
                if first is None and part.ordering_key is not None
            ),
        )
        self._see_endpoints(connection, calls)
        taken = _TakenIn()
        for (event, handlings, handoff), first in zip(calls, earlier, strict=True):
            if first is not None:
                taken.repeat(event, first)
                continue
            made = self._handlings(event, handlings, handoff, joining=joining, now=now)
            taken.new(event, made, owner=handoff.owner if handoff else None)
        write_rows = self._store.dialect.write_rows
        write_rows(connection, events, [event_row(event) for event in taken.events])
        write_rows(connection, work, taken.handlings)
        again = [{"first": first, "times": times} for first, times in sorted(taken.repeats.items())]
        if again:
            connection.execute(_count_duplicates, again)
        counts = [
            traffic_counts(self._store, taken.passed, now=now),
            type_counts(self._store, taken.events, now=now),
            self._sources.of_events(taken.counted, now=now),
        ]
        self._store.dialect.add_counts(connection, counts)
        if taken.due:
            self._store.dialect.announce(connection)
        return taken.results

    def _see_endpoints(self, connection: Connection, calls: Sequence[Call]) -> None:
        """Read which endpoints there are, where it depends on them whether a handling is kept."""
        if any(part.publishes for _, handlings, _ in calls for part in handlings):
            self._directory.refresh(connection)

    def _handlings(
        self,
        event: ReceivedEvent,
        handlings: Sequence[NewHandling],
        handoff: Handoff | None,
        *,
        joining: Joining,
        now: datetime,
    ) -> list[Work]:
        """Return the handlings of an event, those that *handoff* takes leased to it."""
        return [
            new_work(
                NewWork(
                    tenant=event.tenant,
                    kind=Kind.HANDLING,
                    subject_id=event.id,
                    target=handling.handler,
                    max_attempts=handling.max_attempts,
                    ordering_key=handling.ordering_key,
                    in_line=joining.join(handling.handler, handling.ordering_key),
                ),
                work_id=self._store.new_id(PREFIXES[Kind.HANDLING]),
                now=now,
                handoff=None if self._directory.gates_before(handling.handler) else handoff,
            )
            for handling in handlings
            if not handling.publishes or self._directory.is_wanted(event.tenant, handling.publishes)
        ]

    def _summaries(
        self, connection: Connection, asked: tuple[int, str | None, str | None, str | None, tuple[State, ...]]
    ) -> list[EventSummary]:
        """Read a page of events without their bodies, then where the work of that page stands."""
        limit, before, provider, event_type, wanted = asked
        providers: Sequence[str | None] = [provider]
        if provider is None and event_type is not None:
            # An index by type alone would cost every event; one page of each provider costs a reader.
            providers = _providers(connection)
        rows: list[Any] = []
        for one in providers:
            statement = _page(limit, before, one, event_type)
            if wanted:
                statement = statement.where(events.c.id.in_(troubled_events(wanted)))
            rows.extend(connection.execute(statement))
        rows = sorted(rows, key=lambda row: str(row.id), reverse=True)[:limit]
        states = self._states(connection, [row.id for row in rows])
        return [
            EventSummary(
                **row._asdict(),
                handlings=tuple(states[row.id, Kind.HANDLING]),
                deliveries=tuple(states[row.id, Kind.DELIVERY]),
            )
            for row in rows
        ]

    def _states(
        self, connection: Connection, event_ids: Sequence[str]
    ) -> dict[tuple[str, Kind], list[State]]:
        """Read the states of the handlings of some events, and of the deliveries that they caused."""
        states: dict[tuple[str, Kind], list[State]] = defaultdict(list)
        if not event_ids:
            return states
        among = self._store.dialect.among
        caused = select(messages.c.id, messages.c.event_id).where(among(messages.c.event_id, "ids"))
        found = connection.execute(caused, {"ids": event_ids})
        roots = {row.id: row.event_id for row in found}
        roots.update((event_id, event_id) for event_id in event_ids)
        statement = (
            select(work.c.subject_id, work.c.kind, work.c.state)
            .where(among(work.c.subject_id, "ids"))
            .order_by(work.c.id)
        )
        for subject_id, kind, state in connection.execute(statement, {"ids": list(roots)}):
            states[roots[subject_id], Kind(kind)].append(State(state))
        return states

    def _find(self, connection: Connection, text: str) -> str | None:
        """Look an id up in every table of ours, then among the providers' own."""
        found: str | None = connection.execute(_find_ours, {"text": text}).scalars().first()
        return found or self._store.dialect.find_provider_id(connection, text)


@dataclass(slots=True)
class _TakenIn:
    """What a group of events leads to, while it is gathered.

    Attributes:
        due: Whether some of its work is left to whoever claims it.
        counted: Each event with the status that it is counted under.
    """

    events: list[ReceivedEvent] = field(default_factory=list)
    handlings: list[Row] = field(default_factory=list)
    repeats: Counter[str] = field(default_factory=Counter)
    passed: Counter[tuple[str, str]] = field(default_factory=Counter)
    counted: list[tuple[ReceivedEvent, str]] = field(default_factory=list)
    results: list[Accepted] = field(default_factory=list)
    due: bool = False

    def repeat(self, event: ReceivedEvent, first: str) -> None:
        """Note that *event* is known as *first*; the very same one, kept again, is no repeat."""
        self.results.append(Accepted(event_id=first, duplicate=True))
        if first != event.id:
            self.repeats[first] += 1
            self.passed[event.tenant, "duplicate"] += 1
            self.counted.append((event, "duplicate"))

    def new(self, event: ReceivedEvent, made: Sequence[Work], *, owner: str | None) -> None:
        """Note a new event with its handlings; *owner* has those that are leased."""
        self.events.append(event)
        self.passed[event.tenant, "accepted"] += 1
        self.passed[event.tenant, f"{KEPT_FOR}{event.provider}:{event.webhook_name}"] += 1
        self.counted.append((event, "received" if made else "no_handler"))
        self.handlings.extend(work_row(part, owner=owner) for part in made)
        claims = tuple(Claim(work=part, event=event) for part in made if part.leased_until)
        self.due = self.due or len(claims) < len(made)
        self.results.append(Accepted(event_id=event.id, claims=claims))


def _page(limit: int, before: str | None, provider: str | None, event_type: str | None) -> Select[Any]:
    """Return the query of a page of events without their bodies, newest first."""
    statement = select(*_SUMMARY).order_by(events.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(events.c.id < before)
    if provider is not None:
        statement = statement.where(events.c.provider == provider)
    if event_type is not None:
        statement = statement.where(events.c.event_type == event_type)
    return statement


def _providers(connection: Connection) -> list[str]:
    """Read which providers there are, hopping along the index from one to the next."""
    found: list[str] = []
    while True:
        after = events.c.provider > (found[-1] if found else "")
        following = connection.scalar(select(func.min(events.c.provider)).where(after))
        if following is None:
            return found
        found.append(following)
