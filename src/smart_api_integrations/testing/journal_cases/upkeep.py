"""Promises about forgetting what is old, and about sealing secrets anew. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from smart_api_integrations.core.credentials import Credentials
from smart_api_integrations.core.journal import AttemptStatus, ReceivedEvent
from smart_api_integrations.core.replay import Mode, ReplayFilter
from smart_api_integrations.errors import ConfigurationError, InvalidInput, NotFound
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.storage.upkeep_protocol import Old
from smart_api_integrations.testing.journal_cases.scene import (
    LEASE,
    ONE_HANDLER,
    JournalCase,
    claim,
    promise,
)

DAY = timedelta(days=1)


async def purge(journal: Journal, what: Old, *, older_than: timedelta = DAY) -> int:
    """Forget batch by batch, and return how much."""
    total, cursor, is_last = 0, "", False
    while not is_last:
        batch = await journal.upkeep.purge(what, before=journal.now() - older_than, after=cursor)
        total, cursor, is_last = total + batch.count, batch.cursor, batch.is_last
    return total


class UpkeepScene(JournalCase):
    """What the stories of upkeep have in common."""

    async def handled(self, journal: Journal, how: Any, **changes: Any) -> ReceivedEvent:
        """Keep an event whose handling ended as *how* says, with a message that it published."""
        event = self.event(**changes)
        await journal.events.accept(event, ONE_HANDLER)
        (one,) = await claim(journal, limit=1)
        await journal.work.record(how(one))
        return event


class PurgeCases(UpkeepScene):
    """``UpkeepStore.purge`` and ``expunge``."""

    @promise
    async def test_an_old_event_goes_with_all_that_it_led_to(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        message = self.message()
        event = self.event()
        await journal.events.accept(event, ONE_HANDLER)
        (one,) = await claim(journal)
        await journal.work.record(self.done(one, replace(message, event_id=event.id)))
        (sent,) = await claim(journal)
        await journal.work.record(self.done(sent))
        self.clock.advance(days=2)
        young = await self.handled(journal, self.done)

        assert await purge(journal, Old.FINISHED) == 1

        assert await journal.events.trace(event.id) is None
        assert await journal.messages.trace(message.id) is None
        assert [await journal.work.work(each.work.id) for each in (one, sent)] == [None, None]
        assert await journal.events.trace(young.id) is not None
        assert await purge(journal, Old.FINISHED) == 0

    @promise
    async def test_what_waits_runs_or_is_dead_keeps_its_event(self, journal: Journal) -> None:
        dead = await self.handled(journal, self.dead)
        retried = await self.handled(journal, lambda one: self.again(one, seconds=9e6))
        running, waiting = self.event(), self.event()
        await journal.events.accept(running, ONE_HANDLER)
        await claim(journal)
        await journal.events.accept(waiting, ONE_HANDLER)
        self.clock.advance(days=2)

        assert await purge(journal, Old.FINISHED) == await purge(journal, Old.PAYLOADS) == 0
        for event in (dead, retried, running, waiting):
            trace = await journal.events.trace(event.id)
            assert trace is not None
            assert trace.event == event

    @promise
    async def test_a_messages_open_delivery_keeps_the_whole_trace(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        event = self.event()
        await journal.events.accept(event, ONE_HANDLER)
        (one,) = await claim(journal)
        await journal.work.record(self.done(one, self.message(event_id=event.id)))
        alone = self.message()
        await journal.messages.publish(alone)
        self.clock.advance(days=2)

        assert await purge(journal, Old.FINISHED) == 0
        for sent in await claim(journal):
            await journal.work.record(self.done(sent))
        assert await purge(journal, Old.FINISHED) == 2

    @promise
    async def test_payloads_go_and_the_rows_stay(self, journal: Journal) -> None:
        event = await self.handled(journal, self._telling)
        alone = self.message()
        await journal.messages.publish(alone)
        self.clock.advance(days=2)

        assert await purge(journal, Old.PAYLOADS) == 2

        trace = await journal.events.trace(event.id)
        assert trace is not None
        assert trace.event == replace(event, headers=(), body=b"", query="")
        (attempt,) = trace.attempts
        assert (attempt.status, attempt.result, attempt.error_detail) == (AttemptStatus.SUCCEEDED, None, None)
        (summary,) = await journal.events.summaries()
        assert summary.size == len(event.body)
        sent = await journal.messages.trace(alone.id)
        assert sent is not None
        assert sent.messages[0].body == b""
        assert await purge(journal, Old.PAYLOADS) == 0

    def _telling(self, one: Any) -> Any:
        done = self.done(one)
        return replace(done, attempt=replace(done.attempt, result='{"card": 4242}', error_detail="a line"))

    @promise
    async def test_dead_letters_go_by_when_they_died_and_free_their_events(self, journal: Journal) -> None:
        event = await self.handled(journal, self.dead)
        self.clock.advance(days=2)
        await self.handled(journal, self.dead)

        assert await purge(journal, Old.DEAD_LETTERS) == 1
        assert len(await journal.work.dead_letters()) == 1
        assert await purge(journal, Old.FINISHED) == 1
        assert await journal.events.trace(event.id) is None

    @promise
    async def test_logs_go_by_their_age(self, journal: Journal) -> None:
        old = self.rejection()
        await journal.events.log_rejections([old])
        self.clock.advance(days=2)
        young = self.rejection()
        await journal.events.log_rejections([young])

        assert await purge(journal, Old.REJECTED) == 1
        assert list(await journal.events.rejections()) == [young]
        assert await purge(journal, Old.AUDIT) == 0

    @promise
    async def test_more_than_a_batch_goes_batch_by_batch(self, journal: Journal) -> None:
        events = [self.event() for _ in range(450)]
        await journal.events.accept_all([(event, ()) for event in events])
        self.clock.advance(days=2)

        first = await journal.upkeep.purge(Old.FINISHED, before=journal.now() - DAY)

        assert 0 < first.count < 450
        assert not first.is_last
        assert first.count + await purge(journal, Old.FINISHED) == 450

    @promise
    async def test_one_payload_is_expunged_and_not_done_again(self, journal: Journal) -> None:
        event = await self.handled(journal, self.dead)
        (dead,) = await journal.work.dead_letters()

        await journal.upkeep.expunge(event.id)

        trace = await journal.events.trace(event.id)
        assert trace is not None
        assert trace.event is not None
        assert (trace.event.body, trace.event.headers) == (b"", ())
        with pytest.raises(InvalidInput, match="expunged"):
            await journal.work.replay(dead.id)
        everything = ReplayFilter(kind=dead.kind, mode=Mode.ALL)
        assert (await journal.replays.page(everything, limit=9)).candidates == []
        await journal.upkeep.expunge(event.id)

    @promise
    async def test_what_waits_needs_its_payload(self, journal: Journal) -> None:
        event = self.event()
        await journal.events.accept(event, ONE_HANDLER)

        with pytest.raises(InvalidInput, match="waits or runs"):
            await journal.upkeep.expunge(event.id)
        for unknown in ("evt_none", "msg_none", "dlv_none", ""):
            with pytest.raises(NotFound):
                await journal.upkeep.expunge(unknown)

    @promise
    async def test_a_chore_is_one_owners_until_its_lease_ends(self, journal: Journal) -> None:
        other = await self.another()

        assert await journal.upkeep.lead("retention", owner="one", lease=LEASE)
        assert not await other.upkeep.lead("retention", owner="two", lease=LEASE)
        assert await other.upkeep.lead("another", owner="two", lease=LEASE)
        self.clock.advance(seconds=10)
        assert await journal.upkeep.lead("retention", owner="one", lease=LEASE)
        self.clock.advance(seconds=10)
        assert not await other.upkeep.lead("retention", owner="two", lease=LEASE)
        self.clock.advance(seconds=10)
        assert await other.upkeep.lead("retention", owner="two", lease=LEASE)


class SealCases(UpkeepScene):
    """``UpkeepStore.seal_anew``: each ``another`` journal here has keys of its own."""

    keys: tuple[bytes, ...] = (b"k" * 32,)

    def options(self) -> dict[str, Any]:
        """Return the options of every case, with the keys of the moment."""
        return super().options() | {"cipher": SecretCipher(self.keys)}

    @promise
    async def test_every_secret_opens_with_the_newest_key_alone(self, journal: Journal) -> None:
        endpoints = [
            self.endpoint(
                secret=f"secret number {number}",
                auth=Credentials(kind="basic", username="user", secret=f"pass {number}"),
            )
            for number in range(130)
        ]
        for endpoint in endpoints:
            await journal.endpoints.add(endpoint)
        self.keys = (b"n" * 32, b"k" * 32)
        both = await self.another()

        assert await self.seal(both) == 2 * len(endpoints)
        assert await self.seal(both) == 0

        self.keys = (b"n" * 32,)
        newest = await self.another()
        assert list(await newest.endpoints.endpoints()) == endpoints

    @promise
    async def test_it_goes_on_where_it_was_stopped(self, journal: Journal) -> None:
        for _ in range(130):
            await journal.endpoints.add(self.endpoint())
        self.keys = (b"n" * 32, b"k" * 32)
        both = await self.another()

        cursor, counts = "", []
        for _ in range(2):
            batch = await both.upkeep.seal_anew(after=cursor)
            cursor = batch.cursor
            counts.append(batch.count)

        assert counts == [0, 100]  # no key was captured
        assert await self.seal(both) == 30

    @promise
    async def test_a_secret_that_opens_with_no_key_is_told(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        self.keys = (b"n" * 32,)
        stranger = await self.another()

        with pytest.raises(ConfigurationError, match="WEBHOOKS_ENCRYPTION_KEYS"):
            await self.seal(stranger)
        (kept,) = await journal.endpoints.endpoints()
        assert kept.secret == "a secret of some length"  # noqa: S105 - a sample

    async def seal(self, journal: Journal) -> int:
        """Seal batch by batch, and return how many were not under the newest key."""
        total, cursor, is_last = 0, "", False
        while not is_last:
            batch = await journal.upkeep.seal_anew(after=cursor)
            total, cursor, is_last = total + batch.count, batch.cursor, batch.is_last
        return total
