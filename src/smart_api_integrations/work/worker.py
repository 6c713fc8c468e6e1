"""The worker: claims work, runs it, records what became of it, for both directions alike. Floor 5.

Theory of operation:

1. Work comes two ways. Whoever makes it in this process hands it over in the transaction that makes it
   (``offer``, ``take``); whatever is left over, due later, or orphaned is claimed from the store.
2. A lease is renewed at a third of its length for as long as the claim is held; a lease that we never
   heard of, because its answer was lost, is not renewed and ends. If the process dies,
   the lease ends and any worker's ``reap`` makes the work due again: a crash costs a lease, no event.
3. A run never raises; its outcome is recorded with the fence of its claim. If the store is away, the
   recording is tried again until it is back: what was done is not forgotten, and where the lease passed
   on meanwhile the fence says so. An outcome that the store cannot hold becomes a dead letter.
4. The loop sleeps until it is woken by a commit, by a place that became free, or by the clock: the next
   due time, and once a second in any case, since a wake-up is only a hint.
5. At a stop nothing more is claimed, what runs may finish for a time, the rest goes back unharmed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from smart_api_integrations.core.journal import AttemptStatus, Claim, Handoff, Message, Outcome, Recorded
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.errors import InvalidInput, StorageUnavailable
from smart_api_integrations.storage.protocols import WorkStore
from smart_api_integrations.telemetry import AttemptFinished, LeasesLost, StoreFailed, Telemetry
from smart_api_integrations.work.slots import Slots

logger = logging.getLogger(__name__)

Runner = Callable[[Claim], Awaitable[Outcome]]

CLAIM_BATCH = 100
POLL_SECONDS = 1.0
RECORD_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRules:
    """What a worker is told from outside.

    Attributes:
        owner: Its id, different for every process and start.
        lease: How long a dead worker's work waits.
        concurrency: How much runs at once.
        target_concurrency: How much of one target (endpoint id, handler name) runs at once.
        on_published: Told of every message that an outcome published, after its commit.
    """

    owner: str
    lease: timedelta
    concurrency: int
    target_concurrency: Callable[[str], int]
    on_published: Callable[[Sequence[Message]], None]


class Worker:
    """One process's worker."""

    def __init__(
        self,
        *,
        work: WorkStore,
        runners: Mapping[Kind, Runner],
        telemetry: Telemetry,
        rules: WorkerRules,
    ) -> None:
        """Take the store, one runner for each kind of work, and the rules."""
        self._work = work
        self._runners = runners
        self._telemetry = telemetry
        self._rules = rules
        self._slots = Slots(concurrency=rules.concurrency, target_concurrency=rules.target_concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._woken = asyncio.Event()
        self._stopping = False

    def offer(self) -> Handoff | None:
        """Return the offer to take new work at once, or None where every place is taken."""
        if self._stopping or not self._loops or not self._slots.room:
            return None
        return Handoff(owner=self._rules.owner, lease=self._rules.lease, refuse=self._slots.full_targets)

    def take(self, claims: Sequence[Claim]) -> None:
        """Begin with work that is leased to us; during a stop leave it, for ``stop`` gives it back."""
        if self._stopping:
            return
        self._slots.hold(claims)
        self._start()

    def wake(self) -> None:
        """Look for work now."""
        self._woken.set()

    def start(self) -> None:
        """Begin to claim, to renew and to reap."""
        self._loops = [
            asyncio.create_task(self._forever(self._claim_and_wait)),
            asyncio.create_task(self._forever(self._renew)),
            asyncio.create_task(self._forever(self._reap)),
        ]

    @property
    def has_failed(self) -> bool:
        """Whether it was started, and one of its loops ended by itself."""
        return not self._stopping and any(loop.done() for loop in self._loops)

    def hurry(self) -> None:
        """Let nothing finish: a stop, under way or to come, waits for nothing that runs."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()

    async def stop(self, *, grace: timedelta) -> None:
        """Claim nothing more, let what runs finish for *grace*, give the rest back."""
        self._stopping = True
        for loop in (self._loops[0], self._loops[2]) if self._loops else ():
            loop.cancel()
        self._slots.drop_queued()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        try:
            await self._work.release(owner=self._rules.owner)
        except StorageUnavailable as error:
            logger.warning("Leases were not given back; they end by themselves", extra={"action": "release"})
            self._telemetry.tell(StoreFailed("release", str(error)))

    def _start(self) -> None:
        while (claim := self._slots.next_to_run()) is not None:
            task = asyncio.create_task(self._run(claim))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, claim: Claim) -> None:
        try:
            try:
                outcome = await self._runners[claim.work.kind](claim)
            finally:
                self._slots.ran(claim.work)
                self._start()
            await self._record(outcome)
        except Exception:
            logger.exception(
                "An outcome was not recorded", extra={"action": "record", "work_id": claim.work.id}
            )
        finally:
            if self._slots.let_go(claim.work):
                self._woken.set()

    async def _record(self, outcome: Outcome) -> None:
        try:
            recorded = await self._write(outcome)
        except InvalidInput as error:
            logger.warning(
                "An outcome cannot be kept", extra={"action": "record", "work_id": outcome.work.id}
            )
            outcome = _without_content(outcome, str(error))
            recorded = await self._write(outcome)
        for published in recorded.published:
            self.take(published.claims)
        if outcome.messages and not recorded.stale:
            self._rules.on_published(outcome.messages)
        self._telemetry.tell(AttemptFinished(outcome, recorded.stale))

    async def _write(self, outcome: Outcome) -> Recorded:
        """Record *outcome*, trying again until the store is there."""
        pause = RECORD_AGAIN_SECONDS
        while True:
            try:
                return await self._work.record(outcome, handoff=self.offer() if outcome.messages else None)
            except StorageUnavailable as error:
                self._telemetry.tell(StoreFailed("record", str(error)))
                await asyncio.sleep(pause)
                pause = min(pause * 2, POLL_SECONDS)

    async def _forever(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except StorageUnavailable as error:
                self._telemetry.tell(StoreFailed(step.__name__.strip("_"), str(error)))
                await asyncio.sleep(POLL_SECONDS)
            except Exception:
                logger.exception("The worker's loop failed", extra={"action": step.__name__.strip("_")})
                await asyncio.sleep(POLL_SECONDS)

    async def _claim_and_wait(self) -> None:
        self._woken.clear()
        self._start()  # what runs for long gives its place to others
        limit = min(self._slots.room, CLAIM_BATCH)
        claims: Sequence[Claim] = ()
        if limit:
            claims = await self._work.claim(
                owner=self._rules.owner, limit=limit, lease=self._rules.lease, refuse=self._slots.full_targets
            )
            self.take(claims)
        if not claims:
            await self._wait()

    async def _wait(self) -> None:
        seconds = POLL_SECONDS
        if self._slots.room:
            due = await self._work.next_due()
            if due is not None and due > timedelta():
                seconds = min(seconds, due.total_seconds())
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _renew(self) -> None:
        if self._slots.held:
            await self._work.renew(
                owner=self._rules.owner, lease=self._rules.lease, held=self._slots.held_ids
            )
        await asyncio.sleep(self._rules.lease.total_seconds() / 3)

    async def _reap(self) -> None:
        count = await self._work.reap()
        if count:
            logger.warning("Leases of a dead worker ended", extra={"action": "reap", "count": count})
            self._telemetry.tell(LeasesLost(count))
            self._woken.set()
        await asyncio.sleep(self._rules.lease.total_seconds() / 3)


def _without_content(outcome: Outcome, reason: str) -> Outcome:
    """Return a dead letter in the place of an outcome that the store cannot hold."""
    attempt = replace(
        outcome.attempt,
        status=AttemptStatus.FAILED,
        error_code="not_recorded",
        error_message=f"It ran, but what came of it cannot be kept: {reason}",
        error_detail=None,
        request_headers=None,
        response_headers=None,
        response_body=None,
        phases=None,
        result=None,
    )
    return Outcome(work=outcome.work, state=State.FAILED, attempt=attempt)
