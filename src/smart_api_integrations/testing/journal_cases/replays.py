"""Promises about replay jobs: what they find, and that they do it once. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from smart_api_integrations.core.journal import NewHandling
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.replay import (
    Candidate,
    Mode,
    ReplayFilter,
    ReplayState,
)
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.replay_pages import ReplayScene, run
from smart_api_integrations.testing.journal_cases.scene import (
    HANDLER,
    LEASE,
    ONE_HANDLER,
    claim,
    promise,
)

DEAD_HANDLINGS = ReplayFilter(kind=Kind.HANDLING)
DEAD_DELIVERIES = ReplayFilter(kind=Kind.DELIVERY)


class ReplayJobCases(ReplayScene):
    """``ReplayStore``: a job and its progress."""

    @promise
    async def test_a_job_is_kept_with_everything_that_it_was_made_of(self, journal: Journal) -> None:
        noon = self.clock()
        asked = ReplayFilter(
            kind=Kind.DELIVERY,
            mode=Mode.ALL,
            tenant="acme",
            event_type="order.*",
            target="ep_1",
            states=(State.DELIVERED, State.CANCELLED),
            since=noon - timedelta(days=1),
            until=noon,
        )
        job = self.job(asked, rate=2.5, note="Missed orders", by="ops", total=12, is_exact=False)

        await journal.replays.start(job)
        await journal.replays.start(job)

        assert await journal.replays.replay(job.id) == job
        assert list(await journal.replays.replays()) == [job]
        assert list(await journal.replays.replays(state=ReplayState.PAUSED)) == []
        assert list(await journal.replays.replays(before=job.id)) == []
        assert await journal.replays.replay("rpl_unknown") is None

    @promise
    async def test_a_page_makes_dead_work_due_and_the_last_one_completes_the_job(
        self, journal: Journal
    ) -> None:
        dead = await self.kill(journal, 3)
        job = await self.start(journal)

        half = await run(journal, job, limit=2)
        assert half is not None
        whole = await run(journal, half, limit=2)

        assert (half.done, half.cursor, half.state) == (2, dead[1], ReplayState.RUNNING)
        assert whole is not None
        assert (whole.done, whole.skipped, whole.state) == (3, 0, ReplayState.COMPLETED)
        assert whole.finished_at == self.clock()
        claims = await claim(journal)
        assert sorted(one.work.id for one in claims) == dead
        assert {(one.work.failures, one.work.attempt_count) for one in claims} == {(0, 2)}
        assert await journal.replays.claim(owner="worker-2", lease=LEASE) is None

    @promise
    async def test_what_became_of_it_is_counted_and_listed(self, journal: Journal) -> None:
        await self.kill(journal, 4)
        job = await self.start(journal)
        await run(journal, job)

        one, two, three, _ = await claim(journal)
        await journal.work.record(self.done(one))
        await journal.work.record(self.dead(two))
        await journal.work.record(self.again(three))

        outcomes = await journal.replays.outcomes(job)
        assert (outcomes.done, outcomes.failed, outcomes.open, outcomes.other) == (1, 1, 2, 0)
        dead = await journal.replays.items(job.id, state=State.FAILED)
        assert [part.id for part in dead] == [two.work.id]
        first, *rest = await journal.replays.items(job.id)
        assert [part.id for part in await journal.replays.items(job.id, before=first.id, limit=2)] == [
            part.id for part in rest[:2]
        ]

    @promise
    async def test_what_is_not_over_any_more_is_skipped(self, journal: Journal) -> None:
        dead = await self.kill(journal, 2)
        job = await self.start(journal)
        page = await journal.replays.page(job.filter, limit=10)
        await journal.work.replay(dead[0])

        after = await journal.replays.advance(job, page, page.candidates, lease=LEASE)

        assert after is not None
        assert (after.done, after.skipped) == (1, 1)
        assert [part.id for part in await journal.replays.items(job.id)] == [dead[1]]

    @promise
    async def test_a_missing_delivery_is_made_once_however_many_jobs_want_it(self, journal: Journal) -> None:
        other = await self.another()
        message = self.message()
        await journal.messages.publish(message)
        late = self.endpoint()
        await journal.endpoints.add(late)
        asked = ReplayFilter(kind=Kind.DELIVERY, mode=Mode.MISSING)
        jobs = [await self.start(journal, asked) for _ in range(2)]
        page = await journal.replays.page(asked, limit=10)

        ends = await asyncio.gather(
            *(
                store.replays.advance(job, page, page.candidates, lease=LEASE)
                for store, job in zip((journal, other), jobs, strict=True)
            )
        )

        assert sorted(end.done for end in ends if end) == [0, 1]
        (one,) = await claim(journal)
        assert (one.work.subject_id, one.work.target, one.message) == (message.id, late.id, message)
        assert one.endpoint == late

    @promise
    async def test_missing_deliveries_keep_their_order(self, journal: Journal) -> None:
        for _ in range(3):
            await journal.messages.publish(self.message(ordering_key="customer-1"))
        await journal.endpoints.add(self.endpoint())
        job = await self.start(journal, ReplayFilter(kind=Kind.DELIVERY, mode=Mode.MISSING))

        await run(journal, job)

        assert len(await claim(journal)) == 1
        backlog = await journal.work.backlog()
        assert (backlog.waiting, backlog.running) == (2, 1)

    @promise
    async def test_a_missing_handling_is_made_once(self, journal: Journal) -> None:
        event = self.event()
        await journal.events.accept(event, ONE_HANDLER)
        job = await self.start(journal, ReplayFilter(kind=Kind.HANDLING, mode=Mode.MISSING))
        page = await journal.replays.page(job.filter, limit=10)
        candidates = [
            Candidate(
                work_id=None,
                subject_id=event.id,
                tenant=event.tenant,
                target=name,
                event_type=event.event_type,
                created_at=event.received_at,
                handling=NewHandling(handler=name, max_attempts=2),
            )
            for name in (HANDLER, "new")
        ]

        after = await journal.replays.advance(job, page, candidates, lease=LEASE)

        assert after is not None
        assert (after.done, after.skipped, after.state) == (1, 1, ReplayState.COMPLETED)
        assert sorted(one.work.target for one in await claim(journal)) == [HANDLER, "new"]


class ReplayLeaseCases(ReplayScene):
    """``ReplayStore``: nobody runs a job beside another one."""

    @promise
    async def test_of_many_at_once_one_gets_a_job(self, journal: Journal) -> None:
        other = await self.another()
        await journal.replays.start(self.job())

        got = await asyncio.gather(
            *(
                store.replays.claim(owner=f"worker-{number}", lease=LEASE)
                for number, store in enumerate((journal, other) * 3)
            )
        )

        assert len([job for job in got if job is not None]) == 1

    @promise
    async def test_who_lost_the_lease_writes_nothing_and_the_next_goes_on(self, journal: Journal) -> None:
        dead = await self.kill(journal, 4)
        first = await self.start(journal)
        first = await run(journal, first, limit=1) or first
        self.clock.advance(seconds=16)

        second = await journal.replays.claim(owner="worker-2", lease=LEASE)
        assert second is not None
        assert (second.cursor, second.fence, second.done) == (dead[0], first.fence + 1, 1)
        assert await run(journal, first) is None
        assert not await journal.replays.renew(first, lease=LEASE)
        await journal.replays.release(first)
        assert await journal.replays.claim(owner="worker-3", lease=LEASE) is None

        end = await run(journal, second)
        assert end is not None
        assert end.done == 4
        assert len(await claim(journal)) == 4

    @promise
    async def test_a_renewed_lease_holds_and_a_released_job_is_free(self, journal: Journal) -> None:
        job = await self.start(journal)
        self.clock.advance(seconds=10)
        assert await journal.replays.renew(job, lease=LEASE)
        self.clock.advance(seconds=10)

        assert await journal.replays.claim(owner="worker-2", lease=LEASE) is None
        await journal.replays.release(job)
        assert await journal.replays.claim(owner="worker-2", lease=LEASE) is not None

    @promise
    async def test_a_paused_job_makes_nothing_due_until_it_is_resumed(self, journal: Journal) -> None:
        await self.kill(journal, 2)
        job = await self.start(journal)

        paused = await journal.replays.pause(job.id)

        assert paused.state is ReplayState.PAUSED
        assert await journal.replays.pause(job.id) == paused
        assert await run(journal, job) is None
        assert await journal.replays.claim(owner="worker-2", lease=LEASE) is None
        assert await claim(journal) == []
        assert (await journal.replays.resume(job.id)).state is ReplayState.RUNNING
        again = await journal.replays.claim(owner="worker-2", lease=LEASE)
        assert again is not None
        end = await run(journal, again)
        assert end is not None
        assert (end.state, end.done) == (ReplayState.COMPLETED, 2)

    @promise
    async def test_a_cancelled_job_stays_where_it_is(self, journal: Journal) -> None:
        await self.kill(journal, 3)
        job = await run(journal, await self.start(journal), limit=1)
        assert job is not None

        cancelled = await journal.replays.cancel(job.id)

        assert (cancelled.state, cancelled.done) == (ReplayState.CANCELLED, 1)
        assert cancelled.finished_at == self.clock()
        assert await run(journal, job) is None
        for move in (journal.replays.resume, journal.replays.pause):
            with pytest.raises(InvalidInput, match="make a new replay"):
                await move(job.id)
        with pytest.raises(NotFound):
            await journal.replays.cancel("rpl_unknown")

    @promise
    async def test_a_job_survives_its_process(self, journal: Journal) -> None:
        dead = await self.kill(journal, 3)
        await run(journal, await self.start(journal), limit=2)

        await journal.close()
        other = await self.another()
        self.clock.advance(seconds=16)
        job = await other.replays.claim(owner="worker-2", lease=LEASE)

        assert job is not None
        assert (job.cursor, job.done) == (dead[1], 2)
        end = await run(other, job)
        assert end is not None
        assert (end.done, end.state) == (3, ReplayState.COMPLETED)
