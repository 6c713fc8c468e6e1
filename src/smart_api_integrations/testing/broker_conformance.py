"""The proof of a broker: one class, every promise of ``brokers.broker``. Floor 10.

A broker's whole test is a class with what a test must do itself: make it, listen, and take it away::

    class TestMyBroker(BrokerConformance):
        async def make_broker(self) -> Broker: ...
        async def listen(self) -> Callable[[], Awaitable[BrokerEvent]]: ...
"""

from __future__ import annotations

import asyncio
import inspect
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar

from smart_api_integrations.brokers.broker import UNAVAILABLE, UNROUTED, Broker
from smart_api_integrations.core.broker_event import BrokerEvent
from smart_api_integrations.errors import DeliveryError

SECONDS = 20.0
Consume = Callable[[], Awaitable[BrokerEvent]]


def sample(number: int = 1, **values: Any) -> BrokerEvent:
    """Return an event with every attribute that there is."""
    given: dict[str, Any] = {
        "id": f"msg_{number:026d}",
        "type": "payment.completed",
        "source": "/webhooks/stripe/default",
        "time": "2026-01-01T12:00:00Z",
        "subject": "evt_1",
        "partition_key": "pi_1",
        "data": b'{"amount":25.99,"who":"\xc3\x89mile"}',
        "extensions": {"correlationid": "evt_1", "metadata": '{"a":"b"}'},
    } | values
    return BrokerEvent(**given)


class BrokerConformance:
    """Every promise of ``brokers.broker``, to be inherited by a broker's test class."""

    tells_unrouted: ClassVar[bool] = False
    """Capability: it says when nobody gets an event."""

    can_be_away: ClassVar[bool] = True
    """Capability: it is somewhere else, so that it can be lost."""

    @abstractmethod
    async def make_broker(self) -> Broker:
        """Return a broker, to the topic that ``listen`` listens to; called once in a test."""

    @abstractmethod
    async def listen(self) -> Consume:
        """Begin to listen, and return what waits for the next event that arrived."""

    def away(self) -> AbstractAsyncContextManager[None]:
        """Take the broker away, with every connection to it, for the time of the block."""
        raise NotImplementedError

    async def end(self) -> None:
        """Let go of what the test holds."""

    def play(self, story: Callable[[Broker], Awaitable[None]]) -> None:
        """Run *story* with a broker."""

        async def told() -> None:
            broker = await self.make_broker()
            try:
                async with asyncio.timeout(SECONDS):
                    await story(broker)
            finally:
                await broker.close()
                ended = self.end()
                if inspect.isawaitable(ended):
                    await ended

        asyncio.run(told())

    def test_an_event_arrives_with_its_attributes_and_its_exact_data(self) -> None:
        """What is consumed is what was published, byte by byte."""

        async def story(broker: Broker) -> None:
            consume = await self.listen()
            await broker.publish(sample())
            assert await consume() == sample()

        self.play(story)

    def test_what_is_optional_may_be_left_out(self) -> None:
        """An event without a cause, an order and extensions arrives as such."""

        async def story(broker: Broker) -> None:
            plain = sample(subject=None, partition_key=None, extensions={}, data=b"null")
            consume = await self.listen()
            await broker.publish(plain)
            assert await consume() == plain

        self.play(story)

    def test_a_large_event_and_an_odd_type_arrive(self) -> None:
        """A megabyte of data, and a type beyond ASCII with spaces and signs."""

        async def story(broker: Broker) -> None:
            large = sample(type="payment.abgeschlossen/über #*", data=b'"' + b"x" * 2**20 + b'"')
            consume = await self.listen()
            await broker.publish(large)
            assert await consume() == large

        self.play(story)

    def test_what_one_publishes_in_turn_arrives_in_turn(self) -> None:
        """Order is kept for who awaits one publish before the next."""

        async def story(broker: Broker) -> None:
            consume = await self.listen()
            for number in range(50):
                await broker.publish(sample(number))
            assert [(await consume()).id for _ in range(50)] == [sample(number).id for number in range(50)]

        self.play(story)

    def test_many_at_once_arrive_each_once(self) -> None:
        """Calls may overlap, the first ones before there is a connection."""

        async def story(broker: Broker) -> None:
            consume = await self.listen()
            await asyncio.gather(*(broker.publish(sample(number)) for number in range(200)))
            arrived = sorted([(await consume()).id for _ in range(200)])
            assert arrived == [sample(number).id for number in range(200)]

        self.play(story)

    def test_it_can_be_closed_twice_and_publishes_again(self) -> None:
        """Closing is idempotent and no end."""

        async def story(broker: Broker) -> None:
            consume = await self.listen()
            await broker.close()
            await broker.publish(sample(1))
            await broker.close()
            await broker.close()
            await broker.publish(sample(2))
            assert [(await consume()).id for _ in range(2)] == [sample(1).id, sample(2).id]

        self.play(story)

    def test_what_nobody_gets_is_told(self) -> None:
        """Where it can tell, an event without a taker is not taken as published."""
        if not self.tells_unrouted:
            return

        async def story(broker: Broker) -> None:
            assert await _code(broker.publish(sample())) == UNROUTED
            consume = await self.listen()
            await broker.publish(sample())
            assert await consume() == sample()

        self.play(story)

    def test_away_it_says_so_and_back_again_it_publishes(self) -> None:
        """A loss is told as such, within the time limit, and the next call connects anew."""
        if not self.can_be_away:
            return

        async def story(broker: Broker) -> None:
            consume = await self.listen()
            await broker.publish(sample(1))
            async with self.away():
                assert await _code(broker.publish(sample(2))) == UNAVAILABLE
                assert await _code(broker.publish(sample(2))) == UNAVAILABLE
            await _until_taken(broker, sample(2))
            assert [(await consume()).id for _ in range(2)] == [sample(1).id, sample(2).id]

        self.play(story)

    def test_away_from_the_start_it_says_so(self) -> None:
        """It need not be there when it is made."""
        if not self.can_be_away:
            return

        async def story(broker: Broker) -> None:
            consume = await self.listen()
            async with self.away():
                assert await _code(broker.publish(sample())) == UNAVAILABLE
            await _until_taken(broker, sample())
            assert await consume() == sample()

        self.play(story)


async def _code(publishing: Awaitable[None]) -> str:
    try:
        await publishing
    except DeliveryError as error:
        return error.code
    return "taken"


async def _until_taken(broker: Broker, event: BrokerEvent) -> None:
    """Publish *event* as a worker would: until it is taken, a lost connection may cost a call."""
    for _ in range(2):
        if await _code(broker.publish(event)) == "taken":
            return
    await broker.publish(event)
