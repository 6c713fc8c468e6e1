"""What every room of the journal shares: its lanes, its clock, its ids, its engine. Floor 3."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import Claim
from smart_api_integrations.errors import InvalidInput, StorageUnavailable
from smart_api_integrations.storage.dialect import Dialect
from smart_api_integrations.storage.lane import Lane, Operation
from smart_api_integrations.storage.secret_cipher import SecretCipher

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True, kw_only=True)
class Store:
    """One database, open or not, with what is needed to write to it.

    Attributes:
        shard: This journal's own name in the counters.
        dedupe_window: How long a repeated event is recognised.
        broker: What gets every tenant's messages beside their endpoints, or None.
    """

    dialect: Dialect
    new_id: Callable[[str], str]
    now: Callable[[], datetime]
    cipher: SecretCipher
    dedupe_window: timedelta
    shard: str
    broker: Endpoint | None = None
    writer: Lane | None = None
    readers: tuple[Lane, ...] = field(default=())
    told_commits: list[Callable[[float, int], None]] = field(default_factory=list)

    def open_lanes(self) -> None:
        """Start one lane that writes and the lanes that read."""
        self.writer = Lane(
            name="journal-writer",
            connect=self.dialect.connect_writer,
            judge=self.dialect.judge,
            after_commit=self.dialect.after_commit,
            told=tuple(self.told_commits),
        )
        self.readers = tuple(
            Lane(name=f"journal-reader-{n}", connect=self.dialect.connect_reader, judge=self.dialect.judge)
            for n in range(self.dialect.reader_count)
        )

    async def close_lanes(self) -> None:
        """Finish what was submitted and end every lane."""
        lanes = [*self.readers, *([self.writer] if self.writer else [])]
        await asyncio.gather(*(lane.close() for lane in lanes))

    def write(self, operation: Operation[Item, Result], item: Item) -> asyncio.Future[Result]:
        """Submit *item* to the writer; the future resolves after the commit.

        Raises:
            StorageUnavailable: The journal is not open, or too much is waiting.
        """
        if self.writer is None:
            message = "The journal is not open: nothing was written"
            raise StorageUnavailable(message)
        return self.writer.submit(operation, item)

    async def write_one(self, function: Callable[[Connection, Item], Result], item: Item) -> Result:
        """Run *function* in a group of the writer; it raises ``InvalidInput`` before it writes."""
        result: Result = await self.write(_each_write, (function, item))
        return result

    async def lease(
        self,
        operation: Operation[Item, Result],
        item: Item,
        *,
        claims: Callable[[Result], Sequence[Claim]],
        give_back: Operation[Sequence[Claim], Any],
    ) -> Result:
        """Write, and should the caller be cancelled meanwhile, give back what was leased to it."""
        future = self.write(operation, item)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(lambda done: self._give_back(done, claims, give_back))
            raise

    def _give_back(
        self,
        done: asyncio.Future[Result],
        claims: Callable[[Result], Sequence[Claim]],
        give_back: Operation[Sequence[Claim], Any],
    ) -> None:
        if done.cancelled() or done.exception() is not None:
            return
        orphaned = claims(done.result())
        if orphaned:
            self.write(give_back, orphaned).add_done_callback(_look_at)

    async def read(self, function: Callable[[Connection, Item], Result], item: Item) -> Result:
        """Run *function* on a reading lane, in a snapshot that holds every commit until now."""
        if not self.readers:
            message = "The journal is not open"
            raise StorageUnavailable(message)
        lane = min(self.readers, key=lambda reader: reader.waiting)
        result: Result = await lane.submit(_each_read, (function, item))
        return result


def _look_at(done: asyncio.Future[Any]) -> None:
    """Take note of an outcome that nobody waits for: a lease that is not given back ends by itself."""
    if not done.cancelled():
        done.exception()


def _each_write(connection: Connection, calls: Sequence[tuple[Callable[..., Any], Any]]) -> list[Any]:
    results: list[Any] = []
    for function, item in calls:
        try:
            results.append(function(connection, item))
        except InvalidInput as error:
            results.append(error)
    return results


def _each_read(connection: Connection, calls: Sequence[tuple[Callable[..., Any], Any]]) -> list[Any]:
    return [function(connection, item) for function, item in calls]
