"""Promises about an event that comes again because it was not handled. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from datetime import timedelta

from smart_api_integrations.core.journal import NewHandling
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import (
    LEASE,
    ONE_HANDLER,
    TWO_HANDLERS,
    JournalCase,
    claim,
    handoff,
    promise,
)


class ResumeCases(JournalCase):
    """``EventStore.resume``."""

    @promise
    async def test_only_what_failed_is_taken_up_again(self, journal: Journal) -> None:
        event = self.event(b"key")
        first, second = (await journal.events.accept(event, TWO_HANDLERS, handoff=handoff())).claims
        await journal.work.record(self.done(first))
        await journal.work.record(self.dead(second))

        resumed = await journal.events.resume(event, TWO_HANDLERS, handoff=handoff(owner="inline-2"))

        (again,) = resumed.claims
        assert (again.work.id, again.event, resumed.running) == (second.work.id, event, False)
        assert (again.work.state, again.work.attempt_count, again.work.failures) == (State.PROCESSING, 2, 0)
        assert again.work == await journal.work.work(second.work.id)
        assert not (await journal.work.record(self.done(again))).stale

    @promise
    async def test_what_runs_or_waits_is_left_alone(self, journal: Journal) -> None:
        event = self.event(b"key")
        running, waiting = (await journal.events.accept(event, TWO_HANDLERS, handoff=handoff())).claims
        await journal.work.record(self.again(waiting))

        both = await journal.events.resume(event, TWO_HANDLERS, handoff=handoff())
        only_the_one_that_waits = await journal.events.resume(event, TWO_HANDLERS[1:], handoff=handoff())

        assert (both.claims, both.running) == ((), True)
        assert (only_the_one_that_waits.claims, only_the_one_that_waits.running) == ((), False)
        assert not (await journal.work.record(self.done(running))).stale

    @promise
    async def test_a_handling_that_is_new_is_added(self, journal: Journal) -> None:
        event = self.event(b"key")
        await journal.events.accept(event, ())

        (added,) = (await journal.events.resume(event, ONE_HANDLER, handoff=handoff())).claims

        assert (added.work.subject_id, added.work.attempt_count, added.work.fence) == (event.id, 1, 1)
        assert added.work.leased_until == self.clock() + LEASE
        assert not (await journal.work.record(self.done(added))).stale

    @promise
    async def test_of_several_repeats_at_once_one_gets_the_work(self, journal: Journal) -> None:
        other = await self.another()
        event, handling = self.event(b"key"), (NewHandling(handler="a", max_attempts=1),)
        (claimed,) = (await journal.events.accept(event, handling, handoff=handoff())).claims
        await journal.work.record(self.dead(claimed))

        resumed = await asyncio.gather(
            *(each.events.resume(event, handling, handoff=handoff()) for each in (journal, other) * 4)
        )

        assert sorted(len(each.claims) for each in resumed) == [0] * 7 + [1]
        assert sorted(each.running for each in resumed) == [False] + [True] * 7

    @promise
    async def test_a_lease_that_ended_ends_as_a_dead_letter(self, journal: Journal) -> None:
        event, handling = self.event(b"key"), (NewHandling(handler="a", max_attempts=1),)
        await journal.events.accept(event, handling, handoff=handoff())
        self.clock.advance(seconds=LEASE / timedelta(seconds=1))
        await journal.work.reap()

        due = await claim(journal)
        resumed = await journal.events.resume(event, handling, handoff=handoff())

        assert due == []
        assert len(resumed.claims) == 1
