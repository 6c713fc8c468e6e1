"""Messages that are kept in a caller's own transaction, and sent once it is committed. Floor 3.

Theory of operation:

1. The caller's connection inserts one row into ``webhooks_outbox`` and nothing else. Whether the transaction
   is committed or rolled back is the caller's; until then nobody sees the row.
2. ``relay`` takes committed rows, keeps them as messages with their deliveries, and deletes them, in one
   transaction of the journal's own. A crash leaves a row in exactly one of the two places.
3. Before the insert the connection is asked which database it speaks to. A row in another one would be lost
   without a word, so that is a ConfigurationError.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from smart_api_integrations.core.journal import Handoff, Message, Published
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.storage.messages import Messages
from smart_api_integrations.storage.outbox_protocol import Home
from smart_api_integrations.storage.sending_tables import outbox
from smart_api_integrations.storage.store import Store

RELAYED_AT_ONCE = 200

Question = tuple[str, dict[str, Any]]
Asking = Generator[Question, Sequence[Sequence[Any]], None]
"""Statements with ``:name`` for their values, one after the other; each is sent the rows of the last one."""

_PLAIN = ("id", "tenant", "event", "event_id", "handler", "hops", "ordering_key", "endpoint_id")
_MOMENTS = ("created_at", "deliver_at", "expires_at")
_first = select(outbox.c.id).limit(1)
_take = select(outbox).order_by(outbox.c.id).limit(RELAYED_AT_ONCE).with_for_update(skip_locked=True)
_drop = outbox.delete().where(outbox.c.id == bindparam("taken"))


class Outbox:
    """The way of a message from a caller's transaction into the journal."""

    def __init__(self, store: Store, messages: Messages) -> None:
        """Relay into *messages*."""
        self._store = store
        self._messages = messages

    async def home(self) -> Home:
        """Return which database the journal is in, as any connection to it would say."""
        return await self._store.read(self._home, None)

    def warn_of_callers(self) -> None:
        """See ``OutboxStore.warn_of_callers``."""
        self._store.dialect.warn_of_callers()

    async def relay(self, handoff: Handoff | None = None) -> Sequence[tuple[Message, Published]]:
        """Keep what is committed as messages; return them, up to ``RELAYED_AT_ONCE``.

        Raises:
            StorageUnavailable: Nothing was relayed.
        """
        if not await self._store.read(self._waits, None):
            return ()
        return await self._store.write_one(self._relay, handoff)

    def _home(self, connection: Connection, _: None) -> Home:
        """Ask our own connection what callers' connections are asked."""
        return self._store.dialect.home(connection)

    def _waits(self, connection: Connection, _: None) -> bool:
        """Look whether there is anything to relay."""
        return connection.execute(_first).first() is not None

    def _relay(self, connection: Connection, handoff: Handoff | None) -> list[tuple[Message, Published]]:
        """Move rows of the outbox into the journal."""
        rows = connection.execute(_take).all()
        if not rows:
            return []
        messages = [_message(row) for row in rows]
        kept = self._messages.keep_all(connection, [(message, handoff) for message in messages])
        connection.execute(_drop, [{"taken": row.id} for row in rows])
        pairs = zip(messages, kept, strict=True)
        return [(message, result) for message, result in pairs if isinstance(result, Published)]


def enlisting(message: Message, home: Home) -> Asking:
    """Ask a connection where it leads, and insert *message* if that is *home*.

    Raises:
        ConfigurationError: It leads elsewhere; nothing was inserted.
    """
    rows = yield home.question, {}
    if home.read(rows) != home.identity:
        told = (
            "The connection leads to another database than the journal's, so the message could not be sent: "
            "give a connection to the database of WEBHOOKS_DATABASE_URL, or publish without one."
        )
        raise ConfigurationError(told)
    yield home.insert, {"id": message.id, "envelope": _envelope(message), "body": message.body}


def _envelope(message: Message) -> str:
    moments = {name: getattr(message, name) for name in _MOMENTS}
    return json.dumps(
        {name: getattr(message, name) for name in _PLAIN}
        | {name: None if moment is None else moment.isoformat() for name, moment in moments.items()}
    )


def _message(row: Any) -> Message:
    known: dict[str, Any] = json.loads(row.envelope)
    for name in _MOMENTS:
        known[name] = known[name] and datetime.fromisoformat(known[name])
    return Message(**known, body=bytes(row.body))
