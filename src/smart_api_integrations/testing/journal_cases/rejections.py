"""Promises about the log of rejections and the counters of traffic. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

from datetime import timedelta

import pytest

from smart_api_integrations.core.journal import TrafficPoint
from smart_api_integrations.core.source_traffic import SourceTraffic
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import (
    START,
    TWO_HANDLERS,
    JournalCase,
    claim,
    handoff,
    promise,
)


class RejectionCases(JournalCase):
    """The log of rejections, and the counters."""

    @promise
    async def test_rejections_are_listed_newest_first_in_pages(self, journal: Journal) -> None:
        logged = [self.rejection(facts={"headers": ["X-A"], "length": 3}, sampled=2) for _ in range(3)]
        await journal.events.log_rejections(logged)

        first = await journal.events.rejections(limit=2)
        rest = await journal.events.rejections(limit=2, before=first[-1].id)

        assert [*first, *rest] == logged[::-1]
        assert await journal.events.rejection(logged[0].id) == logged[0]
        assert await journal.events.rejection("rej_unknown") is None

    @promise
    async def test_the_log_keeps_the_newest_ten_thousand(self, journal: Journal) -> None:
        logged = [self.rejection() for _ in range(10_010)]
        await journal.events.log_rejections(logged[:6_000])

        await journal.events.log_rejections(logged[6_000:])

        kept = await journal.events.rejections(limit=20_000)
        assert [each.id for each in kept] == [each.id for each in reversed(logged[10:])]

    @promise
    async def test_traffic_is_counted_by_the_minute(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        await journal.events.accept(self.event(b"key"), TWO_HANDLERS)
        await journal.events.accept(self.event(b"key"), TWO_HANDLERS)
        self.clock.advance(minutes=2)
        other = await self.another()
        await other.events.accept(self.event(), [])
        handled, failed = await claim(other)
        published = await other.work.record(self.done(handled, self.message()), handoff=handoff())
        await other.work.record(self.dead(failed))
        await other.work.record(self.again(published.published[0].claims[0]))
        await other.events.log_rejections([self.rejection(sampled=3)])

        points = await journal.events.traffic(since=timedelta(minutes=4), step=timedelta(minutes=1))

        assert points == [
            TrafficPoint(starts_at=START - timedelta(minutes=1)),
            TrafficPoint(starts_at=START, accepted=1, duplicate=1),
            TrafficPoint(starts_at=START + timedelta(minutes=1)),
            TrafficPoint(
                starts_at=START + timedelta(minutes=2),
                accepted=1,
                rejected=3,
                handled=1,
                handling_failed=1,
                delivery_failed=1,
            ),
        ]

    @promise
    async def test_traffic_is_summed_over_longer_steps(self, journal: Journal) -> None:
        for _ in range(12):
            await journal.events.accept(self.event(), [])
            self.clock.advance(minutes=1)

        points = await journal.events.traffic(since=timedelta(minutes=15), step=timedelta(minutes=5))

        assert [point.accepted for point in points] == [5, 5, 2]
        assert [point.starts_at for point in points] == [
            START + timedelta(minutes=minutes) for minutes in (0, 5, 10)
        ]

    @promise
    async def test_traffic_is_counted_for_each_source(self, journal: Journal) -> None:
        await journal.events.accept(self.event(b"key"), [])
        await journal.events.accept(self.event(b"key"), [])
        self.clock.advance(minutes=2)
        await journal.events.accept(self.event(provider="shop", webhook_name="b"), [])
        await journal.events.log_rejections([self.rejection(sampled=3)])

        found = await journal.events.source_traffic(since=timedelta(minutes=3), step=timedelta(minutes=1))

        assert found == {
            "forge:default": SourceTraffic(accepted=(1, 0, 0), rejected=(0, 0, 3)),
            "shop:b": SourceTraffic(accepted=(0, 0, 1), rejected=(0, 0, 0)),
        }

    @promise
    async def test_the_runs_of_a_handler_are_counted(self, journal: Journal) -> None:
        for _ in range(2):
            await journal.events.accept(self.event(), TWO_HANDLERS[:1])
        good, bad = await claim(journal)
        await journal.work.record(self.done(good))
        await journal.work.record(self.again(bad))

        counts = await journal.endpoints.statistics(good.work.target, since=timedelta(hours=1))

        assert (counts.total_attempts, counts.successful, counts.failed) == (2, 1, 1)
        assert counts.avg_duration_ms == 10.0

    @promise
    async def test_a_step_is_a_whole_number_of_minutes(self, journal: Journal) -> None:
        for step in (timedelta(0), timedelta(seconds=90), timedelta(minutes=-1)):
            with pytest.raises(InvalidInput, match="whole number of minutes"):
                await journal.events.traffic(since=timedelta(hours=1), step=step)
