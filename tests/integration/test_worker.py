"""The worker over a real journal with a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import (
    Attempt,
    AttemptStatus,
    Claim,
    Message,
    NewHandling,
    Outcome,
    Recorded,
)
from smart_api_integrations.core.lifecycle import ROADS, Kind, State
from smart_api_integrations.errors import InvalidInput, NotFound, StorageUnavailable
from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.telemetry import AttemptFinished, LeasesLost, StoreFailed, Telemetry
from smart_api_integrations.testing.journal_cases.scene import ManualClock
from smart_api_integrations.work import Worker, WorkerRules
from tests.journal_scenes import received

LEASE = timedelta(seconds=15)
SOON = 10.0
Run = Callable[[Claim], Awaitable[Outcome]]


class Shop:
    """A journal, and workers on it whose runs a test decides about."""

    def __init__(self, journal: Journal, clock: ManualClock) -> None:
        self.journal = journal
        self.clock = clock
        self.telemetry = Telemetry()
        self.finished: list[AttemptFinished] = []
        self.published: list[Message] = []
        self._numbers = itertools.count(1)
        self.telemetry.subscribe(AttemptFinished, self._note)

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers):026d}"

    def _note(self, told: AttemptFinished) -> None:
        self.finished.append(told)

    def worker(self, run: Run, *, work: Any = None, owner: str = "worker-1", **rules: Any) -> Worker:
        given: dict[str, Any] = {
            "owner": owner,
            "lease": LEASE,
            "concurrency": 10,
            "target_concurrency": lambda _: 10,
            "on_published": self.published.extend,
        }
        made = Worker(
            work=work or self.journal.work,
            runners={Kind.HANDLING: run, Kind.DELIVERY: run},
            telemetry=self.telemetry,
            rules=WorkerRules(**given | rules),
        )
        self.journal.on_due_work(made.wake)
        return made

    async def event(self, *handlers: str, handoff: Any = None) -> Any:
        return await self.journal.events.accept(
            received(id=self.new_id("evt_")),
            [NewHandling(handler=name, max_attempts=3) for name in handlers or ("a",)],
            handoff=handoff,
        )

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(SOON):
            while not reached():  # noqa: ASYNC110 - what is waited for knows nothing of tests
                await asyncio.sleep(0)

    async def until_finished(self, count: int) -> list[AttemptFinished]:
        await self.until(lambda: len(self.finished) >= count)
        return self.finished

    async def handlings(self, event_id: str) -> list[tuple[State, int, int]]:
        trace = await self.journal.events.trace(event_id)
        assert trace is not None
        return [(part.state, part.attempt_count, part.failures) for part in trace.handlings]

    # What a run can come to.

    def outcome(self, claim: Claim, state: State, **more: Any) -> Outcome:
        good = state is ROADS[claim.work.kind].done
        attempt = Attempt(
            id=self.new_id("att_"),
            work_id=claim.work.id,
            kind=claim.work.kind,
            target=claim.work.target,
            subject_id=claim.work.subject_id,
            number=claim.work.attempt_count,
            status=AttemptStatus.SUCCEEDED if good else AttemptStatus.FAILED,
            started_at=self.clock(),
            duration_ms=1.0,
        )
        return Outcome(work=claim.work, state=state, attempt=attempt, **more)

    async def succeed(self, claim: Claim) -> Outcome:
        return self.outcome(claim, ROADS[claim.work.kind].done)

    async def fail(self, claim: Claim) -> Outcome:
        """Fail, with waits of 5 and 30 seconds and then never again."""
        waits = [timedelta(seconds=5), timedelta(seconds=30)]
        if claim.work.failures >= len(waits):
            return self.outcome(claim, State.FAILED)
        return self.outcome(claim, State.RETRY_SCHEDULED, wait=waits[claim.work.failures])


class Gate:
    """A run that waits until it is let through."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.begun: list[str] = []
        self.cancelled: list[str] = []
        self.open = asyncio.Event()

    async def run(self, claim: Claim) -> Outcome:
        self.begun.append(claim.work.target)
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled.append(claim.work.target)
            raise
        return await self.shop.succeed(claim)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    clock = ManualClock()
    numbers = itertools.count(1)
    journal = open_journal(
        f"sqlite:///{tmp_path}/webhooks.db",
        new_id=lambda prefix: f"{prefix}{next(numbers):026d}",
        cipher=SecretCipher([b"k" * 32]),
        clock=clock,
    )
    await journal.open()
    try:
        yield Shop(journal, clock)
    finally:
        await journal.close()


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[Worker]:
    worker.start()
    try:
        yield worker
    finally:
        await worker.stop(grace=timedelta(seconds=SOON))


