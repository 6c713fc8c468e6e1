"""Promises about fair turns, pauses and rates. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from smart_api_integrations.core.journal import NewHandling
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


class TenantCases(JournalCase):
    """``WorkStore.claim`` among tenants, who know nothing of each other."""

    async def _tenant(self, journal: Journal, name: str, *, endpoints: int) -> None:
        for _ in range(endpoints):
            await journal.endpoints.add(self.endpoint(tenant=name))

    @promise
    async def test_a_tenants_long_backlog_delays_no_other_tenant(self, journal: Journal) -> None:
        await self._tenant(journal, "big", endpoints=1)
        await self._tenant(journal, "small", endpoints=1)
        for _ in range(300):
            await journal.messages.publish(self.message(tenant="big"))
        self.clock.advance(seconds=60)
        await journal.messages.publish(self.message(tenant="small"))

        taken = Counter(one.work.tenant for one in await claim(journal, limit=10))

        assert taken == {"big": 9, "small": 1}

    @promise
    async def test_a_tenant_with_many_endpoints_leaves_the_others_their_turn(self, journal: Journal) -> None:
        await self._tenant(journal, "big", endpoints=30)
        await self._tenant(journal, "small", endpoints=1)
        for _ in range(20):
            await journal.messages.publish(self.message(tenant="big"))
        self.clock.advance(seconds=60)
        await journal.messages.publish(self.message(tenant="small"))

        rounds = [await claim(journal, limit=10) for _ in range(4)]

        waited = next(
            number for number, taken in enumerate(rounds) if any(one.work.tenant == "small" for one in taken)
        )
        assert waited <= 3, "after every target of the others had one turn at the most"
        assert {len(taken) for taken in rounds} == {10}

    @promise
    async def test_retries_of_one_tenant_hold_up_nothing_fresh_of_another(self, journal: Journal) -> None:
        await self._tenant(journal, "failing", endpoints=2)
        await self._tenant(journal, "fine", endpoints=1)
        for _ in range(40):
            await journal.messages.publish(self.message(tenant="failing"))
        for one in await claim(journal):
            await journal.work.record(self.again(one, seconds=0))
        self.clock.advance(seconds=1)
        for _ in range(5):
            await journal.messages.publish(self.message(tenant="fine"))

        taken = Counter(one.work.tenant for one in await claim(journal, limit=8))

        assert taken["fine"] >= 2, "the fresh lane gets at least a quarter"

    @promise
    async def test_a_message_of_one_tenant_reaches_no_endpoint_of_another(self, journal: Journal) -> None:
        await self._tenant(journal, "one", endpoints=2)
        await self._tenant(journal, "other", endpoints=3)

        published = {
            tenant: (await journal.messages.publish(self.message(tenant=tenant))).deliveries
            for tenant in ("one", "other", "nobody", "default")
        }

        assert published == {"one": 2, "other": 3, "nobody": 0, "default": 0}
        tenants = {(one.work.tenant, one.endpoint and one.endpoint.tenant) for one in await claim(journal)}
        assert tenants == {("one", "one"), ("other", "other")}
