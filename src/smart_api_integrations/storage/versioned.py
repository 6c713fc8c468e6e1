"""Small sets of records that everybody keeps in memory: read whole, and again when they changed. Floor 3."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Table, select

from smart_api_integrations.errors import NotFound, StorageUnavailable
from smart_api_integrations.storage.sending_tables import set_versions
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.versioned_protocol import Record, VersionedStore

View = TypeVar("View")

FRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[Record]):
    """How one kind of record is kept.

    Attributes:
        name: Of the set, and what one of it is called in messages.
        table: Its first column is the key.
    """

    name: str
    table: Table
    row_of: Callable[[Record], Mapping[str, Any]]
    record_of: Callable[[Any], Record]


class Versioned(Generic[Record]):
    """Keeps ``VersionedStore`` for one kind of record."""

    def __init__(self, store: Store, kind: Kind[Record]) -> None:
        """Work on *store*."""
        self._store = store
        self._kind = kind
        self._key = kind.table.columns[0]

    async def all(self) -> Sequence[Record]:
        """See ``VersionedStore.all``."""
        return await self._store.read(self._all, None)

    async def get(self, key: str) -> Record | None:
        """See ``VersionedStore.get``."""
        return await self._store.read(self._get, key)

    async def put(self, record: Record) -> None:
        """See ``VersionedStore.put``."""
        await self._store.write_one(self._put, record)

    async def remove(self, key: str) -> None:
        """See ``VersionedStore.remove``."""
        await self._store.write_one(self._remove, key)

    async def version(self) -> str:
        """See ``VersionedStore.version``."""
        return await self._store.read(self._version, None)

    def _all(self, connection: Connection, _: None) -> list[Record]:
        """Read all of them."""
        return [
            self._kind.record_of(row)
            for row in connection.execute(select(self._kind.table).order_by(self._key))
        ]

    def _get(self, connection: Connection, key: str) -> Record | None:
        """Read one."""
        row = connection.execute(select(self._kind.table).where(self._key == key)).one_or_none()
        return None if row is None else self._kind.record_of(row)

    def _put(self, connection: Connection, record: Record) -> None:
        """Write one, and mark the set as changed."""
        self._renew(connection)
        row = dict(self._kind.row_of(record))
        connection.execute(self._kind.table.delete().where(self._key == row[self._key.name]))
        connection.execute(self._kind.table.insert(), row)

    def _remove(self, connection: Connection, key: str) -> None:
        """Delete one, and mark the set as changed."""
        if self._get(connection, key) is None:
            message = f"There is no {self._kind.name} {key}"
            raise NotFound(message)
        self._renew(connection)
        connection.execute(self._kind.table.delete().where(self._key == key))

    def _renew(self, connection: Connection) -> None:
        """Take a new mark: it is also the lock among those who change the set."""
        mine, version = set_versions.c.name == self._kind.name, self._store.new_id("ver_")
        if not connection.execute(set_versions.update().where(mine).values(version=version)).rowcount:
            connection.execute(set_versions.insert(), {"name": self._kind.name, "version": version})

    def _version(self, connection: Connection, _: None) -> str:
        """Read the mark."""
        mine = select(set_versions.c.version).where(set_versions.c.name == self._kind.name)
        return str(connection.scalar(mine) or "")


class Snapshot(Generic[Record, View]):
    """A set in memory, built into what it is used as; at most ``FRESH_SECONDS`` behind other processes."""

    def __init__(
        self,
        store: VersionedStore[Record],
        build: Callable[[Sequence[Record]], View],
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Keep what *build* makes of all records of *store*."""
        self._store = store
        self._build = build
        self._clock = clock
        self._looked: float | None = None
        self._version: str | None = None
        self.view = build(())
        """As it was seen last."""

    async def current(self) -> View:
        """Return the view, looked up anew where it may be behind; as it was where the store is away.

        Raises:
            StorageUnavailable: It was never read, and cannot be now.
        """
        now = self._clock()
        if self._looked is None or now - self._looked >= FRESH_SECONDS:
            try:
                version = await self._store.version()
                if version != self._version:
                    self.view, self._version = self._build(await self._store.all()), version
            except StorageUnavailable:
                if self._version is None:
                    raise
            self._looked = now
        return self.view

    async def keep_fresh(self) -> None:
        """Look again and again, for those who read ``view``; ends when it is cancelled."""
        while True:
            with contextlib.suppress(StorageUnavailable):
                await self.current()
            await asyncio.sleep(FRESH_SECONDS)

    def forget(self) -> None:
        """Look anew at the next use: a change was made here."""
        self._looked = None