async def test_due_work_is_claimed_run_and_recorded(shop: Shop) -> None:
    accepted = await shop.event("a", "b")

    async with working(shop.worker(shop.succeed)):
        await shop.until_finished(2)

    assert await shop.handlings(accepted.event_id) == [(State.COMPLETED, 1, 0)] * 2
    assert not any(told.stale for told in shop.finished)


async def test_work_that_is_made_while_the_worker_sleeps_wakes_it(shop: Shop) -> None:
    async with working(shop.worker(shop.succeed)) as worker:
        await shop.until(lambda: not worker._woken.is_set())

        await shop.event()

        await shop.until_finished(1)


async def test_offered_work_is_handed_over_without_a_claim(shop: Shop) -> None:
    claims: list[Any] = []

    class Counting(Other):
        async def claim(self, **how: Any) -> Sequence[Claim]:
            found = await self.real.claim(**how)
            claims.extend(found)
            return found

    worker = shop.worker(shop.succeed, work=Counting(shop.journal.work))
    async with working(worker):
        accepted = await shop.event(handoff=worker.offer())
        assert len(accepted.claims) == 1
        worker.take(accepted.claims)
        await shop.until_finished(1)

    assert claims == []
    assert await shop.handlings(accepted.event_id) == [(State.COMPLETED, 1, 0)]


async def test_a_worker_that_does_not_run_or_is_full_offers_nothing(shop: Shop) -> None:
    gate = Gate(shop)
    worker = shop.worker(gate.run, concurrency=1)
    before = worker.offer()

    async with working(worker):
        for _ in range(4):  # one runs, and three may wait for its place
            worker.take((await shop.event(handoff=worker.offer())).claims)
        full = worker.offer()
        gate.open.set()
        await shop.until_finished(4)

    assert (before, full, worker.offer()) == (None, None, None)


async def test_failures_follow_the_schedule_and_end_as_a_dead_letter(shop: Shop) -> None:
    accepted = await shop.event()
    async with working(shop.worker(shop.fail)) as worker:
        await shop.until_finished(1)
        for seconds, early in ((5, 4.9), (30, 29.9)):
            shop.clock.advance(seconds=early)
            assert list(await shop.journal.work.claim(owner="x", limit=9, lease=LEASE)) == []
            count = len(shop.finished)
            shop.clock.advance(seconds=seconds - early)
            worker.wake()
            await shop.until_finished(count + 1)

    assert await shop.handlings(accepted.event_id) == [(State.FAILED, 3, 3)]
    (dead,) = await shop.journal.work.dead_letters()
    trace = await shop.journal.events.trace(accepted.event_id)
    assert trace is not None
    assert dead.subject_id == accepted.event_id
    assert [attempt.number for attempt in trace.attempts] == [1, 2, 3]
    assert [attempt.started_at - trace.attempts[0].started_at for attempt in trace.attempts] == [
        timedelta(0),
        timedelta(seconds=5),
        timedelta(seconds=35),
    ]


async def test_a_dead_letter_that_is_replayed_runs_again_from_the_beginning_of_its_schedule(
    shop: Shop,
) -> None:
    accepted = await shop.event()
    (first,) = await shop.journal.work.claim(owner="x", limit=1, lease=LEASE)
    await shop.journal.work.record(shop.outcome(first, State.FAILED))
    runs: list[tuple[int, int]] = []

    async def succeed(claim: Claim) -> Outcome:
        runs.append((claim.work.attempt_count, claim.work.failures))
        return await shop.succeed(claim)

    async with working(shop.worker(succeed)):
        await shop.journal.work.replay(first.work.id)
        await shop.until_finished(1)
        with pytest.raises(NotFound):
            await shop.journal.work.replay("hdl_unknown")

    assert runs == [(2, 0)]
    assert await shop.handlings(accepted.event_id) == [(State.COMPLETED, 2, 0)]


async def test_a_dead_workers_work_is_done_by_another_once_its_lease_has_ended(shop: Shop) -> None:
    lost: list[LeasesLost] = []
    shop.telemetry.subscribe(LeasesLost, lost.append)
    accepted = await shop.event()
    (orphan,) = await shop.journal.work.claim(owner="died", limit=1, lease=LEASE)
    shop.clock.advance(seconds=14)
    async with working(shop.worker(shop.succeed)):
        assert await shop.journal.work.reap() == 0
    shop.clock.advance(seconds=2)

    async with working(shop.worker(shop.succeed, owner="worker-2")):
        await shop.until(lambda: bool(lost))
        shop.clock.advance(seconds=60)
        await shop.until_finished(1)

    trace = await shop.journal.events.trace(accepted.event_id)
    assert trace is not None
    assert [attempt.status for attempt in trace.attempts] == ["lost", "succeeded"]
    assert (await shop.journal.work.record(await shop.succeed(orphan))).stale


