"""Promises about messages that wait, and about keys that publish once. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from smart_api_integrations.core.journal import Published
from smart_api_integrations.core.retry_schedule import RetrySchedule
from smart_api_integrations.errors import IdempotencyConflict
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import JournalCase, claim, handoff, promise


class TimingCases(JournalCase):
    """``Message.deliver_at``, ``Message.idempotency_key``, ``Endpoint.retry_schedule``."""

    @promise
    async def test_a_delayed_message_waits_in_the_store_and_holds_up_no_other(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        later = self.message(
            deliver_at=self.clock() + timedelta(hours=1), expires_at=self.clock() + timedelta(hours=2)
        )
        now = self.message()

        delayed = await journal.messages.publish(later, handoff=handoff())
        await journal.messages.publish(now)
        first = await claim(journal)
        wait = await journal.work.next_due()
        self.clock.advance(hours=1)
        second = await claim(journal)

        assert list(delayed.claims) == []
        assert [one.message for one in first] == [now]
        assert wait == timedelta(hours=1)
        assert [one.message for one in second] == [later]

    @promise
    async def test_a_time_that_has_passed_is_at_once(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        message = self.message(deliver_at=self.clock() - timedelta(hours=1))

        published = await journal.messages.publish(message, handoff=handoff())

        assert len(published.claims) == 1

    @promise
    async def test_one_key_publishes_once_over_any_number_of_writers(self, journal: Journal) -> None:
        journals = (journal, await self.another())
        await journal.endpoints.add(self.endpoint())
        messages = [self.message(idempotency_key="k", fingerprint=b"f") for _ in range(20)]

        published = await asyncio.gather(
            *(journals[n % 2].messages.publish(message) for n, message in enumerate(messages))
        )

        (kept,) = await journal.messages.messages()
        assert {(one.message_id, one.deliveries) for one in published} == {(kept.id, 1)}
        assert sorted(one.repeated for one in published) == [False] + [True] * 19
        assert len(await journal.work.deliveries()) == 1

    @promise
    async def test_the_same_key_with_other_content_is_refused_and_the_rest_is_kept(
        self, journal: Journal
    ) -> None:
        first = self.message(idempotency_key="k", fingerprint=b"one")
        await journal.messages.publish(first)
        others = [self.message(idempotency_key="k", fingerprint=b"two"), self.message()]

        refused, kept = await asyncio.gather(
            *(journal.messages.publish(message) for message in others), return_exceptions=True
        )

        assert isinstance(refused, IdempotencyConflict)
        assert first.id in str(refused)
        assert isinstance(kept, Published)
        assert [each.id for each in await journal.messages.messages()] == [others[1].id, first.id]

    @promise
    async def test_a_key_belongs_to_its_tenant_and_is_forgotten_after_a_day(self, journal: Journal) -> None:
        first = self.message(idempotency_key="k", fingerprint=b"f")
        await journal.messages.publish(first)

        theirs = await journal.messages.publish(
            self.message(tenant="other", idempotency_key="k", fingerprint=b"g")
        )
        self.clock.advance(days=1)
        later = await journal.messages.publish(self.message(idempotency_key="k", fingerprint=b"h"))

        assert (theirs.repeated, later.repeated) == (False, False)

    @promise
    async def test_an_endpoint_keeps_its_own_schedule(self, journal: Journal) -> None:
        waits = (timedelta(seconds=1.5), timedelta(hours=2))
        endpoint = self.endpoint(retry_schedule=RetrySchedule(waits=waits, jitter=0.1))

        await journal.endpoints.add(endpoint)

        kept = await journal.endpoints.endpoint(endpoint.id)
        assert kept == replace(endpoint)
        assert kept.schedule.waits == waits
        published = await journal.messages.publish(self.message(), handoff=handoff())
        assert published.claims[0].work.max_attempts == 3
