"""Promises about fair turns, pauses, rates, breakers and switching off. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import AttemptStatus, Claim, NewHandling, Outcome
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.errors import NotFound
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import (
    HANDLER,
    ONE_HANDLER,
    TWO_HANDLERS,
    JournalCase,
    claim,
    handoff,
    promise,
)

SOURCE = "forge:default"


class FairnessCases(JournalCase):
    """``WorkStore.claim`` among many targets."""

    @promise
    async def test_a_long_backlog_of_one_target_delays_no_other(self, journal: Journal) -> None:
        for _ in range(200):
            await journal.events.accept(self.event(), ONE_HANDLER)
        self.clock.advance(seconds=60)
        for name in ("b", "c", "d"):
            await journal.events.accept(self.event(), [NewHandling(handler=name, max_attempts=1)])

        taken = Counter(one.work.target for one in await claim(journal, limit=8))

        assert {taken["b"], taken["c"], taken["d"]} == {1}
        assert taken[HANDLER] == 5

    @promise
    async def test_with_more_targets_than_places_each_has_its_turn(self, journal: Journal) -> None:
        names = [f"handler-{number}" for number in range(9)]
        for _ in range(4):
            handlings = [NewHandling(handler=name, max_attempts=1) for name in names]
            await journal.events.accept(self.event(), handlings)

        rounds = [[one.work.target for one in await claim(journal, limit=3)] for _ in range(3)]

        assert sorted(target for taken in rounds for target in taken) == names

    @promise
    async def test_what_some_leave_over_goes_to_the_others(self, journal: Journal) -> None:
        await journal.events.accept(self.event(), TWO_HANDLERS)
        for _ in range(9):
            await journal.events.accept(self.event(), ONE_HANDLER)

        assert len(await claim(journal, limit=11)) == 11


class PauseCases(JournalCase):
    """``GateStore``."""

    @promise
    async def test_what_is_paused_waits_and_is_counted(self, journal: Journal) -> None:
        other = await self.another()
        await journal.events.accept(self.event(), TWO_HANDLERS)

        gate = await other.gates.pause(HANDLER)
        await journal.events.accept(self.event(), TWO_HANDLERS)
        taken = [one.work.target for one in await claim(journal)]
        held = await journal.events.accept(self.event(), ONE_HANDLER, handoff=handoff())

        assert gate.paused_at == self.clock()
        assert (taken, list(held.claims)) == (["b", "b"], [])
        assert (await journal.gates.waiting(HANDLER), await journal.gates.waiting("b")) == (3, 0)
        assert list(await journal.gates.gates()) == [gate]
        assert await other.gates.gate(HANDLER) == await other.gates.pause(HANDLER) == gate

    @promise
    async def test_a_paused_source_holds_all_of_its_handlers(self, journal: Journal) -> None:
        await journal.gates.pause(SOURCE)
        for handler in (f"{SOURCE}:a", f"{SOURCE}:b", "forge:default2:c"):
            await journal.events.accept(self.event(), [NewHandling(handler=handler, max_attempts=1)])

        taken = [one.work.target for one in await claim(journal)]

        assert taken == ["forge:default2:c"]
        assert await journal.gates.waiting(SOURCE) == 2
        await journal.gates.resume(SOURCE)
        assert len(await claim(journal)) == 2

    @promise
    async def test_a_paused_endpoint_gets_nothing_in_either_lane_and_not_by_a_handoff(
        self, journal: Journal
    ) -> None:
        paused, other = self.endpoint(), self.endpoint()
        for endpoint in (paused, other):
            await journal.endpoints.add(endpoint)
        first = await journal.messages.publish(self.message(), handoff=handoff(other.id))
        await journal.work.record(self.again(first.claims[0], seconds=1))

        await journal.gates.pause(paused.id)
        second = await journal.messages.publish(self.message(), handoff=handoff())
        self.clock.advance(seconds=2)

        assert [one.work.target for one in second.claims] == [other.id]
        assert {one.work.target for one in await claim(journal)} == {other.id}
        assert await journal.gates.waiting(paused.id) == 2

    @promise
    async def test_a_backlog_resumes_at_the_chosen_rate_and_then_freely(self, journal: Journal) -> None:
        await journal.gates.pause(HANDLER)
        for _ in range(30):
            await journal.events.accept(self.event(), ONE_HANDLER)
        await journal.gates.resume(HANDLER, rate=20)

        taken = []
        for _ in range(10):
            taken.append(len(await claim(journal)))
            self.clock.advance(seconds=0.1)

        assert sum(taken) == pytest.approx(20, abs=3)
        assert max(taken) <= 3
        for _ in range(10):
            await claim(journal)
            self.clock.advance(seconds=0.1)
        assert await journal.gates.gate(HANDLER) is None
        for _ in range(30):
            await journal.events.accept(self.event(), ONE_HANDLER)
        assert len(await claim(journal)) == 30

    @promise
    async def test_next_due_says_when_a_gate_opens(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint(rate_limit=2))
        for _ in range(9):
            await journal.messages.publish(self.message())

        await claim(journal)
        wait = await journal.work.next_due()

        assert wait is not None
        assert timedelta(0) < wait <= timedelta(seconds=0.5)
        self.clock.advance(seconds=wait.total_seconds())
        assert len(await claim(journal)) == 1


class RateCases(JournalCase):
    """``Endpoint.rate_limit``."""

    @promise
    async def test_a_rate_holds_over_all_workers_and_lanes(self, journal: Journal) -> None:
        journals = (journal, await self.another())
        endpoint = self.endpoint(rate_limit=10)
        await journal.endpoints.add(endpoint)
        published = [await journal.messages.publish(self.message(), handoff=handoff()) for _ in range(60)]

        taken = []
        for step in range(40):
            claims = await claim(journals[step % 2], owner=f"worker-{step % 2}")
            taken.append(len(claims))
            for one in claims:
                again = step % 4 == 0 and not one.work.failures
                await journal.work.record(self.again(one, seconds=0) if again else self.done(one))
            self.clock.advance(seconds=0.05)

        assert {len(one.claims) for one in published} == {0}
        assert 18 <= sum(taken) <= 23

    @promise
    async def test_others_are_not_held_by_a_neighbours_rate(self, journal: Journal) -> None:
        slow, quick = self.endpoint(rate_limit=1), self.endpoint()
        for endpoint in (slow, quick):
            await journal.endpoints.add(endpoint)
        for _ in range(20):
            await journal.messages.publish(self.message())

        taken = Counter(one.work.target for one in await claim(journal))

        assert taken == {slow.id: 1, quick.id: 20}


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