async def test_an_outcome_whose_lease_passed_on_writes_nothing_and_publishes_nothing(shop: Shop) -> None:
    gate = Gate(shop)
    message = Message(id="msg_1", event="order.paid", body=b"{}", created_at=shop.clock())

    async def publish(claim: Claim) -> Outcome:
        return replace(await gate.run(claim), messages=(message,))

    accepted = await shop.event()
    async with working(shop.worker(publish, work=Once(shop.journal.work))):
        await shop.until(lambda: bool(gate.begun))
        await shop.journal.work.release(owner="worker-1")
        (second,) = await shop.journal.work.claim(owner="other", limit=1, lease=LEASE)
        gate.open.set()
        (told,) = await shop.until_finished(1)

    assert told.stale
    assert shop.published == []
    assert await shop.journal.messages.messages() == []
    assert not (await shop.journal.work.record(await shop.succeed(second))).stale
    assert await shop.handlings(accepted.event_id) == [(State.COMPLETED, 1, 0)]


async def test_what_a_handling_published_is_delivered_at_once_and_told_after_the_commit(shop: Shop) -> None:
    now = shop.clock()
    await shop.journal.endpoints.add(
        Endpoint(
            id="ep_1",
            url="https://example.com/",
            events=("*",),
            secret="a secret of some length",
            created_at=now,
            updated_at=now,
        )
    )
    message = Message(id="msg_1", event="order.paid", body=b"{}", created_at=now)
    targets: list[str] = []

    async def run(claim: Claim) -> Outcome:
        targets.append(claim.work.target)
        messages = (message,) if claim.work.kind is Kind.HANDLING else ()
        return replace(await shop.succeed(claim), messages=messages)

    async with working(shop.worker(run)):
        await shop.event()
        await shop.until_finished(2)

    assert targets == ["a", "ep_1"]
    assert shop.published == [message]


