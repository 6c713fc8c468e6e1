"""Telling a duplicate: which event holds which key. Floor 3.

Rules:

1. A key belongs to the first event that carried it, for the dedupe window from then on. A repeat
   does not make the window longer.
2. A repeat's other keys become the first event's too, so that a third copy is recognised by either.
3. Events of one group are judged in their order, as if each had its own transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from smart_api_integrations.core.endpoint import DEFAULT_TENANT
from smart_api_integrations.core.journal import ReceivedEvent
from smart_api_integrations.storage.column_types import microseconds
from smart_api_integrations.storage.dialect import Holder
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import events


def earlier_events(
    store: Store, connection: Connection, new: Sequence[ReceivedEvent], *, now: datetime
) -> list[str | None]:
    """Take the keys and ids of *new* events; return for each the id of the event that it repeats, or None.

    An event whose id is kept already (a call that was repeated) repeats itself.
    """
    at = microseconds(now)
    keys = [_keys_of(event) for event in new]
    wanted: dict[bytes, Holder] = {}
    for event, its_keys in zip(new, keys, strict=True):
        for key in its_keys:
            wanted.setdefault(key, (event.id, at))
    expired = microseconds(now - store.dedupe_window)
    taken = store.dialect.take_keys(connection, wanted, expired=expired)
    fresh: dict[bytes, Holder] = {}
    earlier: list[str | None] = []
    for event, its_keys in zip(new, keys, strict=True):
        first = _first(its_keys, taken.held) or _first(its_keys, fresh)
        holder = first or (event.id, at)
        for key in its_keys:
            if key not in taken.held:
                fresh.setdefault(key, holder)
        earlier.append(first[0] if first else None)
    earlier = _with_known_ids(store, connection, new, earlier)
    unwritten = {key: holder for key, holder in fresh.items() if taken.written.get(key) != holder}
    names = [
        (event.event_id, event.id)
        for event, first in zip(new, earlier, strict=True)
        if first is None and event.event_id is not None
    ]
    store.dialect.remember(connection, unwritten, names)
    return earlier


def _with_known_ids(
    store: Store, connection: Connection, new: Sequence[ReceivedEvent], earlier: list[str | None]
) -> list[str | None]:
    """Let events without any key, which nothing else recognises, repeat the event with their id."""
    keyless = [event.id for event in new if not event.dedupe_keys]
    if not keyless:
        return earlier
    statement = select(events.c.id).where(store.dialect.among(events.c.id, "ids"))
    known = set(connection.scalars(statement, {"ids": keyless}))
    for place, event in enumerate(new):
        if not event.dedupe_keys:
            if event.id in known:
                earlier[place] = event.id
            known.add(event.id)
    return earlier


def _first(keys: Sequence[bytes], holders: Mapping[bytes, Holder]) -> Holder | None:
    for key in keys:
        if key in holders:
            return holders[key]
    return None


def _keys_of(event: ReceivedEvent) -> Sequence[bytes]:
    if event.tenant == DEFAULT_TENANT:
        return event.dedupe_keys
    return [_scoped(key, event.tenant) for key in event.dedupe_keys]


def _scoped(key: bytes, tenant: str) -> bytes:
    """Return *key* as *tenant*'s own: two tenants may receive the same event."""
    return hashlib.sha256(tenant.encode() + b"\x00" + key).digest()[: max(len(key), 16)]
