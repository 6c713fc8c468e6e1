"""What the journal promises: the contracts that every storage engine keeps. Floor 3.

Small protocols over one store, gathered by :class:`Journal`: received events, messages, work
(handlings and deliveries), endpoints, gates, replays (in ``storage.replay_protocol``).
``testing.StoreConformance`` proves an engine against every sentence below.

Rules that hold for every method:

1. A method that changes something returns after its transaction is committed and synced to disk;
   whatever it did is then seen by every later call of every process. It is atomic: after an error
   or a crash either all of it is there or nothing.
2. ``StorageUnavailable`` means that nothing was written, or (a connection lost during the commit)
   that it is not known; repeating the call is safe wherever an id is given by the caller.
3. Lists come newest first in pages: ``before`` takes the last id of the page before. No method's
   cost grows with what is finished.
4. Methods may be called from one event loop at a time; many calls at once share a transaction.
5. The store's clock decides what is due; the caller passes durations only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from smart_api_integrations.core.changes import Mark
from smart_api_integrations.core.event_catalogue import EventTypeEntry
from smart_api_integrations.core.forwarding import ForwardRule
from smart_api_integrations.core.journal import (
    Accepted,
    Backlog,
    Claim,
    EventSummary,
    Handoff,
    Message,
    NewHandling,
    Outcome,
    Published,
    ReceivedEvent,
    Recorded,
    Rejection,
    Resumed,
    Trace,
    TrafficPoint,
    Work,
)
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.source_traffic import SourceTraffic
from smart_api_integrations.storage.access_protocol import AccessStore
from smart_api_integrations.storage.bell import Bell
from smart_api_integrations.storage.captured_key_store import CapturedKeyStore
from smart_api_integrations.storage.endpoint_protocols import EndpointStore, GateStore
from smart_api_integrations.storage.issue_protocol import IssueStore
from smart_api_integrations.storage.outbox_protocol import OutboxStore
from smart_api_integrations.storage.read_models import RecentAttempt, Tally
from smart_api_integrations.storage.replay_protocol import ReplayStore
from smart_api_integrations.storage.upkeep_protocol import UpkeepStore
from smart_api_integrations.storage.versioned_protocol import VersionedStore
from smart_api_integrations.storage.watch_protocol import WatchStore


class EventStore(Protocol):
    """Received events, the keys that tell a duplicate, and the log of rejections."""

    async def accept(
        self,
        event: ReceivedEvent,
        handlings: Sequence[NewHandling],
        *,
        handoff: Handoff | None = None,
    ) -> Accepted:
        """Keep *event* and its *handlings*, unless it is a duplicate.

        A duplicate shares one of its ``dedupe_keys`` with an event kept within the dedupe window
        (7 days): then nothing is kept but the first one's ``duplicates`` count, and keys of the
        repeat that are new will be recognised too. The check and the insert are one: of any number of
        equal events at once, over any number of processes, exactly one is kept.

        With *handoff* the handlings (but those of refused targets) are leased to its owner in the
        same transaction and returned as claims; without it they are due at once, and other
        processes that wait for work are woken. A handling with an ordering key that is not the first
        of its handler and key waits in line, whatever the handoff. One that ``publishes`` types is kept only
        where an endpoint of the tenant, or the broker, gets messages of one of them: every endpoint that was
        saved before is seen.

        Raises:
            StorageUnavailable: Nothing was kept; no key was used up.
        """

    async def resume(
        self, event: ReceivedEvent, handlings: Sequence[NewHandling], *, handoff: Handoff
    ) -> Resumed:
        """Lease to *handoff*'s owner those *handlings* of a kept event that are dead letters or not kept yet.

        For webhooks that are handled while their provider waits: its retry of what failed. What ended well
        or waits for a worker is left alone; ``running`` says whether somebody has one of them now. Atomic:
        of any number of callers at once one gets a handling.

        Raises:
            StorageUnavailable: Nothing was leased.
        """

    async def accept_all(
        self,
        entries: Sequence[tuple[ReceivedEvent, Sequence[NewHandling]]],
        *,
        handoff: Handoff | None = None,
    ) -> Sequence[Accepted]:
        """Keep several events with their handlings, as ``accept`` keeps one: all in one transaction, or none.

        Each is judged a duplicate by itself, also of one before it in *entries*.

        Raises:
            StorageUnavailable: Nothing of any was kept; no key was used up.
            InvalidInput: One of them cannot be kept; likewise.
        """

    async def summaries(
        self,
        *,
        limit: int = 50,
        before: str | None = None,
        provider: str | None = None,
        event_type: str | None = None,
        states: Collection[State] = (),
    ) -> Sequence[EventSummary]:
        """Return a page of events, newest first.

        With *states* (``failed``, ``retry_scheduled``) only those with a handling or a delivery in one of
        them, of which the newest ``COUNT_LIMIT`` are looked at.
        """

    async def trace(self, event_id: str) -> Trace | None:
        """Return everything that one event led to, or None where the id is unknown."""

    async def find(self, text: str) -> str | None:
        """Return our id of whatever carries the id *text*, or None.

        Ours (any prefix), or a provider's event id; the newest where several events carry it.
        """

    async def log_rejections(self, rejections: Sequence[Rejection]) -> None:
        """Add to the log of rejections, which keeps the newest 10,000."""

    async def rejections(self, *, limit: int = 50, before: str | None = None) -> Sequence[Rejection]:
        """Return a page of the log of rejections, newest first."""

    async def rejection(self, rejection_id: str) -> Rejection | None:
        """Return one rejection, or None."""

    async def traffic(self, *, since: timedelta, step: timedelta) -> Sequence[TrafficPoint]:
        """Return what passed through in each *step* of the last *since*, oldest first, empty slices too.

        *step* is a whole number of minutes. Read from kept counters, not from the rows.
        """

    async def source_traffic(self, *, since: timedelta, step: timedelta) -> Mapping[str, SourceTraffic]:
        """Return the same by source, ``provider:name``; one that nothing came for is not in it."""


class MessageStore(Protocol):
    """Messages, each kept with one delivery for every endpoint that it matches."""

    async def publish(self, message: Message, *, handoff: Handoff | None = None) -> Published:
        """Keep *message* and one pending delivery for each active endpoint of its tenant that matches.

        Idempotent on ``message.id``: keeping the same id again changes nothing and returns the count
        of its deliveries. *handoff* as in ``EventStore.accept``.

        Raises:
            StorageUnavailable: Nothing was kept.
        """

    async def messages(self, *, limit: int = 50, before: str | None = None) -> Sequence[Message]:
        """Return a page of messages, newest first."""

    async def trace(self, message_id: str) -> Trace | None:
        """Return the message's deliveries and attempts, and the event that caused it; None if unknown."""


