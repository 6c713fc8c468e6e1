"""Promises about replay jobs: what a filter names. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.replay import (
    Candidate,
    Mode,
    Replay,
    ReplayFilter,
    ReplayPage,
)
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import (
    HANDLER,
    LEASE,
    ONE_HANDLER,
    TWO_HANDLERS,
    JournalCase,
    claim,
    promise,
)

DEAD_HANDLINGS = ReplayFilter(kind=Kind.HANDLING)
DEAD_DELIVERIES = ReplayFilter(kind=Kind.DELIVERY)


class ReplayScene(JournalCase):
    """What the stories of replays have in common."""

    def job(self, asked: ReplayFilter = DEAD_HANDLINGS, **changes: Any) -> Replay:
        """Return a new job."""
        now = self.clock()
        return Replay(id=self.new_id("rpl_"), filter=asked, created_at=now, updated_at=now, **changes)

    async def start(self, journal: Journal, asked: ReplayFilter = DEAD_HANDLINGS) -> Replay:
        """Keep a new job, and claim it."""
        await journal.replays.start(self.job(asked))
        claimed = await journal.replays.claim(owner="worker-1", lease=LEASE)
        assert claimed is not None
        return claimed

    async def kill(self, journal: Journal, count: int = 1) -> list[str]:
        """Make so many dead handlings, and return their ids, oldest first."""
        for _ in range(count):
            await journal.events.accept(self.event(), ONE_HANDLER)
        claims = await claim(journal, limit=count)
        for one in claims:
            await journal.work.record(self.dead(one))
        return sorted(one.work.id for one in claims)


async def all_pages(journal: Journal, asked: ReplayFilter, *, limit: int = 100) -> list[ReplayPage]:
    """Read page by page until the last."""
    pages = [await journal.replays.page(asked, limit=limit)]
    while not pages[-1].is_last:
        pages.append(await journal.replays.page(asked, after=pages[-1].cursor, limit=limit))
    return pages


async def found(journal: Journal, asked: ReplayFilter, **options: Any) -> list[Candidate]:
    """Return what every page of a filter has."""
    return [each for page in await all_pages(journal, asked, **options) for each in page.candidates]


async def run(journal: Journal, job: Replay, *, limit: int = 100) -> Replay | None:
    """Move a job on by one page."""
    page = await journal.replays.page(job.filter, after=job.cursor, limit=limit)
    return await journal.replays.advance(job, page, page.candidates, lease=LEASE)


class ReplayPageCases(ReplayScene):
    """``ReplayStore.page``: which work a filter names."""

    @promise
    async def test_dead_work_is_found_oldest_first_page_by_page(self, journal: Journal) -> None:
        dead = await self.kill(journal, 5)
        await journal.events.accept(self.event(), ONE_HANDLER)

        pages = await all_pages(journal, DEAD_HANDLINGS, limit=2)

        assert [[each.work_id for each in page.candidates] for page in pages] == [
            dead[:2],
            dead[2:4],
            dead[4:],
        ]
        assert await found(journal, DEAD_DELIVERIES) == []

    @promise
    async def test_everything_that_is_over_is_found_and_nothing_that_is_open(self, journal: Journal) -> None:
        dead = await self.kill(journal)
        for _ in range(3):
            await journal.events.accept(self.event(), ONE_HANDLER)
        done, failing, _running = await claim(journal, limit=3)
        await journal.work.record(self.done(done))
        await journal.work.record(self.again(failing))
        everything = ReplayFilter(kind=Kind.HANDLING, mode=Mode.ALL)

        assert {each.work_id for each in await found(journal, everything)} == {*dead, done.work.id}
        completed = replace(everything, states=(State.COMPLETED,))
        assert [each.work_id for each in await found(journal, completed)] == [done.work.id]

    @promise
    async def test_type_provider_target_tenant_and_time_narrow_what_is_found(self, journal: Journal) -> None:
        kinds: list[dict[str, Any]] = [
            {"event_type": "order.created"},
            {"event_type": "order.paid", "provider": "mill"},
            {"event_type": "pull_request", "action": "opened", "tenant": "acme"},
        ]
        for changes in kinds:
            await journal.events.accept(self.event(**changes), TWO_HANDLERS)
            self.clock.advance(days=1)
        for one in await claim(journal):
            await journal.work.record(self.dead(one))
        noon = self.clock() - timedelta(days=3)

        async def types(**narrow: Any) -> list[str | None]:
            asked = replace(DEAD_HANDLINGS, target=HANDLER)
            return [each.event_type for each in await found(journal, replace(asked, **narrow))]

        assert await types() == ["order.created", "order.paid", "pull_request"]
        assert await types(event_type="order.*") == ["order.created", "order.paid"]
        assert await types(event_type="pull_request.opened") == ["pull_request"]
        assert await types(provider="mill") == ["order.paid"]
        assert await types(tenant="acme") == ["pull_request"]
        assert await types(target="b") == ["order.created", "order.paid", "pull_request"]
        assert await types(target="forge:default") == ["order.created", "order.paid", "pull_request"]
        assert await types(target="c") == []
        assert await types(since=noon + timedelta(hours=1)) == ["order.paid", "pull_request"]
        assert await types(until=noon + timedelta(days=1)) == ["order.created", "order.paid"]

    @promise
    async def test_deliveries_to_an_endpoint_that_is_gone_are_not_found(self, journal: Journal) -> None:
        endpoints = [self.endpoint(), self.endpoint()]
        for endpoint in endpoints:
            await journal.endpoints.add(endpoint)
        await journal.messages.publish(self.message())
        for one in await claim(journal):
            await journal.work.record(self.dead(one))

        await journal.endpoints.remove(endpoints[0].id)

        assert [each.target for each in await found(journal, DEAD_DELIVERIES)] == [endpoints[1].id]
        of_one = replace(DEAD_DELIVERIES, mode=Mode.ALL, target=endpoints[1].id)
        assert [each.event_type for each in await found(journal, of_one)] == ["order.created"]

    @promise
    async def test_what_an_endpoint_missed_is_found_where_it_would_get_it_today(
        self, journal: Journal
    ) -> None:
        await journal.endpoints.add(self.endpoint())
        soon = self.clock() + timedelta(minutes=1)
        wanted = self.message(event="order.created")
        for message in (
            wanted,
            self.message(event="order.paid"),
            self.message(event="order.created", tenant="acme"),
            self.message(event="order.created", expires_at=soon),
        ):
            await journal.messages.publish(message)
        self.clock.advance(minutes=5)

        late = self.endpoint(events=("order.created",))
        await journal.endpoints.add(late)
        missing = await found(journal, ReplayFilter(kind=Kind.DELIVERY, mode=Mode.MISSING), limit=1)

        assert [(each.subject_id, each.target, each.work_id) for each in missing] == [
            (wanted.id, late.id, None)
        ]

    @promise
    async def test_of_missing_handlings_the_events_are_given_and_what_they_have(
        self, journal: Journal
    ) -> None:
        events = [self.event(event_type="order.paid"), self.event(), self.event(event_type="order.created")]
        for event in events:
            await journal.events.accept(event, ONE_HANDLER)
        asked = ReplayFilter(kind=Kind.HANDLING, mode=Mode.MISSING, event_type="order.*")

        pages = await all_pages(journal, asked, limit=1)

        assert [event for page in pages for event in page.events] == [events[0], events[2]]
        assert pages[0].known == {events[0].id: frozenset({HANDLER})}
