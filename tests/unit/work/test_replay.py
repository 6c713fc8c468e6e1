"""The runner of replay jobs over a store that is made to fail: what it does, and what it leaves alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smart_api_integrations.core.journal import NewHandling, Proof, ReceivedEvent
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.core.replay import (
    Candidate,
    Mode,
    Replay,
    ReplayFilter,
    ReplayPage,
    ReplayState,
)
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.work.replay import (
    JOBS_AT_ONCE,
    PAGE,
    PAGES_PREVIEWED,
    Replayer,
    ReplayRules,
    preview,
    to_do,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = ReplayFilter(kind=Kind.HANDLING)
MISSING = replace(ASKED, mode=Mode.MISSING)


def candidate(number: int = 1) -> Candidate:
    return Candidate(
        work_id=f"hdl_{number}",
        subject_id=f"evt_{number}",
        tenant="default",
        target="a",
        event_type="push",
        created_at=NOW - timedelta(hours=number),
    )


def event(event_id: str = "evt_1") -> ReceivedEvent:
    return ReceivedEvent(
        id=event_id,
        provider="forge",
        webhook_name="default",
        event_type="push",
        path="/",
        headers=(),
        body=b"",
        received_at=NOW,
        proof=Proof(scheme="none"),
    )


def assign(_: ReceivedEvent) -> Sequence[NewHandling]:
    return [NewHandling(handler=f"forge:default:{name}", max_attempts=1) for name in ("old", "new", "other")]


def job(number: int = 1, **changes: Any) -> Replay:
    given: dict[str, Any] = {
        "id": f"rpl_{number}",
        "filter": ASKED,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Replay(**given | changes)


class Store:
    """Gives out jobs and one page after another; notes what it was asked."""

    def __init__(self, *jobs: Replay, pages: int = 3) -> None:
        self.jobs = list(jobs)
        self.pages = pages
        self.sizes: list[int] = []
        self.claims = 0
        self.released: list[str] = []
        self.fault: Exception | None = None
        self.loses_at: int | None = None

    async def claim(self, *, owner: str, lease: timedelta) -> Replay | None:
        self.claims += 1
        if self.fault is not None:
            raise self.fault
        return self.jobs.pop(0) if self.jobs else None

    async def page(self, asked: ReplayFilter, *, after: str = "", limit: int) -> ReplayPage:
        self.sizes.append(limit)
        number = len(self.sizes)
        return ReplayPage(cursor=str(number), is_last=number >= self.pages, candidates=[candidate(number)])

    async def advance(
        self, replay: Replay, page: ReplayPage, candidates: Sequence[Candidate], *, lease: timedelta
    ) -> Replay | None:
        if self.loses_at == len(self.sizes):
            return None
        state = ReplayState.COMPLETED if page.is_last else ReplayState.RUNNING
        return replace(replay, done=replay.done + len(candidates), cursor=page.cursor, state=state)

    async def renew(self, replay: Replay, *, lease: timedelta) -> bool:
        return True

    async def release(self, replay: Replay) -> None:
        self.released.append(replay.id)


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


async def never(_: float) -> None:
    await asyncio.Event().wait()


def runner(store: Any, sleep: Callable[[float], Any] = at_once) -> Replayer:
    rules = ReplayRules(owner="one", lease=timedelta(seconds=15), sleep=sleep)
    return Replayer(store, assign, rules)


async def settled(is_so: Callable[[], bool]) -> None:
    """Let the loop turn until something is so."""
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - the runner tells nobody
            await asyncio.sleep(0)


@pytest.mark.parametrize(("rate", "size"), [(0.1, 1), (1, 1), (8, 4), (100_000, PAGE)])
async def test_a_page_is_half_a_second_of_the_rate(rate, size):
    store = Store()

    end = await runner(store).run(job(rate=rate))

    assert end is not None
    assert (end.done, end.state) == (3, ReplayState.COMPLETED)
    assert set(store.sizes) == {size}


async def test_a_job_that_somebody_else_has_is_left_at_once():
    store = Store()
    store.loses_at = 2

    assert await runner(store).run(job()) is None
    assert len(store.sizes) == 2


async def test_it_runs_a_few_jobs_at_once_and_gives_them_back_at_a_stop():
    store = Store(*(job(number) for number in range(JOBS_AT_ONCE + 2)), pages=99)
    running = runner(store, never)

    running.start()
    await settled(lambda: len(store.sizes) == JOBS_AT_ONCE)
    await asyncio.sleep(0)
    await running.stop()

    assert len(store.jobs) == 2
    assert sorted(store.released) == [f"rpl_{number}" for number in range(JOBS_AT_ONCE)]
    await running.stop()


async def test_it_goes_on_looking_while_the_store_is_away():
    store = Store(job())
    store.fault = StorageUnavailable("away")
    running = runner(store)
    running.start()
    await settled(lambda: store.claims == 1)

    store.fault = None
    running.wake()
    await settled(lambda: len(store.sizes) == 3)
    await running.stop()

    assert store.released == []


async def test_a_job_that_the_store_fails_is_left_for_later(caplog):
    class Broken(Store):
        async def page(self, asked: ReplayFilter, *, after: str = "", limit: int) -> ReplayPage:
            raise ValueError if self.sizes else StorageUnavailable("away")

    running = runner(Broken(job()))
    running.start()
    await settled(lambda: "waits for the store" in caplog.text)
    await running.stop()

    again = Broken(job())
    again.sizes.append(1)
    running = runner(again)
    await running.take()
    await settled(lambda: "A replay stopped" in caplog.text)


def test_what_is_missing_is_what_would_be_made_and_is_not_there():
    page = ReplayPage(
        cursor="evt_1",
        is_last=True,
        events=[event()],
        known={"evt_1": frozenset({"forge:default:old"})},
    )

    assert [each.target for each in to_do(page, MISSING, assign)] == [
        "forge:default:new",
        "forge:default:other",
    ]
    one = replace(MISSING, target="forge:default:new")
    (found,) = to_do(page, one, assign)
    assert (found.subject_id, found.work_id, found.created_at) == ("evt_1", None, NOW)
    assert found.handling is not None


async def test_a_preview_stops_somewhere_and_says_so():
    endless = Store(pages=10 * PAGES_PREVIEWED)

    counted = await preview(endless, ASKED, assign)  # type: ignore[arg-type] # as much of a store as it needs

    assert (counted.count, counted.is_exact) == (PAGES_PREVIEWED, False)
    assert counted.oldest == NOW - timedelta(hours=PAGES_PREVIEWED)
    exact = await preview(Store(pages=2), ASKED, assign)  # type: ignore[arg-type] # likewise
    assert (exact.count, exact.is_exact, exact.event_types) == (2, True, {"push": 2})
