"""The live feed: what changed in the journal, told to everybody who watches. Floor 6.

Theory of operation:

1. One task of a process looks at the journal's mark a few times a second, and only while somebody watches.
   Nobody who writes knows of it: the mark is read from counters that are kept anyway, on a reading
   connection. So whatever any process did is seen on every engine, and ingest pays nothing. (``NOTIFY`` in
   every transaction would make PostgreSQL commit them one after the other.)
2. A viewer has no queue. What it has not read yet is added up into one change, so a slow browser costs a few
   numbers and never holds up anybody.
3. Every change carries a token that says where the journal stood. With it a stream is taken up again, at any
   process and after a restart: what happened meanwhile is counted from the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from smart_api_integrations.core.changes import Change, Mark, change_between
from smart_api_integrations.errors import WebhooksError
from smart_api_integrations.storage.column_types import EPOCH
from smart_api_integrations.storage.protocols import Journal

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
FAILED_SECONDS = 2.0
MOST_VIEWERS = 200
COUNTED_MINUTES = 10
LONGEST_CUT = 60  # minutes; after a longer one, anything may have changed
MINUTE = timedelta(minutes=1)


class TooManyViewersError(WebhooksError):
    """As many streams as one process serves are open; the caller may try again later."""


@dataclass(slots=True, eq=False)
class Viewer:
    """Somebody who watches.

    Attributes:
        token: Where the journal stood when ``next`` returned last.
    """

    token: str
    _pending: Change = field(default_factory=Change)
    _told: asyncio.Event = field(default_factory=asyncio.Event)
    _is_over: bool = False

    async def next(self) -> Change | None:
        """Wait for what changed since the last time; None at the end of the feed."""
        await self._told.wait()
        if self._is_over:
            return None
        self._told.clear()
        change, self._pending = self._pending, Change()
        return change

    def tell(self, change: Change, token: str) -> None:
        """Add *change* to what is to be told."""
        self._pending += change
        self.token = token
        self._told.set()

    def end(self) -> None:
        """Tell nothing more."""
        self._is_over = True
        self._told.set()


class LiveFeed:
    """Watches one journal for any number of viewers, in one event loop."""

    def __init__(
        self, journal: Journal, *, look_seconds: float = LOOK_SECONDS, most_viewers: int = MOST_VIEWERS
    ) -> None:
        """Watch *journal*, which need not be open yet; nothing is read before somebody watches."""
        self._journal = journal
        self._look_seconds = look_seconds
        self._most_viewers = most_viewers
        self._viewers: set[Viewer] = set()
        self._mark: Mark | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._viewers)

    @property
    def is_full(self) -> bool:
        """Whether nobody more can watch."""
        return self._is_closed or len(self._viewers) >= self._most_viewers

    @property
    def is_watching(self) -> bool:
        """Whether the journal is looked at."""
        return self._task is not None

    @asynccontextmanager
    async def watch(self, token: str = "") -> AsyncIterator[Viewer]:
        """Watch from now on, or from where *token* says the journal stood.

        Raises:
            TooManyViewersError: Enough watch already.
            StorageUnavailable: The journal cannot be read.
        """
        if self.is_full:
            message = f"{len(self._viewers)} pages are live already: load the page again to see what is new"
            raise TooManyViewersError(message)
        viewer = Viewer("")
        self._viewers.add(viewer)
        try:
            await self._begin(viewer, Mark.parse(token))
            yield viewer
        finally:
            self._viewers.discard(viewer)
            if not self._viewers:
                await self._stop()

    async def close(self) -> None:
        """End every stream. Idempotent; nobody can watch afterwards."""
        self._is_closed = True
        for viewer in self._viewers:
            viewer.end()
        await self._stop()

    async def _begin(self, viewer: Viewer, last: Mark | None) -> None:
        """Tell *viewer* where the journal stands, and what it missed."""
        if self._mark is None:
            await self._read_first()
        missed = Change() if last is None else await self._missed(last)
        viewer.tell(missed, "" if self._mark is None else self._mark.token)
        if self._task is None and not self._is_closed:
            self._task = asyncio.create_task(self._look_again_and_again())

    async def _read_first(self) -> None:
        """Read the mark, unless another viewer came first: that one has heard of the earlier one."""
        mark = await self._journal.mark(self._journal.now() - MINUTE)
        if self._mark is None:
            self._mark = mark

    async def _missed(self, last: Mark) -> Change:
        since = EPOCH + last.since * MINUTE
        if not timedelta(0) <= self._journal.now() - since <= LONGEST_CUT * MINUTE:
            return Change(unknown=True)
        return change_between(last, await self._journal.mark(since))

    async def _stop(self) -> None:
        task, self._task = self._task, None
        self._mark = None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _look_again_and_again(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(FAILED_SECONDS if failing else self._look_seconds)
            try:
                await self._look()
                failing = False
            except WebhooksError as error:
                if not failing:
                    logger.warning("Live pages stand still: %s", error, extra={"action": "live.look_failed"})
                failing = True

    async def _look(self) -> None:
        """Look once, and tell everybody what is new."""
        before = self._mark
        if before is None:  # the last viewer just left
            return
        since = EPOCH + before.since * MINUTE
        now = self._journal.now()
        # The next minutes are read first: what comes between the two looks is then told twice, and never
        # lost.
        rebased = await self._journal.mark(now - MINUTE) if now - since > COUNTED_MINUTES * MINUTE else None
        mark = await self._journal.mark(since)
        change = change_between(before, mark)
        self._mark = rebased or mark
        if change:
            for viewer in self._viewers:
                viewer.tell(change, self._mark.token)
