"""Promises about ordering keys. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from collections import defaultdict

from smart_api_integrations.core.journal import Claim, NewHandling
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import (
    HANDLER,
    JournalCase,
    claim,
    handoff,
    promise,
)


def in_order(key: str | None, *, handler: str = HANDLER) -> tuple[NewHandling]:
    """Return a handling with an ordering key."""
    return (NewHandling(handler=handler, max_attempts=3, ordering_key=key),)


class OrderCases(JournalCase):
    """``ordering_key``: n+1 does not begin before n is over."""

    async def _accept(self, journal: Journal, key: str | None, count: int = 1) -> list[str]:
        return [(await journal.events.accept(self.event(), in_order(key))).event_id for _ in range(count)]

    @promise
    async def test_of_one_key_only_the_oldest_can_be_claimed(self, journal: Journal) -> None:
        ids = await self._accept(journal, "order-1", 3)
        begun = []

        for _ in ids:
            (claimed,) = await claim(journal)
            begun.append(claimed.work.subject_id)
            assert await claim(journal) == []
            await journal.work.record(self.done(claimed))

        assert begun == ids
        assert await claim(journal) == []

    @promise
    async def test_a_retry_keeps_its_place(self, journal: Journal) -> None:
        ids = await self._accept(journal, "order-1", 2)
        (first,) = await claim(journal)
        await journal.work.record(self.again(first, seconds=30))
        meanwhile = await claim(journal)
        self.clock.advance(seconds=30)

        (again,) = await claim(journal)

        assert (meanwhile, again.work.subject_id) == ([], ids[0])

    @promise
    async def test_the_next_begins_after_a_dead_letter(self, journal: Journal) -> None:
        ids = await self._accept(journal, "order-1", 2)
        (first,) = await claim(journal)
        await journal.work.record(self.dead(first))

        (second,) = await claim(journal)

        assert second.work.subject_id == ids[1]

    @promise
    async def test_the_next_begins_after_a_lease_was_lost_for_the_last_time(self, journal: Journal) -> None:
        last = (NewHandling(handler=HANDLER, max_attempts=1, ordering_key="k"),)
        ids = [(await journal.events.accept(self.event(), last)).event_id for _ in range(2)]
        await claim(journal)
        self.clock.advance(minutes=1)
        await journal.work.reap()

        (second,) = await claim(journal)

        assert second.work.subject_id == ids[1]

    @promise
    async def test_keys_and_targets_do_not_wait_for_each_other(self, journal: Journal) -> None:
        await self._accept(journal, "one", 2)
        await self._accept(journal, "two", 2)
        await self._accept(journal, None, 2)
        await journal.events.accept(self.event(), in_order("one", handler="b"))

        begun = [(one.work.target, one.work.ordering_key) for one in await claim(journal)]

        assert sorted(begun, key=str) == sorted(
            [(HANDLER, "one"), (HANDLER, "two"), (HANDLER, None), (HANDLER, None), ("b", "one")], key=str
        )

    @promise
    async def test_a_handoff_takes_only_the_head_of_a_key(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        messages = [self.message(ordering_key="k") for _ in range(3)]

        published = await asyncio.gather(
            *(journal.messages.publish(message, handoff=handoff()) for message in messages)
        )
        late = await journal.messages.publish(self.message(ordering_key="k"), handoff=handoff())

        assert [len(one.claims) for one in [*published, late]] == [1, 0, 0, 0]
        assert published[0].claims[0].work.subject_id == messages[0].id
        assert await claim(journal) == []
        await journal.work.record(self.done(published[0].claims[0]))
        (second,) = await claim(journal)
        assert (second.message, second.work.ordering_key) == (messages[1], "k")

    @promise
    async def test_released_work_stays_the_head(self, journal: Journal) -> None:
        ids = await self._accept(journal, "k", 2)
        await claim(journal)
        await journal.work.release(owner="worker-1")

        (first,) = await claim(journal)

        assert first.work.subject_id == ids[0]

    @promise
    async def test_what_is_replayed_waits_for_what_runs_and_comes_before_what_waits(
        self, journal: Journal
    ) -> None:
        ids = await self._accept(journal, "k", 3)
        (first,) = await claim(journal)
        await journal.work.record(self.dead(first))
        (second,) = await claim(journal)

        replayed = await journal.work.replay(first.work.id)
        meanwhile = await claim(journal)
        await journal.work.record(self.done(second))
        (again,) = await claim(journal)
        await journal.work.record(self.done(again))
        (third,) = await claim(journal)

        assert (replayed.in_line, meanwhile) == (True, [])
        assert [one.work.subject_id for one in (again, third)] == [ids[0], ids[2]]

    @promise
    async def test_what_is_in_line_is_counted_and_goes_with_its_endpoint(self, journal: Journal) -> None:
        endpoint = self.endpoint()
        await journal.endpoints.add(endpoint)
        for _ in range(3):
            await journal.messages.publish(self.message(ordering_key="k"))
        before = await journal.work.backlog()

        await journal.endpoints.remove(endpoint.id)

        assert before.waiting == 3
        assert (await journal.work.backlog()).waiting == 0

    @promise
    async def test_order_holds_for_any_number_of_writers_and_workers(self, journal: Journal) -> None:
        journals = (journal, await self.another())
        began: dict[str, list[str]] = defaultdict(list)
        running: set[str] = set()

        async def write(number: int) -> None:
            for step in range(8):
                await journals[step % 2].events.accept(self.event(), in_order(f"key-{number}"))

        async def run(one: Claim, worker: Journal) -> None:
            key = str(one.work.ordering_key)
            assert key not in running
            running.add(key)
            began[key].append(one.work.id)
            await asyncio.sleep(0)
            running.discard(key)
            await worker.work.record(self.done(one))

        async def work(number: int) -> None:
            worker = journals[number % 2]
            while sum(map(len, began.values())) < 5 * 8:
                for one in await claim(worker, owner=f"worker-{number}", limit=3):
                    await run(one, worker)

        await asyncio.gather(*(write(number) for number in range(5)), *(work(number) for number in range(3)))

        assert {len(ids) for ids in began.values()} == {8}
        assert all(ids == sorted(ids) for ids in began.values())
        assert (await journal.work.backlog()).waiting == 0
