"""Messages, and the deliveries that are kept with them. Floor 3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import Claim, Handoff, Message, Published, Trace, Work
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.core.message_expressions import content_of, is_wanted
from smart_api_integrations.errors import ExpressionError, IdempotencyConflict, InvalidInput
from smart_api_integrations.storage.bulk import Row
from smart_api_integrations.storage.claiming import Claiming
from smart_api_integrations.storage.directory import Directory
from smart_api_integrations.storage.idempotency import IdempotencyKeys
from smart_api_integrations.storage.lines import Joining, Line, Lines
from smart_api_integrations.storage.message_rows import message_from, message_row
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import messages, work
from smart_api_integrations.storage.traces import message_trace
from smart_api_integrations.storage.work_rows import PREFIXES, NewWork, new_work, work_row

Call = tuple[Message, Handoff | None]


class Messages:
    """Keeps ``storage.protocols.MessageStore``; ``keep_all`` also keeps what a handling published."""

    def __init__(self, store: Store, directory: Directory, claiming: Claiming, lines: Lines) -> None:
        """Work on *store*, with the endpoints that *directory* knows, in *lines* where there is an order."""
        self._store = store
        self._lines = lines
        self._keys = IdempotencyKeys(store)
        self._directory = directory
        self._claiming = claiming
        among = store.dialect.among
        self._read_known = select(messages.c.id).where(among(messages.c.id, "ids"))
        self._count_deliveries = (
            select(work.c.subject_id, func.count())
            .where(among(work.c.subject_id, "ids"))
            .group_by(work.c.subject_id)
        )

    async def publish(self, message: Message, *, handoff: Handoff | None = None) -> Published:
        """See ``MessageStore.publish``."""
        if handoff is None:
            return await self._store.write(self.keep_all, (message, None))
        return await self._store.lease(
            self.keep_all,
            (message, handoff),
            claims=lambda published: published.claims,
            give_back=self._claiming.give_back,
        )

    async def messages(self, *, limit: int = 50, before: str | None = None) -> Sequence[Message]:
        """See ``MessageStore.messages``."""
        return await self._store.read(self._page, (limit, before))

    async def trace(self, message_id: str) -> Trace | None:
        """See ``MessageStore.trace``."""
        return await self._store.read(self._trace, message_id)

    def keep_all(self, connection: Connection, calls: Sequence[Call]) -> list[Published | InvalidInput]:
        """Insert messages with one delivery for each endpoint that matches; count those known already."""
        now = self._store.now()
        self._directory.refresh(connection)
        known = self._known(connection, [message.id for message, _ in calls])
        self._keys.begin(connection, (message for message, _ in calls), now=now)
        wanting = {message.id: self._subscribers(message) for message, _ in calls if message.id not in known}
        joining = self._lines.joining(connection, _wanted_lines((message for message, _ in calls), wanting))
        new_messages: list[Row] = []
        new_deliveries: list[Row] = []
        due = False
        results: list[Published | InvalidInput] = []
        for message, handoff in calls:
            repeat = self._repeat(connection, message, known, now=now)
            if repeat is not None:
                results.append(repeat)
                continue
            new_messages.append(message_row(message))
            pairs = self._deliveries(message, wanting[message.id], handoff, joining, now=now)
            owner = handoff.owner if handoff else None
            new_deliveries.extend(work_row(delivery, owner=owner) for delivery, _ in pairs)
            due = due or any(delivery.due_at for delivery, _ in pairs)
            known[message.id] = len(pairs)
            results.append(_published(message, pairs))
        self._store.dialect.write_rows(connection, messages, new_messages)
        self._store.dialect.write_rows(connection, work, new_deliveries)
        if due:
            self._store.dialect.announce(connection)
        return results

    def _repeat(
        self, connection: Connection, message: Message, known: dict[str, int], *, now: datetime
    ) -> Published | InvalidInput | None:
        """Return the answer to a message that is kept already, by its id or its key; None for a new one."""
        if message.id in known:
            return Published(message_id=message.id, deliveries=known[message.id])
        try:
            first = self._keys.use(connection, message, now=now)
        except IdempotencyConflict as conflict:
            return conflict
        if first is None:
            return None
        if first not in known:
            known.update(self._known(connection, [first]))
        return Published(message_id=first, deliveries=known.get(first, 0), repeated=True)

    def _subscribers(self, message: Message) -> Sequence[Endpoint]:
        return subscribers_of(self._directory, message)

    def _deliveries(
        self,
        message: Message,
        endpoints: Sequence[Endpoint],
        handoff: Handoff | None,
        joining: Joining,
        *,
        now: datetime,
    ) -> list[tuple[Work, Endpoint]]:
        return [
            (
                new_work(
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
                    now=now,
                    handoff=None if self._directory.gates_before(endpoint.id) else handoff,
                ),
                endpoint,
            )
            for endpoint in endpoints
        ]

    def _known(self, connection: Connection, ids: Sequence[str]) -> dict[str, int]:
        """Count the deliveries of those messages that are kept already."""
        known = dict.fromkeys(connection.scalars(self._read_known, {"ids": ids}), 0)
        if known:
            counts = connection.execute(self._count_deliveries, {"ids": list(known)})
            known.update((subject_id, count) for subject_id, count in counts)
        return known

    def _page(self, connection: Connection, asked: tuple[int, str | None]) -> list[Message]:
        """Read a page of messages, newest first."""
        limit, before = asked
        statement = select(messages).order_by(messages.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(messages.c.id < before)
        return [message_from(row) for row in connection.execute(statement)]

    def _trace(self, connection: Connection, message_id: str) -> Trace | None:
        """Read what one message led to."""
        return message_trace(self._store, connection, message_id)


def subscribers_of(directory: Directory, message: Message) -> Sequence[Endpoint]:
    """Return the endpoints that get *message*: their types name it, no filter refuses it."""
    found = _addressed(directory, message)
    if not any(endpoint.filter for endpoint in found):
        return found
    content = content_of(message.body)
    return [endpoint for endpoint in found if _may_want(endpoint, content)]


def _addressed(directory: Directory, message: Message) -> Sequence[Endpoint]:
    """Return whom *message* is for: one endpoint, or those whose types name it."""
    if message.endpoint_id is None:
        return directory.subscribers(message.tenant, message.event, operational=message.operational)
    endpoint = directory.get(message.endpoint_id)
    return () if endpoint is None or not endpoint.active else (endpoint,)


def _wanted_lines(those: Iterable[Message], wanting: Mapping[str, Sequence[Endpoint]]) -> Iterator[Line]:
    for message in those:
        if message.ordering_key is not None:
            for endpoint in wanting.get(message.id, ()):
                yield endpoint.id, message.ordering_key


def _may_want(endpoint: Endpoint, content: Mapping[str, Any]) -> bool:
    """Tell whether an endpoint's filter does not refuse a message; its delivery tells of a faulty one."""
    try:
        return is_wanted(endpoint.filter, content)
    except ExpressionError:
        return True


def _published(message: Message, pairs: Sequence[tuple[Work, Endpoint]]) -> Published:
    return Published(
        message_id=message.id,
        deliveries=len(pairs),
        claims=tuple(
            Claim(work=delivery, message=message, endpoint=endpoint)
            for delivery, endpoint in pairs
            if delivery.leased_until
        ),
    )
