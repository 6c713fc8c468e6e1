"""Promises about handlings that publish, and about the broker as everybody's endpoint. Floor 10."""

# ruff: noqa: D102, ARG002 - a case's name is its promise; some need no journal but the one with a broker

from __future__ import annotations

from dataclasses import replace
from typing import Any

from smart_api_integrations.core.broker_event import BROKER
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import NewHandling
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import (
    ONE_HANDLER,
    JournalCase,
    claim,
    handoff,
    promise,
)

PUBLISHES = NewHandling(handler="forge:default:<publish>", max_attempts=4, publishes=("git.push", "git.tag"))


class BrokerCases(JournalCase):
    """What goes to the broker, and what is published only where it is wanted."""

    broker: Endpoint | None = None

    def options(self) -> dict[str, Any]:
        """Return the usual, and the broker."""
        return super().options() | ({} if self.broker is None else {"broker": self.broker})

    async def _with_broker(self, *events: str) -> Journal:
        self.broker = self.endpoint(id=BROKER, url="amqp://example", events=events or ("*",))
        try:
            return await self.another()
        finally:
            self.broker = None

    @promise
    async def test_a_handling_that_publishes_is_kept_where_an_endpoint_wants_it(
        self, journal: Journal
    ) -> None:
        other = await self.another()
        await journal.events.accept(self.event(), [PUBLISHES])
        unwanted = await claim(journal)
        await other.endpoints.add(self.endpoint(events=("git.t*",)))
        accepted = await journal.events.accept(self.event(), [*ONE_HANDLER, PUBLISHES], handoff=handoff())

        assert unwanted == []
        assert [each.work.target for each in accepted.claims] == [ONE_HANDLER[0].handler, PUBLISHES.handler]

    @promise
    async def test_endpoints_of_others_and_inactive_ones_want_nothing(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint(events=("order.*",)))
        await journal.endpoints.add(self.endpoint(tenant="acme"))
        await journal.endpoints.add(self.endpoint(active=False))

        await journal.events.accept(self.event(), [PUBLISHES])
        await journal.events.accept_all([(self.event(), [PUBLISHES])])

        assert await claim(journal) == []

    @promise
    async def test_the_broker_wants_it_too(self, journal: Journal) -> None:
        with_broker = await self._with_broker("git.*")
        await with_broker.events.accept(self.event(), [PUBLISHES])

        assert [each.work.target for each in await claim(journal)] == [PUBLISHES.handler]

    @promise
    async def test_the_broker_gets_messages_of_every_tenant_that_it_wants(self, journal: Journal) -> None:
        with_broker = await self._with_broker("order.*")
        endpoint = self.endpoint()
        await journal.endpoints.add(endpoint)

        both = await with_broker.messages.publish(self.message(), handoff=handoff())
        of_acme = await with_broker.messages.publish(self.message(tenant="acme"), handoff=handoff())
        other_type = await with_broker.messages.publish(self.message(event="git.push"))
        about_us = await with_broker.messages.publish(self.message(event="order.x", operational=True))

        assert {each.work.target for each in both.claims} == {endpoint.id, BROKER}
        assert [(each.work.target, each.endpoint) for each in of_acme.claims] == [
            (BROKER, with_broker_endpoint(self))
        ]
        assert (other_type.deliveries, about_us.deliveries) == (1, 0)

    @promise
    async def test_a_trace_shows_the_broker_among_the_endpoints(self, journal: Journal) -> None:
        with_broker = await self._with_broker()
        message = self.message()
        await with_broker.messages.publish(message)

        trace = await with_broker.messages.trace(message.id)

        assert trace is not None
        assert [part.target for part in trace.deliveries] == [BROKER]
        assert trace.endpoints[BROKER].url == "amqp://example"

    @promise
    async def test_a_broker_that_fails_for_days_is_left_alone_for_a_minute_and_never_switched_off(
        self, journal: Journal
    ) -> None:
        with_broker = await self._with_broker()
        for _ in range(12):
            await with_broker.messages.publish(self.message())
            for claimed in await claim(with_broker):
                await with_broker.work.record(self.dead(claimed))
        opened = await with_broker.gates.gate(BROKER)
        for _ in range(22):
            self.clock.advance(hours=6)
            for claimed in await claim(with_broker):
                await with_broker.work.record(self.again(claimed))
        gate = await with_broker.gates.gate(BROKER)
        await with_broker.messages.publish(self.message())
        self.clock.advance(minutes=1)

        assert opened is not None
        assert opened.opened_at is not None
        assert gate is not None
        assert gate.paused_at is None
        assert len(await claim(with_broker)) == 1

    @promise
    async def test_what_the_broker_is_sent_keeps_its_order(self, journal: Journal) -> None:
        with_broker = await self._with_broker()
        first, second = self.message(ordering_key="k"), self.message(ordering_key="k")
        await with_broker.messages.publish(first)
        await with_broker.messages.publish(second)

        (head,) = await claim(with_broker)
        assert head.work.subject_id == first.id
        await with_broker.work.record(replace(self.done(head), state=State.DELIVERED))
        (following,) = await claim(with_broker)

        assert following.work.subject_id == second.id


def with_broker_endpoint(case: JournalCase) -> Endpoint:
    """Return the broker of ``BrokerCases`` as it was made."""
    return case.endpoint(id=BROKER, url="amqp://example", events=("order.*",))
