"""The catalogue of our own event types, kept and enforced. Floor 4."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from smart_api_integrations.core.event_catalogue import EventTypeEntry
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.send.event_schemas import CompiledCatalogue, check_entry
from smart_api_integrations.storage.versioned import Snapshot
from smart_api_integrations.storage.versioned_protocol import VersionedStore

CHANGEABLE = ("description", "schema", "archived")


class EventTypes:
    """Keeps types, checked, and checks messages against them."""

    def __init__(self, store: VersionedStore[EventTypeEntry], *, now: Callable[[], datetime]) -> None:
        """Keep types in *store*."""
        self._store = store
        self._now = now
        self._snapshot = Snapshot(store, CompiledCatalogue)

    async def check(self, event: str, data: Any) -> None:
        """Return if *data* may be published as *event*, by the catalogue as it was within the last second.

        Raises:
            InvalidInput: It breaks the schema of its type.
            StorageUnavailable: The catalogue was never read, and cannot be now.
        """
        (await self._snapshot.current()).check(event, data)

    async def current(self) -> CompiledCatalogue:
        """Return the catalogue as it was within the last second.

        Raises:
            StorageUnavailable: It was never read, and cannot be now.
        """
        return await self._snapshot.current()

    async def entries(self, *, archived: bool = False) -> Sequence[EventTypeEntry]:
        """Return the types by name, with *archived* those too."""
        return [entry for entry in await self._store.all() if archived or not entry.archived]

    async def entry(self, name: str) -> EventTypeEntry:
        """Return one type.

        Raises:
            NotFound: The catalogue does not have it.
        """
        found = await self._store.get(name)
        if found is None:
            message = f"The catalogue has no event type {name[:80]!r}"
            raise NotFound(message)
        return found

    async def add(
        self,
        name: str,
        *,
        description: str = "",
        schema: Mapping[str, Any] | None = None,
        archived: bool = False,
    ) -> EventTypeEntry:
        """Keep a new type. Every message published here after this returns is held to its *schema*.

        Raises:
            InvalidInput: A value cannot be used, or the catalogue has the type already.
        """
        check_entry(name, description, schema)
        if await self._store.get(name) is not None:
            raise InvalidInput.at(field="name", found="one that is there", expected="a new one, or a change")
        now = self._now()
        entry = EventTypeEntry(
            name=name,
            description=description,
            schema=schema,
            archived=bool(archived),
            created_at=now,
            updated_at=now,
        )
        await self._put(entry)
        return entry

    async def change(self, name: str, changes: Mapping[str, Any]) -> EventTypeEntry:
        """Set ``description``, ``schema`` or ``archived`` of a type; return it.

        Raises:
            NotFound: The catalogue does not have it.
            InvalidInput: A value cannot be used.
        """
        unknown = sorted(set(changes) - set(CHANGEABLE))
        if unknown:
            expected = ", ".join(CHANGEABLE)
            raise InvalidInput.at(field=unknown[0], found="what cannot be changed", expected=expected)
        entry = replace(await self.entry(name), **changes, updated_at=self._now())
        check_entry(entry.name, entry.description, entry.schema)
        await self._put(entry)
        return entry

    async def remove(self, name: str) -> None:
        """Delete a type; messages of its name are published as before, held to nothing.

        Raises:
            NotFound: The catalogue does not have it.
        """
        await self._store.remove(name)
        self._snapshot.forget()

    async def _put(self, entry: EventTypeEntry) -> None:
        await self._store.put(entry)
        self._snapshot.forget()
