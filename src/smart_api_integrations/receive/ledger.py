"""What became of inline events: in the journal, or where there is none in this process's memory. Floor 4.

The promise of both: an event whose handling did not complete is handled again when its provider sends it
again, under the same id; one that completed is not. In memory that holds for one process and its life.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from smart_api_integrations.core.intake import Intake
from smart_api_integrations.core.journal import (
    Accepted,
    Claim,
    Handoff,
    Message,
    NewHandling,
    Outcome,
    ReceivedEvent,
    Recorded,
    Resumed,
    Work,
)
from smart_api_integrations.core.lifecycle import ROADS, Kind, State
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.storage.protocols import Journal

REMEMBERED = 10_000
WINDOW = timedelta(days=7)
_RUNNING = ROADS[Kind.HANDLING].running


class Ledger(Protocol):
    """Keeps events and handlings; the words and promises are those of ``storage.protocols``."""

    async def accept(
        self, event: ReceivedEvent, handlings: Sequence[NewHandling], *, handoff: Handoff
    ) -> Accepted:
        """See ``EventStore.accept``."""

    async def resume(
        self, event: ReceivedEvent, handlings: Sequence[NewHandling], *, handoff: Handoff
    ) -> Resumed:
        """See ``EventStore.resume``."""

    async def record(self, outcome: Outcome) -> Recorded:
        """See ``WorkStore.record``."""


class JournalLedger:
    """The ledger of a platform: its journal."""

    def __init__(
        self, journal: Journal, *, intake: Intake, on_published: Callable[[Sequence[Message]], None]
    ) -> None:
        """Keep everything in *journal*; *intake* and *on_published* learn of what handlers publish."""
        self.accept = journal.events.accept
        self.resume = journal.events.resume
        self._work = journal.work
        self._intake = intake
        self._on_published = on_published

    async def record(self, outcome: Outcome) -> Recorded:
        """Record *outcome*, and begin with the deliveries that it led to."""
        recorded = await self._work.record(
            outcome, handoff=self._intake.offer() if outcome.messages else None
        )
        for published in recorded.published:
            self._intake.take(published.claims)
        if outcome.messages and not recorded.stale:
            self._on_published(outcome.messages)
        return recorded


@dataclass(slots=True, kw_only=True)
class _Remembered:
    """An event of which only the states of its handlings are kept, by handler."""

    event_id: str
    at: datetime
    keys: tuple[bytes, ...]
    works: dict[str, Work] = field(default_factory=dict)


class MemoryLedger:
    """The ledger of an application without a store: the newest events, in this process. Thread-safe.

    Bodies are not kept. What a handler's result would publish cannot be kept either, and is refused.
    """

    def __init__(self, *, new_id: Callable[[str], str], now: Callable[[], datetime]) -> None:
        """Begin empty."""
        self._new_id = new_id
        self._now = now
        self._events: OrderedDict[str, _Remembered] = OrderedDict()
        self._by_key: dict[bytes, str] = {}
        self._lock = threading.Lock()

    async def accept(
        self, event: ReceivedEvent, handlings: Sequence[NewHandling], *, handoff: Handoff
    ) -> Accepted:
        """Remember *event*, unless one of its keys is known."""
        with self._lock:
            self._forget_old()
            known = next((self._by_key[key] for key in event.dedupe_keys if key in self._by_key), None)
            if known is not None:
                return Accepted(event_id=known, duplicate=True)
            entry = _Remembered(event_id=event.id, at=self._now(), keys=event.dedupe_keys)
            self._events[event.id] = entry
            self._by_key.update(dict.fromkeys(event.dedupe_keys, event.id))
            return Accepted(event_id=event.id, claims=self._taken(entry, event, handlings, handoff))

    async def resume(
        self, event: ReceivedEvent, handlings: Sequence[NewHandling], *, handoff: Handoff
    ) -> Resumed:
        """Take what failed or is new; an event that was forgotten meanwhile is new altogether."""
        with self._lock:
            entry = self._events.setdefault(
                event.id, _Remembered(event_id=event.id, at=self._now(), keys=event.dedupe_keys)
            )
            known = [entry.works[each.handler] for each in handlings if each.handler in entry.works]
            claims = self._taken(entry, event, handlings, handoff)
            return Resumed(claims=claims, running=any(self._runs(part) for part in known))

    async def record(self, outcome: Outcome) -> Recorded:
        """Remember how a handling ended.

        Raises:
            ConfigurationError: Its handler publishes messages.
        """
        if outcome.messages:
            message = (
                f"The handler {outcome.work.target} returned `events` to publish, and there is no store to "
                "keep them: give one, as in Webhooks(database_url='sqlite:///webhooks.db').init_app(app)."
            )
            raise ConfigurationError(message)
        with self._lock:
            entry = self._events.get(outcome.work.subject_id)
            if entry is not None:
                entry.works[outcome.work.target] = replace(outcome.work, state=outcome.state)
        return Recorded()

    def _taken(
        self,
        entry: _Remembered,
        event: ReceivedEvent,
        handlings: Sequence[NewHandling],
        handoff: Handoff,
    ) -> tuple[Claim, ...]:
        claims = []
        for handling in handlings:
            before = entry.works.get(handling.handler)
            if before is None or before.state is State.FAILED or self._is_lost(before):
                part = self._leased(before, handling.handler, event=event, lease=handoff.lease)
                entry.works[handling.handler] = part
                claims.append(Claim(work=part, event=event))
        return tuple(claims)

    def _leased(self, before: Work | None, handler: str, *, event: ReceivedEvent, lease: timedelta) -> Work:
        count, now = 0 if before is None else before.attempt_count, self._now()
        return Work(
            id=self._new_id("hdl_") if before is None else before.id,
            tenant=event.tenant,
            kind=Kind.HANDLING,
            subject_id=event.id,
            target=handler,
            state=_RUNNING,
            attempt_count=count + 1,
            max_attempts=1,
            due_at=None,
            leased_until=now + lease,
            fence=count + 1,
            created_at=now,
            updated_at=now,
        )

    def _runs(self, part: Work) -> bool:
        return part.state is _RUNNING and not self._is_lost(part)

    def _is_lost(self, part: Work) -> bool:
        """Tell whether a run never came to its end: its request was given up."""
        return part.state is _RUNNING and part.leased_until is not None and part.leased_until <= self._now()

    def _forget_old(self) -> None:
        """Forget what is past the window, and the oldest beyond what is remembered."""
        oldest = self._now() - WINDOW
        while self._events:
            entry = next(iter(self._events.values()))
            if entry.at > oldest and len(self._events) < REMEMBERED:
                return
            self._events.popitem(last=False)
            for key in entry.keys:
                self._by_key.pop(key, None)
