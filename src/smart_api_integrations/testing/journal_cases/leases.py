"""Promises about claiming and leases. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import (
    HANDLER,
    LEASE,
    ONE_HANDLER,
    TWO_HANDLERS,
    JournalCase,
    claim,
    handoff,
    promise,
)


class ClaimCases(JournalCase):
    """``WorkStore.claim``, ``renew``, ``release``."""

    @promise
    async def test_a_claimed_handling_carries_its_event(self, journal: Journal) -> None:
        event = self.event(b"key")
        await journal.events.accept(event, ONE_HANDLER)

        (claimed,) = await claim(journal)

        part = claimed.work
        assert (claimed.event, claimed.message, claimed.endpoint) == (event, None, None)
        assert (part.kind, part.subject_id, part.target) == (Kind.HANDLING, event.id, HANDLER)
        assert (part.state, part.attempt_count, part.fence, part.failures) == (State.PROCESSING, 1, 1, 0)
        assert (part.due_at, part.leased_until) == (None, self.clock() + LEASE)
        assert part == await journal.work.work(part.id)

    @promise
    async def test_a_claimed_delivery_carries_message_and_endpoint(self, journal: Journal) -> None:
        endpoint, message = self.endpoint(), self.message()
        await journal.endpoints.add(endpoint)
        await journal.messages.publish(message)

        (claimed,) = await claim(journal)

        assert (claimed.event, claimed.message, claimed.endpoint) == (None, message, endpoint)
        assert (claimed.work.kind, claimed.work.state) == (Kind.DELIVERY, State.DELIVERING)

    @promise
    async def test_the_longest_due_comes_first_and_no_more_than_asked(self, journal: Journal) -> None:
        ids = []
        for _ in range(5):
            ids.append((await journal.events.accept(self.event(), ONE_HANDLER)).event_id)
            self.clock.advance(seconds=1)

        taken = [await claim(journal, limit=2) for _ in range(4)]

        assert [[one.work.subject_id for one in page] for page in taken] == [ids[:2], ids[2:4], ids[4:], []]

    @promise
    async def test_work_is_left_alone_until_it_is_due(self, journal: Journal) -> None:
        await journal.events.accept(self.event(), ONE_HANDLER)
        (first,) = await claim(journal)
        await journal.work.record(self.again(first, seconds=30))
        self.clock.advance(seconds=29.9)
        early = await claim(journal)
        self.clock.advance(seconds=0.1)

        (due,) = await claim(journal)

        assert early == []
        assert (due.work.attempt_count, due.work.failures, due.work.fence) == (2, 1, 2)

    @promise
    async def test_each_lane_gets_a_quarter(self, journal: Journal) -> None:
        for _ in range(16):
            await journal.events.accept(self.event(), ONE_HANDLER)
        for claimed in await claim(journal):
            await journal.work.record(self.again(claimed, seconds=0))
        self.clock.advance(seconds=1)
        for _ in range(16):
            await journal.events.accept(self.event(), ONE_HANDLER)

        old_retries = Counter(one.work.failures for one in await claim(journal, limit=8))
        for claimed in await claim(journal):
            await journal.work.record(self.again(claimed, seconds=60))
        for _ in range(8):
            await journal.events.accept(self.event(), ONE_HANDLER)
        self.clock.advance(seconds=61)
        old_fresh = Counter(bool(one.work.failures) for one in await claim(journal, limit=8))

        assert old_retries == {1: 6, 0: 2}
        assert old_fresh == {False: 6, True: 2}

    @promise
    async def test_a_lane_alone_gets_everything(self, journal: Journal) -> None:
        for _ in range(8):
            await journal.events.accept(self.event(), ONE_HANDLER)

        fresh = await claim(journal, limit=8)
        for claimed in fresh:
            await journal.work.record(self.again(claimed, seconds=0))
        retries = await claim(journal, limit=8)

        assert len(fresh) == len(retries) == 8

    @promise
    async def test_refused_targets_are_left_alone(self, journal: Journal) -> None:
        await journal.events.accept(self.event(), TWO_HANDLERS)

        (other,) = await claim(journal, refuse=frozenset({HANDLER, "somebody else"}))
        (refused,) = await claim(journal)

        assert (other.work.target, refused.work.target) == ("b", HANDLER)

    @promise
    async def test_any_number_of_claimers_share_no_work(self, journal: Journal) -> None:
        journals = (journal, await self.another())
        await asyncio.gather(*(journal.events.accept(self.event(), TWO_HANDLERS) for _ in range(100)))

        async def take(number: int) -> list[str]:
            mine: list[str] = []
            while taken := await claim(journals[number % 2], owner=f"worker-{number}", limit=7):
                mine.extend(one.work.id for one in taken)
            return mine

        taken = await asyncio.gather(*(take(number) for number in range(8)))
        left = [one.work.id for one in await claim(journal, limit=200)]

        counts = Counter(work_id for mine in [*taken, left] for work_id in mine)
        assert set(counts.values()) == {1}
        assert len(counts) == 200

    @promise
    async def test_renewing_extends_the_leases_that_their_owner_names(self, journal: Journal) -> None:
        kept = await journal.events.accept(self.event(), ONE_HANDLER, handoff=handoff(owner="one"))
        unheard_of = await journal.events.accept(self.event(), ONE_HANDLER, handoff=handoff(owner="one"))
        others = await journal.events.accept(self.event(), ONE_HANDLER, handoff=handoff(owner="two"))
        held = [accepted.claims[0].work.id for accepted in (kept, others)]
        self.clock.advance(seconds=10)

        renewed = await journal.work.renew(owner="one", lease=LEASE, held=held)
        self.clock.advance(seconds=10)

        assert renewed == 1
        assert await journal.work.reap() == 2
        assert (await journal.work.work(held[0])).leased_until is not None  # type: ignore[union-attr]
        assert (await journal.work.work(unheard_of.claims[0].work.id)).due_at is not None  # type: ignore[union-attr]
        assert await journal.work.renew(owner="nobody", lease=LEASE, held=held) == 0

    @promise
    async def test_released_work_is_as_if_never_claimed(self, journal: Journal) -> None:
        await journal.events.accept(self.event(), ONE_HANDLER)
        (retried,) = await claim(journal)
        await journal.work.record(self.again(retried, seconds=0))
        await journal.events.accept(self.event(), ONE_HANDLER)
        first = {one.work.id: one.work for one in await claim(journal)}
        self.clock.advance(seconds=1)

        released = await journal.work.release(owner="worker-1")
        parts = [await journal.work.work(work_id) for work_id in first]
        second = await claim(journal, owner="worker-2")

        assert released == 2
        assert {part and part.state for part in parts} == {State.VERIFIED, State.RETRY_SCHEDULED}
        assert {part and part.due_at for part in parts} == {self.clock()}
        for one in second:
            assert one.work.attempt_count == first[one.work.id].attempt_count
            assert one.work.fence == first[one.work.id].fence + 1
        assert await journal.work.release(owner="worker-1") == 0

    @promise
    async def test_next_due_says_how_long_to_wait(self, journal: Journal) -> None:
        empty = await journal.work.next_due()
        await journal.events.accept(self.event(), ONE_HANDLER)
        at_once = await journal.work.next_due()
        (claimed,) = await claim(journal)
        running = await journal.work.next_due()
        await journal.work.record(self.again(claimed, seconds=30))
        self.clock.advance(seconds=10)

        assert (empty, at_once, running) == (None, timedelta(0), None)
        assert await journal.work.next_due() == timedelta(seconds=20)
        self.clock.advance(seconds=60)
        assert await journal.work.next_due() == timedelta(0)
