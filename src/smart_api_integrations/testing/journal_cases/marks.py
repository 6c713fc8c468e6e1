"""Promises about marks: whatever happens is noticed, whoever did it. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

from datetime import timedelta

from smart_api_integrations.core.changes import Change, change_between
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import (
    ONE_HANDLER,
    START,
    JournalCase,
    claim,
    promise,
)


class MarkCases(JournalCase):
    """``Journal.mark``."""

    @promise
    async def test_a_mark_stays_where_nothing_happens(self, journal: Journal) -> None:
        await journal.events.accept(self.event(), [])

        first = await journal.mark(START)
        self.clock.advance(minutes=3)

        assert await journal.mark(START) == first

    @promise
    async def test_what_another_writer_does_makes_another_mark(self, journal: Journal) -> None:
        other = await self.another()
        before = await journal.mark(START)

        await other.events.accept(self.event(b"key"), ONE_HANDLER)
        await other.events.accept(self.event(b"key"), ONE_HANDLER)
        await other.events.log_rejections([self.rejection(sampled=3)])
        self.clock.advance(minutes=1)
        (handling,) = await claim(other)
        await other.work.record(self.done(handling))

        change = change_between(before, await journal.mark(START))
        assert change == Change(counts=(1, 1, 3, 1, 0, 0, 0))

    @promise
    async def test_endpoints_and_gates_are_part_of_it(self, journal: Journal) -> None:
        marks = [await journal.mark(START)]
        endpoint = self.endpoint()

        await journal.endpoints.add(endpoint)
        marks.append(await journal.mark(START))
        await journal.gates.pause(endpoint.id)
        marks.append(await journal.mark(START))

        assert len({mark.version for mark in marks}) == 3

    @promise
    async def test_it_counts_from_the_minute_that_is_asked_for(self, journal: Journal) -> None:
        await journal.events.accept(self.event(), [])
        self.clock.advance(minutes=2)
        await journal.events.accept(self.event(), [])

        marks = [await journal.mark(START + timedelta(minutes=minutes)) for minutes in (0, 1, 3)]

        assert [mark.counts[0] for mark in marks] == [2, 1, 0]
