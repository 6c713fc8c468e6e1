"""Promises about a journal as a whole: opening, closing, waking, failing. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import (
    ONE_HANDLER,
    JournalCase,
    claim,
    handoff,
    promise,
)

PATIENCE_SECONDS = 10


class OpeningCases(JournalCase):
    """``Journal.open``, ``close``, ``check``, ``now``."""

    @promise
    async def test_what_was_kept_is_there_after_opening_again(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        await journal.events.accept(self.event(b"key", event_id="theirs"), ONE_HANDLER)
        await journal.messages.publish(self.message())
        await journal.close()

        again = await self.another()

        assert (await again.events.accept(self.event(b"key"), [])).duplicate
        assert await again.events.find("theirs") is not None
        assert len(await claim(again)) == 2

    @promise
    async def test_a_journal_can_be_closed_twice(self, journal: Journal) -> None:
        await journal.close()
        await journal.close()

    @promise
    async def test_a_journal_that_is_not_open_is_unavailable(self, journal: Journal) -> None:
        await journal.close()
        never = await self.another(opened=False)

        for shut in (journal, never):
            with pytest.raises(StorageUnavailable):
                await shut.events.accept(self.event(), [])
            with pytest.raises(StorageUnavailable):
                await shut.events.summaries()
            with pytest.raises(StorageUnavailable):
                await shut.check()
        await never.close()

    @promise
    async def test_closing_finishes_what_was_begun(self, journal: Journal) -> None:
        calls = [asyncio.create_task(journal.events.accept(self.event(), [])) for _ in range(50)]
        await asyncio.sleep(0)

        await journal.close()

        assert len(await asyncio.gather(*calls)) == 50
        assert len(await (await self.another()).events.summaries(limit=100)) == 50

    @promise
    async def test_checking_an_open_journal_changes_nothing(self, journal: Journal) -> None:
        await journal.check()

        assert await journal.work.next_due() is None
        assert await journal.events.summaries() == []

    @promise
    async def test_the_journal_tells_the_stores_time(self, journal: Journal) -> None:
        before = journal.now()
        self.clock.advance(hours=1)

        assert (before, journal.now()) == (self.clock.time.replace(hour=12), self.clock.time)

    @promise
    async def test_several_may_open_at_once(self, journal: Journal) -> None:
        several = [journal, *[await self.another(opened=False) for _ in range(4)]]
        await journal.close()

        await asyncio.gather(*(each.open() for each in several))

        self._open.extend(several)
        for each in several:
            await each.check()


class WakingCases(JournalCase):
    """``Journal.on_due_work``."""

    @promise
    async def test_whoever_waits_for_work_is_woken_in_the_loop(self, journal: Journal) -> None:
        woken = asyncio.Event()
        threads: set[int] = set()

        def wake() -> None:
            threads.add(threading.get_ident())
            woken.set()

        journal.on_due_work(wake)
        await journal.endpoints.add(self.endpoint())

        async def wakes(call: Awaitable[Any]) -> Any:
            woken.clear()
            result = await call
            await asyncio.wait_for(woken.wait(), PATIENCE_SECONDS)
            return result

        await wakes(journal.events.accept(self.event(), ONE_HANDLER))
        await wakes(journal.messages.publish(self.message()))
        first, second = await claim(journal)
        await wakes(journal.work.release(owner="worker-1"))
        first, second = await claim(journal)
        await wakes(journal.work.record(self.again(first, seconds=0)))
        await journal.work.record(self.dead(second))
        await wakes(journal.work.replay(second.work.id))
        await claim(journal)
        self.clock.advance(minutes=1)
        await wakes(journal.work.reap())
        await wakes(journal.events.accept(self.event(), ONE_HANDLER, handoff=handoff(ONE_HANDLER[0].handler)))

        assert threads == {threading.get_ident()}

    @promise
    async def test_work_that_is_handed_off_wakes_nobody(self, journal: Journal) -> None:
        woken: list[bool] = []
        journal.on_due_work(lambda: woken.append(True))
        await journal.endpoints.add(self.endpoint())

        accepted = await journal.events.accept(self.event(), ONE_HANDLER, handoff=handoff())
        await journal.messages.publish(self.message(), handoff=handoff())
        await journal.work.record(self.again(accepted.claims[0], seconds=60))
        await journal.check()
        await asyncio.sleep(0)

        assert woken == []

    @promise
    async def test_other_processes_are_woken_where_the_store_can(self, journal: Journal) -> None:
        if not self.wakes_other_processes:
            pytest.skip("this store does not wake other processes: they look by themselves")
        woken = asyncio.Event()
        (await self.another()).on_due_work(woken.set)

        await journal.events.accept(self.event(), ONE_HANDLER)

        await asyncio.wait_for(woken.wait(), PATIENCE_SECONDS)


class FailingCases(JournalCase):
    """What happens to callers that go away, and while the store is away."""

    def interrupt(self) -> AbstractContextManager[None] | None:
        """Capability: make the store refuse every write for a while, or None where that cannot be done."""
        return None

    @promise
    async def test_claims_of_a_caller_that_went_away_are_given_back(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        await journal.events.accept(self.event(), ONE_HANDLER)
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: claim(journal, limit=1),
            lambda: journal.events.accept(self.event(), ONE_HANDLER, handoff=handoff()),
            lambda: journal.messages.publish(self.message(), handoff=handoff()),
        ]

        for call in calls:
            task = asyncio.ensure_future(call())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await journal.check()
        await journal.check()

        again = await claim(journal, owner="worker-2")
        assert sorted(one.work.attempt_count for one in again) == [1, 1, 1]

    @promise
    async def test_a_caller_that_goes_away_hurts_nobody_else(self, journal: Journal) -> None:
        tasks = [asyncio.create_task(journal.events.accept(self.event(), [])) for _ in range(100)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()

        results = await asyncio.gather(*tasks, return_exceptions=True)

        assert [type(result).__name__ for result in results] == ["CancelledError", "Accepted"] * 50
        await journal.check()

    @promise
    async def test_while_the_store_is_away_nothing_is_written(self, journal: Journal) -> None:
        interruption = self.interrupt()
        if interruption is None:
            pytest.skip("this store cannot be interrupted from a test")
        accepted = await journal.events.accept(self.event(), ONE_HANDLER, handoff=handoff())
        event = self.event(b"key")

        with interruption:
            calls = (
                journal.events.accept(event, []),
                journal.messages.publish(self.message()),
                journal.work.record(self.done(accepted.claims[0])),
                claim(journal),
                journal.endpoints.add(self.endpoint()),
                journal.check(),
            )
            results = await asyncio.gather(*calls, return_exceptions=True)

        assert [type(result) for result in results] == [StorageUnavailable] * 6
        assert not (await journal.events.accept(event, [])).duplicate
        assert not (await journal.work.record(self.done(accepted.claims[0]))).stale
        assert await journal.messages.messages() == []
