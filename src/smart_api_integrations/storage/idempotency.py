"""Keys that publish once: the same content gives the same answer, other content is refused. Floor 3."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from smart_api_integrations.core.journal import Message
from smart_api_integrations.errors import IdempotencyConflict
from smart_api_integrations.storage.column_types import storable
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import idempotency_keys

REMEMBERED_FOR = timedelta(hours=24)
"""How long a key is known; Stripe's, which callers know."""

_find = select(idempotency_keys.c.message_id, idempotency_keys.c.fingerprint).where(
    idempotency_keys.c.tenant == bindparam("of_tenant"), idempotency_keys.c.key == bindparam("wanted")
)
_forget = idempotency_keys.delete().where(idempotency_keys.c.used_at <= bindparam("latest"))


class IdempotencyKeys:
    """The operations on keys, to be run in the writing lane."""

    def __init__(self, store: Store) -> None:
        """Work on *store*."""
        self._store = store

    def begin(self, connection: Connection, messages: Iterable[Message], *, now: datetime) -> None:
        """Keep every other transaction from the keys of *messages*, and forget the old ones."""
        wanted = sorted(
            {
                (message.tenant, f"idempotency {storable(message.idempotency_key)}")
                for message in messages
                if message.idempotency_key is not None
            }
        )
        if wanted:
            self._store.dialect.lock_lines(connection, wanted)
            connection.execute(_forget, {"latest": now - REMEMBERED_FOR})

    def use(self, connection: Connection, message: Message, *, now: datetime) -> str | None:
        """Return the id of the message that used the key before, or None where *message* is the first.

        Raises:
            IdempotencyConflict: The message that used it had other content.
        """
        if message.idempotency_key is None:
            return None
        key = storable(message.idempotency_key)
        found = connection.execute(_find, {"of_tenant": message.tenant, "wanted": key}).one_or_none()
        if found is None:
            row = {"tenant": message.tenant, "key": key, "message_id": message.id}
            connection.execute(
                idempotency_keys.insert(), row | {"fingerprint": message.fingerprint, "used_at": now}
            )
            return None
        if bytes(found.fingerprint) != message.fingerprint:
            told = f"The idempotency key was used for another content by {found.message_id}: take a new key"
            raise IdempotencyConflict(told)
        known: str = found.message_id
        return known