class Other:
    """The real work store with something in its way."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class Once(Other):
    """Claims until it has got something, and then no more."""

    done = False

    async def claim(self, **how: Any) -> Sequence[Claim]:
        found: Sequence[Claim] = [] if self.done else await self.real.claim(**how)
        self.done = self.done or bool(found)
        return found


class Away(Other):
    """Is away for the first *times* of recording."""

    def __init__(self, real: Any, times: int) -> None:
        super().__init__(real)
        self.times = times
        self.between: Callable[[], Awaitable[Any]] | None = None

    async def record(self, outcome: Outcome, **more: Any) -> Recorded:
        if self.times:
            self.times -= 1
            if self.between:
                await self.between()
            raise StorageUnavailable
        recorded: Recorded = await self.real.record(outcome, **more)
        return recorded


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smart_api_integrations.work.worker.RECORD_AGAIN_SECONDS", 0.001)


async def test_an_outcome_is_recorded_once_the_store_is_back_though_its_lease_has_ended(shop: Shop) -> None:
    """What was done is not done again because the store was away."""
    failed: list[StoreFailed] = []
    shop.telemetry.subscribe(StoreFailed, failed.append)
    accepted = await shop.event()
    away = Away(shop.journal.work, 3)

    async def later() -> None:
        shop.clock.advance(seconds=20)

    away.between = later
    async with working(shop.worker(shop.succeed, work=away)):
        await shop.until_finished(1)

    assert [told.operation for told in failed] == ["record"] * 3
    assert await shop.handlings(accepted.event_id) == [(State.COMPLETED, 1, 0)]


async def test_a_store_that_is_away_at_a_stop_does_not_hold_it_up(shop: Shop) -> None:
    gone = Away(shop.journal.work, 10**9)
    worker = shop.worker(shop.succeed, work=gone)
    await shop.event()
    worker.start()
    await shop.until(lambda: gone.times < 10**9)

    await worker.stop(grace=timedelta(0))

    assert (await shop.journal.work.backlog()).waiting == 1


async def test_an_outcome_that_the_store_cannot_hold_is_a_dead_letter_that_says_so(shop: Shop) -> None:
    class Picky(Other):
        async def record(self, outcome: Outcome, **more: Any) -> Recorded:
            if outcome.attempt.result is not None:
                message = "The store cannot keep this record"
                raise InvalidInput(message)
            recorded: Recorded = await self.real.record(outcome, **more)
            return recorded

    async def run(claim: Claim) -> Outcome:
        good = await shop.succeed(claim)
        return replace(good, attempt=replace(good.attempt, result="\ud800"))

    accepted = await shop.event()
    async with working(shop.worker(run, work=Picky(shop.journal.work))):
        await shop.until_finished(1)

    trace = await shop.journal.events.trace(accepted.event_id)
    assert trace is not None
    assert trace.handlings[0].state is State.FAILED
    assert trace.attempts[0].error_code == "not_recorded"
    assert "cannot keep this record" in (trace.attempts[0].error_message or "")


async def test_the_loop_outlives_a_store_that_is_away(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smart_api_integrations.work.worker.POLL_SECONDS", 0.001)

    class Flaky(Other):
        claims = 0

        async def claim(self, **how: Any) -> Sequence[Claim]:
            Flaky.claims += 1
            if Flaky.claims == 1:
                raise StorageUnavailable
            if Flaky.claims == 2:
                raise RuntimeError
            found: Sequence[Claim] = await self.real.claim(**how)
            return found

    await shop.event()
    async with working(shop.worker(shop.succeed, work=Flaky(shop.journal.work))):
        await shop.until_finished(1)


async def test_one_slow_target_does_not_hold_up_the_others(shop: Shop) -> None:
    gate = Gate(shop)

    async def run(claim: Claim) -> Outcome:
        return await (gate.run(claim) if claim.work.target == "slow" else shop.succeed(claim))

    for _ in range(12):
        await shop.event("slow", "quick")

    async with working(shop.worker(run, concurrency=4, target_concurrency=lambda _: 2)):
        await shop.until_finished(12)
        assert {told.outcome.work.target for told in shop.finished} == {"quick"}
        assert len(gate.begun) == 2
        gate.open.set()
        await shop.until_finished(24)


async def test_what_is_held_is_renewed_until_it_is_done(shop: Shop) -> None:
    renewed: list[timedelta] = []

    class Watched(Other):
        async def renew(self, **how: Any) -> int:
            renewed.append(how["lease"])
            return int(await self.real.renew(**how))

    gate = Gate(shop)
    accepted = await shop.event()
    worker = shop.worker(gate.run, work=Watched(shop.journal.work), lease=timedelta(seconds=0.03))
    async with working(worker):
        await shop.until(lambda: bool(gate.begun))
        count = len(renewed)
        await shop.until(lambda: len(renewed) > count + 2)
        gate.open.set()
        await shop.until_finished(1)

    assert await shop.handlings(accepted.event_id) == [(State.COMPLETED, 1, 0)]


async def test_a_stop_lets_what_runs_finish(shop: Shop) -> None:
    gate = Gate(shop)
    accepted = await shop.event()
    worker = shop.worker(gate.run)
    worker.start()
    await shop.until(lambda: bool(gate.begun))

    stopping = asyncio.create_task(worker.stop(grace=timedelta(seconds=SOON)))
    await shop.until(lambda: worker._stopping)
    late = await shop.event("late")
    gate.open.set()
    await stopping

    assert await shop.handlings(accepted.event_id) == [(State.COMPLETED, 1, 0)]
    assert await shop.handlings(late.event_id) == [(State.VERIFIED, 0, 0)]
    assert gate.cancelled == []


async def test_a_stop_gives_back_what_is_not_done_as_if_never_claimed(shop: Shop) -> None:
    gate = Gate(shop)
    events = [await shop.event("a") for _ in range(3)]
    worker = shop.worker(gate.run, concurrency=1)  # one runs, two wait for its place
    worker.start()
    await shop.until(lambda: bool(gate.begun))

    await worker.stop(grace=timedelta(0))

    assert gate.cancelled == ["a"]
    for event in events:
        assert await shop.handlings(event.event_id) == [(State.VERIFIED, 0, 0)]
    assert await shop.journal.work.next_due() == timedelta(0)


async def test_a_hurried_stop_does_not_wait_for_the_grace(shop: Shop) -> None:
    gate = Gate(shop)
    await shop.event()
    worker = shop.worker(gate.run)
    worker.start()
    await shop.until(lambda: bool(gate.begun))
    stopping = asyncio.create_task(worker.stop(grace=timedelta(hours=1)))
    await shop.until(lambda: worker._stopping)

    worker.hurry()
    async with asyncio.timeout(SOON):
        await stopping

    assert gate.cancelled == ["a"]
    assert (await shop.journal.work.backlog()).waiting == 1


async def test_work_that_was_offered_before_a_stop_is_given_back_by_it(shop: Shop) -> None:
    worker = shop.worker(shop.succeed)
    worker.start()
    accepted = await shop.event(handoff=worker.offer())
    stopping = asyncio.create_task(worker.stop(grace=timedelta(seconds=SOON)))
    await shop.until(lambda: worker._stopping)
    worker.take(accepted.claims)
    await stopping

    assert await shop.handlings(accepted.event_id) == [(State.VERIFIED, 0, 0)]
    assert shop.finished == []
