"""Promises about breakers, busy endpoints and switching off. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import AttemptStatus, Claim, Outcome
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.errors import NotFound
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import JournalCase, claim, handoff, promise


class HealthCases(JournalCase):
    """What attempts say about their endpoint."""

    async def _endpoint(self, journal: Journal, **changes: Any) -> Endpoint:
        endpoint = self.endpoint(**changes)
        await journal.endpoints.add(endpoint)
        return endpoint

    async def _tries(self, journal: Journal, *, bad: int, good: int = 0) -> None:
        """Publish that many messages, and let so many deliveries succeed and so many fail for good."""
        for number in range(bad + good):
            await journal.messages.publish(self.message())
            for claimed in await claim(journal):
                await journal.work.record(self.done(claimed) if number < good else self.dead(claimed))

    async def _claimed(self, journal: Journal) -> Claim:
        (claimed,) = await claim(journal)
        return claimed

    @promise
    async def test_a_breaker_opens_and_one_probe_goes_over_all_workers(self, journal: Journal) -> None:
        endpoint = await self._endpoint(journal)
        await self._tries(journal, good=3, bad=7)
        other = await self.another()
        for _ in range(5):
            handed = await journal.messages.publish(self.message(), handoff=handoff())
            assert list(handed.claims) == []

        shut = [await claim(store) for store in (journal, other)]
        gate = await other.gates.gate(endpoint.id)
        self.clock.advance(seconds=30)
        probes = [one for store in (other, journal) for one in await claim(store)]

        assert shut == [[], []]
        assert gate is not None
        assert (gate.opened_at, gate.openings) == (self.clock() - timedelta(seconds=30), 1)
        assert len(probes) == 1
        await journal.work.record(self.done(probes[0]))
        assert len(await claim(other)) == 4
        assert await journal.gates.gate(endpoint.id) is None

    @promise
    async def test_what_is_no_fault_of_the_endpoints_opens_no_breaker(self, journal: Journal) -> None:
        endpoint = await self._endpoint(journal)
        for code in ("transformation_failed", "filter_failed", "proxy_refused"):
            for _ in range(10):
                await journal.messages.publish(self.message())
            for claimed in await claim(journal):
                attempt = self.attempt(claimed, AttemptStatus.FAILED, error_code=code)
                await journal.work.record(Outcome(work=claimed.work, state=State.FAILED, attempt=attempt))

        assert await journal.gates.gate(endpoint.id) is None
        assert (await journal.endpoints.statistics(endpoint.id)).failed == 0
        assert len(await journal.work.dead_letters()) == 30

    @promise
    async def test_a_failed_probe_keeps_it_open_for_longer(self, journal: Journal) -> None:
        endpoint = await self._endpoint(journal)
        await self._tries(journal, bad=10)
        await journal.messages.publish(self.message())
        self.clock.advance(seconds=30)

        await journal.work.record(self.again(await self._claimed(journal), seconds=0))
        self.clock.advance(seconds=59)
        early = await claim(journal)
        self.clock.advance(seconds=1)

        assert (early, len(await claim(journal))) == ([], 1)
        gate = await journal.gates.gate(endpoint.id)
        assert gate is not None
        assert gate.openings == 2

    @promise
    async def test_a_probe_that_is_lost_is_followed_by_another(self, journal: Journal) -> None:
        await self._endpoint(journal)
        await self._tries(journal, bad=10)
        for _ in range(2):
            await journal.messages.publish(self.message())
        self.clock.advance(seconds=30)
        await self._claimed(journal)
        self.clock.advance(seconds=89)
        early = await claim(journal)
        self.clock.advance(seconds=1)

        assert (early, len(await claim(journal))) == ([], 1)

    @promise
    async def test_what_began_before_it_opened_does_not_close_it(self, journal: Journal) -> None:
        endpoint = await self._endpoint(journal)
        await journal.messages.publish(self.message())
        early = self.done(await self._claimed(journal))
        self.clock.advance(seconds=1)
        await self._tries(journal, bad=10)

        await journal.work.record(early)

        gate = await journal.gates.gate(endpoint.id)
        assert gate is not None
        assert gate.opened_at is not None

    @promise
    async def test_fewer_failures_and_old_ones_open_nothing(self, journal: Journal) -> None:
        await self._endpoint(journal)
        await self._tries(journal, good=4, bad=6)
        self.clock.advance(minutes=7)
        await self._tries(journal, bad=9)

        await journal.messages.publish(self.message())

        assert len(await claim(journal)) == 1

    @promise
    async def test_a_busy_endpoint_is_left_alone_for_as_long_as_it_asks(self, journal: Journal) -> None:
        endpoint = await self._endpoint(journal)
        other = await self._endpoint(journal)
        await journal.messages.publish(self.message())
        for claimed in await claim(journal):
            outcome = self.again(claimed, seconds=0)
            if claimed.work.target == endpoint.id:
                outcome = replace(outcome, busy_for=timedelta(minutes=2))
            await journal.work.record(outcome)
        await journal.messages.publish(self.message())

        meanwhile = {one.work.target for one in await claim(journal)}
        self.clock.advance(minutes=2)

        assert meanwhile == {other.id}
        assert [one.work.target for one in await claim(journal)] == [endpoint.id] * 2

    @promise
    async def test_busy_answers_without_a_time_slow_it_down_more_and_more(self, journal: Journal) -> None:
        endpoint = await self._endpoint(journal)
        await journal.messages.publish(self.message())
        waits = []
        for _ in range(4):
            outcome = replace(self.again(await self._claimed(journal), seconds=0), busy_for=timedelta(0))
            await journal.work.record(outcome)
            gate = await journal.gates.gate(endpoint.id)
            assert gate is not None
            assert gate.opens_at is not None
            waits.append((gate.opens_at - self.clock()).total_seconds())
            self.clock.time = gate.opens_at
        await journal.work.record(self.done(await self._claimed(journal)))

        assert waits == [1, 2, 4, 8]
        assert await journal.gates.gate(endpoint.id) is None

    @promise
    async def test_days_of_only_failures_warn_and_then_switch_it_off(self, journal: Journal) -> None:
        endpoint = await self._endpoint(journal, events=("order.*",))
        listener = await self._endpoint(journal, events=("endpoint.*", "delivery.*"))
        await journal.messages.publish(self.message())
        told = []
        for _ in range(45):
            self.clock.advance(hours=3)
            for claimed in await claim(journal):
                if claimed.work.target == listener.id:
                    assert claimed.message is not None
                    told.append(json.loads(claimed.message.body))
                    await journal.work.record(self.done(claimed))
                else:
                    await journal.work.record(self.again(claimed, seconds=0))

        kept = await journal.endpoints.endpoint(endpoint.id)
        assert kept is not None
        assert (kept.active, kept.disabled_reason) == (False, "failing")
        assert [(each["event"], each["data"].get("percent")) for each in told] == [
            ("endpoint.failing", 50),
            ("endpoint.failing", 70),
            ("endpoint.failing", 90),
            ("endpoint.disabled", None),
        ]
        assert {each["data"]["endpoint_id"] for each in told} == {endpoint.id}
        assert (await journal.messages.publish(self.message())).deliveries == 0
        assert await journal.gates.waiting(endpoint.id) == 1

    @promise
    async def test_a_success_begins_the_days_anew(self, journal: Journal) -> None:
        endpoint = await self._endpoint(journal)
        for day in range(8):
            await self._tries(journal, bad=4, good=int(day == 4))
            self.clock.advance(days=1)

        kept = await journal.endpoints.endpoint(endpoint.id)
        assert kept is not None
        assert kept.active

    @promise
    async def test_an_endpoint_that_is_gone_is_switched_off_at_once_and_its_backlog_waits(
        self, journal: Journal
    ) -> None:
        endpoint = await self._endpoint(journal)
        for _ in range(3):
            await journal.messages.publish(self.message())
        (claimed,) = await claim(journal, limit=1)
        attempt = self.attempt(claimed, AttemptStatus.FAILED, error_code="gone", response_code=410)

        await journal.work.record(Outcome(work=claimed.work, state=State.FAILED, attempt=attempt))

        kept = await journal.endpoints.endpoint(endpoint.id)
        assert kept is not None
        assert (kept.active, kept.disabled_reason) == (False, "gone")
        assert await claim(journal) == []
        assert await journal.gates.waiting(endpoint.id) == 2

    @promise
    async def test_whoever_switches_it_on_says_what_becomes_of_the_backlog(self, journal: Journal) -> None:
        for skip_backlog, expected in ((False, 2), (True, 0)):
            endpoint = await self._endpoint(journal)
            for _ in range(3):
                await journal.messages.publish(self.message())
            (claimed, *rest) = [one for one in await claim(journal) if one.work.target == endpoint.id]
            for one in rest:
                await journal.work.record(self.again(one, seconds=0))
            attempt = self.attempt(claimed, AttemptStatus.FAILED, error_code="gone")
            await journal.work.record(Outcome(work=claimed.work, state=State.FAILED, attempt=attempt))

            enabled = await journal.endpoints.enable(endpoint.id, skip_backlog=skip_backlog)

            assert (enabled.active, enabled.disabled_reason) == (True, None)
            assert await journal.gates.gate(endpoint.id) is None
            due = [one for one in await claim(journal) if one.work.target == endpoint.id]
            assert len(due) == expected
            await journal.endpoints.remove(endpoint.id)
        with pytest.raises(NotFound):
            await journal.endpoints.enable("ep_unknown")

    @promise
    async def test_a_dead_letter_is_told_to_who_names_it_and_never_of_itself(self, journal: Journal) -> None:
        everything = await self._endpoint(journal, events=("*",))
        listener = await self._endpoint(journal, events=("delivery.*",))
        await journal.messages.publish(self.message())

        (claimed,) = await claim(journal)
        await journal.work.record(self.dead(claimed))
        told = await self._claimed(journal)
        await journal.work.record(self.dead(told))

        assert claimed.work.target == everything.id
        assert (told.work.target, told.message and told.message.event) == (listener.id, "delivery.exhausted")
        assert told.message is not None
        assert told.message.operational
        facts = json.loads(told.message.body)["data"]
        assert facts["delivery_id"] == claimed.work.id
        assert await claim(journal) == []
        assert len(await journal.messages.messages()) == 2
