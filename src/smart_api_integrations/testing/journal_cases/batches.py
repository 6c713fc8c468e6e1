"""Promises about events that came in one request. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from smart_api_integrations.core.journal import Accepted
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import (
    ONE_HANDLER,
    TWO_HANDLERS,
    JournalCase,
    claim,
    handoff,
    promise,
)


class BatchCases(JournalCase):
    """``EventStore.accept_all``."""

    @promise
    async def test_every_event_of_a_batch_is_kept_with_its_handlings(self, journal: Journal) -> None:
        events = [self.event(b"key-%d" % n, body=b'{"n": %d}' % n, event_id=str(n)) for n in range(3)]
        parts = (TWO_HANDLERS, ONE_HANDLER, ())

        accepted = await journal.events.accept_all(list(zip(events, parts, strict=True)))

        assert accepted == [Accepted(event_id=event.id) for event in events]
        for event, handlings in zip(events, parts, strict=True):
            trace = await journal.events.trace(event.id)
            assert trace is not None
            assert trace.event == event
            assert [part.target for part in trace.handlings] == [new.handler for new in handlings]
        assert len(await claim(journal)) == 3

    @promise
    async def test_a_batch_is_handed_over_as_single_events_are(self, journal: Journal) -> None:
        events = [self.event(), self.event()]

        accepted = await journal.events.accept_all(
            [(event, TWO_HANDLERS) for event in events], handoff=handoff("b")
        )

        leased = [part for outcome in accepted for part in outcome.claims]
        assert [part.event for part in leased] == events
        assert {part.work.state for part in leased} == {State.PROCESSING}
        assert [part.work.target for part in await claim(journal)] == ["b", "b"]

    @promise
    async def test_each_event_of_a_batch_is_a_duplicate_by_itself(self, journal: Journal) -> None:
        known = self.event(b"known")
        await journal.events.accept(known, [])
        first, twin, other = self.event(b"new"), self.event(b"new"), self.event(b"other")

        accepted = await journal.events.accept_all(
            [(event, ONE_HANDLER) for event in (self.event(b"known"), first, twin, other)]
        )

        assert accepted == [
            Accepted(event_id=known.id, duplicate=True),
            Accepted(event_id=first.id),
            Accepted(event_id=first.id, duplicate=True),
            Accepted(event_id=other.id),
        ]
        counts = {each.id: each.duplicates for each in await journal.events.summaries()}
        assert counts == {known.id: 1, first.id: 1, other.id: 0}

    @promise
    async def test_a_batch_is_kept_whole_or_not_at_all(self, journal: Journal) -> None:
        good, bad = self.event(b"good"), self.event(b"bad", provider=None)

        with pytest.raises(InvalidInput):
            await journal.events.accept_all([(good, ONE_HANDLER), (bad, ONE_HANDLER)])

        assert await journal.events.summaries() == []
        assert await claim(journal) == []
        assert await journal.events.accept(good, []) == Accepted(event_id=good.id)

    @promise
    async def test_batches_and_single_events_at_once_share_their_keys(self, journal: Journal) -> None:
        event = self.event(b"key")
        same = [replace(event, id=self.new_id("evt_")) for _ in range(20)]

        batched, single = await asyncio.gather(
            asyncio.gather(
                *(journal.events.accept_all([(each, ()), (self.event(), ())]) for each in same[:10])
            ),
            asyncio.gather(*(journal.events.accept(each, ()) for each in same[10:])),
        )

        kept = [*(outcomes[0] for outcomes in batched), *single]
        assert sum(not each.duplicate for each in kept) == 1
        assert len({each.event_id for each in kept}) == 1

    @promise
    async def test_a_large_batch_is_kept(self, journal: Journal) -> None:
        events = [self.event(b"id-%d" % n, b"signed-%d" % n) for n in range(5000)]

        accepted = await journal.events.accept_all([(event, ONE_HANDLER) for event in events])

        again = await journal.events.accept_all([(event, ONE_HANDLER) for event in events])
        assert [each.event_id for each in accepted] == [event.id for event in events]
        assert not any(each.duplicate for each in accepted)
        assert all(each.duplicate for each in again)

    @promise
    async def test_an_empty_batch_keeps_nothing(self, journal: Journal) -> None:
        assert await journal.events.accept_all([]) == []
        assert await journal.events.summaries() == []
