"""Replay jobs over a real journal: paced, stopped, taken over; and what people ask of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from smart_api_integrations import Webhooks
from smart_api_integrations.core.journal import NewHandling, ReceivedEvent
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.replay import Mode, Replay, ReplayFilter, ReplayState
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import LEASE
from smart_api_integrations.work.replay import PREVIEWED, Replayer, ReplayRules, preview
from tests.journal_scenes import Scene, new_id, open_platform

DEAD_HANDLINGS = ReplayFilter(kind=Kind.HANDLING)
DEAD_DELIVERIES = ReplayFilter(kind=Kind.DELIVERY)


def nobody(_: ReceivedEvent) -> list[NewHandling]:
    return []


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path) as opened:
        yield opened


async def dead_handlings(platform, count: int) -> list[str]:
    scene = Scene(platform=platform)
    for _ in range(count):
        await scene.event("shop.on_push", max_attempts=1)
    claims = await scene.claims()
    for one in claims:
        await scene.record(one, State.FAILED)
    return sorted(one.work.id for one in claims)


class Pace:
    """Waits for nothing, and notes how long it was asked to."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


def replayer(journal: Journal, *, owner: str = "one", sleep=None, assign=nobody) -> Replayer:
    return Replayer(journal.replays, assign, ReplayRules(owner=owner, lease=LEASE, sleep=sleep or Pace()))


class TestRunning:
    async def test_a_job_runs_at_its_rate(self, platform):
        await dead_handlings(platform, 20)
        await platform.replays.start(DEAD_HANDLINGS, rate=8)
        pace = Pace()
        runner = replayer(platform.journal, sleep=pace)

        job = await platform.journal.replays.claim(owner="one", lease=LEASE)
        end = await runner.run(job)

        assert end is not None
        assert (end.done, end.state) == (20, ReplayState.COMPLETED)
        assert pace.waits == pytest.approx([0.5] * 4)  # the fifth page was the last one
        assert len(await Scene(platform=platform).claims()) == 20

    async def test_a_slow_job_keeps_its_lease_while_it_waits(self, platform):
        await dead_handlings(platform, 2)
        await platform.replays.start(DEAD_HANDLINGS, rate=0.05)
        pace = Pace()

        job = await platform.journal.replays.claim(owner="one", lease=LEASE)
        await replayer(platform.journal, sleep=pace).run(job)

        assert sum(pace.waits) == pytest.approx(20)
        assert max(pace.waits) <= LEASE.total_seconds() / 3

    async def test_a_job_that_is_paused_while_it_waits_is_let_go(self, platform):
        await dead_handlings(platform, 3)
        made = await platform.replays.start(DEAD_HANDLINGS, rate=0.1)

        async def pause_meanwhile(_: float) -> None:
            await platform.replays.pause(made.id)

        job = await platform.journal.replays.claim(owner="one", lease=LEASE)
        runner = replayer(platform.journal, sleep=pause_meanwhile)

        assert await runner.run(job) is None
        after, _ = await platform.replays.get(made.id)
        assert (after.done, after.state) == (1, ReplayState.PAUSED)

    async def test_a_process_that_stops_gives_its_jobs_back(self, platform):
        await dead_handlings(platform, 2)
        waiting = asyncio.Event()

        async def never(_: float) -> None:
            waiting.set()
            await asyncio.Event().wait()

        await platform.replays.start(DEAD_HANDLINGS, rate=1)
        first = replayer(platform.journal, sleep=never)
        first.start()
        await asyncio.wait_for(waiting.wait(), 10)
        await first.stop()

        job = await platform.journal.replays.claim(owner="two", lease=LEASE)
        assert job is not None
        end = await replayer(platform.journal, owner="two").run(job)
        assert end is not None
        assert end.done == 2
        assert len(await Scene(platform=platform).claims()) == 2

    async def test_two_runners_at_once_make_nothing_due_twice(self, platform):
        dead = await dead_handlings(platform, 50)
        for _ in range(3):
            await platform.replays.start(DEAD_HANDLINGS, rate=100)

        async def drain(owner: str) -> None:
            while (job := await platform.journal.replays.claim(owner=owner, lease=LEASE)) is not None:
                await replayer(platform.journal, owner=owner).run(job)

        await asyncio.gather(drain("one"), drain("two"))

        jobs = await platform.replays.jobs()
        assert sum(job.done for job in jobs) == 50
        assert sorted(one.work.id for one in await Scene(platform=platform).claims()) == dead
        assert {one.work.attempt_count for one in await Scene(platform=platform).claims()} <= {2}

    async def test_missing_handlings_are_made_for_handlers_of_today(self, platform):
        event = await Scene(platform=platform).event("shop.old")
        asked = ReplayFilter(kind=Kind.HANDLING, mode=Mode.MISSING, target="github:default:shop.new")

        def assign(_: ReceivedEvent) -> list[NewHandling]:
            return [
                NewHandling(handler=f"github:default:{name}", max_attempts=2)
                for name in ("shop.old", "shop.new", "shop.other")
            ]

        counted = await preview(platform.journal.replays, asked, assign)
        await platform.journal.replays.start(await job_over(platform, asked))
        job = await platform.journal.replays.claim(owner="one", lease=LEASE)
        await replayer(platform.journal, assign=assign).run(job)

        assert counted.targets == {"github:default:shop.new": 1}
        works = {one.work.target: one.event for one in await Scene(platform=platform).claims()}
        assert works == {"github:default:shop.old": event, "github:default:shop.new": event}