class WorkStore(Protocol):
    """Handlings and deliveries: claiming, recording, renewing, replaying."""

    async def claim(
        self,
        *,
        owner: str,
        limit: int,
        lease: timedelta,
        refuse: frozenset[str] = frozenset(),
    ) -> Sequence[Claim]:
        """Lease up to *limit* pieces of due work to *owner*, the longest due first.

        Every target with something due gets an equal share of *limit*, so that a long backlog of one
        delays no other; what a gate holds back is left alone: the target is paused, its breaker is open
        (but for one probe), or its rate allows no more now.
        Fresh work (no failure yet) and retries have lanes of their own: while both are due, each gets
        at least a quarter of *limit*, so neither starves the other. Targets in *refuse* are left alone.
        Atomic over any number of callers: nothing is leased twice before its lease ends. Every lease
        raises ``fence`` and ``attempt_count`` by one. Of one target and ordering key only the oldest that
        is not over can be leased: what follows it is leased after it was done, or became a dead letter.

        Raises:
            StorageUnavailable: Nothing was leased.
        """

    async def renew(self, *, owner: str, lease: timedelta, held: Collection[str]) -> int:
        """Extend the leases of *owner* on the work *held*, by id, to *lease* from now; return how many.

        A lease that is not named ends: its holder never heard of it, because the answer to the call
        that made it was lost.
        """

    async def record(self, outcome: Outcome, *, handoff: Handoff | None = None) -> Recorded:
        """Write what became of a claim: state, attempt, and the messages that it published.

        Does nothing, and says ``stale``, where the work's fence is not the claim's any more.
        A state ``retry_scheduled`` makes it due after ``outcome.wait``.

        ``outcome.handlings`` are kept for the same event, due at once, but for handlers that it has a
        handling of: of any number of outcomes that bring one in, over any number of processes, one does.

        It also judges the endpoint, by the rules of ``core.circuit_breaker``: its breaker opens or closes, a
        busy one is left alone, one that is gone or did nothing but fail is switched off and paused. What
        there is to tell is published to the tenant's endpoints that name it: ``endpoint.failing``,
        ``endpoint.disabled``, ``delivery.exhausted``.

        Raises:
            StorageUnavailable: Nothing was written; the lease goes on.
        """

    async def release(self, *, owner: str) -> int:
        """Give back every lease of *owner*, due at once and as if never claimed; return how many.

        For an orderly stop: attempts that did not begin are not counted.
        """

    async def reap(self) -> int:
        """Make work whose lease has ended due again; return how many.

        Each gets an attempt of status ``lost`` and one more failure; where that was its last one it
        is a dead letter. Any number of processes may reap at once.
        """

    async def next_due(self) -> timedelta | None:
        """Return how long until the next work is due (zero if it is now), or None where none waits.

        Where gates hold back what is due, it is how long until the first of them opens.
        """

    async def work(self, work_id: str) -> Work | None:
        """Return one piece of work, or None."""

    async def replay(self, work_id: str) -> Work:
        """Make work that is over (a dead letter, or done) due at once, its schedule from the beginning.

        Attempts keep counting on.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: It is not over: it waits or runs already.
        """

    async def discard(self, work_ids: Sequence[str]) -> int:
        """End those of *work_ids* that are dead letters: a handling is skipped, a delivery cancelled.

        Returns how many they were; what is no dead letter any more is left alone. They can be replayed.
        """

    async def dead_letters(
        self,
        *,
        limit: int = 50,
        before: str | None = None,
        kind: Kind | None = None,
        issue: str | None = None,
    ) -> Sequence[Work]:
        """Return a page of dead letters (of one issue), newest first."""

    async def deliveries(
        self, *, limit: int = 50, before: str | None = None, endpoint_id: str | None = None
    ) -> Sequence[Work]:
        """Return a page of deliveries, newest first."""

    async def recent_attempts(self, kind: Kind, *, limit: int = 50) -> Sequence[RecentAttempt]:
        """Return the newest attempts of one kind, newest first, without headers, bodies and tracebacks."""

    async def backlog(self) -> Backlog:
        """Return what waits and what is dead, counted no further than ``COUNT_LIMIT``."""


