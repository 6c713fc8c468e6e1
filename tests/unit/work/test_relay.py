"""The relay: it hands on what it finds, looks again when woken, and survives a store that is away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from smart_api_integrations.core.journal import Claim, Handoff, Message, Published
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.telemetry import StoreFailed, Telemetry
from smart_api_integrations.work import relay as module
from smart_api_integrations.work.relay import Relay

MESSAGE = Message(id="msg_1", event="a.b", body=b"{}", created_at=datetime(2026, 1, 1, tzinfo=UTC))
CLAIM: Any = object()


class Outbox:
    """Has what it is told to have; each look takes the next."""

    def __init__(self, *found: Any) -> None:
        self.found = list(found)
        self.looks = 0
        self.empty = asyncio.Event()

    async def home(self) -> Any:
        raise NotImplementedError

    def warn_of_callers(self) -> None:
        raise NotImplementedError

    async def relay(self, handoff: Handoff | None = None) -> Sequence[tuple[Message, Published]]:
        assert handoff is None
        self.looks += 1
        if not self.found:
            self.empty.set()
            return ()
        next_one = self.found.pop(0)
        if isinstance(next_one, Exception):
            raise next_one
        return [(MESSAGE, next_one)]


class Taker:
    """An intake without room that notes what it is given."""

    def __init__(self) -> None:
        self.taken: list[Claim] = []

    def offer(self) -> None:
        return None

    def take(self, claims: Sequence[Claim]) -> None:
        self.taken += claims


async def relayed(outbox: Outbox, telemetry: Telemetry | None = None) -> tuple[list[Claim], list[str]]:
    """Run a relay until there is nothing left."""
    taker = Taker()
    told: list[str] = []
    relay = Relay(
        outbox,
        intake=taker,
        on_published=lambda messages: told.extend(message.id for message in messages),
        telemetry=telemetry or Telemetry(),
    )
    relay.start()
    async with asyncio.timeout(20):
        await outbox.empty.wait()
    await relay.stop()
    await relay.stop()
    return taker.taken, told


async def test_it_goes_on_until_there_is_nothing_more() -> None:
    first = Published(message_id="msg_1", deliveries=1, claims=(CLAIM,))
    second = Published(message_id="msg_1", deliveries=0)

    assert await relayed(Outbox(first, second)) == ([CLAIM], ["msg_1", "msg_1"])


@pytest.mark.parametrize("fault", [StorageUnavailable("away"), ValueError("a bug")])
async def test_a_fault_does_not_end_it(fault: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.001)
    telemetry = Telemetry()
    heard: list[Any] = []
    telemetry.subscribe(StoreFailed, heard.append)

    _, told = await relayed(Outbox(fault, Published(message_id="msg_1", deliveries=0)), telemetry)

    assert told == ["msg_1"]
    assert heard == ([StoreFailed("relay", "away")] if isinstance(fault, StorageUnavailable) else [])


async def test_a_wake_up_makes_it_look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 3600)
    outbox = Outbox()
    relay = Relay(outbox, intake=Taker(), on_published=lambda _: None, telemetry=Telemetry())
    relay.start()
    async with asyncio.timeout(20):
        await outbox.empty.wait()
        outbox.empty.clear()
        relay.wake()
        await outbox.empty.wait()
    await relay.stop()

    assert outbox.looks == 2