async def job_over(platform, asked):
    now = platform.journal.now()
    return Replay(id=new_id("rpl_"), filter=asked, created_at=now, updated_at=now)


class TestAsking:
    async def test_a_preview_counts_by_type_and_target_and_changes_nothing(self, platform):
        await dead_handlings(platform, 3)

        counted = await platform.replays.preview(DEAD_HANDLINGS)

        assert (counted.count, counted.is_exact) == (3, True)
        assert counted.event_types == {"push": 3}
        assert counted.targets == {"github:default:shop.on_push": 3}
        assert counted.oldest is not None
        assert await platform.replays.jobs() == []
        assert await Scene(platform=platform).claims() == []
        assert PREVIEWED >= 100_000

    async def test_a_job_is_about_what_there_was_when_it_was_made(self, platform):
        job = await platform.replays.start(
            ReplayFilter(kind=Kind.HANDLING, until=platform.journal.now() + timedelta(days=1))
        )

        assert job.filter.until == job.created_at

    async def test_what_cannot_be_is_refused(self, platform):
        with pytest.raises(NotFound, match="ep_none"):
            await platform.replays.preview(ReplayFilter(kind=Kind.DELIVERY, target="ep_none"))
        with pytest.raises(InvalidInput, match="note"):
            await platform.replays.start(DEAD_HANDLINGS, note="x" * 501)
        with pytest.raises(InvalidInput, match="rate"):
            await platform.replays.start(DEAD_HANDLINGS, rate=0)
        with pytest.raises(InvalidInput, match="handlers"):
            await platform.replays.preview(ReplayFilter(kind=Kind.HANDLING, mode=Mode.MISSING))
        with pytest.raises(NotFound):
            await platform.replays.get("rpl_none")
        assert await platform.replays.jobs() == []

    async def test_an_event_is_run_again_by_its_handlers_and_by_those_it_had_none_of(self, platform):
        scene = Scene(platform=platform)
        event = await scene.event("shop.old", "shop.waiting")
        for one in await scene.claims():
            if one.work.target.endswith("old"):
                await scene.die(one)

        registry = get_webhook_registry()
        processor = registry.create_processor("github")

        @processor.on("push")
        def on_push(event: object) -> None: ...

        try:
            done = await platform.replays.event(event.id)
            with pytest.raises(InvalidInput, match="waits or runs"):
                await platform.replays.event(event.id)
        finally:
            registry.clear()

        assert len(done) == 2
        assert done[0].target == "github:default:shop.old"
        assert done[1].target.endswith("on_push")
        with pytest.raises(NotFound):
            await platform.replays.event("evt_none")
        with pytest.raises(NotFound, match=r"shop\.none"):
            await platform.replays.event(event.id, handler="github:default:shop.none")

    async def test_a_message_is_sent_again_to_all_or_one_of_its_endpoints(self, platform):
        scene = Scene(platform=platform)
        first = await scene.endpoint("https://one.example.com/")
        await scene.endpoint("https://two.example.com/")
        message = await scene.message()
        for one in await scene.claims():
            await scene.record(one, State.DELIVERED)

        (sent,) = await platform.replays.message(message.id, endpoint_id=first.id)
        (other,) = await platform.replays.message(message.id)

        assert sent.target == first.id
        assert other.target != first.id
        with pytest.raises(InvalidInput, match="waits or runs"):
            await platform.replays.message(message.id)
        with pytest.raises(NotFound):
            await platform.replays.message("msg_none")


class TestFromSynchronousCode:
    def test_jobs_and_single_pieces(self, tmp_path):
        with Webhooks(database_url=f"sqlite:///{tmp_path}/webhooks.db", roles=("api",)) as webhooks:
            scene = Scene(platform=webhooks.platform)
            webhooks.call(scene.event("shop.on_push"))
            (event,) = webhooks.call(webhooks.platform.journal.events.summaries())
            for one in webhooks.call(scene.claims()):
                webhooks.call(scene.die(one))

            assert webhooks.replays.preview("handling", event_type="push").count == 1
            job = webhooks.replays.start("handling", rate=5, note="again")
            webhooks.replays.pause(job.id)
            webhooks.replays.resume(job.id)
            webhooks.replays.cancel(job.id)
            after, outcomes = webhooks.replays.get(job.id)

            assert (after.state, after.total, outcomes.counted) == (ReplayState.CANCELLED, 1, 0)
            assert webhooks.replay(event.id) == 1
            with pytest.raises(InvalidInput):
                webhooks.replay(event.id)
