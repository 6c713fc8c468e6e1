"""Running replay jobs: page by page, at their rate, one process at a time. Floor 5.

Theory of operation:

1. Every process that works looks for jobs that nobody has, and runs up to ``JOBS_AT_ONCE`` of them. The
   store says with every page whether a job is still ours; a crash costs the lease's length, and no work is
   made due twice, for the page and the cursor are written together.
2. A rate is kept by waiting after each page for as long as its work takes at that rate; while waiting for
   longer than a third of the lease, the lease is renewed.
3. A preview runs the same pages, and counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from smart_api_integrations.core.journal import NewHandling, ReceivedEvent
from smart_api_integrations.core.replay import (
    Candidate,
    Preview,
    Replay,
    ReplayFilter,
    ReplayPage,
    ReplayState,
)
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.storage.replay_protocol import ReplayStore

logger = logging.getLogger(__name__)

Assign = Callable[[ReceivedEvent], Sequence[NewHandling]]
"""Says which handlings an event would get today."""

JOBS_AT_ONCE = 4
LOOK_SECONDS = 2.0
PAGE = 200
PAGE_SECONDS = 0.5
"""How much of a rate is made due at once: a page is half a second's."""
PREVIEWED = 100_000
PAGES_PREVIEWED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRules:
    """What the runner of jobs is told from outside.

    Attributes:
        owner: The process's id, different for every start.
        lease: How long a dead process's job waits.
        sleep: Waits so many seconds.
    """

    owner: str
    lease: timedelta
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Replayer:
    """Runs the jobs of one process."""

    def __init__(self, replays: ReplayStore, assign: Assign, rules: ReplayRules) -> None:
        """Work on *replays*; *assign* says what handlings of an event are missing."""
        self._replays = replays
        self._assign = assign
        self._rules = rules
        self._jobs: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()

    def start(self) -> None:
        """Begin to look for jobs."""
        if self._loop is None:
            self._loop = asyncio.create_task(self._look_forever())

    def wake(self) -> None:
        """Look for a job now."""
        self._woken.set()

    async def stop(self) -> None:
        """Give every job back, for another process to go on with. Idempotent."""
        tasks = [*self._jobs, *([self._loop] if self._loop else [])]
        self._loop = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def take(self) -> Replay | None:
        """Claim a job that nobody has, and run it; return it, or None where there is none."""
        job = await self._replays.claim(owner=self._rules.owner, lease=self._rules.lease)
        if job is not None:
            task = asyncio.create_task(self._run(job))
            self._jobs.add(task)
            task.add_done_callback(self._jobs.discard)
            task.add_done_callback(lambda _: self._woken.set())
        return job

    async def run(self, job: Replay) -> Replay | None:
        """Run a claimed *job* until it is over; None where it is not ours any more.

        Raises:
            StorageUnavailable: The store is away; the job goes on where it was.
        """
        current = job
        while current.state is ReplayState.RUNNING:
            size = max(1, min(PAGE, int(current.rate * PAGE_SECONDS)))
            page = await self._replays.page(current.filter, after=current.cursor, limit=size)
            candidates = to_do(page, current.filter, self._assign)
            after = await self._replays.advance(current, page, candidates, lease=self._rules.lease)
            if after is None:
                return None
            made = after.done - current.done
            current = after
            if current.state is ReplayState.RUNNING and not await self._wait(current, made):
                return None
        logger.info(
            "A replay is over", extra={"action": "replay", "replay_id": current.id, "count": current.done}
        )
        return current

    async def _wait(self, job: Replay, made: int) -> bool:
        """Wait for as long as *made* pieces take at the job's rate; False where the job was lost."""
        left = made / job.rate
        step = self._rules.lease.total_seconds() / 3
        while left > step:
            await self._rules.sleep(step)
            left -= step
            if not await self._replays.renew(job, lease=self._rules.lease):
                return False
        await self._rules.sleep(left)
        return True

    async def _run(self, job: Replay) -> None:
        try:
            await self.run(job)
        except asyncio.CancelledError:
            await self._give_back(job)
            raise
        except StorageUnavailable:
            logger.warning("A replay waits for the store", extra={"action": "replay", "replay_id": job.id})
        except Exception:
            logger.exception("A replay stopped", extra={"action": "replay", "replay_id": job.id})

    async def _give_back(self, job: Replay) -> None:
        try:
            await self._replays.release(job)
        except StorageUnavailable:
            logger.warning("A replay was not given back; its lease ends", extra={"action": "replay"})

    async def _look_forever(self) -> None:
        while True:
            self._woken.clear()
            try:
                found = len(self._jobs) < JOBS_AT_ONCE and await self.take() is not None
            except StorageUnavailable:
                found = False
            if not found:
                await self._doze()

    async def _doze(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return


def to_do(page: ReplayPage, asked: ReplayFilter, assign: Assign) -> list[Candidate]:
    """Return what a page holds to be done, with the handlings that *assign* says are missing."""
    missing = [
        Candidate(
            work_id=None,
            subject_id=event.id,
            tenant=event.tenant,
            target=handling.handler,
            event_type=event.event_type,
            created_at=event.received_at,
            handling=handling,
        )
        for event in page.events
        for handling in assign(event)
        if asked.wants_target(handling.handler)
        and handling.handler not in page.known.get(event.id, frozenset())
    ]
    return [*page.candidates, *missing]


async def preview(replays: ReplayStore, asked: ReplayFilter, assign: Assign) -> Preview:
    """Count what a job over *asked* would do, up to ``PREVIEWED`` pieces or ``PAGES_PREVIEWED`` pages."""
    event_types: Counter[str] = Counter()
    targets: Counter[str] = Counter()
    oldest: datetime | None = None
    after, is_last, pages = "", False, 0
    while not is_last and pages < PAGES_PREVIEWED and targets.total() < PREVIEWED:
        page = await replays.page(asked, after=after, limit=PREVIEWED)
        for each in to_do(page, asked, assign):
            event_types[each.event_type or ""] += 1
            targets[each.target] += 1
            oldest = each.created_at if oldest is None else min(oldest, each.created_at)
        after, is_last, pages = page.cursor, page.is_last, pages + 1
    return Preview(
        count=targets.total(),
        is_exact=is_last,
        event_types=dict(event_types.most_common()),
        targets=dict(targets.most_common()),
        oldest=oldest,
    )
