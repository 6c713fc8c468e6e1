"""Promises about handlings that other handlings lead to: one for each handler. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from dataclasses import replace

from smart_api_integrations.core.journal import NewHandling
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import (
    TWO_HANDLERS,
    JournalCase,
    claim,
    handoff,
    promise,
)

ADDED = (NewHandling(handler="new", max_attempts=3),)


class RerouteCases(JournalCase):
    """``Outcome.handlings``."""

    @promise
    async def test_an_outcomes_handlings_are_due_at_once(self, journal: Journal) -> None:
        event = self.event(b"key")
        first, _ = (await journal.events.accept(event, TWO_HANDLERS, handoff=handoff())).claims
        await journal.work.record(replace(self.done(first), handlings=ADDED))

        (added,) = await claim(journal)

        assert (added.work.target, added.work.max_attempts, added.work.attempt_count) == ("new", 3, 1)
        assert (added.event, added.work.tenant) == (event, event.tenant)
        assert not (await journal.work.record(self.done(added))).stale

    @promise
    async def test_a_handler_that_the_event_has_is_not_added(self, journal: Journal) -> None:
        first, second = (
            await journal.events.accept(self.event(b"key"), TWO_HANDLERS, handoff=handoff())
        ).claims
        await journal.work.record(replace(self.again(first), handlings=(*ADDED, *TWO_HANDLERS)))
        await journal.work.record(replace(self.done(second), handlings=ADDED))

        assert [one.work.target for one in await claim(journal)] == ["new"]
        await journal.work.replay(second.work.id)
        (replayed,) = await claim(journal)
        await journal.work.record(replace(self.done(replayed), handlings=ADDED))
        assert await claim(journal) == []

    @promise
    async def test_an_outcome_that_came_too_late_adds_nothing(self, journal: Journal) -> None:
        first, second = (
            await journal.events.accept(self.event(b"key"), TWO_HANDLERS, handoff=handoff())
        ).claims
        await journal.work.record(self.done(first))
        await journal.work.record(self.done(second))

        late = await journal.work.record(replace(self.done(first), handlings=ADDED))

        assert late.stale
        assert await claim(journal) == []

    @promise
    async def test_of_several_outcomes_at_once_one_adds_a_handler(self, journal: Journal) -> None:
        other = await self.another()
        names = [NewHandling(handler=f"h{number}", max_attempts=1) for number in range(8)]
        claims = (await journal.events.accept(self.event(b"key"), names, handoff=handoff())).claims

        await asyncio.gather(
            *(
                (journal, other)[number % 2].work.record(replace(self.done(one), handlings=ADDED))
                for number, one in enumerate(claims)
            )
        )

        assert [one.work.target for one in await claim(journal)] == ["new"]

    @promise
    async def test_what_is_added_waits_in_its_line(self, journal: Journal) -> None:
        ordered = (NewHandling(handler="new", max_attempts=1, ordering_key="k"),)
        for key in (b"one", b"two"):
            first, _ = (await journal.events.accept(self.event(key), TWO_HANDLERS, handoff=handoff())).claims
            await journal.work.record(replace(self.done(first), handlings=ordered))

        (head,) = await claim(journal)
        assert await claim(journal) == []
        await journal.work.record(self.done(head))
        (following,) = await claim(journal)

        assert (head.work.ordering_key, following.work.ordering_key) == ("k", "k")
        assert following.work.id > head.work.id

    @promise
    async def test_a_handling_that_found_no_handler_is_over(self, journal: Journal) -> None:
        first, _ = (await journal.events.accept(self.event(b"key"), TWO_HANDLERS, handoff=handoff())).claims
        await journal.work.record(replace(self.done(first), state=State.NO_HANDLER))

        part = await journal.work.work(first.work.id)

        assert part is not None
        assert (part.state, part.due_at, part.leased_until) == (State.NO_HANDLER, None, None)
        assert (await journal.work.replay(first.work.id)).state is State.VERIFIED
