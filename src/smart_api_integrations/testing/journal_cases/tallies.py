"""Promises about counts by type, by answer and by duration. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from smart_api_integrations.core.histogram import bucket_of
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.storage.tallies import (
    ALL_DELIVERIES,
    ALL_HANDLINGS,
    CODES,
    LATENCY,
    NO_ANSWER,
    TYPES,
)
from smart_api_integrations.testing.journal_cases.scene import (
    ONE_HANDLER,
    START,
    JournalCase,
    claim,
    handoff,
    promise,
)

HOUR, STEP = timedelta(hours=1), timedelta(minutes=30)


class TallyCases(JournalCase):
    """``Journal.tallies``."""

    @promise
    async def test_events_are_counted_by_type_and_duplicates_are_not(self, journal: Journal) -> None:
        other = await self.another()
        await journal.events.accept(self.event(b"key"), [])
        await other.events.accept(self.event(b"key"), [])
        self.clock.advance(minutes=30)
        await other.events.accept(self.event(event_type=None), [])
        await journal.events.accept(self.event(event_type="t" * 300), [])

        first, second = await journal.tallies(TYPES, "", since=HOUR, step=STEP)

        assert (first.starts_at, first.counts) == (START, {"forge/push": 1})
        assert dict(second.counts) == {"forge/": 1, "forge/" + "t" * 94: 1}

    @promise
    async def test_attempts_are_counted_by_answer_and_by_duration(self, journal: Journal) -> None:
        endpoint = self.endpoint()
        await journal.endpoints.add(endpoint)
        for code in (200, 200, 503, None):
            published = await journal.messages.publish(self.message(), handoff=handoff())
            outcome = self.done(published.claims[0])
            attempt = replace(outcome.attempt, response_code=code, duration_ms=100.0)
            await journal.work.record(replace(outcome, attempt=attempt))

        for subject in (endpoint.id, ALL_DELIVERIES):
            codes = await journal.tallies(CODES, subject, since=HOUR, step=HOUR)
            took = await journal.tallies(LATENCY, subject, since=HOUR, step=HOUR)
            assert dict(codes[-1].counts) == {"200": 2, "503": 1, NO_ANSWER: 1}
            assert dict(took[-1].counts) == {str(bucket_of(100)): 4}

    @promise
    async def test_runs_of_handlers_are_counted_by_duration(self, journal: Journal) -> None:
        await journal.events.accept(self.event(), ONE_HANDLER)
        (claimed,) = await claim(journal)
        outcome = self.done(claimed)
        await journal.work.record(replace(outcome, attempt=replace(outcome.attempt, duration_ms=5.0)))

        (tally,) = await journal.tallies(LATENCY, ALL_HANDLINGS, since=HOUR, step=HOUR)

        assert dict(tally.counts) == {str(bucket_of(5)): 1}

    @promise
    async def test_a_step_of_them_is_a_whole_number_of_five_minutes(self, journal: Journal) -> None:
        for step in (timedelta(0), timedelta(minutes=1), timedelta(minutes=7)):
            with pytest.raises(InvalidInput, match="five minutes"):
                await journal.tallies(TYPES, "", since=HOUR, step=step)