class Journal(Protocol):
    """One open store."""

    events: EventStore
    messages: MessageStore
    work: WorkStore
    endpoints: EndpointStore
    gates: GateStore
    outbox: OutboxStore
    event_types: VersionedStore[EventTypeEntry]
    forward_rules: VersionedStore[ForwardRule]
    issues: IssueStore
    access: AccessStore
    captured_keys: CapturedKeyStore
    replays: ReplayStore
    watch: WatchStore
    upkeep: UpkeepStore

    async def open(self) -> None:
        """Connect, bring the schema up to date, check the settings that durability rests on.

        Raises:
            ConfigurationError: The store is set up in a way that would lose events, or its schema is
                newer than this program.
            StorageUnavailable: It cannot be reached.
        """

    async def close(self) -> None:
        """Finish what was begun and let go of every connection and thread. Idempotent."""

    async def check(self) -> None:
        """Return if the store can be written to now.

        Raises:
            StorageUnavailable: It cannot.
        """

    def on_due_work(self, wake: Callable[[], None]) -> None:
        """Call *wake*, in the event loop, whenever work has become due at once, here or elsewhere.

        A hint: one may be missed, so a worker also looks at ``next_due`` and now and then by itself.
        """

    async def tallies(self, what: str, subject: str, *, since: timedelta, step: timedelta) -> Sequence[Tally]:
        """Return what ``storage.tallies`` counted of *subject* in each *step* of the last *since*.

        Counted in the transaction of what is counted; the cost is that of the steps, not of what happened.

        Raises:
            InvalidInput: *step* is not a positive whole number of five minutes.
        """

    async def mark(self, since: datetime) -> Mark:
        """Return where the journal stands, counted from the minute of *since* on.

        Whatever any process accepted, rejected or recorded, and every change of an endpoint or a gate, makes
        another mark. It is read from the counters, so that writing pays nothing for being watched; its cost
        grows with the minutes that are counted.
        """

    def on_commit(self, told: Callable[[float, int], None]) -> None:
        """Call *told* after every commit with its seconds and how many writes shared it; before ``open``.

        It is called in the writer's thread, and must neither wait nor raise.
        """

    def hang(self, bell: Bell) -> None:
        """Ring *bell* after every commit that makes work due; before ``open``.

        Who hears it wakes whoever listens here by itself.
        """

    def now(self) -> datetime:
        """Return the store's time: the database's clock where it has one."""
