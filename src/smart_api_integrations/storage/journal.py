"""One open journal: its stores over one database. Floor 3."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, exc

from smart_api_integrations.core.changes import Mark
from smart_api_integrations.core.endpoint import DEFAULT_TENANT, Endpoint
from smart_api_integrations.core.event_catalogue import EventTypeEntry
from smart_api_integrations.core.forwarding import ForwardRule
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.storage.access import Access
from smart_api_integrations.storage.access_protocol import AccessStore
from smart_api_integrations.storage.bell import Bell
from smart_api_integrations.storage.captured_key_store import CapturedKeyStore
from smart_api_integrations.storage.captured_keys import CapturedKeys
from smart_api_integrations.storage.claiming import Claiming
from smart_api_integrations.storage.counters import traffic_counts
from smart_api_integrations.storage.dialect import Dialect
from smart_api_integrations.storage.directory import Directory
from smart_api_integrations.storage.endpoint_health import EndpointHealth
from smart_api_integrations.storage.endpoint_protocols import EndpointStore, GateStore
from smart_api_integrations.storage.endpoints import Endpoints
from smart_api_integrations.storage.event_type_rows import EVENT_TYPES
from smart_api_integrations.storage.events import Events
from smart_api_integrations.storage.forward_rule_rows import FORWARD_RULES
from smart_api_integrations.storage.issue_protocol import IssueStore
from smart_api_integrations.storage.issues import IssueCounting, Issues
from smart_api_integrations.storage.lines import Lines
from smart_api_integrations.storage.marks import read_mark
from smart_api_integrations.storage.messages import Messages
from smart_api_integrations.storage.outbox import Outbox
from smart_api_integrations.storage.outbox_protocol import OutboxStore
from smart_api_integrations.storage.pausing import Gates
from smart_api_integrations.storage.protocols import (
    EventStore,
    MessageStore,
    WorkStore,
)
from smart_api_integrations.storage.read_models import Tally
from smart_api_integrations.storage.recording import Recording
from smart_api_integrations.storage.redoing import Redoing
from smart_api_integrations.storage.replay_protocol import ReplayStore
from smart_api_integrations.storage.replays import Replays
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.storage.source_counts import SourceCounting
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tallies import read_tallies, whole_slots
from smart_api_integrations.storage.upkeep import Upkeep
from smart_api_integrations.storage.upkeep_protocol import UpkeepStore
from smart_api_integrations.storage.versioned import Versioned
from smart_api_integrations.storage.versioned_protocol import VersionedStore
from smart_api_integrations.storage.watch_protocol import WatchStore
from smart_api_integrations.storage.watching import Watching
from smart_api_integrations.storage.work import WorkQueue


class SqlJournal:
    """Keeps ``storage.protocols.Journal`` on any engine that has a ``Dialect``."""

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

    def __init__(self, store: Store) -> None:
        """Put the rooms together; nothing is opened yet."""
        directory = Directory(store.cipher, store.broker)
        claiming = Claiming(store, directory)
        lines = Lines(store)
        messages = Messages(store, directory, claiming, lines)
        health = EndpointHealth(store, directory, messages)
        counting = IssueCounting(store)
        sources = SourceCounting(store)
        self.watch = Watching(store)
        self.events = Events(store, claiming, lines, directory, issues=counting, sources=sources)
        self.messages = messages
        recording = Recording(store, messages, lines, health, issues=counting, sources=sources)
        self.outbox = Outbox(store, messages)
        redoing = Redoing(store, directory, lines)
        self.work = WorkQueue(store, claiming, recording, redoing)
        self.replays = Replays(store, redoing)
        self.upkeep = Upkeep(store)

        self.event_types = Versioned(store, EVENT_TYPES)
        self.forward_rules = Versioned(store, FORWARD_RULES)
        self.gates = Gates(store)
        self.endpoints = Endpoints(store)
        self.issues = Issues(store)
        self.access = Access(store)
        self.captured_keys = CapturedKeys(store)
        self._store = store
        self._listeners: list[Callable[[], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        """See ``Journal.open``."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._prepare)
        self._store.open_lanes()
        await asyncio.to_thread(self._store.dialect.listen, self._wake)

    def _prepare(self) -> None:
        try:
            self._store.dialect.prepare()
        except exc.SQLAlchemyError as error:
            original = getattr(error, "orig", None) or error
            message = (
                f"The {self._store.dialect.name} database cannot be opened ({type(original).__name__}): "
                "see that it runs, and that WEBHOOKS_DATABASE_URL names it"
            )
            raise StorageUnavailable(message) from original

    async def close(self) -> None:
        """See ``Journal.close``."""
        await self._store.close_lanes()
        await asyncio.to_thread(self._store.dialect.close)

    async def check(self) -> None:
        """See ``Journal.check``: a real write, committed and synced."""
        await self._store.write(self._touch_all, None)

    def _touch_all(self, connection: Connection, calls: Sequence[None]) -> list[None]:
        """Write a row that only this journal writes."""
        counts = Counter({(DEFAULT_TENANT, "checked"): len(calls)})
        self._store.dialect.add_counts(
            connection, [traffic_counts(self._store, counts, now=self._store.now())]
        )
        return [None] * len(calls)

    def on_due_work(self, wake: Callable[[], None]) -> None:
        """See ``Journal.on_due_work``."""
        self._listeners.append(wake)

    async def tallies(self, what: str, subject: str, *, since: timedelta, step: timedelta) -> Sequence[Tally]:
        """See ``Journal.tallies``."""
        whole_slots(step)
        return await self._store.read(partial(read_tallies, self._store), (what, subject, since, step))

    async def mark(self, since: datetime) -> Mark:
        """See ``Journal.mark``."""
        return await self._store.read(read_mark, since)

    def on_commit(self, told: Callable[[float, int], None]) -> None:
        """See ``Journal.on_commit``."""
        self._store.told_commits.append(told)

    def hang(self, bell: Bell) -> None:
        """See ``Journal.hang``."""
        self._store.dialect.bell = bell

    def now(self) -> datetime:
        """See ``Journal.now``."""
        return self._store.now()

    def _wake(self) -> None:
        """Pass a wake-up from any thread on to the event loop that opened the journal."""
        if self._loop is None or self._loop.is_closed():
            return
        try:
            self._loop.call_soon_threadsafe(self._tell_listeners)
        except RuntimeError:  # closed just now: nobody waits there any more
            return

    def _tell_listeners(self) -> None:
        for listener in self._listeners:
            listener()


def assemble(
    dialect: Dialect,
    *,
    new_id: Callable[[str], str],
    cipher: SecretCipher,
    clock: Callable[[], datetime] | None,
    dedupe_window: timedelta,
    broker: Endpoint | None = None,
) -> SqlJournal:
    """Return a journal over *dialect*, not yet open; see ``open_journal`` for the rest."""
    store = Store(
        dialect=dialect,
        new_id=new_id,
        now=clock or dialect.now,
        cipher=cipher,
        dedupe_window=dedupe_window,
        shard=new_id("shd_"),
        broker=broker,
    )
    return SqlJournal(store)
