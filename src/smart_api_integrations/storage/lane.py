"""A lane: one thread with one connection that commits together what is waiting. Floor 3.

Theory of operation:

1. Callers submit (operation, item) from an event loop and get a future. While the lane commits one
   group, the next one gathers; there is no timer and nobody waits for company.
2. A group is one transaction. The items of one operation go to it in one call, in the order in
   which they came, so that an operation can be one batch statement.
3. The futures of a group resolve after its commit, with one wake-up of each loop.
4. A group that fails for one item's sake is rolled back and its items are run one by one: only the
   bad one fails. A group that fails for the store's sake fails as a whole with
   ``StorageUnavailable``, and the next group begins with a new connection.
5. Nothing that a caller does ends the thread: not a cancelled future, not a closed loop, not an
   operation that raises.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from smart_api_integrations.errors import InvalidInput, StorageUnavailable, WebhooksError

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")
Operation = Callable[[Connection, Sequence[Item]], Sequence[Result | WebhooksError]]
"""What runs inside a group: gives one result for each item, in order.

A result that is a ``WebhooksError`` is raised to its caller alone, and the group goes on: for what
is found out before anything was written. Whatever an operation raises rolls the group back.
"""

CONFLICT_TRIES = 5
GROUP_LIMIT = 512
CAPACITY = 20_000


class Failure(Enum):
    """What a failed transaction means."""

    UNAVAILABLE = "the store cannot be reached or written to"
    CONFLICT = "another process was in the way: the same transaction may succeed now"
    DATA = "one item cannot be written"
    FAULT = "it is no error of the store's at all"


ONE_ITEMS = frozenset({Failure.DATA, Failure.FAULT})


class _Entry(NamedTuple):
    operation: Operation[Any, Any]
    item: Any
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Lane:
    """One thread, one connection, one transaction at a time. ``submit`` is safe from any loop."""

    def __init__(
        self,
        *,
        name: str,
        connect: Callable[[], Connection],
        judge: Callable[[Exception], Failure],
        after_commit: Callable[[Connection], None] = lambda _: None,
        capacity: int = CAPACITY,
        told: Sequence[Callable[[float, int], None]] = (),
    ) -> None:
        """Make a lane that connects on its first group.

        Args:
            name: For the thread and for messages.
            connect: Opens the connection; called in the lane's thread, again after every loss.
            judge: Says what a failed transaction means.
            after_commit: Called in the thread after each commit, before the callers hear of it.
            capacity: How many items may wait; beyond it ``submit`` raises.
            told: Called in the thread after each commit with its seconds and the number of its items.
        """
        self._name = name
        self._connect = connect
        self._judge = judge
        self._after_commit = after_commit
        self._capacity = capacity
        self._told = told
        self._connection: Connection | None = None
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._closed = False
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def submit(self, operation: Operation[Item, Result], item: Item) -> asyncio.Future[Result]:
        """Queue *item* for *operation* and return the future of its result.

        Raises:
            StorageUnavailable: The lane is closed, or too much is waiting already.
        """
        if self._queue.qsize() >= self._capacity:
            message = f"{self._capacity:,} writes wait already in {self._name}: try again"
            raise StorageUnavailable(message)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        with self._closing:
            if self._closed:
                message = "The journal is closed: nothing was written"
                raise StorageUnavailable(message)
            self._queue.put(_Entry(operation, item, future, loop))
        return future

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return self._queue.qsize()

    async def close(self) -> None:
        """Finish what was submitted, let go of the connection, end the thread. Idempotent."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    # What follows runs in the lane's thread.

    def _serve(self) -> None:
        open_for_more = True
        while open_for_more:
            group, open_for_more = self._gather()
            if group:
                _tell(group, self._run(group))
        self._disconnect()

    def _gather(self) -> tuple[list[_Entry], bool]:
        """Wait for one entry, then take all that is there; False at the end of the lane."""
        entry = self._queue.get()
        group: list[_Entry] = []
        while entry is not None:
            if not entry.future.cancelled():
                group.append(entry)
            if len(group) >= GROUP_LIMIT:
                return group, True
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _run(self, group: Sequence[_Entry]) -> Sequence[Any]:
        """Return a result or an exception for each entry of *group*."""
        error: Exception = StorageUnavailable()
        for _ in range(CONFLICT_TRIES):
            try:
                return self._commit(group)
            except Exception as caught:  # noqa: BLE001 - handed to whoever submitted it, like a handler's
                error = caught
            failure = self._judge(error)
            if failure is Failure.UNAVAILABLE:
                self._disconnect()
            if failure in ONE_ITEMS and len(group) > 1:
                return self._run_singly(group)
            if failure is not Failure.CONFLICT:
                break
        return [self._explained(error) for _ in group]

    def _run_singly(self, group: Sequence[_Entry]) -> Sequence[Any]:
        results: list[Any] = []
        for entry in group:
            if results and isinstance(results[-1], StorageUnavailable):
                results.append(StorageUnavailable(str(results[-1])))
            else:
                results.extend(self._run([entry]))
        return results

    def _commit(self, group: Sequence[_Entry]) -> Sequence[Any]:
        """Run *group* in one transaction and return its results after the commit."""
        if self._connection is None:
            self._connection = self._connect()
        places: dict[Operation[Any, Any], list[int]] = {}
        for place, entry in enumerate(group):
            places.setdefault(entry.operation, []).append(place)
        results: list[Any] = [None] * len(group)
        began = time.perf_counter()
        with self._connection.begin():
            for operation, those in places.items():
                done = operation(self._connection, [group[place].item for place in those])
                for place, result in zip(those, done, strict=True):
                    results[place] = result
        self._after_commit(self._connection)
        for told in self._told:
            told(time.perf_counter() - began, len(group))
        return results

    def _explained(self, error: Exception) -> Exception:
        """Return what the caller is told: never a driver's exception, never a statement's values."""
        failure = self._judge(error)
        if isinstance(error, WebhooksError) or failure is Failure.FAULT:
            return error
        original = getattr(error, "orig", None) or error
        word = type(original).__name__
        if failure is Failure.DATA:
            # Not chained: a driver shows the row that it refused, and with it a body.
            return InvalidInput(f"The store cannot keep this record ({word}); nothing was written")
        told = StorageUnavailable(f"The store cannot be used ({word}); nothing was written, try again")
        told.__cause__ = original
        return told

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.close()
        except Exception:  # noqa: BLE001 - a connection that is lost may fail in any way to close
            connection.invalidate()
            logger.debug("a lost connection did not close", extra={"action": "storage.close_failed"})


def _tell(group: Iterable[_Entry], results: Iterable[Any]) -> None:
    """Resolve the futures of *group*, with one wake-up of each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for entry, result in zip(group, results, strict=True):
        by_loop.setdefault(entry.loop, []).append((entry.future, result))
    for loop, settled in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, settled)
        except RuntimeError:  # the loop is closed: nobody waits there any more
            logger.debug("a caller's loop is closed", extra={"action": "storage.loop_closed"})


def _settle(settled: Iterable[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in settled:
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
